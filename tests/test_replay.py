"""Recording on a GPU: with a stand-in for CUDA graphs everywhere, and with the real ones where there is a GPU."""

from contextlib import contextmanager

import pytest
import torch
from runs import last
from torch import nn

from dckit import build, condensing, evaluate, gradient_distance, gradients, random_images
from dckit.engine import Matcher, descend
from dckit.engine.cuda_graphs import WARM_UP, Replay, draws
from dckit.method import train_epoch
from dckit.method.train import redraw


class Stream:
    def __init__(self, *_):
        pass

    def wait_stream(self, other):
        pass


class Graph:
    """What was recorded, done again: from the same tensors into the same tensors, as a CUDA graph does it."""

    def replay(self):
        for output, new in zip(self.recording.outputs, self.function(*self.recording.inputs), strict=True):
            output.copy_(new)


class PlayedReplay(Replay):
    def _record(self, inputs):
        recording = super()._record(inputs)
        recording.graph.recording, recording.graph.function = recording, self.function
        recorded.append(recording)
        return recording


recorded: list = []


@pytest.fixture
def gpu(monkeypatch):
    """The calls of torch.cuda that recording makes, on the CPU; returns all recordings."""
    recorded.clear()
    streams = [Stream()]

    @contextmanager
    def stream(other):
        streams.append(other)
        yield
        streams.pop()

    @contextmanager
    def graph(_):
        yield

    for name, stand_in in {
        **dict(CUDAGraph=Graph, Stream=Stream, graph=graph, stream=stream),
        **dict(current_stream=lambda *_: streams[-1]),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr("dckit.engine.cuda_graphs.recordable", lambda network, device: not draws(network))
    monkeypatch.setattr("dckit.engine.pieces.Replay", PlayedReplay)
    return recorded


def weights(network):
    return [p.detach().clone() for p in network.state_dict().values()]


def trained(digits, network, epochs=3):
    torch.manual_seed(0)
    start = build(network, digits.shape, 10, width=4)
    optimizer = torch.optim.SGD(start.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    right = [train_epoch(start, optimizer, digits.train[:20], 14) for _ in range(epochs)]
    return weights(start) + right


@pytest.mark.parametrize("network", ["ConvNet", "VGG11BN", "MLP"])
def test_recorded_training_is_training(digits, network, request):
    plain = trained(digits, network)
    recordings = request.getfixturevalue("gpu")
    again = trained(digits, network)
    assert [len(r.inputs[0]) for r in recordings] == [14, 6]
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("changes", [{}, dict(network="VGG11BN"), dict(metric="mse"), dict(by_class=False)], ids=str)
def test_recorded_condensing_is_condensing(digits, quick, changes, request):
    recipe = quick.but(ipc=2, matching_steps=2, network_steps=2, network_momentum=0.5, iterations=3, norm_images=4)
    recipe = recipe.but(**changes)
    plain = last(condensing(digits, recipe, device="cpu"))
    recordings = request.getfixturevalue("gpu")
    again = last(condensing(digits, recipe, device="cpu"))
    assert len(recordings) == 2  # a step of matching, and one of training
    assert torch.equal(plain.images, again.images)
    assert plain.losses == again.losses


def test_a_recording_follows_the_networks_weights_and_its_values_stay(digits, gpu, quick):
    network = build("ConvNet", digits.shape, 10, width=quick.condensing.width)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    match = Matcher(network, gradient_distance)
    images, labels = torch.randn(3, 1, 28, 28), torch.tensor([4, 4, 4])
    real = digits.train.sample(4, 5)
    first = match([(images, labels, *real)])
    kept = [value.clone() for (value,) in first]
    descend(network, optimizer, images, labels)
    assert all(optimizer.state[p]["momentum_buffer"].any() for p in network.parameters())
    redraw(network, optimizer, digits, quick.condensing)
    assert not any(optimizer.state[p]["momentum_buffer"].any() for p in network.parameters())
    second = match([(images, labels, *real)])
    assert len(gpu) == 2
    assert all(torch.equal(a, b) for (a,), b in zip(first, kept, strict=True))
    match([(images.requires_grad_(), labels, *real)])
    assert not any(given.requires_grad for given in gpu[0].inputs)
    distance = gradient_distance(gradients(network, images, labels, create_graph=True), gradients(network, *real))
    plain = (torch.autograd.grad(distance, images)[0], distance.detach())
    assert all(torch.equal(a, b) for (a,), b in zip(second, plain, strict=True))
    assert not torch.equal(first[0][0], second[0][0])


def test_an_optimisers_steps_are_recorded_once_and_a_new_optimiser_has_its_own(digits, gpu):
    network = build("MLP", digits.shape, 10)
    for lr in (0.1, 0.01):
        optimizer = torch.optim.SGD(network.parameters(), lr=lr)
        for _ in range(3):
            before = weights(network)
            descend(network, optimizer, *digits.train[:7])
            grads = [p.grad for p in network.parameters()]
            for start, grad, now in zip(before, grads, weights(network), strict=True):
                torch.testing.assert_close(now, start - lr * grad)
    assert len(gpu) == 2


def test_recording_leaves_what_a_step_changes_as_it_was(gpu):
    calls, total = [], torch.zeros(2)

    def add(number):
        calls.append(number)
        return (total.add_(number).clone(),)

    step = PlayedReplay(add, nn.Linear(1, 1), [total])
    assert step(torch.ones(2))[0].tolist() == [1, 1]
    assert step(torch.full((2,), 5.0))[0].tolist() == [6, 6]
    assert len(calls) == WARM_UP + 1 + 2


def test_every_stream_has_a_recording_of_its_own(gpu):
    step = PlayedReplay(lambda x: (2 * x,), nn.Linear(1, 1))
    streams = [Stream(), Stream()]
    for _ in range(2):
        for k, stream in enumerate(streams):
            with torch.cuda.stream(stream):
                assert step(torch.tensor(float(k)))[0] == 2 * k
    assert len(gpu) == 2


def test_a_network_that_draws_random_numbers_is_not_recorded(gpu):
    network = nn.Dropout(0.5)
    assert not torch.equal(PlayedReplay(lambda x: (network(x),), network)(torch.ones(100))[0], torch.ones(100))
    assert not gpu
    network.eval()
    assert PlayedReplay(lambda x: (network(x),), network)(torch.ones(100))[0].sum() == 100
    assert len(gpu) == 1


# With a GPU

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@needs_gpu
@pytest.mark.parametrize("changes", [{}, dict(network="VGG11BN"), dict(network="AlexNet")], ids=str)
def test_a_gpu_condenses_what_a_cpu_does(digits, quick, changes):
    recipe = quick.but(ipc=2, matching_steps=2, network_steps=2, iterations=3, norm_images=4).but(**changes)
    ours, theirs = (last(condensing(digits, recipe, device=device)) for device in ("cuda", "cpu"))
    start = next(condensing(digits, recipe, device="cpu")).images
    moved = (theirs.images - start).norm()
    assert (ours.images.cpu() - theirs.images).norm() < 0.02 * moved
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-3)


@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_gpu_tests_as_a_cpu_does(digits, quick, precision):
    recipe = quick.but(networks=5, epochs=30, augmentation="crop_scale_rotate", epochs_augmented=30, lr=0.05)
    condensed = random_images(digits, ipc=2)
    ours = evaluate(condensed, digits, recipe.but(precision=precision), device="cuda")
    theirs = evaluate(condensed, digits, recipe, device="cpu")
    assert ours.mean == pytest.approx(theirs.mean, abs=4)
    again = evaluate(condensed, digits, recipe.but(precision=precision), device="cuda")
    assert again.accuracies == pytest.approx(ours.accuracies, abs=1)
