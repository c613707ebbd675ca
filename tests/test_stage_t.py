import statistics
from dataclasses import replace

import oracles
import pytest
import torch

from dckit import CondensedSet, Recipe, build, condensing, evaluate, evaluating, random_images
from dckit.data import Split
from dckit.engine import descend
from dckit.method import Scores, accuracy, train_epoch
from dckit.method.stage_t import training

PUBLISHED, REPORT = Recipe.published(), Recipe.report()


def train(network, data, recipe, dataset):
    for _ in training(network, data, recipe.testing, dataset):
        pass


@pytest.fixture
def passes(monkeypatch):
    """What stage T asks of each pass over the set: nothing is trained."""
    calls = []
    monkeypatch.setattr("dckit.method.stage_t.train_epoch", lambda *args: calls.append(args))
    return calls


def rates(passes):
    return [optimizer.defaults["lr"] for _, optimizer, *_ in passes]


@pytest.mark.parametrize(
    ("dataset", "number", "last_at_full_rate", "augmentation"),
    [
        ("mnist", 1001, 501, "crop_scale_rotate"),
        ("digits", 1001, 501, "crop_scale_rotate"),
        ("fashionmnist", 301, 151, "none"),
        ("cifar10", 301, 151, "none"),
        ("my pictures", 301, 151, "none"),
    ],
)
def test_the_published_schedule_drops_the_rate_once_behind_the_middle(
    digits, passes, dataset, number, last_at_full_rate, augmentation
):
    network = build("MLP", digits.shape, 10)
    train(network, random_images(digits), PUBLISHED, dataset)
    assert len(passes) == number
    assert rates(passes) == [0.01] * (last_at_full_rate + 1) + [0.001] * (number - last_at_full_rate - 1)
    for trained, optimizer, _, batch, changes, _ in passes:
        assert trained is network
        assert (optimizer.defaults["momentum"], optimizer.defaults["weight_decay"]) == (0.9, 0.0005)
        assert (batch, changes) == (256, augmentation)


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_the_reports_protocol_is_300_plain_passes(digits, passes, dataset):
    train(build("MLP", digits.shape, 10), random_images(digits), REPORT, dataset)
    assert rates(passes) == [0.01] * 300
    for _, optimizer, _, _, augmentation, _ in passes:
        assert (optimizer.defaults["momentum"], optimizer.defaults["weight_decay"]) == (0.0, 0.0)
        assert augmentation == "none"


@pytest.mark.parametrize(("augmentation", "number"), [("none", 301), ("crop_noise", 1001), ("crop_scale_rotate", 1001)])
def test_a_named_augmentation_is_used_on_every_dataset(digits, passes, augmentation, number):
    recipe = PUBLISHED.but(augmentation=augmentation)
    train(build("MLP", digits.shape, 10), random_images(digits), recipe, "cifar10")
    assert [args[4] for args in passes] == [augmentation] * number


def test_the_whole_dataset_is_trained_on_without_augmentation_for_its_own_number_of_passes(digits, quick, passes):
    evaluate(digits.train, digits, quick.but(whole_networks=1, whole_epochs=7, epochs=2, epochs_augmented=3))
    assert [args[4] for args in passes] == ["none"] * 7
    images, labels = passes[0][2]
    assert torch.equal(images, digits.train.images)
    assert torch.equal(labels, digits.train.labels)


def test_the_drop_starts_momentum_over(digits, monkeypatch):
    seen = []

    def look(network, optimizer, *args):
        moves = [bool(state["momentum_buffer"].any()) for state in optimizer.state.values()]
        seen.append((optimizer.defaults["lr"], any(moves)))
        train_epoch(network, optimizer, *args)

    monkeypatch.setattr("dckit.method.stage_t.train_epoch", look)
    recipe = PUBLISHED.but(epochs=8, augmentation="none")
    train(build("MLP", digits.shape, 10), random_images(digits), recipe, "digits")
    assert seen == [(0.01, False), *[(0.01, True)] * 4, (0.001, False), *[(0.001, True)] * 2]


@pytest.mark.parametrize(
    "changes",
    [
        dict(epochs=9, lr=0.1),
        dict(epochs=10, lr=0.1, weight_decay=0.05),
        dict(epochs=9, lr=0.1, batch=7),
        dict(epochs=9, lr=0.1, momentum=0.0, weight_decay=0.0, lr_drop=1.0),
        dict(epochs=9, lr=0.05, lr_drop=1.0, batch=6),
        dict(epochs=1),
    ],
    ids=str,
)
def test_training_equals_sgd_written_out(digits, changes):
    recipe = PUBLISHED.but(augmentation="none", **changes)
    torch.manual_seed(0)
    condensed, network = random_images(digits, ipc=2), build("MLP", digits.shape, 10)
    theta = [p.detach().clone().requires_grad_() for p in network.parameters()]
    torch.manual_seed(1)
    theta = oracles.train(theta, condensed.images, condensed.labels, recipe, recipe.testing.epochs, oracles.mlp)
    torch.manual_seed(1)
    train(network, condensed, recipe, "digits")
    for found, expected in zip(network.parameters(), theta, strict=True):
        torch.testing.assert_close(found.detach(), expected.detach(), rtol=1e-3, atol=1e-4)


def test_batches_of_a_pass_are_shuffled_anew_and_hold_every_image_once(digits):
    seen = []
    network = build("MLP", digits.shape, 10)
    network.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    images, labels = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 1, 28, 28), torch.arange(10)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    torch.manual_seed(0)
    for _ in range(2):
        train_epoch(network, optimizer, (images, labels), 4)
    order = [[int(image[0, 0, 0]) for image in batch] for batch in seen]
    assert [len(batch) for batch in order] == [4, 4, 2, 4, 4, 2]
    first, second = order[0] + order[1] + order[2], order[3] + order[4] + order[5]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != list(range(10))


def test_a_pass_is_in_training_mode_and_changes_the_images_anew(digits):
    seen = []
    network = build("MLP", digits.shape, 10).eval()
    network.register_forward_pre_hook(lambda module, args: seen.append((module.training, args[0])))
    images, labels = digits.test[:5]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    for augmentation in ("none", "crop_scale_rotate", "crop_scale_rotate"):
        torch.manual_seed(len(seen))
        train_epoch(network, optimizer, (images, labels), None, augmentation)
    assert all(training for training, _ in seen)
    plain, first, second = (batch.flatten(1).sort(0).values for _, batch in seen)
    assert torch.equal(plain, images.flatten(1).sort(0).values)
    assert not torch.equal(plain, first)
    assert not torch.equal(first, second)


def test_accuracy_is_the_share_of_right_answers_whatever_the_batches(digits, monkeypatch):
    network = build("MLP", digits.shape, 10)
    with torch.no_grad():
        right = (network(digits.test.images).argmax(1) == digits.test.labels).double().mean()
    for batch in (7, 50, 1000):
        monkeypatch.setattr("dckit.method.train.TEST_BATCH", batch)
        assert accuracy(network, digits.test) == pytest.approx(100 * float(right))
    assert not network.training


def test_scores_are_mean_and_population_deviation():
    scores = Scores((90.0, 92.0, 97.0), 1.5, {"networks": 20})
    assert scores.mean == pytest.approx(93)
    assert scores.std == pytest.approx(((3**2 + 1 + 4**2) / 3) ** 0.5)
    assert scores.done == (3, 20)
    assert str(scores) == "93.0 ± 2.9 % over 3 networks"


def test_one_network_has_no_deviation(digits, quick):
    scores = evaluate(random_images(digits), digits, quick, device="cpu")
    assert (len(scores.accuracies), scores.std) == (1, 0)


def test_a_score_comes_after_every_network_and_says_how_it_was_measured(digits, quick):
    recipe = quick.but(networks=3)
    scores = list(evaluating(random_images(digits), digits, recipe, seed=4, device="cpu"))
    assert [s.done for s in scores] == [(1, 3), (2, 3), (3, 3)]
    for n, s in enumerate(scores, 1):
        assert s.accuracies == scores[-1].accuracies[:n]
        assert s.mean == pytest.approx(statistics.fmean(s.accuracies))
        assert all(0 <= a <= 100 for a in s.accuracies)
    card = scores[-1].card
    assert Recipe.read(card["recipe"]) == recipe
    assert (card["dataset"], card["networks"], card["seed"]) == ("digits", 3, 4)
    assert card["set"] == {"ipc": 1, "method": "random", "seed": 0, "digest": digits.digest}
    assert 0 < scores[0].seconds < scores[2].seconds


def test_the_whole_dataset_trains_its_own_number_of_networks(digits, quick, passes):
    scores = list(evaluating(digits.train, digits, quick.but(networks=3, whole_networks=2, whole_epochs=4)))
    assert [s.done for s in scores] == [(1, 2), (2, 2)]
    assert len(passes) == 2 * 4
    assert (scores[-1].card["networks"], scores[-1].card["set"]) == (2, {"method": "whole"})


def test_a_score_says_how_its_condensed_set_was_made(digits, quick, tmp_path):
    *_, state = condensing(digits, quick, seed=5, device="cpu")
    scores = evaluate(state.condensed, digits, quick.but(lr=0.02), seed=1, device="cpu")
    made = scores.card["set"]
    assert (made["method"], made["seed"], made["iteration"]) == ("dc", 5, 3)
    assert Recipe.read(made["recipe"]) == quick
    assert scores.card["recipe"]["testing"]["lr"] == 0.02
    assert "losses" not in made
    path = tmp_path / "res.pt"
    torch.save({"data": [[state.condensed.images, state.condensed.labels]]}, path)
    made = evaluate(CondensedSet.from_published(path, digits), digits, quick, device="cpu").card["set"]
    source = "published code, res.pt, experiment 0"
    assert made == {"ipc": 1, "method": "dc", "source": source, "digest": digits.digest}


@pytest.mark.parametrize("progress", [True, False])
def test_evaluate_gives_the_last_scores_and_shows_how_far_it_is_unless_told_not_to(digits, quick, capsys, progress):
    condensed, recipe = random_images(digits), quick.but(networks=3)
    found = evaluate(condensed, digits, recipe, seed=1, device="cpu", progress=progress)
    *_, scores = evaluating(condensed, digits, recipe, seed=1, device="cpu")
    assert (found.accuracies, found.card) == (scores.accuracies, scores.card)
    said = capsys.readouterr().out
    assert str(scores) in said if progress else not said


def test_the_same_seed_gives_the_same_accuracies_and_another_gives_others(digits, quick):
    condensed, recipe = random_images(digits), quick.but(networks=3)
    torch.manual_seed(1)
    first = evaluate(condensed, digits, recipe, seed=1, device="cpu")
    torch.manual_seed(2)
    assert evaluate(condensed, digits, recipe, seed=1, device="cpu").accuracies == first.accuracies
    assert evaluate(condensed, digits, recipe, seed=2, device="cpu").accuracies != first.accuracies


def test_a_networks_accuracy_does_not_depend_on_how_many_are_asked_for(digits, quick):
    condensed = random_images(digits)
    three = evaluate(condensed, digits, quick.but(networks=3), device="cpu")
    assert len(set(three.accuracies)) > 1
    for n in (1, 2):
        assert evaluate(condensed, digits, quick.but(networks=n), device="cpu").accuracies == three.accuracies[:n]


def test_the_callers_random_state_is_left_alone(digits, quick):
    before = torch.get_rng_state()
    for _ in evaluating(random_images(digits), digits, quick.but(networks=2), device="cpu"):
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_condensed_set_is_not_changed(digits, quick):
    condensed = random_images(digits)
    before = condensed.images.clone()
    evaluate(condensed, digits, quick, device="cpu")
    assert torch.equal(condensed.images, before)


@pytest.fixture
def tested_on(monkeypatch):
    """The splits that networks are tested on."""
    splits = []

    def look(network, test):
        splits.append(test)
        return 0.0

    monkeypatch.setattr("dckit.method.stage_t.accuracy", look)
    return splits


def test_the_choice_of_test_images_is_not_the_first_ones(digits, quick, tested_on):
    evaluate(random_images(digits), digits, quick.but(test_images=50), device="cpu")
    first = {image.numpy().tobytes() for image in digits.test.pixels[:50]}
    assert len({image.numpy().tobytes() for image in tested_on[0].pixels} - first) > 25


def test_the_choice_of_test_images_is_the_same_whatever_the_seed(digits, quick, tested_on):
    for seed in (0, 1, 99):
        evaluate(random_images(digits), digits, quick.but(test_images=50, networks=2), seed=seed, device="cpu")
    assert len(tested_on) == 6
    for split in tested_on:
        assert torch.equal(split.pixels, tested_on[0].pixels)
        assert torch.equal(split.labels, tested_on[0].labels)
    assert len(tested_on[0]) == 50
    assert len(tested_on[0].labels.unique()) > 5  # not the first ones of a sorted file
    rows = {bytes(image.numpy().tobytes()) for image in digits.test.pixels}
    assert len({image.numpy().tobytes() for image in tested_on[0].pixels} & rows) >= 49


@pytest.mark.parametrize("test_images", [None, 360, 10_000])
def test_without_a_choice_all_test_images_are_used(digits, quick, tested_on, test_images):
    evaluate(random_images(digits), digits, quick.but(test_images=test_images), device="cpu")
    assert torch.equal(tested_on[0].pixels, digits.test.pixels)


def test_the_network_of_stage_t_can_be_another_than_that_of_stage_c(digits, quick, monkeypatch):
    built = []
    monkeypatch.setattr("dckit.method.train.build", lambda *args: built.append(args) or build(*args))
    evaluate(random_images(digits), digits, quick.but(testing={"network": "MLP", "width": 4}), device="cpu")
    assert set(built) == {("MLP", (1, 28, 28), 10, "published", 4)}


def test_images_are_tested_under_the_recipes_normalisation(digits, quick, tested_on):
    report = digits.normalised("report")
    evaluate(random_images(report), digits, quick.but(normalisation="report"), device="cpu")
    assert (tested_on[0].mean, tested_on[0].std) == (report.mean, report.std)
    assert report.std != digits.std


def test_the_network_of_stage_t_can_be_of_another_version(digits, quick, monkeypatch):
    built = []
    monkeypatch.setattr("dckit.method.train.build", lambda *args: built.append(args) or build(*args))
    recipe = quick.but(version="report", testing={"version": "published"})
    evaluate(random_images(digits), digits, recipe, device="cpu")
    assert set(built) == {("ConvNet", (1, 28, 28), 10, "published", 8)}
    built.clear()
    list(condensing(digits, recipe.but(iterations=1), device="cpu"))
    assert set(built) == {("ConvNet", (1, 28, 28), 10, "report", 8)}


# A batch in pieces


def float64(network):
    """Its weights, which come rounded to float32, in float64: only the order of a sum is then left to differ."""
    return network.double(), torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9)


@pytest.mark.parametrize("batch", [None, 100, 32, 7])
def test_pieces_of_a_batch_make_the_same_step_as_all_of_it(digits, monkeypatch, batch):
    images, labels = digits.train[:130]
    ends, rights, sizes = [], [], []
    monkeypatch.setattr("dckit.engine.pieces.WIDE", 4)
    for piece in (32, 10_000):
        monkeypatch.setattr("dckit.engine.pieces.PIECE", piece)
        torch.manual_seed(0)
        network, optimizer = float64(build("ConvNet", digits.shape, 10, width=4))
        seen = []
        network.register_forward_pre_hook(lambda module, args, seen=seen: seen.append(len(args[0])))
        for _ in range(2):
            rights.append(train_epoch(network, optimizer, (images.double(), labels), batch))
        ends.append([p.detach() for p in network.parameters()])
        sizes.append(seen)
    assert max(sizes[0]) <= 32
    assert max(sizes[1]) == (batch or 130)
    for a, b in zip(*ends, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)
    assert torch.equal(rights[0], rights[2])
    assert torch.equal(rights[1], rights[3])


def test_a_step_is_down_the_mean_loss_of_the_batch(digits):
    images, labels = digits.train[:77]
    torch.manual_seed(0)
    network, optimizer = float64(build("MLP", digits.shape, 10))
    before = [p.detach().clone() for p in network.parameters()]
    loss = torch.nn.functional.cross_entropy(network(images.double()), labels)
    grads = torch.autograd.grad(loss, list(network.parameters()))
    train_epoch(network, optimizer, (images.double(), labels), None)
    for p, start, grad in zip(network.parameters(), before, grads, strict=True):
        torch.testing.assert_close(p.detach(), start - 0.5 * grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_descending_is_what_the_optimiser_does_of_its_own_and_tells_the_logits_before_it(digits, momentum):
    images, labels = digits.train[:30]
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(build("MLP", digits.shape, 10))
    ours, plain = networks
    optimizer, plainly = (
        torch.optim.SGD(n.parameters(), lr=0.1, momentum=momentum, weight_decay=0.01) for n in networks
    )
    for _ in range(3):
        with torch.no_grad():
            before = plain(images)
        torch.testing.assert_close(descend(ours, optimizer, images, labels), before, rtol=1e-5, atol=1e-6)
        plainly.zero_grad()
        torch.nn.functional.cross_entropy(plain(images), labels).backward()
        plainly.step()
    for found, expected in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_batch_norm_sees_a_batch_whole(digits):
    seen = []
    network = build("VGG11BN", digits.shape, 10, width=4)
    network.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    train_epoch(network, torch.optim.SGD(network.parameters(), lr=0.0), digits.train[:100], 70)
    assert seen == [70, 30]


def test_a_pass_tells_of_each_image_whether_it_was_named_right(digits):
    images, labels = digits.train[:200]
    torch.manual_seed(1)
    network = build("MLP", digits.shape, 10)
    train(network, random_images(digits, ipc=2), PUBLISHED.but(epochs=20, augmentation="none"), "digits")
    with torch.no_grad():
        expected = network(images).argmax(1) == labels
    assert 0.3 < float(expected.float().mean()) < 0.95
    still = torch.optim.SGD(network.parameters(), lr=0.0)
    for batch in (None, 64, 1):
        assert torch.equal(train_epoch(network, still, (images, labels), batch), expected)
    moving = torch.optim.SGD(network.parameters(), lr=1.0)  # one step, and what counts is the network before it
    assert torch.equal(train_epoch(network, moving, (images, labels), None), expected)
    with torch.no_grad():
        assert not torch.equal(network(images).argmax(1) == labels, expected)


def test_training_is_a_generator_that_passes_on_what_each_pass_tells(digits, monkeypatch):
    told = [torch.rand(10) > 0.5 for _ in range(4)]
    script = iter(told)
    monkeypatch.setattr("dckit.method.stage_t.train_epoch", lambda *args: next(script))
    recipe = PUBLISHED.but(epochs=4, augmentation="none")
    found = list(training(build("MLP", digits.shape, 10), random_images(digits), recipe.testing, "digits"))
    assert all(a is b for a, b in zip(found, told, strict=True))


# What is refused


def foreign(condensed, **card):
    return CondensedSet(condensed.images, condensed.labels, condensed.card | card)


def test_a_set_of_another_shape_is_refused(digits, quick):
    small = Split(digits.train.pixels[:, :, 4:24, 4:24], digits.train.labels, digits.mean, digits.std)
    condensed = random_images(replace(digits, train=small, test=small))
    with pytest.raises(
        ValueError, match=r"the condensed set has shape \[1, 20, 20\], the test images have \[1, 28, 28"
    ):
        evaluating(condensed, digits, quick, device="cpu")


def test_a_set_of_other_classes_is_refused(digits, quick):
    condensed = random_images(replace(digits, classes=tuple("abcdefghij")))
    with pytest.raises(ValueError, match=r"the condensed set has classes \['a', .*, the test images have \['0', "):
        evaluating(condensed, digits, quick, device="cpu")


def test_a_set_that_is_normalised_otherwise_is_refused(digits, quick):
    condensed = random_images(digits.normalised("report"))
    with pytest.raises(ValueError, match="the condensed set has normalisation report, the test images have published"):
        evaluating(condensed, digits, quick, device="cpu")
    with pytest.raises(ValueError, match="the condensed set has normalisation published, the test images have report"):
        evaluating(random_images(digits), digits, quick.but(normalisation="report"), device="cpu")


def test_a_negative_seed_is_refused(digits, quick):
    with pytest.raises(ValueError, match="seed -3 is negative"):
        evaluating(random_images(digits), digits, quick, seed=-3, device="cpu")


def test_a_network_that_does_not_exist_is_refused_before_any_work(digits, quick):
    with pytest.raises(ValueError, match="unknown network 'Convnet'"):
        evaluating(random_images(digits), digits, quick.but(testing={"network": "Convnet"}), device="cpu")


# What it is all for


def test_a_better_set_scores_better(digits, quick):
    recipe = quick.but(networks=2, epochs=60, augmentation="none", test_images=None)
    *_, noise = condensing(digits, recipe.but(iterations=1, image_lr=1e-9), device="cpu")
    sets = (noise.condensed, random_images(digits, ipc=1), random_images(digits, ipc=10))
    worst, middle, best = (evaluate(condensed, digits, recipe, device="cpu").mean for condensed in sets)
    assert worst < 35
    assert worst + 20 < middle < best - 8


def test_learned_images_score_better_than_the_real_ones_they_started_from(digits, quick):
    recipe = quick.but(networks=2, width=16, epochs=60, augmentation="none", test_images=None, init="real")
    *_, start = condensing(digits, recipe.but(iterations=1, image_lr=1e-9), device="cpu")
    *_, state = condensing(digits, recipe.but(iterations=40, image_lr=1.0), device="cpu")
    before, after = (evaluate(s.condensed, digits, recipe, device="cpu").mean for s in (start, state))
    assert after > before + 5


def test_training_on_the_whole_set_scores_better_than_on_ten_of_each_class(digits, quick):
    recipe = quick.but(whole_networks=1, whole_epochs=5, batch=32, epochs=60, augmentation="none", test_images=None)
    whole, ten = (
        evaluate(data, digits, recipe, device="cpu").mean for data in (digits.train, random_images(digits, 10))
    )
    assert whole > ten + 3
