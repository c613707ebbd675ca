"""Training a network on images and labels, and testing it: what both stages share."""

import torch
from torch import Tensor, nn

from .augment import augment
from .concurrency import side_by_side
from .data import ImageData, Split
from .layers import Bfloat16, dropping_out
from .matching import gradients_and_logits
from .models import build
from .recipes import Recipe
from .replay import Replay
from .runtime import as_torchs_own, sent

TEST_BATCH, LARGE_TEST_BATCH = 50, 1000  # images tested together: what a CPU's cache holds, and what fills a GPU


def fresh_network(real: ImageData, recipe: Recipe, generator: torch.Generator | None = None) -> nn.Module:
    """A network of random weights for the dataset, on the CPU. Raises ValueError where it cannot take its images.

    It is that of stage C; ``recipe.tested`` has that of stage T.
    """
    with as_torchs_own(generator):
        network = build(recipe.network, real.shape, len(real.classes), recipe.version, recipe.width)
    return Bfloat16(network) if recipe.precision == "bfloat16" else network


def redraw(step: Replay, real: ImageData, recipe: Recipe, generator: torch.Generator | None = None) -> None:
    """Let the step's network start anew: new random weights in the tensors that it has, and no momentum."""
    fresh = fresh_network(real, recipe, generator).state_dict()
    with torch.no_grad():
        for tensor in step.changes:
            tensor.zero_()
        for name, own in step.network.state_dict().items():
            own.copy_(sent(fresh[name], own.device))


def training_step(network: nn.Module, optimizer: torch.optim.SGD) -> Replay:
    """A step down the mean cross-entropy: a function of images and labels that returns the logits before it.

    The optimiser's rate is fixed from here on: one that has changed needs a new step.
    """
    parameters = list(network.parameters())
    for parameter in parameters if optimizer.defaults["momentum"] else ():  # as if it had stood still
        optimizer.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))

    def step(images: Tensor, labels: Tensor) -> tuple[Tensor]:
        grads, logits = gradients_and_logits(network, images, labels)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad
        optimizer.step()
        return (logits,)

    velocities = [state["momentum_buffer"] for state in optimizer.state.values()]
    return Replay(step, network, [*parameters, *network.buffers(), *velocities])


def train_epoch(
    step: Replay,
    data: tuple[Tensor, Tensor],
    batch: int | None,
    augmentation: str = "none",
    generator: torch.Generator | None = None,
) -> Tensor:
    """One pass over images and labels in shuffled, augmented batches (None: all at once), in training mode.

    step: see `training_step`; generator: of all random numbers, None: torch's own.
    Returns for each image whether the network named it right when its turn came: (n,) bool.
    """
    images, labels = data
    step.network.train()
    order = sent(torch.randperm(len(labels), generator=generator), labels.device)
    right = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    with dropping_out(generator):
        for index in order.split(batch or len(order)):
            (logits,) = step(augment(images[index], augmentation, generator), labels[index])
            right[index] = logits.argmax(1) == labels[index]
    return right


def accuracy(network: nn.Module, test: Split) -> float:
    """Share of the test images that the network names right, in %."""
    network.eval()
    batch = TEST_BATCH if test.labels.device.type == "cpu" else LARGE_TEST_BATCH

    @torch.inference_mode()
    def right(start: int) -> Tensor:
        images, labels = test[start : start + batch]
        return (network(images).argmax(1) == labels).sum()

    starts = ((start,) for start in range(0, len(test), batch))
    return 100 * float(torch.stack(list(side_by_side(right, starts, test.labels.device))).sum()) / len(test)
