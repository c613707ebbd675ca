"""The paper's ConvNet: as published, as the report built it, and with the options of the published code."""

from itertools import pairwise

from torch import nn

from ..data import Shape
from ..engine import AvgPool2x2

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "swish": nn.SiLU,
}
POOLINGS = ("none", "max", "average")
NORMS = ("none", "batch", "layer", "instance", "group")
DEPTHS = (1, 2, 3, 4)
GROUPS = 4  # of group norm


def is_grey(channels: int) -> bool:
    """Whether the published code's extra padding applies: it brings MNIST's 28×28 to the 32×32 of colour images."""
    return channels == 1


def convnet(
    shape: Shape,
    classes: int,
    width: int,
    depth: int = 3,
    activation: str = "relu",
    pooling: str = "average",
    norm: str = "instance",
    padding: int | None = None,
) -> nn.Sequential:
    """``depth`` blocks of convolution, norm, activation and pool, then one linear layer.

    padding: of the first convolution; None: 3 on grey images (28 → 32 → 16 → 8 → 4), 1 on others. Raises ValueError for
    an unknown option.
    """
    known = {"depth": DEPTHS, "activation": tuple(ACTIVATIONS), "pooling": POOLINGS, "norm": NORMS}
    for name, value in {"depth": depth, "activation": activation, "pooling": pooling, "norm": norm}.items():
        if isinstance(value, bool) or value not in known[name]:
            raise ValueError(f"{name} {value!r}: expected one of {', '.join(map(str, known[name]))}")
    channels, *sides = shape
    first = padding if padding is not None else 3 if is_grey(channels) else 1
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((channels, *[width] * depth)):
        pad = 1 if layers else first
        sides = [side + 2 * pad - 2 for side in sides]
        layers += [nn.Conv2d(inputs, outputs, 3, padding=pad), *_norm(norm, width, sides), _activation(activation)]
        if pooling != "none":
            layers.append(AvgPool2x2() if pooling == "average" else nn.MaxPool2d(2))
            sides = [side // 2 for side in sides]
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(classes))


def convnet_report(shape: Shape, classes: int, width: int) -> nn.Sequential:
    """The ConvNet of the report. Its padding is always 1: 28 → 14 → 7 → 3."""
    return convnet(shape, classes, width, padding=1)


def _activation(name: str) -> nn.Module:
    return nn.ReLU(inplace=True) if name == "relu" else ACTIVATIONS[name]()


def _norm(name: str, width: int, sides: list[int]) -> list[nn.Module]:
    """A norm with scale and shift. Instance norm is group norm with one group per channel."""
    if name == "none":
        return []
    if name == "layer":
        return [nn.LayerNorm([width, *sides])]
    return [nn.BatchNorm2d(width) if name == "batch" else nn.GroupNorm(width if name == "instance" else GROUPS, width)]
