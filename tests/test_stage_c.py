import math
import weakref
from dataclasses import replace
from functools import partial

import oracles
import pytest
import torch
from runs import assert_same_run, last
from torch import nn

from dckit import CondensedSet, Recipe, build, condense, condensing, gradient_distance, gradients
from dckit.data import ImageData, Split
from dckit.engine import Matcher
from dckit.method import State, matching_step, train_epoch
from dckit.method.train import hold_batch_norm, redraw

CONVNET = partial(oracles.convnet, padding=3)
SEVERAL = dict(ipc=3, iterations=2, matching_steps=2, network_steps=2)


@pytest.mark.parametrize(
    "changes",
    [
        dict(),
        dict(iterations=4, image_momentum=0.9),
        dict(image_momentum=0.0),
        dict(init="real"),
        dict(metric="mse", image_lr=1.0),
        dict(metric="cos", image_lr=10.0),
        dict(by_class=False, image_lr=1.0),
        SEVERAL,
        SEVERAL | dict(network_momentum=0.5, network_lr=0.1),
        SEVERAL | dict(network_batch=7, network_lr=0.1),
        SEVERAL | dict(network_batch=None, network_lr=0.1, init="real"),
        SEVERAL | dict(by_class=False, metric="mse", image_lr=10.0),
        dict(normalisation="report", init="real", ipc=2),
    ],
    ids=str,
)
def test_images_and_losses_equal_algorithm_1_with_one_backward_pass_of_the_sum(digits, quick, changes):
    recipe = quick.but(**changes)
    state = last(condensing(digits, recipe, seed=3, device="cpu"))
    images, losses = oracles.condense(digits.normalised(recipe.condensing.normalisation), recipe, 3, CONVNET)
    start = next(condensing(digits, recipe.but(iterations=1, image_lr=1e-9), seed=3, device="cpu")).images
    assert float((images - start).abs().max()) > 0.05, "nothing was learned, so nothing is compared"
    torch.testing.assert_close(state.images, images, rtol=1e-4, atol=1e-5)
    assert state.losses == pytest.approx(losses, rel=1e-4)
    assert state.labels.tolist() == [c for c in range(10) for _ in range(recipe.ipc)]


def test_in_bfloat16_the_images_take_nearly_the_same_steps(digits, quick):
    exact, near = (
        last(condensing(digits, quick.but(precision=p), seed=3, device="cpu")) for p in ("float32", "bfloat16")
    )
    start = next(condensing(digits, quick.but(iterations=1, image_lr=1e-9), seed=3, device="cpu")).images
    off, moved = (float((a - exact.images).norm()) for a in (near.images, start))
    assert 0 < off < 0.2 * moved
    assert near.images.dtype == torch.float32


@pytest.mark.parametrize(
    ("network", "version", "forward"),
    [("MLP", "published", oracles.mlp), ("LeNet", "report", oracles.lenet_original)],
)
def test_another_network_condenses_as_algorithm_1_says(digits, quick, network, version, forward):
    recipe = quick.but(network=network, version=version, ipc=2, iterations=1, matching_steps=2, network_steps=1)
    images, losses = oracles.condense(digits, recipe, 0, forward)
    state = last(condensing(digits, recipe, device="cpu"))
    torch.testing.assert_close(state.images, images, rtol=1e-4, atol=1e-5)
    assert state.losses == pytest.approx(losses, rel=1e-4)


def test_one_backward_pass_a_class_moves_the_images_as_one_of_the_sum_does(digits, quick):
    choices = quick.but(image_lr=1.0, image_momentum=0.0).condensing
    network = build("ConvNet", digits.shape, 10, width=8)
    images, labels = torch.randn(20, 1, 28, 28, requires_grad=True), torch.arange(10).repeat_interleave(2)
    before = images.detach().clone()
    torch.manual_seed(0)
    total = 0.0
    for c in range(10):
        grads_real = gradients(network, *digits.train.sample(c, choices.real_batch))
        grads = gradients(network, images[labels == c], labels[labels == c], create_graph=True)
        total = total + gradient_distance(grads, grads_real)
    (expected,) = torch.autograd.grad(total, images)
    torch.manual_seed(0)
    train_images, match = torch.optim.SGD([images], lr=1.0), Matcher(network, gradient_distance)
    mean = matching_step(choices, digits.train, images, labels, train_images, match)
    torch.testing.assert_close(before - images.detach(), expected, rtol=1e-4, atol=1e-5)
    assert float(mean) == pytest.approx(float(total.detach()) / 10, rel=1e-5)
    assert all(p.grad is None for p in network.parameters())


def test_tensors_kept_for_the_backward_pass_do_not_grow_with_the_classes(digits, quick):
    def peak(classes):
        mine = digits.train.labels < classes
        real = replace(digits.train, pixels=digits.train.pixels[mine], labels=digits.train.labels[mine])
        held = most = 0

        def release(size):
            nonlocal held
            held -= size

        def keep(tensor):
            nonlocal held, most
            held += tensor.numel()
            most = max(most, held)

            def kept():
                return tensor

            weakref.finalize(kept, release, tensor.numel())
            return kept

        network = build("ConvNet", digits.shape, classes, width=8)
        images = torch.randn(classes, 1, 28, 28, requires_grad=True)
        train_images, match = torch.optim.SGD([images], lr=0.1), Matcher(network, gradient_distance)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept()):
            matching_step(quick.condensing, real, images, torch.arange(classes), train_images, match)
        return most

    assert 0 < peak(10) < 1.1 * peak(3)


def test_states_tell_how_far_the_run_is_and_are_never_changed(digits, quick):
    states = list(condensing(digits, quick, device="cpu"))
    copies = [state.images.clone() for state in condensing(digits, quick, device="cpu")]
    assert [state.done for state in states] == [(1, 3), (2, 3), (3, 3)]
    for n, (state, copy) in enumerate(zip(states, copies, strict=True), 1):
        assert torch.equal(state.images, copy)
        assert not state.images.requires_grad
        assert len(state.losses) == n
        assert state.loss == state.losses[-1]
        assert state.losses == states[-1].losses[:n]
        assert str(state) == f"iteration {n} of 3, distance {state.loss:.1f}"
    assert 0 < states[0].seconds < states[2].seconds
    assert all(math.isfinite(loss) and loss > 0 for loss in states[-1].losses)


def test_a_states_condensed_set_carries_recipe_seed_and_losses(digits, quick):
    state = last(condensing(digits, quick, seed=5, device="cpu"))
    card = state.condensed.card
    assert torch.equal(state.condensed.images, state.images)
    assert (card["dataset"], card["seed"], card["iteration"]) == ("digits", 5, 3)
    assert Recipe.read(card["recipe"]) == quick
    assert card["method"] == "dc"
    assert card["losses"] == list(state.losses)
    assert card["versions"]["torch"] == torch.__version__
    assert card["device"].endswith(f", {torch.get_num_threads()} threads")


@pytest.mark.parametrize("normalisation", ["published", "report"])
def test_real_initialisation_starts_at_images_of_each_class_normalised_as_the_recipe_says(digits, quick, normalisation):
    recipe = quick.but(ipc=2, init="real", iterations=1, image_lr=1e-12, normalisation=normalisation)
    state = last(condensing(digits, recipe, device="cpu"))
    images, real = state.images, digits.normalised(normalisation)
    assert state.condensed.card["std"] == list(real.std)
    for i, image in enumerate(images):
        members = real.train[real.train.by_class[i // 2]][0]
        assert float((members - image).abs().amax((1, 2, 3)).min()) < 1e-5
    assert not torch.equal(images[0], images[1])


def test_noise_initialisation_is_gaussian(digits, quick):
    images = last(condensing(digits, quick.but(ipc=5, iterations=1, image_lr=1e-12), device="cpu")).images
    assert float(images.mean()) == pytest.approx(0, abs=0.02)
    assert float(images.std()) == pytest.approx(1, abs=0.02)


def test_the_same_seed_gives_the_same_images_and_another_gives_others(digits, quick):
    torch.manual_seed(1)
    first = last(condensing(digits, quick, seed=7, device="cpu"))
    torch.manual_seed(2)
    assert_same_run(first, last(condensing(digits, quick, seed=7, device="cpu")))
    assert not torch.allclose(first.images, last(condensing(digits, quick, seed=8, device="cpu")).images, atol=0.1)


def test_the_callers_random_state_is_left_alone(digits, quick):
    before = torch.get_rng_state()
    for _ in condensing(digits, quick.but(**SEVERAL), device="cpu"):
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


def test_random_numbers_that_the_caller_draws_between_states_change_nothing(digits, quick):
    undisturbed = last(condensing(digits, quick, device="cpu"))
    states = condensing(digits, quick, device="cpu")
    for _ in range(3):
        state = next(states)
        torch.rand(7)
    assert_same_run(undisturbed, state)


@pytest.mark.parametrize("matching_steps", [1, 2])
def test_what_is_done_with_a_network_that_is_about_to_be_thrown_away_changes_no_image(
    digits, quick, monkeypatch, matching_steps
):
    recipe = quick.but(matching_steps=matching_steps, network_steps=2, network_lr=0.1, network_momentum=0.5)
    plain = last(condensing(digits, recipe, device="cpu"))

    def redrawn(network, optimizer, *args):  # trained once more, as the published code does after its last step
        train_epoch(network, optimizer, digits.train[:20], 7, generator=torch.Generator())
        return redraw(network, optimizer, *args)

    monkeypatch.setattr("dckit.method.dc.redraw", redrawn)
    assert_same_run(plain, last(condensing(digits, recipe, device="cpu")))


@pytest.mark.parametrize(("matching_steps", "passes"), [(1, 0), (2, 2), (3, 4)])
def test_the_network_is_trained_between_matching_steps(digits, quick, monkeypatch, matching_steps, passes):
    calls = []
    monkeypatch.setattr("dckit.method.dc.train_epoch", lambda *args: calls.append(args))
    recipe = quick.but(iterations=1, network_steps=2, network_lr=0.03, network_momentum=0.25, network_batch=7)
    last(condensing(digits, recipe.but(matching_steps=matching_steps), device="cpu"))
    assert len(calls) == passes
    for network, optimizer, (images, labels), batch, augmentation, generator in calls:
        ((lr, momentum, learned),) = [(g["lr"], g["momentum"], g["params"]) for g in optimizer.param_groups]
        assert (lr, momentum, batch, augmentation) == (0.03, 0.25, 7, "none")
        assert all(own is theirs for own, theirs in zip(network.parameters(), learned, strict=True))
        assert isinstance(generator, torch.Generator)
        assert not images.requires_grad
        assert labels.tolist() == list(range(10))


@pytest.mark.parametrize(("momentum", "names"), [(0.5, ["images", "velocity"]), (0.0, ["images"])])
def test_what_is_learned_is_the_images_and_their_momentum_if_they_have_one(digits, quick, momentum, names):
    recipe = quick.but(image_momentum=momentum)
    assert sorted(recipe.condensing.start(digits, 2, torch.Generator())) == names
    states = list(condensing(digits, recipe, device="cpu"))
    assert all(sorted(state.learned) == names for state in states)
    if momentum:
        before, after = states[1:]
        moved = after.images - before.images
        torch.testing.assert_close(moved, -recipe.condensing.image_lr * after.learned["velocity"])
        assert not torch.equal(before.learned["velocity"], after.learned["velocity"])


@pytest.mark.parametrize("progress", [True, False])
def test_condense_gives_the_set_of_the_last_state_and_shows_how_far_it_is_unless_told_not_to(
    digits, quick, tmp_path, capsys, progress
):
    path = tmp_path / "c.safetensors"
    found = condense(digits, quick, seed=3, device="cpu", checkpoint=path, progress=progress)
    state = last(condensing(digits, quick, seed=3, device="cpu"))
    assert torch.equal(found.images, state.images)
    assert found.card | {"seconds": 0} == state.condensed.card | {"seconds": 0}
    assert found.card == CondensedSet.load(path).card
    said = capsys.readouterr().out
    assert str(state) in said if progress else not said


# What is refused


def test_images_that_are_no_numbers_end_the_run_and_leave_the_last_good_checkpoint(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    recipe = quick.but(image_lr=1e30)
    good = []
    with pytest.raises(FloatingPointError, match=r"smaller image_lr than 1e\+30 or network_lr than 0.01"):
        good.extend(condensing(digits, recipe, device="cpu", checkpoint=path))
    saved = CondensedSet.load(path)
    assert saved.card["iteration"] < 3
    assert torch.isfinite(saved.images).all()
    with pytest.raises(FloatingPointError, match="image_lr"):
        last(condensing(digits, recipe, device="cpu", checkpoint=path))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_images_that_are_no_numbers_are_refused_though_the_loss_is_one(digits, quick, monkeypatch, value):
    def spoil(choices, real, images, *_):
        images.data[3, 0, 5, 5] = value
        return torch.tensor(1.0)

    monkeypatch.setattr("dckit.method.dc.matching_step", spoil)
    with pytest.raises(FloatingPointError, match=r"loss 1\.0 in iteration 1, the images are no longer numbers"):
        next(condensing(digits, quick, device="cpu"))


def test_more_images_than_the_smallest_class_has_are_refused(digits, quick):
    with pytest.raises(ValueError, match="ipc 140: expected 1 to 139 images per class, as many as '8' has"):
        condensing(digits, quick.but(ipc=140), device="cpu")
    assert isinstance(next(condensing(digits, quick.but(ipc=139, real_batch=1), device="cpu")), State)


@pytest.mark.parametrize("ipc", [0, -1])
def test_no_images_are_refused(quick, ipc):
    with pytest.raises(ValueError, match=f"ipc {ipc}: expected more than 0"):
        quick.but(ipc=ipc)


def test_a_negative_seed_is_refused_before_any_work(digits, quick):
    with pytest.raises(ValueError, match="seed -1 is negative"):
        condensing(digits, quick, seed=-1, device="cpu")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(network="Convnet"), "unknown network 'Convnet'"),
        (dict(network="VGG11", version="report"), "unknown version 'report' of VGG11"),
    ],
)
def test_a_network_that_does_not_exist_is_refused_before_any_work(digits, quick, changes, says):
    with pytest.raises(ValueError, match=says):
        condensing(digits, quick.but(**changes), device="cpu")


def test_a_network_that_cannot_take_the_images_is_refused_before_any_work(quick):
    small = Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]), (0.0,), (1.0,))
    with pytest.raises(ValueError, match="LeNet cannot take images of 1×8×8"):
        condensing(ImageData("small", ("a", "b"), small, small, "published"), quick.but(network="LeNet"), device="cpu")


# Batch norm


def batch_norm_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(10))


def test_batch_norm_is_held_after_one_step_of_a_tenth_towards_the_batchs_statistics(digits):
    network = batch_norm_network().eval()
    hold_batch_norm(network, digits.train, 1000)  # all there are: the statistics of the whole training set
    with torch.no_grad():
        maps = network[0](digits.train.images)
    torch.testing.assert_close(network[1].running_mean, 0.1 * maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network[1].running_var, 0.9 + 0.1 * maps.var((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert not network[1].training
    assert network[0].training
    held = network[1].running_mean.clone()
    network(digits.train[:5][0])
    assert torch.equal(network[1].running_mean, held)


def test_batch_norm_sees_as_many_images_of_each_class_as_the_recipe_says(digits):
    network, seen = batch_norm_network(), []
    network[0].register_forward_hook(lambda module, args, output: seen.append(args[0]))
    torch.manual_seed(3)
    hold_batch_norm(network, digits.train, 5)
    torch.manual_seed(3)
    assert torch.equal(seen[0], torch.cat([digits.train.sample(c, 5)[0] for c in range(10)]))
    assert len(seen) == 1


def test_without_batch_norm_nothing_is_held_and_no_random_number_drawn(digits):
    network = build("ConvNet", digits.shape, 10, width=8)
    before = torch.get_rng_state()
    hold_batch_norm(network, digits.train, 16)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in network.modules())


def test_batch_norm_is_held_anew_before_each_matching_step(digits, quick, monkeypatch):
    states = []

    def look(choices, real, images, labels, train_images, match, *_):
        layers = [m for m in match.network.modules() if isinstance(m, nn.BatchNorm2d)]
        states.append((any(m.training for m in layers), [int(m.num_batches_tracked) for m in layers]))
        return torch.tensor(1.0)

    monkeypatch.setattr("dckit.method.dc.matching_step", look)
    recipe = quick.but(network="VGG11BN", iterations=1, matching_steps=2, network_steps=1, norm_images=1)
    last(condensing(digits, recipe, device="cpu"))
    # one pass before the first step; one of training θ and one more before the second
    assert states == [(False, [1] * 8), (False, [3] * 8)]


def test_images_are_condensed_through_batch_norm(digits, quick):
    recipe = quick.but(network="VGG11BN", iterations=1, real_batch=1, norm_images=1)
    state = last(condensing(digits, recipe, device="cpu"))
    assert torch.isfinite(state.images).all()
    assert state.loss > 0


@pytest.mark.parametrize("changes", [dict(), SEVERAL | dict(network_lr=0.1), dict(by_class=False)], ids=str)
def test_the_images_are_the_same_whether_one_thread_makes_them_or_two(digits, quick, changes):
    recipe, made, before = quick.but(width=32, **changes), [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(last(condensing(digits, recipe, seed=3, device="cpu")).images)
    torch.set_num_threads(before)
    torch.testing.assert_close(made[0], made[1], rtol=1e-5, atol=1e-5)
