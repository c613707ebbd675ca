"""Recording on a GPU: with a stand-in for CUDA graphs everywhere, and with the real ones where there is a GPU."""

import json
from contextlib import contextmanager

import pytest
import torch
from runs import last
from torch import nn

from benchmarks import __main__ as command
from benchmarks import cost, timing
from benchmarks.cases import Case
from dckit import build, condensing, evaluate, gradient_distance, gradients, random_images
from dckit.engine import Matcher, descend, graphs_on
from dckit.engine.cuda_graphs import WARM_UP, Replay, recordable
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
        for output, new in zip(self.recording.outputs, self.step.function(*self.recording.inputs), strict=True):
            output.copy_(new)


class PlayedReplay(Replay):
    def _record(self, inputs):
        recording = super()._record(inputs)
        recording.graph.recording, recording.graph.step = recording, self
        recorded.append(recording)
        return recording


recorded: list = []


@pytest.fixture
def gpu(monkeypatch):
    """A GPU that records, as far as recording calls it, on the CPU; returns all recordings."""
    recorded.clear()
    current = [Stream()]

    @contextmanager
    def stream(other):
        before, current[0] = current[0], other
        try:
            yield
        finally:
            current[0] = before

    @contextmanager
    def graph(_):
        before, current[0] = current[0], Stream()
        yield
        current[0] = before  # torch does not get here either when the recording fails

    for name, stand_in in {
        **dict(CUDAGraph=Graph, Stream=Stream, graph=graph, stream=stream),
        **dict(current_stream=lambda *_: current[0]),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(
        "dckit.engine.cuda_graphs.recordable", lambda network, _: recordable(network, torch.device("cuda"))
    )
    monkeypatch.setattr("dckit.engine.pieces.Replay", PlayedReplay)
    monkeypatch.setenv("DCKIT_CUDA_GRAPHS", "1")
    monkeypatch.setattr(Replay, "trusted", True)
    return recorded


def weights(network):
    return [p.detach().clone() for p in network.state_dict().values()]


def trained(digits, network, epochs=3):
    torch.manual_seed(0)
    start = build(network, digits.shape, 10, width=4)
    optimizer = torch.optim.SGD(start.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    right = [train_epoch(start, optimizer, digits.train[:20], 14) for _ in range(epochs)]
    return weights(start) + right


def condensed(digits, quick, **changes):
    amounts = dict(ipc=2, matching_steps=2, network_steps=2, network_momentum=0.5, iterations=3, norm_images=4)
    return last(condensing(digits, quick.but(**amounts | changes), device="cpu"))


@pytest.mark.parametrize("network", ["ConvNet", "VGG11BN", "MLP"])
def test_recorded_training_is_training(digits, network, request):
    plain = trained(digits, network)
    recordings = request.getfixturevalue("gpu")
    again = trained(digits, network)
    assert [len(r.inputs[0]) for r in recordings] == [14, 6]
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("changes", [{}, dict(network="VGG11BN"), dict(metric="mse"), dict(by_class=False)], ids=str)
def test_recorded_condensing_is_condensing(digits, quick, changes, request):
    plain = condensed(digits, quick, **changes)
    recordings = request.getfixturevalue("gpu")
    again = condensed(digits, quick, **changes)
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
    assert len(calls) == 1 + WARM_UP + 1 + 2  # called, warmed up, recorded; replayed in proof and for the second call


def test_recording_a_match_leaves_batch_norm_as_a_match_does(digits, request):
    def matched():
        torch.manual_seed(0)
        network = build("VGG11BN", digits.shape, 10, width=4)  # in training mode, so that its statistics move
        match = Matcher(network, gradient_distance)
        for c in range(2):
            match([(torch.randn(3, 1, 28, 28), torch.full((3,), c), *digits.train[:5])])
        return weights(network)

    plain = matched()
    recordings = request.getfixturevalue("gpu")
    assert all(torch.equal(a, b) for a, b in zip(plain, matched(), strict=True))
    assert len(recordings) == 1


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


def test_an_optimiser_whose_state_is_not_known_beforehand_is_not_recorded(digits, gpu):
    ends = []
    for step_by in (descend, plain_step):
        torch.manual_seed(0)
        network = build("MLP", digits.shape, 10)
        optimizer = torch.optim.Adam(network.parameters())
        for _ in range(2):
            step_by(network, optimizer, *digits.train[:7])
        ends.append(weights(network))
    assert not gpu
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def plain_step(network, optimizer, images, labels):
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_recorded_unless_asked_for(digits, quick, gpu, monkeypatch, value):
    if value is None:
        monkeypatch.delenv("DCKIT_CUDA_GRAPHS")
    else:
        monkeypatch.setenv("DCKIT_CUDA_GRAPHS", value)
    condensed(digits, quick)
    trained(digits, "MLP")
    assert not gpu
    assert not graphs_on()


def test_asked_for_only_a_gpu_records(monkeypatch):
    monkeypatch.setenv("DCKIT_CUDA_GRAPHS", "1")
    monkeypatch.setattr(Replay, "trusted", True)
    recorded_on = [name for name in ("cpu", "mps", "cuda") if recordable(nn.Linear(1, 1), torch.device(name))]
    assert recorded_on == ["cuda"]


class WrongNumber(Graph):
    """It replays one number that is wrong by a hundredth of the largest."""

    def replay(self):
        super().replay()
        output = self.recording.outputs[0]
        output.view(-1)[0] += 0.01 * output.abs().max()


class NotANumber(Graph):
    def replay(self):
        super().replay()
        self.recording.outputs[0].view(-1)[0] = torch.nan


class LeavesAParameter(Graph):
    """It replays everything but the last change of those that the step makes: a weight, a statistic or a velocity."""

    def replay(self):
        before = [changed.detach().clone() for changed in self.step.changes[-1:]]
        super().replay()
        for changed, was in zip(self.step.changes[-1:], before, strict=True):
            changed.detach().copy_(was)


class FailsToReplay(Graph):
    def replay(self):
        raise RuntimeError("planted\nand more lines, as CUDA has them")


class FailsToRecord(Graph):
    def __init__(self):
        raise RuntimeError("planted")


DIFFERS = "its first replay gave other numbers than the direct call"
FAULTS = [
    *((WrongNumber, "ConvNet", DIFFERS), (NotANumber, "ConvNet", DIFFERS)),
    *((LeavesAParameter, "ConvNet", DIFFERS), (LeavesAParameter, "VGG11BN", DIFFERS)),
    *((FailsToReplay, "ConvNet", "planted"), (FailsToRecord, "ConvNet", "planted")),
]


@pytest.mark.parametrize(("fault", "network", "reason"), FAULTS)
def test_a_failed_recording_is_dropped_with_one_warning(digits, quick, request, monkeypatch, fault, network, reason):
    plain = condensed(digits, quick, network=network), trained(digits, network)
    recordings = request.getfixturevalue("gpu")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", fault)
    with pytest.warns(RuntimeWarning) as warned:
        again = condensed(digits, quick, network=network), trained(digits, network)
    assert [str(w.message) for w in warned] == [
        f"CUDA graphs are off from now on, and steps run directly, because a recording failed: {reason}"
    ]
    assert len(recordings) <= 2  # a right one of matching, where only training fails
    assert torch.equal(plain[0].images, again[0].images)
    assert plain[0].losses == again[0].losses
    assert all(torch.equal(a, b) for a, b in zip(plain[1], again[1], strict=True))


@pytest.mark.parametrize("calls_before", [0, WARM_UP, WARM_UP + 1])
def test_a_step_that_fails_while_it_is_recorded_leaves_all_as_the_direct_call_does(gpu, calls_before):
    calls, total, stream = [], torch.zeros(2), torch.cuda.current_stream()

    def add(number):
        calls.append(number)
        total.add_(number)
        if len(calls) == 1 + calls_before + 1:
            raise KeyError("planted")
        return (total.clone(),)

    step = PlayedReplay(add, nn.Linear(1, 1), [total])
    with pytest.warns(RuntimeWarning, match="failed: 'planted'"):
        assert step(torch.ones(2))[0].tolist() == [1, 1]
    assert total.tolist() == [1, 1]
    assert torch.cuda.current_stream() is stream
    assert step(torch.full((2,), 5.0))[0].tolist() == [6, 6]


def test_an_error_of_the_direct_call_stays_an_error(gpu):
    def fails(_):
        raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        PlayedReplay(fails, nn.Linear(1, 1))(torch.ones(2))
    assert graphs_on()


def test_a_recording_that_repeats_a_nan_is_right(gpu):
    step = PlayedReplay(lambda x: (x / x, x), nn.Linear(1, 1))
    for _ in range(2):
        assert step(torch.tensor([0.0, 1.0]))[0].isnan().tolist() == [True, False]
    assert len(gpu) == 1
    assert graphs_on()


def test_the_benchmark_says_whether_steps_were_recorded(monkeypatch, tmp_path, capsys):
    way = dict(seconds=1.0, times_faster=1.0, megabytes=1.0, gflop=1.0)
    monkeypatch.setattr(
        timing, "machine", lambda _: dict(device="a GPU", threads=2, gflops=dict(float32=9.0, bfloat16=9.0))
    )
    monkeypatch.setattr(timing, "measure", lambda case, hows, *_: dict.fromkeys(hows, way))
    monkeypatch.setattr(cost, "sweep", lambda *_: {})
    monkeypatch.setattr(command, "whole_runs", lambda *_: [])
    monkeypatch.setattr(command, "cases", lambda: [Case("epoch", "MLP")])
    monkeypatch.setattr(Replay, "trusted", True)
    said = {}
    for value in ("0", "1"):
        monkeypatch.setenv("DCKIT_CUDA_GRAPHS", value)
        assert command.main(["--device", "cuda", "--out", str(tmp_path / value)]) == 0
        (file,) = (tmp_path / value).iterdir()
        said[file.name] = "replayed from CUDA graphs" in command.table(json.loads(file.read_text())).markdown
    assert said == {"cuda-2.json": False, "cuda-2-graphs.json": True}
    monkeypatch.setattr(cost, "sweep", lambda *_: setattr(Replay, "trusted", False))
    assert command.main(["--device", "cuda", "--out", str(tmp_path / "failed")]) == 1
    assert not (tmp_path / "failed").exists()
    assert "nothing is written, since a recording failed" in capsys.readouterr().err


# With a GPU: `make gpu` runs these


@pytest.fixture(params=["plain", "graphs"])
def way(request, monkeypatch):
    """Both ways in which a GPU computes; where it records, a recording that fails is an error."""
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    monkeypatch.setenv("DCKIT_CUDA_GRAPHS", "1" if request.param == "graphs" else "0")
    monkeypatch.setattr(Replay, "trusted", True)
    yield request.param
    assert graphs_on() == (request.param == "graphs")


@pytest.mark.gpu
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("changes", [{}, dict(network="VGG11BN"), dict(network="AlexNet")], ids=str)
def test_a_gpu_condenses_what_a_cpu_does(digits, quick, changes):
    recipe = quick.but(ipc=2, matching_steps=2, network_steps=2, iterations=3, norm_images=4).but(**changes)
    ours, theirs = (last(condensing(digits, recipe, device=device)) for device in ("cuda", "cpu"))
    start = next(condensing(digits, recipe, device="cpu")).images
    moved = (theirs.images - start).norm()
    assert (ours.images.cpu() - theirs.images).norm() < 0.02 * moved
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-3)


@pytest.mark.gpu
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_gpu_tests_as_a_cpu_does(digits, quick, precision):
    recipe = quick.but(networks=5, epochs=30, augmentation="crop_scale_rotate", epochs_augmented=30, lr=0.05)
    condensed = random_images(digits, ipc=2)
    ours = evaluate(condensed, digits, recipe.but(precision=precision), device="cuda")
    theirs = evaluate(condensed, digits, recipe, device="cpu")
    assert ours.mean == pytest.approx(theirs.mean, abs=4)
    again = evaluate(condensed, digits, recipe.but(precision=precision), device="cuda")
    assert again.accuracies == pytest.approx(ours.accuracies, abs=1)
