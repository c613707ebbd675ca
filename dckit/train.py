"""Training a network on images and labels, and testing it: what both stages share."""

import torch
from torch import Tensor, nn

from .augment import augment
from .data import ImageData, Split
from .layers import Bfloat16
from .matching import gradients_and_logits
from .models import build
from .recipes import Recipe
from .runtime import side_by_side


def fresh_network(real: ImageData, recipe: Recipe) -> nn.Module:
    """A network of random weights for the dataset, on the CPU. Raises ValueError where it cannot take its images.

    It is that of stage C; ``recipe.tested`` has that of stage T.
    """
    network = build(recipe.network, real.shape, len(real.classes), recipe.version, recipe.width)
    return Bfloat16(network) if recipe.precision == "bfloat16" else network


def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    batch: int | None,
    augmentation: str = "none",
) -> Tensor:
    """One pass over images and labels in shuffled, augmented batches (None: all at once), in training mode.

    Returns for each image whether the network named it right when its turn came, just before the step: (n,) bool.
    """
    images, labels = data
    network.train()
    order = torch.randperm(len(labels)).to(labels.device)
    right = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    for index in order.split(batch or len(order)):
        changed = augment(images[index], augmentation)
        grads, logits = gradients_and_logits(network, changed, labels[index])
        for parameter, grad in zip(network.parameters(), grads, strict=True):
            parameter.grad = grad
        optimizer.step()
        right[index] = logits.argmax(1) == labels[index]
    return right


def accuracy(network: nn.Module, test: Split, batch: int = 50) -> float:
    """Share of the test images that the network names right, in %."""
    network.eval()

    @torch.inference_mode()
    def right(start: int) -> Tensor:
        images, labels = test[start : start + batch]
        return (network(images).argmax(1) == labels).sum()

    starts = ((start,) for start in range(0, len(test), batch))
    return 100 * float(torch.stack(list(side_by_side(right, starts, test.labels.device))).sum()) / len(test)
