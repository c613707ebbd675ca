"""ConvNet's variants against a forward pass written with functions alone, in the order of the published parameters."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dckit import build
from dckit.method.convnets import ACTIVATIONS, DEPTHS, NORMS, POOLINGS

GREY, COLOUR = (1, 28, 28), (3, 32, 32)
CHOICES = {"depth": DEPTHS, "activation": tuple(ACTIVATIONS), "pooling": POOLINGS, "norm": NORMS}
DEFAULT = {"depth": 3, "activation": "relu", "pooling": "average", "norm": "instance"}
ACTS = {"sigmoid": torch.sigmoid, "relu": F.relu, "leakyrelu": lambda x: F.leaky_relu(x, 0.01)}
ACTS["swish"] = lambda x: x * torch.sigmoid(x)
POOLS = {"none": lambda x: x, "max": lambda x: F.max_pool2d(x, 2), "average": lambda x: F.avg_pool2d(x, 2)}


def normed(name, x, scale, shift):
    """A norm by its definition: over what it takes mean and variance."""
    n, c, h, w = x.shape
    groups = {"instance": c, "group": 4, "layer": 1, "batch": None}[name]
    if name == "batch":
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        out = (x - mean) / (var + 1e-5).sqrt()
    else:
        parts = x.reshape(n, groups, -1)
        mean, var = parts.mean(2, keepdim=True), parts.var(2, unbiased=False, keepdim=True)
        out = ((parts - mean) / (var + 1e-5).sqrt()).reshape(x.shape)
    view = (1, c, h, w) if name == "layer" else (1, c, 1, 1)
    return out * scale.reshape(view) + shift.reshape(view)


def forward(theta, images, depth, activation, pooling, norm):
    theta = iter(theta)
    x = images
    for block in range(depth):
        x = F.conv2d(x, next(theta), next(theta), padding=3 if block == 0 and images.shape[1] == 1 else 1)
        if norm != "none":
            x = normed(norm, x, next(theta), next(theta))
        x = POOLS[pooling](ACTS[activation](x))
    return F.linear(x.flatten(1), next(theta), next(theta))


VARIANTS = [DEFAULT | {name: value} for name, values in CHOICES.items() for value in values]
VARIANTS += [dict(zip(CHOICES, mixed, strict=True)) for mixed in product((1, 2), ("swish",), ("none", "max"), NORMS)]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_variant_computes_what_the_published_one_does(variant, shape):
    torch.manual_seed(0)
    network = build("ConvNet", shape, 10, width=8, **variant).double()
    with torch.no_grad():
        for p in network.parameters():
            p.normal_(std=0.3)
    images = torch.randn(3, *shape, dtype=torch.float64)
    expected = forward(network.parameters(), images, **variant)
    assert torch.allclose(network(images), expected, atol=1e-9)
    assert expected.std() > 1e-3


def test_the_default_is_the_papers_convnet():
    torch.manual_seed(0)
    plain = build("ConvNet", GREY, 10)
    torch.manual_seed(0)
    variant = build("ConvNet", GREY, 10, **DEFAULT)
    assert str(plain) == str(variant)
    for a, b in zip(plain.parameters(), variant.parameters(), strict=True):
        assert torch.equal(a, b)
    assert sum(isinstance(m, nn.GroupNorm) for m in plain.modules()) == 3


@pytest.mark.parametrize(
    ("name", "version", "variant", "sentence"),
    [
        ("ConvNet", "published", {"depth": 5}, "depth 5: expected one of 1, 2, 3, 4"),
        ("ConvNet", "published", {"depth": True}, "depth True: expected one of 1, 2, 3, 4"),
        ("ConvNet", "published", {"norm": "instancenorm"}, "norm 'instancenorm': expected one of none, batch, layer"),
        ("ConvNet", "published", {"activation": "tanh"}, "activation 'tanh': expected one of sigmoid, relu"),
        ("ConvNet", "published", {"colour": 1}, "the published ConvNet has no colour: only the published ConvNet has"),
        ("ConvNet", "report", {"depth": 2}, "the report ConvNet has no depth"),
        ("LeNet", "published", {"depth": 2}, "the published LeNet has no depth: only the published ConvNet has"),
    ],
)
def test_what_is_no_variant_is_refused(name, version, variant, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(name, GREY, 10, version, 8, **variant)
