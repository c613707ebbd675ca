import math
from functools import partial

import oracles
import pytest
import torch
from torch import nn

from dckit import build
from dckit.engine import AvgPool2x2, Bfloat16
from dckit.method import NETWORKS

GREY, COLOUR = (1, 28, 28), (3, 32, 32)

PARAMETERS = {  # name, version: on 1×28×28, on 3×32×32
    ("MLP", "published"): (118_282, 411_146),
    ("MLP", "report"): (118_282, 411_146),
    ("ConvNet", "published"): (317_706, 320_010),
    ("ConvNet", "report"): (308_746, 320_010),
    ("LeNet", "published"): (61_706, 62_006),
    ("LeNet", "report"): (44_426, 62_006),
    ("LeNet", "report with ReLU"): (44_426, 62_006),
    ("AlexNet", "published"): (1_865_802, 1_872_202),
    **{
        ("AlexNet", f"report{without}"): (58_299_082, 58_322_314)
        for without in ("", " without softmax", " without dropout", " without softmax and dropout")
    },
    ("VGG11", "published"): (9_229_962, 9_231_114),
    ("VGG11BN", "published"): (9_229_962, 9_231_114),
    ("ResNet18", "published"): (11_172_810, 11_173_962),
    ("ResNet18BN_AP", "published"): (11_213_770, 11_250_762),
}

ORACLES = [
    ("MLP", "published", oracles.mlp),
    ("LeNet", "published", oracles.lenet),
    ("LeNet", "report", oracles.lenet_original),
    ("AlexNet", "published", oracles.alexnet),
    ("VGG11", "published", oracles.vgg11),
    ("VGG11BN", "published", oracles.vgg11bn),
    ("ResNet18", "published", oracles.resnet18),
    ("ResNet18BN_AP", "published", oracles.resnet18bn_ap),
]


def randomise(network):
    """Random parameters that keep the size of the signal, so that two of them in the wrong order show."""
    with torch.no_grad():
        for p in network.parameters():
            if p.ndim > 1:
                p.normal_(std=math.sqrt(2 / p[0].numel()))
            else:
                p.uniform_(-0.5, 1.5)


def relative_error(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def assert_logits_equal(network, forward, shape):
    torch.manual_seed(1)
    randomise(network)
    images = torch.randn(2, *shape)
    with torch.no_grad():
        found, expected = network(images), forward(list(network.parameters()), images)
    assert found.shape == (2, 10)
    assert expected.std() > 0
    assert relative_error(found, expected) < 1e-4


def test_every_network_and_version_is_counted_here():
    assert {(name, version) for name, versions in NETWORKS.items() for version in versions} == set(PARAMETERS)


@pytest.mark.parametrize(("name", "version"), PARAMETERS)
def test_networks_have_the_published_numbers_of_parameters_and_come_in_training_mode(name, version):
    for shape, expected in zip((GREY, COLOUR), PARAMETERS[name, version], strict=True):
        network = build(name, shape, 10, version)
        assert sum(p.numel() for p in network.parameters()) == expected
        assert all(module.training for module in network.modules())
        assert all(p.requires_grad and p.grad is None for p in network.parameters())


@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize(("name", "version", "forward"), ORACLES)
def test_logits_equal_the_functional_networks(name, version, forward, shape):
    assert_logits_equal(build(name, shape, 10, version).eval(), forward, shape)


@pytest.mark.parametrize(
    ("version", "shape", "padding"),
    [("published", GREY, 3), ("published", COLOUR, 1), ("report", GREY, 1), ("report", COLOUR, 1)],
)
def test_convnets_logits_equal_the_functional_network(version, shape, padding):
    network = build("ConvNet", shape, 10, version, width=16)
    assert_logits_equal(network, partial(oracles.convnet, padding=padding), shape)


def test_convnets_width_is_that_of_each_of_its_layers():
    network = build("ConvNet", GREY, 10, width=12)
    assert [m.out_channels for m in network if isinstance(m, nn.Conv2d)] == [12, 12, 12]


CHANNELS = {  # of the convolutions, at 128 and at 64
    ("AlexNet", "published"): ([128, 192, 256, 192, 192], [64, 96, 128, 96, 96]),
    ("AlexNet", "report"): ([96, 256, 384, 384, 256], [48, 128, 192, 192, 128]),
    ("VGG11", "published"): ([64, 128, 256, 256, 512, 512, 512, 512], [32, 64, 128, 128, 256, 256, 256, 256]),
    ("VGG11BN", "published"): ([64, 128, 256, 256, 512, 512, 512, 512], [32, 64, 128, 128, 256, 256, 256, 256]),
}


def convolutions(network):
    return [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]


@pytest.mark.parametrize(("name", "version"), CHANNELS)
def test_below_128_the_channels_of_the_large_networks_shrink_alike(name, version):
    for width, expected in zip((128, 64), CHANNELS[name, version], strict=True):
        assert convolutions(build(name, GREY, 10, version, width)) == expected


@pytest.mark.parametrize("name", ["ResNet18", "ResNet18BN_AP"])
def test_below_128_the_channels_of_resnet_shrink_alike(name):
    full = [64] * 5 + [128] * 4 + [256] * 4 + [512] * 4
    assert convolutions(build(name, GREY, 10)) == full
    assert convolutions(build(name, GREY, 10, width=32)) == [n // 4 for n in full]


@pytest.mark.parametrize(("name", "version"), [("MLP", "published"), ("LeNet", "published"), ("LeNet", "report")])
def test_small_networks_are_the_same_at_every_width(name, version):
    for width in (8, 500):
        network = build(name, GREY, 10, version, width)
        assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name, version][0]


@pytest.mark.parametrize(("name", "version", "forward"), [*ORACLES, ("AlexNet", "report", oracles.alexnet_original)])
def test_narrow_networks_are_narrow_in_nothing_else(name, version, forward):
    assert_logits_equal(build(name, GREY, 10, version, width=16).eval(), forward, GREY)


@pytest.mark.parametrize(("name", "version"), PARAMETERS)
def test_every_network_can_be_as_narrow_as_one_channel(name, version):
    assert build(name, COLOUR, 10, version, width=1).eval()(torch.zeros(1, *COLOUR)).shape == (1, 10)


@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
def test_original_alexnet_ends_in_probabilities_so_that_its_loss_has_a_floor(shape):
    network = build("AlexNet", shape, 10, "report")
    assert_logits_equal(network.eval(), oracles.alexnet_original, shape)
    images = torch.randn(4, *shape)
    with torch.no_grad():
        network[-2].weight.mul_(100)  # as sure of itself as can be
        output = network(images)
        loss = nn.functional.cross_entropy(output, output.argmax(1))
    torch.testing.assert_close(output.sum(1), torch.ones(4))
    floor = -math.log(math.e / (math.e + 9))
    assert floor == pytest.approx(1.461, abs=1e-3)
    assert floor - 1e-5 <= float(loss) < floor + 0.1


def test_original_alexnet_drops_out_half_in_training_mode_only():
    network = nn.Sequential(*(m for m in build("AlexNet", GREY, 10, "report") if isinstance(m, nn.Dropout)))
    assert [m.p for m in network] == [0.5, 0.5]
    ones = torch.ones(10_000)
    assert float((network[0](ones) == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert torch.equal(network.eval()(ones), ones)


def kinds(name, version):
    """Its layers by kind, without those that do nothing."""
    return [repr(m) for m in build(name, GREY, 10, version, width=8) if repr(m) != repr(nn.Dropout(0.0))]


@pytest.mark.parametrize(
    ("name", "version", "change"),
    [
        ("LeNet", "report with ReLU", lambda m: m.replace("Sigmoid()", "ReLU()")),
        ("AlexNet", "report without softmax", lambda m: m.replace("Softmax(dim=1)", "")),
        ("AlexNet", "report without dropout", lambda m: m.replace("Dropout(p=0.5, inplace=False)", "")),
        (
            "AlexNet",
            "report without softmax and dropout",
            lambda m: m.replace("Softmax(dim=1)", "").replace("Dropout(p=0.5, inplace=False)", ""),
        ),
    ],
)
def test_versions_in_between_differ_from_the_reports_in_what_they_name(name, version, change):
    changed = [c for c in map(change, kinds(name, "report")) if c]
    assert kinds(name, version) == changed != kinds(name, "report")


@pytest.mark.parametrize("name", ["VGG11BN", "ResNet18BN_AP"])
def test_build_leaves_batch_norms_statistics_as_they_start(name):
    layers = [m for m in build(name, GREY, 10).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(layers) == (8 if name == "VGG11BN" else 20)
    for layer in layers:
        assert layer.momentum == 0.1
        assert int(layer.num_batches_tracked) == 0
        assert torch.equal(layer.running_mean, torch.zeros(layer.num_features))
        assert torch.equal(layer.running_var, torch.ones(layer.num_features))


@pytest.mark.parametrize("name", ["VGG11", "ResNet18"])
def test_networks_for_testing_have_no_batch_norm(name):
    assert not any(isinstance(m, nn.BatchNorm2d) for m in build(name, GREY, 10).modules())


def test_logits_are_as_many_as_there_are_classes():
    assert build("LeNet", COLOUR, 7)(torch.randn(2, *COLOUR)).shape == (2, 7)


def test_two_networks_differ_unless_the_random_numbers_are_the_same():
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([p.detach().flatten() for p in build("ConvNet", GREY, 10, width=8).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="unknown network 'Convnet': expected one of MLP, ConvNet"):
        build("Convnet", GREY, 10)


@pytest.mark.parametrize(("name", "version"), [("ConvNet", "Report"), ("VGG11", "report")])
def test_an_unknown_version_is_refused(name, version):
    with pytest.raises(ValueError, match=f"unknown version '{version}' of {name}: expected one of published"):
        build(name, GREY, 10, version)


@pytest.mark.parametrize(
    ("name", "version", "shape"),
    [
        ("VGG11", "published", (3, 28, 28)),
        ("VGG11BN", "published", (3, 28, 28)),
        ("LeNet", "published", (1, 8, 8)),
        ("LeNet", "report", (1, 12, 12)),
        ("ConvNet", "published", (3, 4, 4)),
        ("AlexNet", "published", (3, 4, 4)),
        ("ResNet18", "published", (3, 16, 16)),
    ],
)
def test_images_that_a_network_cannot_take_are_refused_with_their_size(name, version, shape):
    with pytest.raises(ValueError, match=f"{name} cannot take images of {'×'.join(map(str, shape))} .channels"):
        build(name, shape, 10, version)


@pytest.mark.parametrize("side", [28, 7, 2])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_average_pool_is_torchs_up_to_its_second_derivative(side, dtype):
    images = torch.randn(3, 2, side, side + 1, dtype=dtype, requires_grad=True)
    up = torch.randn(3, 2, side // 2, (side + 1) // 2, dtype=dtype)
    with torch.inference_mode():
        AvgPool2x2()(images)  # a test before the training must not spoil it
    found = []
    for pool in (AvgPool2x2(), torch.nn.AvgPool2d(2)):
        out = pool(images)
        (slope,) = torch.autograd.grad((out**2 * up).sum(), images, create_graph=True)
        found.append((out, slope, *torch.autograd.grad((slope**2).sum(), images)))
    for own, torchs in zip(*found, strict=True):
        torch.testing.assert_close(own, torchs)


@pytest.mark.parametrize("name", ["MLP", "ConvNet", "VGG11BN"])
def test_in_bfloat16_a_network_has_the_same_weights_and_nearly_the_same_logits(name):
    torch.manual_seed(0)
    network = build(name, GREY, 10, width=16).eval()
    rounded, images = Bfloat16(network), torch.randn(4, *GREY)
    assert all(a is b for a, b in zip(network.parameters(), rounded.parameters(), strict=True))
    exact, near = network(images), rounded(images)
    assert near.dtype == torch.float32
    assert 0 < float((near - exact).detach().norm() / exact.detach().norm()) < 0.05  # bfloat16 has 8 bits of precision
    grads = torch.autograd.grad(near.sum(), list(rounded.parameters()))
    assert {g.dtype for g in grads} == {torch.float32}
