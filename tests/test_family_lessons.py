"""Lessons 9 to 11: their checks name each known mistake, their widgets and tables say what was measured."""

import re

import pytest
import torch
import torch.nn.functional as F
from runs import last

import dckit
from dckit import check, tables, widgets
from dckit.check.answers import NOTHING
from dckit.data import CondensedSet
from dckit.method import Recipe, Scores, augment, dd
from dckit.results import Result, Run, cost, with_shipped
from dckit.results.family_table import FAMILY, SIZES
from dckit.widgets.feature_space import shown as features_shown
from dckit.widgets.feature_space import space
from dckit.widgets.initialisation import KNOWN, measured
from dckit.widgets.initialisation import shown as initialisation_shown
from dckit.widgets.siamese import changed
from dckit.widgets.siamese import shown as siamese_shown

# Siamese augmentation


def siamese_but(per_image=False, draws=1, sides=(True, True), order=1, detach=False, fixed=False):
    def function(synthetic, real, names):
        def drawn(kinds):
            kind, its = augment.draw(kinds, real, torch.Generator().manual_seed(5) if fixed else None)
            return kind, [number if per_image else number[:1] for number in its]

        kind, its = drawn(names)
        theirs = drawn((kind,)) if draws == 2 else (kind, its)
        mine = synthetic.detach() if detach else synthetic
        found = [
            augment.apply(kind, mine, [n[: len(mine)] for n in its]) if sides[0] else mine,
            augment.apply(theirs[0], real, theirs[1]) if sides[1] else real,
        ]
        return tuple(found[::order])

    return function


def a_kind_per_side(synthetic, real, names):
    """Right where there is only one kind."""
    kind, its = augment.draw(names, real)
    first = [n[:1] for n in its]
    mine = augment.apply(kind, synthetic, first)
    return mine, augment.apply(kind, real, first) if len(names) == 1 else augment.apply("rotate", real, [torch.rand(1)])


def one_kind_always(synthetic, real, names):
    kind, its = augment.draw(names if names != ("flip",) else ("rotate",), real)
    return tuple(augment.apply(kind, x, [n[:1] for n in its]) for x in (synthetic, real))


SIAMESE = {
    "different numbers": ("different numbers: draw once", siamese_but(draws=2)),
    "different kinds": ("draw once, and apply that to both", a_kind_per_side),
    "a number per image": ("numbers of its own", siamese_but(per_image=True)),
    "synthetic alone": ("the real images are as they were", siamese_but(sides=(True, False))),
    "real alone": ("the synthetic images are as they were", siamese_but(sides=(False, True))),
    "nothing": ("nothing has been augmented", lambda synthetic, real, names: (synthetic, real)),
    "other order": ("in the other order", siamese_but(order=-1)),
    "always the same": ("draw new numbers each time", siamese_but(fixed=True)),
    "a kind of its own": ("not in `names`", one_kind_always),
    "detached": ("synthetic images are detached", siamese_but(detach=True)),
    "one batch": ("expected two batches", lambda synthetic, real, names: synthetic),
    "unwritten": (NOTHING, lambda synthetic, real, names: None),
}


@pytest.mark.parametrize("name", SIAMESE)
def test_mistakes_in_siamese_augmentation_are_named(name):
    says, answer = SIAMESE[name]
    found = check.siamese(answer)
    assert not found.right
    assert says in str(found)


def test_siamese_augmentation_is_accepted():
    assert check.siamese(siamese_but()).right
    assert check.siamese(lambda s, r, names: next(dckit.method.kinds.siamese([s], [r], *augment.draw(names, s)))).right


# The distance of mean features


def summed(one_class):
    return lambda embed, synthetic, real: sum(
        one_class(embed(s), embed(r)) for s, r in zip(synthetic, real, strict=True)
    )


def apart(s, r):
    return s.mean(0) - r.mean(0)


right_distance = summed(lambda s, r: apart(s, r).square().sum())
DISTANCES = {
    "mean of distances": ("mean of distances", summed(lambda s, r: torch.cdist(s, r).square().mean())),
    "not squared": ("not squared", summed(lambda s, r: apart(s, r).norm())),
    "mean over classes": ("mean over classes: the", lambda *its: right_distance(*its) / 3),
    "mean over features": ("mean over features", summed(lambda s, r: apart(s, r).square().mean())),
    "one common mean": ("one common mean", lambda e, s, r: apart(e(torch.cat(s)), e(torch.cat(r))).square().sum()),
    "detached": ("detached from the graph", lambda *its: right_distance(*its).detach()),
    "half detached": ("its gradient is not", summed(lambda s, r: (apart(s, r) * apart(s, r).detach()).sum())),
    "unwritten": (NOTHING, lambda *its: None),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_mistakes_in_the_distance_of_mean_features_are_named(name):
    says, answer = DISTANCES[name]
    found = check.embedding_distance(answer)
    assert not found.right
    assert says in str(found)


def test_the_distance_of_mean_features_is_accepted():
    assert check.embedding_distance(right_distance).right


# One unrolled step


def step_but(create=True, rate=lambda r: r, sign=1, reduction="mean", what=lambda w, s: w - s):
    def function(weights, images, labels, given):
        loss = F.cross_entropy(images.flatten(1) @ weights, labels, reduction=reduction)
        (slope,) = torch.autograd.grad(loss, weights, create_graph=create)
        return what(weights, sign * rate(given) * slope)

    return function


def in_place(weights, images, labels, rate):
    step = step_but(what=lambda w, s: s)(weights, images, labels, rate)
    with torch.no_grad():
        return weights.sub_(step)


STEPS = {
    "detached": ("it is detached from the graph", step_but(what=lambda w, s: (w - s).detach())),
    "step detached": ("the images cannot learn", step_but(what=lambda w, s: w - s.detach())),
    "no graph": ("`create_graph=True` missing", step_but(create=False)),
    "rate is a number": ("the rate cannot learn", step_but(rate=float)),
    "no rate": ("rate is missing", step_but(rate=lambda r: 1.0)),
    "uphill": ("sign is wrong", step_but(sign=-1)),
    "summed": ("summed over the images", step_but(reduction="sum")),
    "gradient": ("this is the gradient", step_but(rate=lambda r: 1.0, what=lambda w, s: s)),
    "only the step": ("this is only the step", step_but(what=lambda w, s: s)),
    "in place": ("handed in have changed", in_place),
    "half detached": (
        "its gradient is not",
        lambda w, x, y, r: step_but()(w, x, y, r) + 0.1 * (x - x.detach()).sum(),
    ),
    "unwritten": (NOTHING, lambda *its: None),
}


@pytest.mark.parametrize("name", STEPS)
def test_mistakes_in_an_unrolled_step_are_named(name):
    says, answer = STEPS[name]
    found = check.unrolled_step(answer)
    assert not found.right
    assert says in str(found)


def test_an_unrolled_step_is_accepted():
    assert check.unrolled_step(step_but()).right


# Widgets


def dm_run(digits, **changes):
    recipe = Recipe.published(2, "smoke", method="dm").but(iterations=12, width=8, init="noise", **changes)
    return [state.condensed for state in dckit.condensing(digits, recipe)]


def test_feature_space_shows_means_that_come_closer(digits):
    sets = dm_run(digits)
    found = space(digits, sets, (3, 8))
    assert found.away[-1] < found.away[0] / 2
    assert [tuple(path.shape) for path in found.paths] == [(12, 2)] * 2
    torch.testing.assert_close(found.means, torch.stack([own.mean(0) for own in found.real]), rtol=0, atol=1e-4)
    picture = features_shown(digits, sets, 12, 3, 8)
    assert f"iteration 12, squared distance of the means {found.away[-1]:.3g}" in picture.alt
    assert f"{found.away[0]:.3g} at iteration 1" in picture.alt
    assert "iteration 5," in features_shown(digits, sets, 5, 3, 8).alt
    panel = widgets.feature_space(digits, sets)
    panel.controls["second"].value = panel.controls["first"].value
    assert "two different classes" in panel.html
    with pytest.raises(ValueError, match="two different classes"):
        features_shown(digits, sets, 1, 4, 4)


def test_the_siamese_widget_draws_one_set_of_numbers_or_one_per_image(digits):
    random = dckit.random_images(digits, 2)
    alike, apart = (siamese_shown(digits, random, 3, "rotate", 1, siamese) for siamese in (True, False))
    same = torch.randn(1, 1, 28, 28).expand(4, -1, -1, -1)
    for siamese, count in ((True, 1), (False, 4)):  # how many different images are made of four equal ones
        assert len(changed(same, "rotate", 1, siamese).unique(dim=0)) == count
    assert "numbers of its own for each image" in apart.alt
    assert "one draw of numbers for all images" in alike.alt
    assert "4 real and 2 synthetic images of 3" in alike.alt
    panel = widgets.siamese(digits, random)
    panel.controls["kind"].value = "crop"
    assert "crop, draw 0" in panel.html
    with pytest.raises(ValueError, match="a set of cifar10"):
        siamese_shown(digits, CondensedSet.load("cifar10-1"), 0, "rotate", 0, True)


def test_the_initialisation_widget_says_what_each_start_reaches(digits):
    recipe = Recipe.published(1, "smoke", "LeNet", "dd").but(weights="fixed", iterations=3, real_batch=8)
    state = last(dckit.condensing(digits, recipe, device="cpu"))
    found = measured(digits, state.condensed, state.learned)
    own = dd.own_accuracy(recipe.condensing, state.learned, digits, state.labels)
    assert found.accuracies[KNOWN][-1] == pytest.approx(own)
    assert found.count == 3
    assert len(found.accuracies) == 6
    picture = initialisation_shown(state.condensed, found, "other 2", 1)
    assert f"after 1 steps, by initial weights: known {found.accuracies[KNOWN][1]:.1f}" in picture.alt
    assert "From other 2, step by step" in picture.alt
    with pytest.raises(ValueError, match="expected 0 to 3"):
        initialisation_shown(state.condensed, found, KNOWN, 4)
    with pytest.raises(ValueError, match="not the tensors of a set of DD"):
        measured(digits, state.condensed, {k: v for k, v in state.learned.items() if not k.startswith("weight ")})


# Tables and the picture of costs


def result(method, ipc, accuracies, seconds=1.0, dataset="cifar10", **changes):
    recipe = Recipe.published(ipc, "full", method="dc" if method == "random" else method).but(**changes)
    card = {"dataset": dataset, "set": {"seconds": seconds}}
    return Result(Run(dataset, method, recipe), Scores(tuple(accuracies), 1.0, card))


def test_the_familys_table_has_printed_numbers_the_kits_and_a_verdict():
    table = tables.family([result("dm", 10, [48.0, 49.0]), result("dsa", 1, [20.0, 21.0])], "cifar10")
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert list(rows) == [(name, str(ipc)) for name in FAMILY.values() for ipc in SIZES]
    assert rows["DM", "10"][:2] == ("48.9 ± 0.6", "48.5 ± 0.5")
    assert rows["DM", "10"][-1].startswith("−0.4")
    assert rows["DSA", "1"][0] == "28.8"
    assert rows["DSA", "1"][-1] == "−8.3"  # no deviation was printed, so no interval
    assert rows["DC", "50"][0] == "53.9 ± 0.5"
    number = re.fullmatch(r"no run \[(\d+)\]", rows["DM", "50"][1])[1]
    assert f"[{number}] `python -m dckit lessons notebooks/04_table_1.ipynb -p dataset cifar10 -p ipc 50" in table.note


def test_a_number_that_was_not_found_is_left_out():
    rows = {(row[0], row[1]): row for row in tables.family(with_shipped([]), "mnist").rows}
    assert [rows["DM", str(ipc)][2] for ipc in SIZES] == ["–"] * 3
    with pytest.raises(ValueError, match="nothing is printed for 'digits'"):
        tables.family([], "digits")


def test_the_papers_comparison_with_dd():
    rows = tables.against_dd().rows
    assert ("MNIST", "10", "79.5 ± 8.1", "93.9 ± 0.6") in rows
    assert ("CIFAR10", "1", "–", "24.2 ± 0.9") in rows


def test_the_picture_of_costs_says_seconds_and_accuracies():
    found = [
        result("dm", 1, [80.0, 82.0], 2.0, iterations=10),
        result("dm", 1, [90.0], 1234.0, iterations=100),
        result("dc", 10, [50.0], 7.0, iterations=1),
        result("random", 10, [70.0]),
    ]
    by_run = {r.run: r.scores for r in found}
    assert cost.points(by_run) == {
        1: {"dm": [(2.0, 81.0, 10), (1234.0, 90.0, 100)]},
        10: {"dc": [(7.0, 50.0, 1)], "random": [(0.0, 70.0, 0)]},
    }
    picture = cost.accuracy_by_seconds(by_run, 60.0)
    assert "81.0 % after 2 s, 90.0 % after 1234 s" in picture.alt
    assert picture.alt.endswith("Your guess: 60")
    with pytest.raises(ValueError, match="nothing was measured"):
        cost.accuracy_by_seconds({})
