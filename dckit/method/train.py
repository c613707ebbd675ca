"""Training a network on images and labels, and testing it: what both stages share."""

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import Bfloat16, as_torchs_own, descend, dropping_out, sent, side_by_side, steady
from .augment import augment
from .choices import Choices
from .networks import build

TEST_BATCH, LARGE_TEST_BATCH = 50, 1000  # images tested together: what a CPU's cache holds, and what fills a GPU


def fresh_network(real: ImageData, choices: Choices, generator: torch.Generator | None = None) -> nn.Module:
    """A network of random weights for the dataset, on the CPU. Raises ValueError where it cannot take its images."""
    with as_torchs_own(generator):
        network = build(choices.network, real.shape, len(real.classes), choices.version, choices.width)
    return Bfloat16(network) if choices.precision == "bfloat16" else network


def redraw(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    real: ImageData,
    choices: Choices,
    generator: torch.Generator | None = None,
) -> None:
    """Let the network start anew: new random weights in the tensors that it has, and an optimiser at rest."""
    fresh = fresh_network(real, choices, generator).state_dict()
    with torch.no_grad():
        for state in optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        for name, own in network.state_dict().items():
            own.copy_(sent(fresh[name], own.device))


@steady()
def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    batch: int | None,
    augmentation: str = "none",
    generator: torch.Generator | None = None,
) -> Tensor:
    """One pass over images and labels in shuffled, augmented batches (None: all at once), in training mode.

    generator: of all random numbers, None: torch's own. Returns for each image whether the network classified it
    correctly when its turn came: (n,) bool.
    """
    images, labels = data
    network.train()
    order = sent(torch.randperm(len(labels), generator=generator), labels.device)
    right = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    with dropping_out(generator):
        for index in order.split(batch or len(order)):
            logits = descend(network, optimizer, augment(images[index], augmentation, generator), labels[index])
            right[index] = logits.argmax(1) == labels[index]
    return right


@steady()
def accuracy(network: nn.Module, test: Split) -> float:
    """Share of the test images that the network classifies correctly, in %."""
    network.eval()
    batch = TEST_BATCH if test.labels.device.type == "cpu" else LARGE_TEST_BATCH

    @torch.inference_mode()
    def right(start: int) -> Tensor:
        images, labels = test[start : start + batch]
        return (network(images).argmax(1) == labels).sum()

    starts = ((start,) for start in range(0, len(test), batch))
    return 100 * float(torch.stack(list(side_by_side(right, starts, test.labels.device))).sum()) / len(test)
