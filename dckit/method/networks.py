"""The six networks of Table 2: as published, and three of them as the report built them.

Each is a plain ``nn.Sequential`` with the parameters in the order of the published code, so that weights can be copied
from one to the other. ``LazyLinear`` layers take their input size from the first image, in ``build``.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data import Shape
from ..engine import AvgPool2x2, Dropout, Resize, steady
from .convnets import convnet, convnet_report, is_grey

Version = Literal[
    "published",
    "report",
    # the report's networks with one or two parts changed: LeNet's activation, AlexNet's softmax and dropout
    "report with ReLU",
    "report without softmax",
    "report without dropout",
    "report without softmax and dropout",
]

VARIANTS = {"depth", "activation", "pooling", "norm"}  # options of the published ConvNet
VARIED = ", ".join(sorted(VARIANTS))


@steady()
def build(
    name: str, shape: Shape, classes: int, version: str = "published", width: int = 128, **variant: int | str
) -> nn.Module:
    """A freshly initialised network from images ``(batch, *shape)`` to logits ``(batch, classes)``.

    name: MLP, ConvNet, LeNet, AlexNet, VGG11 or ResNet18. With VGG11BN and ResNet18BN_AP the published code condenses
    where it tests with VGG11 and ResNet18. version: ``"published"``, or ``"report"`` for the report's ConvNet, LeNet
    and AlexNet (its MLP is the published one), or a version between the two, see `Version`. width: channels of
    ConvNet's layers; below 128 the channels of AlexNet, VGG11 and ResNet18 are reduced in the same proportion, while
    MLP and LeNet keep their size. variant: options of the published ConvNet: ``depth`` (1 to 4), ``activation``
    (sigmoid, relu, leakyrelu, swish), ``pooling`` (none, max, average), ``norm`` (none, batch, layer, instance, group).
    Raises ValueError for an unknown name, version or option, and for images that the network cannot take.
    """
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}: expected one of {', '.join(NETWORKS)}")
    version = version.replace("original", "report", 1)  # its name in version 0.1 of the kit
    if version not in NETWORKS[name]:
        raise ValueError(f"unknown version {version!r} of {name}: expected one of {', '.join(NETWORKS[name])}")
    if strange := set(variant) - (VARIANTS if (name, version) == ("ConvNet", "published") else set()):
        raise ValueError(f"the {version} {name} has no {min(strange)}: only the published ConvNet has {VARIED}")
    network = NETWORKS[name][version](shape, classes, width, **variant)
    try:
        with torch.no_grad():  # one blank image sets the lazy sizes; in eval mode batch norm does not change
            network.eval()(torch.zeros(1, *shape))
    except (RuntimeError, ValueError) as error:
        size = "×".join(map(str, shape))
        raise ValueError(f"{name} cannot take images of {size} (channels × height × width): {error}") from None
    return network.train()


def _part(channels: int, width: int) -> int:
    """The number of channels that ``channels`` become at ``width`` instead of 128."""
    return max(1, channels * width // 128)


def mlp(shape: Shape, classes: int, width: int) -> nn.Sequential:
    """Two hidden layers of 128 units, with ReLU."""
    return nn.Sequential(
        nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, classes)
    )


def _norm(width: int, batch: bool = False) -> nn.Module:
    """Instance norm with scale and shift, which is group norm with one group per channel; or batch norm."""
    return nn.BatchNorm2d(width) if batch else nn.GroupNorm(width, width)


def lenet(shape: Shape, classes: int, width: int) -> nn.Sequential:
    """LeNet as published: ReLU and max pool."""
    conv = nn.Conv2d(shape[0], 6, 5, padding=2 if is_grey(shape[0]) else 0)
    return _lenet(conv, nn.ReLU, nn.MaxPool2d(2), classes)


def lenet_report(shape: Shape, classes: int, width: int, act: Callable[[], nn.Module] = nn.Sigmoid) -> nn.Sequential:
    """LeNet as the report built it: sigmoid, average pool and no padding."""
    return _lenet(nn.Conv2d(shape[0], 6, 5), act, AvgPool2x2(), classes)


def _lenet(conv: nn.Conv2d, act: Callable[[], nn.Module], pool: nn.Module, classes: int) -> nn.Sequential:
    features = [conv, act(), pool, nn.Conv2d(6, 16, 5), act(), pool, nn.Flatten()]
    return nn.Sequential(*features, nn.LazyLinear(120), act(), nn.Linear(120, 84), act(), nn.Linear(84, classes))


def alexnet(shape: Shape, classes: int, width: int) -> nn.Sequential:
    """AlexNet as published: small kernels, one linear layer, no dropout."""
    pool = nn.MaxPool2d(2)
    a, b, c = (_part(n, width) for n in (128, 192, 256))
    convs = [
        (nn.Conv2d(shape[0], a, 5, padding=4 if is_grey(shape[0]) else 2), pool),
        (nn.Conv2d(a, b, 5, padding=2), pool),
        (nn.Conv2d(b, c, 3, padding=1), nn.Identity()),
        (nn.Conv2d(c, b, 3, padding=1), nn.Identity()),
        (nn.Conv2d(b, b, 3, padding=1), pool),
    ]
    features = [layer for conv, after in convs for layer in (conv, nn.ReLU(), after)]
    return nn.Sequential(*features, nn.Flatten(), nn.LazyLinear(classes))


def alexnet_report(shape: Shape, classes: int, width: int, softmax: bool = True, dropout: float = 0.5) -> nn.Sequential:
    """AlexNet as the report built it: resize, large kernels, dropout, and a softmax before the cross-entropy.

    Because the cross-entropy gets probabilities instead of logits, it cannot fall below 1.461 for ten classes.
    """
    pool = nn.MaxPool2d(3, 2)
    a, b, c, dense = (_part(n, width) for n in (96, 256, 384, 4096))
    features = [
        *(Resize(227), nn.Conv2d(shape[0], a, 11, stride=4), nn.ReLU(), pool),
        *(nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), pool),
        *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(c, c, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(c, b, 3, padding=1), nn.ReLU(), pool),
    ]
    head = [Dropout(dropout), nn.Flatten(), nn.Linear(6 * 6 * b, dense), nn.ReLU(), Dropout(dropout)]
    head += [nn.Linear(dense, dense), nn.ReLU(), nn.Linear(dense, classes)]
    return nn.Sequential(*features, *head, *([nn.Softmax(dim=1)] if softmax else []))


def vgg11(shape: Shape, classes: int, width: int, batch_norm: bool = False) -> nn.Sequential:
    """VGG-11 with instance norm, or batch norm, and one linear layer."""
    layers: list[nn.Module] = []
    inputs = shape[0]
    for block in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for outputs in (_part(n, width) for n in block):
            pad = 3 if not layers and is_grey(shape[0]) else 1
            layers += [nn.Conv2d(inputs, outputs, 3, padding=pad), _norm(outputs, batch_norm), nn.ReLU()]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(classes))


class _Block(nn.Module):
    """ResNet's basic block. With ``pool``, a convolution of stride 1 and a 2×2 average pool replace stride 2."""

    def __init__(self, inputs: int, width: int, stride: int, batch_norm: bool, pool: bool) -> None:
        super().__init__()
        step = 1 if pool else stride
        shrink: nn.Module = AvgPool2x2() if pool and stride > 1 else nn.Identity()
        self.residual = nn.Sequential(
            *(nn.Conv2d(inputs, width, 3, step, padding=1, bias=False), _norm(width, batch_norm), nn.ReLU(), shrink),
            *(nn.Conv2d(width, width, 3, padding=1, bias=False), _norm(width, batch_norm)),
        )
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != width:
            conv = nn.Conv2d(inputs, width, 1, step, bias=False)
            self.shortcut = nn.Sequential(conv, shrink, _norm(width, batch_norm))

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(self.residual(images) + self.shortcut(images))


def resnet18(shape: Shape, classes: int, width: int, batch_norm: bool = False, pool: bool = False) -> nn.Sequential:
    """ResNet-18 with a 3×3 stem and instance norm.

    pool: the variant with which the published code condenses: average pools instead of strides, and a linear layer on
    the whole last feature map instead of on its 4×4 average.
    """
    widths = [_part(n, width) for n in (64, 64, 64, 128, 128, 256, 256, 512, 512)]
    stem = [nn.Conv2d(shape[0], widths[0], 3, padding=1, bias=False), _norm(widths[0], batch_norm), nn.ReLU()]
    strides = (1, 1, 2, 1, 2, 1, 2, 1)
    blocks = [_Block(i, o, s, batch_norm, pool) for i, o, s in zip(widths[:-1], widths[1:], strides, strict=True)]
    average = nn.Identity() if pool else nn.AvgPool2d(4)
    return nn.Sequential(*stem, *blocks, average, nn.Flatten(), nn.LazyLinear(classes))


NETWORKS: dict[str, dict[str, Callable[..., nn.Sequential]]] = {
    "MLP": {"published": mlp, "report": mlp},
    "ConvNet": {"published": convnet, "report": convnet_report},
    "LeNet": {
        "published": lenet,
        "report": lenet_report,
        "report with ReLU": partial(lenet_report, act=nn.ReLU),
    },
    "AlexNet": {
        "published": alexnet,
        "report": alexnet_report,
        "report without softmax": partial(alexnet_report, softmax=False),
        "report without dropout": partial(alexnet_report, dropout=0.0),
        "report without softmax and dropout": partial(alexnet_report, softmax=False, dropout=0.0),
    },
    "VGG11": {"published": vgg11},
    "ResNet18": {"published": resnet18},
    "VGG11BN": {"published": partial(vgg11, batch_norm=True)},
    "ResNet18BN_AP": {"published": partial(resnet18, batch_norm=True, pool=True)},
}
