"""The same results on any number of threads, whatever the user has set, and everything left as it was."""

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch
from runs import last

import dckit
from dckit import condensing, evaluate, evaluating, random_images
from dckit.method import CHOSEN, ranking


@contextmanager
def threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
        assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)


def small(quick, **changes):
    """A recipe with something of everything: training between matching steps, several networks, augmentation."""
    changes = dict(iterations=2, networks=3, width=32, real_batch=24, norm_images=2) | changes
    return quick.but(augmentation="crop_scale_rotate", matching_steps=2, network_steps=2, **changes)


@pytest.fixture
def inside(monkeypatch):
    """The numbers of threads that torch computes with when a network is tested."""
    seen = set()
    original = dckit.method.stage_t.accuracy

    def accuracy(*arguments):
        seen.add(torch.get_num_threads())
        return original(*arguments)

    monkeypatch.setattr("dckit.method.stage_t.accuracy", accuracy)
    return seen


NETWORKS = [
    *(dict(network=name) for name in ("ConvNet", "LeNet", "MLP")),
    dict(network="VGG11BN", width=16, real_batch=12),
    dict(network="AlexNet", version="report", width=4, real_batch=4),  # with dropout
    dict(by_class=False),
]


@pytest.mark.parametrize("ipc", [1, 3])
@pytest.mark.parametrize("changes", NETWORKS, ids=str)
def test_images_and_accuracies_are_the_same_on_any_number_of_threads(digits, quick, inside, changes, ipc):
    recipe, found = small(quick, ipc=ipc, **changes), []
    for count in (1, 2, 4):
        with threads(count):
            state = last(condensing(digits, recipe, seed=3, device="cpu"))
            scores = evaluate(state.condensed, digits, recipe, seed=3, device="cpu")
        assert scores.card["device"].endswith(f", {count} threads")
        found.append((state, scores))
    (state, scores), *others = found
    assert inside == {1}
    assert all(torch.equal(state.images, s.images) for s, _ in others)
    assert all(state.losses == s.losses for s, _ in others)
    assert all(scores.accuracies == a.accuracies for _, a in others)


@pytest.mark.parametrize("network", ["ConvNet", "MLP"])
def test_training_on_the_whole_dataset_is_the_same_on_any_number_of_threads(digits, quick, network):
    recipe = small(quick, network=network, whole_networks=3, whole_epochs=1)
    few = dckit.Split(digits.train.pixels[:300], digits.train.labels[:300], digits.mean, digits.std)
    digits = replace(digits, train=few)
    found = []
    for count in (1, 2, 4):
        with threads(count):
            accuracies = evaluate(digits.train, digits, recipe, device="cpu").accuracies
            orders = last(ranking(digits, recipe, device="cpu")).orders
            found.append((accuracies, *(orders[method].tolist() for method in CHOSEN)))
    assert found[0] == found[1] == found[2]


@contextmanager
def set_to(name, value, default):
    getattr(torch, name)(value)
    try:
        yield
    finally:
        getattr(torch, name)(default)


SETTINGS = {
    "nothing": nullcontext,
    "float64": lambda: set_to("set_default_dtype", torch.float64, torch.float32),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "deterministic": lambda: set_to("use_deterministic_algorithms", True, False),
    "another device": lambda: torch.device("meta"),
    "seed": lambda: nullcontext(torch.manual_seed(5)),
}


def settings():
    return (
        *(torch.get_num_threads(), torch.get_default_dtype(), torch.get_default_device()),
        *(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        *(torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist()),
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_the_user_set_before_changes_nothing_and_stays(quick, setting):
    recipe = small(quick, width=8, real_batch=8)

    def run():
        real = dckit.load("digits")
        before = settings()
        states = condensing(real, recipe, device="cpu")
        next(states)
        assert settings() == before
        state = last(states)
        accuracies = evaluate(state.condensed, real, recipe, device="cpu").accuracies
        chosen = last(ranking(real, recipe, device="cpu")).orders["herding"]
        assert settings() == before
        return state.images, random_images(real).images, torch.tensor(accuracies, device="cpu"), chosen

    with threads(2):
        expected = run()
        with SETTINGS[setting]():
            found = run()
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("verb", [condensing, lambda real, recipe: evaluating(random_images(real), real, recipe)])
def test_a_generator_that_is_abandoned_leaves_the_settings_as_they_were(digits, quick, verb):
    with threads(2):
        before = settings()
        states = verb(digits, small(quick))
        next(states)
        states.close()
        assert settings() == before


def test_two_runs_at_once_are_two_runs_one_after_another(digits, quick):
    recipe = small(quick)

    def run(seed, into):
        state = last(condensing(digits, recipe, seed=seed, device="cpu"))
        into[seed] = state.losses, evaluate(state.condensed, digits, recipe, seed=seed, device="cpu").accuracies

    alone, together = {}, {}
    for seed in (0, 1):
        run(seed, alone)
    at_once = [threading.Thread(target=run, args=(seed, together)) for seed in (0, 1)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    assert together == alone


def test_an_interrupt_ends_the_networks_in_other_threads_too(digits, quick, monkeypatch):
    epochs, main = [], threading.current_thread()
    original = dckit.method.stage_t.train_epoch

    def train_epoch(*arguments):
        epochs.append(threading.current_thread())
        if threading.current_thread() is main and len(epochs) > 5:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr("dckit.method.stage_t.train_epoch", train_epoch)
    recipe = quick.but(network="MLP", networks=2, epochs=5000, epochs_augmented=5000)
    with threads(2), pytest.raises(KeyboardInterrupt):
        evaluate(random_images(digits), digits, recipe, device="cpu")
    assert len(set(epochs)) == 2
    assert len(epochs) < 5000
