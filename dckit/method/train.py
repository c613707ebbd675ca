"""Training a network on images and labels, and testing it. Both stages use this."""

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import Bfloat16, as_torchs_own, descend, dropping_out, sent, side_by_side, steady
from .augment import augment
from .choices import Choices
from .networks import build

TEST_BATCH, LARGE_TEST_BATCH = 50, 1000  # images tested at once on a CPU, where they fit into its cache, and on a GPU


def fresh_network(real: ImageData, choices: Choices, generator: torch.Generator | None = None) -> nn.Module:
    """A network with random weights for a dataset, on the CPU. Raises ValueError if it cannot take the images."""
    with as_torchs_own(generator):
        network = build(choices.network, real.shape, len(real.classes), choices.version, choices.width)
    return Bfloat16(network) if choices.precision == "bfloat16" else network


def features(network: nn.Module) -> nn.Module:
    """The layers of a network before its last linear layer. Raises ValueError if it is not an `nn.Sequential`."""
    if isinstance(network, Bfloat16):
        return Bfloat16(features(network.network))
    layers = list(network) if isinstance(network, nn.Sequential) else []
    linear = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    if not linear:
        raise ValueError("features are taken before the last linear layer of an nn.Sequential: build gives one")
    return nn.Sequential(*layers[: linear[-1]])


def redraw(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    real: ImageData,
    choices: Choices,
    generator: torch.Generator | None = None,
) -> None:
    """Reset a network and its optimiser: new random weights in the same tensors, and momentum 0."""
    fresh = fresh_network(real, choices, generator).state_dict()
    with torch.no_grad():
        for state in optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        for name, own in network.state_dict().items():
            own.copy_(sent(fresh[name], own.device))


def hold_batch_norm(network: nn.Module, real: Split, n: int, generator: torch.Generator | None = None) -> None:
    """Set the running statistics of batch norm with ``n`` real images of each class, then freeze them.

    Batch norm over images of one class removes what distinguishes that class. One pass in training mode moves the
    running statistics by their momentum, a tenth of the way, as in the published code. A network without batch
    norm is left as it is.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    if not layers:
        return
    network.train()
    with torch.no_grad():
        network(torch.cat([real.sample(c, n, generator)[0] for c in range(len(real.by_class))]))
    for layer in layers:
        layer.eval()


@steady()
def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    batch: int | None,
    augmentation: str = "none",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Train a network for one pass over images and labels, in shuffled and augmented batches.

    data: images (n, channels, height, width) and labels (n,). batch: images per step; None: all of them. augmentation:
    as for `augment`. generator: source of all random numbers (None: torch's global one). Returns (n,) bool: whether
    the network classified each image correctly in the step that trained on it.
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
