from functools import partial

import oracles
import pytest
import torch
import torch.nn.functional as F

from dckit import build, gradient_distance, gradients
from dckit.engine import Matcher
from dckit.engine.pieces import pieces
from dckit.method import METRICS

SHAPES = ((4, 3, 3, 3), (4,), (4,), (4,), (5, 36), (5,))


def random_gradients(seed, scale=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(shape, generator=generator, dtype=dtype) for shape in SHAPES]


@pytest.mark.parametrize("scale", [1.0, 1e-4])  # with small gradients the epsilon shows
@pytest.mark.parametrize("metric", METRICS)
def test_value_and_gradient_equal_a_double_loop(metric, scale):
    mine, theirs = random_gradients(0, scale), random_gradients(0, scale)
    for g in (*mine, *theirs):
        g.requires_grad_()
    real = random_gradients(1, scale)
    loss, expected = gradient_distance(mine, real, metric), oracles.distance(theirs, real, metric)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    found = torch.autograd.grad(loss, mine, allow_unused=True)
    wanted = torch.autograd.grad(expected, theirs, allow_unused=True)
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_gradient_equals_finite_differences(metric):
    real = random_gradients(1)
    synthetic = [g.requires_grad_() for g in random_gradients(0)]
    assert torch.autograd.gradcheck(lambda *grads: gradient_distance(grads, real, metric), synthetic)


@pytest.mark.parametrize("metric", METRICS)
def test_float32_lists_give_nearly_the_float64_value(metric):
    synthetic, real = random_gradients(0, dtype=torch.float32), random_gradients(1, dtype=torch.float32)
    loss = gradient_distance(synthetic, real, metric)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), oracles.distance(synthetic, real, metric), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_identical_gradients_have_no_distance(metric):
    grads = random_gradients(0)
    assert abs(float(gradient_distance(grads, grads, metric))) < 1e-5


def test_layerwise_counts_two_for_every_opposite_row():
    grads = random_gradients(0)
    assert float(gradient_distance(grads, [-g for g in grads])) == pytest.approx(2 * (4 + 5), abs=1e-5)


@pytest.mark.parametrize("layer", [0, 4])
def test_layerwise_ignores_the_length_of_a_layers_gradient(layer):
    synthetic, real = random_gradients(0), random_gradients(1)
    longer = [g * 100 if i == layer else g for i, g in enumerate(real)]
    assert float(gradient_distance(synthetic, longer)) == pytest.approx(float(gradient_distance(synthetic, real)))


@pytest.mark.parametrize(("metric", "counts"), [("layerwise", False), ("mse", True), ("cos", True)])
def test_one_dimensional_parameters_count_except_in_layerwise(metric, counts):
    synthetic, real = random_gradients(0), random_gradients(1)
    for i in (1, 2, 3, 5):
        changed = [-3 * g if j == i else g for j, g in enumerate(synthetic)]
        same = torch.equal(gradient_distance(changed, real, metric), gradient_distance(synthetic, real, metric))
        assert same != counts


@pytest.mark.parametrize("metric", ["layerwise", "cos"])
def test_a_dead_row_costs_one_and_leaves_the_gradient_a_number(metric):
    real = random_gradients(1)
    dead = [torch.zeros_like(g).requires_grad_() for g in real]
    loss = gradient_distance(dead, real, metric)
    assert float(loss.detach()) == pytest.approx(9 if metric == "layerwise" else 1)
    loss.backward()
    assert all(torch.isfinite(g.grad).all() for g in dead if g.grad is not None)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="unknown metric 'l2': expected one of layerwise, mse, cos"):
        gradient_distance(random_gradients(0), random_gradients(1), "l2")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("change", [lambda g: g[:-1], lambda g: [g[0].flatten(1), *g[1:]], lambda g: g[::-1]])
def test_lists_that_do_not_belong_together_are_refused(metric, change):
    with pytest.raises(ValueError, match="differ in length or shapes"):
        gradient_distance(random_gradients(0), change(random_gradients(1)), metric)


def test_gradients_are_those_of_the_mean_cross_entropy_in_the_order_of_the_parameters():
    torch.manual_seed(0)
    network = build("ConvNet", (1, 28, 28), 10, width=8)
    images, labels = torch.randn(6, 1, 28, 28), torch.tensor([0, 3, 3, 9, 1, 5])
    theta = [p.detach().clone().requires_grad_() for p in network.parameters()]
    log_probabilities = oracles.convnet(theta, images, padding=3).log_softmax(1)
    loss = -sum(log_probabilities[i, label] for i, label in enumerate(labels)) / 6
    expected = torch.autograd.grad(loss, theta)
    found = gradients(network, images, labels)
    assert [g.shape for g in found] == [p.shape for p in theta]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
        assert not a.requires_grad
    assert all(p.grad is None for p in network.parameters())


def test_gradients_with_a_graph_can_be_differentiated_by_the_images():
    torch.manual_seed(0)
    network = build("MLP", (1, 8, 8), 3)
    images = torch.randn(2, 1, 8, 8, requires_grad=True)
    grads = gradients(network, images, torch.tensor([0, 2]), create_graph=True)
    gradient_distance(grads, [torch.randn_like(g) for g in grads]).backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["ConvNet", "VGG11BN"])
@pytest.mark.parametrize("n", [1, 16, 70])
def test_gradients_of_pieces_add_up_to_those_of_the_batch(monkeypatch, name, n):
    torch.manual_seed(0)
    network = build(name, (1, 28, 28), 10, width=8).double().eval()  # batch norm held, as in stage C
    images, labels = torch.randn(n, 1, 28, 28, dtype=torch.float64), torch.randint(10, (n,))
    whole = torch.autograd.grad(F.cross_entropy(network(images), labels), tuple(network.parameters()))
    monkeypatch.setattr("dckit.engine.pieces.WIDE", 8)
    seen = []
    network.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    for grad, expected in zip(gradients(network, images, labels), whole, strict=True):
        torch.testing.assert_close(grad, expected, rtol=1e-6, atol=1e-12)
    assert sorted(seen) == {1: [1], 16: [8, 8], 70: [10] * 7}[n]


def test_batch_norm_that_learns_sees_its_batch_whole(monkeypatch):
    monkeypatch.setattr("dckit.engine.pieces.WIDE", 8)
    images = torch.randn(70, 1, 28, 28)
    network = build("VGG11BN", (1, 28, 28), 10, width=8)
    assert pieces(network.train(), images) == 1
    assert pieces(network.eval(), images) == 7


def test_dropout_that_draws_takes_its_batch_whole():
    images = torch.randn(70, 1, 28, 28)
    network = build("AlexNet", (1, 28, 28), 10, "report", width=64)
    assert pieces(network.train(), images) == 1
    assert pieces(network.eval(), images) == 2


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["ConvNet", "LeNet", "VGG11BN"])
def test_synthetic_images_in_pieces_are_matched_as_all_at_once(name, metric, monkeypatch):
    torch.manual_seed(0)
    network = build(name, (1, 28, 28), 10, width=8).double().eval()
    images, real_images = torch.randn(2, 7, 1, 28, 28, dtype=torch.float64)
    labels, real_labels = torch.randint(10, (2, 7))
    monkeypatch.setattr("dckit.engine.pieces.WIDE", 4)
    ends, passes = [], []
    network.register_forward_pre_hook(lambda module, args: passes[-1].append(len(args[0])))
    for piece in (3, 100):
        monkeypatch.setattr("dckit.engine.pieces.PIECE", piece)
        passes.append([])
        match = Matcher(network, partial(gradient_distance, metric=metric))
        ends.append(match([(images, labels, real_images, real_labels)]))
    assert passes[1] == [7, 7]
    assert sorted(passes[0]) == [2, 2, 2, 2, 2, 2, 3, 3, 3]
    ([slope], [distance]), ([expected], [whole]) = ends
    torch.testing.assert_close(distance, whole, rtol=1e-9, atol=1e-12)
    assert (slope - expected).norm() < 1e-6 * expected.norm()


def test_a_network_with_many_weights_takes_larger_pieces():
    light, heavy = build("ConvNet", (1, 28, 28), 10), build("VGG11", (1, 28, 28), 10)
    images = torch.zeros(256, 1, 28, 28)
    assert (pieces(light, images), pieces(heavy, images)) == (26, 4)
