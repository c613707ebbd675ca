"""What lesson 12 calls: memories and rankings side by side, their pictures, the widget, the checks, and the tool."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from dckit import CondensedSet, Recipe, check, uses, widgets
from dckit.check.answers import NOTHING
from dckit.uses import VARIANTS, Memory, Ranked, Remembered
from dckit.uses.choose import best_of
from dckit.uses.compared import Estimate
from dckit.widgets.memory import shown
from tools import uses as tool


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Another test may have run a lesson's set-up cell, which names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


def remembered(*pairs):
    seen, first = zip(*pairs, strict=True)
    return Remembered(seen, first, len(seen))


MEMORIES = {
    Memory("none", 0): [remembered((99.0, 99.0), (48.5, 0.0)), remembered((97.0, 97.0), (50.5, 2.0))],
    Memory("condensed", 10): [remembered((99.0, 99.0), (90.0, 85.0)), remembered((97.0, 97.0), (80.0, 75.0))],
    Memory("random", 10): [remembered((99.0, 99.0), (86.0, 80.0)), remembered((97.0, 97.0), (75.0, 71.0))],
    Memory("condensed", 2): [remembered((99.0, 99.0), (70.0, 65.0)), remembered((97.0, 97.0), (60.0, 55.0))],
}
TRUE = [96.0, 97.0, 98.0, 99.0, 50.0, 10.0, 95.0, 94.0, 93.0]
RANKS = {
    "condensed": Ranked((86.0, 87.0, 88.0, 89.0, 40.0, 10.0, 85.0, 84.0, 83.0), 9, 3.0),
    "random": Ranked((88.0, 85.0, 84.0, 83.0, 40.0, 10.0, 80.0, 81.0, 82.0), 9, 2.0),
    "whole": Ranked(tuple(TRUE), 9, 40.0),
}


# Side by side


def test_an_estimate_is_students():
    values = [1.0, 2.5, 2.0, 4.0, 3.0]
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    found = Estimate.of(values)
    assert (found.mean, found.low, found.high) == pytest.approx((2.5, low, high))
    assert str(found) == f"2.5 ({low:.1f} to {high:.1f})"
    assert str(Estimate.of([3.0])) == "3.0"


def test_a_gain_is_that_of_differences_within_an_order():
    found = uses.gain(MEMORIES, Memory("random", 10))
    low, high = stats.t.interval(0.95, 1, 4.5, stats.sem([4.0, 5.0]))
    assert (found.mean, found.low, found.high) == pytest.approx((4.5, low, high))


def test_one_beats_the_other_where_the_whole_interval_is_above_0():
    assert uses.beats(Estimate(1.0, 0.1, 1.9))
    for low, high in ((-0.1, 2.1), (-3.0, -1.0), (math.nan, math.nan)):
        assert not uses.beats(Estimate(1.0, low, high))


def test_a_gain_needs_the_same_orders_of_both():
    fewer = MEMORIES | {Memory("random", 10): MEMORIES[Memory("random", 10)][:1]}
    for memories, over in ((fewer, Memory("random", 10)), (MEMORIES, Memory("herding", 10))):
        with pytest.raises(ValueError, match="expected the same orders of both"):
            uses.gain(memories, over)


@pytest.mark.parametrize("seen", [100, 1437, 10_000, 50_000])
def test_stopping_early_sees_as_many_images(digits, seen):
    found = uses.equal_cost(digits, seen)
    assert found["images"] <= len(digits.train)
    assert seen - found["epochs"] < found["images"] * found["epochs"] <= seen


def test_a_budget_is_known_by_its_name():
    assert len(uses.amounts("lesson").variants) == 24
    assert uses.amounts("smoke").name == "smoke"
    with pytest.raises(ValueError, match="unknown budget 'tiny': expected one of smoke, lesson, full"):
        uses.amounts("tiny")


# Pictures and tables


def test_the_curves_say_every_mean_and_the_guess():
    picture = uses.memory_curves(MEMORIES, "replay", 10, guess=30)
    assert "condensed: 98.0 (85.3 to 110.7), 85.0 (21.5 to 148.5); random" in picture.alt
    assert "the first classes: condensed: 98.0" in picture.alt
    assert "no memory: 98.0 (85.3 to 110.7), 1.0" in picture.alt
    assert picture.alt.endswith("Your guess: 30")
    assert "random" not in uses.memory_curves(MEMORIES, "replay", 2).alt
    with pytest.raises(ValueError, match="nothing was measured with protocol 'anew' and 10 images per class"):
        uses.memory_curves(MEMORIES, "anew", 10)


def test_curves_that_lie_close_together_fill_their_panel(monkeypatch):
    drawn = []
    monkeypatch.setattr("dckit.uses.figures.picture", lambda figure, alt: drawn.append(figure))
    uses.memory_curves({Memory("condensed", 10): [remembered((99.0, 99.0), (92.0, 91.0))]})
    low, high = drawn[0].axes[0].get_ylim()
    assert 80 < low < 91 < 99 < high


def test_one_order_has_no_intervals():
    one = {memory: found[:1] for memory, found in MEMORIES.items()}
    assert "all classes so far: condensed: 99.0, 90.0; random: 99.0, 86.0" in uses.memory_curves(one).alt


def test_the_table_of_gains_says_who_beats_whom():
    memories = MEMORIES | {Memory("herding", 10): [remembered((99.0, 99.0), (94.0, 0.0))] * 2}
    rows = uses.gain_table(memories, "a note").rows
    assert [row[:3] for row in rows] == [("replay", "10", "herding"), ("replay", "10", "random")]
    assert rows[1][3] == "4.5 (−1.9 to 10.9)"
    assert rows[1][4] == "does not beat random"
    closer = [remembered((99.0, 99.0), (86.0, 0.0)), remembered((97.0, 97.0), (75.9, 0.0))]
    assert uses.gain_table(memories | {Memory("random", 10): closer}).rows[1][4] == "beats random"


def test_the_best_third_is_that_of_the_rank_correlation():
    best = best_of(TRUE, 1 / 3)
    assert best == [3, 2, 1]
    for way in ("condensed", "random"):
        among = [RANKS[way].accuracies[i] for i in best], [TRUE[i] for i in best]
        assert uses.rank_correlation(RANKS[way].accuracies, TRUE, 1 / 3)[0] == uses.rank_correlation(*among)[0]


def test_ranks_are_drawn_and_told():
    alt = uses.ranks(RANKS).alt
    right = stats.spearmanr(RANKS["random"].accuracies, TRUE).statistic
    assert "9 networks" in alt
    assert f"random: rank correlation {right:.2f}, accuracies 88.0/96.0, 85.0/97.0" in alt
    table = uses.rank_table(RANKS, {"condensed": 7.0})
    assert table.header[1:3] == ("all 9", "best 3")
    condensed, random, whole = table.rows
    assert condensed[0] == "condensed"
    assert condensed[1] == "1.00 (1.00 to 1.00)"
    assert condensed[2:] == ("1.00, too few for an interval", "99.0 %", "3 and 7 for the set")
    assert random[2:] == ("−1.00, too few for an interval", "96.0 %", "2")
    assert whole[3:] == ("99.0 %", "40")
    for some in ({}, {"whole": RANKS["whole"]}, {"random": RANKS["random"]}):
        with pytest.raises(ValueError, match="expected 'whole' and at least one other way"):
            uses.ranks(some)


def test_ranks_without_any_difference_are_told():
    same = RANKS | {"random": Ranked((10.0,) * 9, 9, 1.0), "whole": Ranked((100.0,) * 9, 9, 1.0)}
    assert uses.rank_table(same).rows[1][1] == "none: all accuracies are equal"
    assert uses.ranks(same).png.startswith(b"\x89PNG")


# The widget


def test_the_widget_moves_from_one_memory_to_another():
    panel = widgets.memory(MEMORIES)
    assert panel.values == {"kind": "condensed", "ipc": 10}
    assert shown(MEMORIES, "condensed", 10).html in panel.html
    panel.controls["ipc"].value = 2
    assert shown(MEMORIES, "condensed", 2).html in panel.html
    panel.controls["kind"].value = "random"
    assert "memory 'random' with 2 images per class was not measured" in panel.html.replace("&#x27;", "'")
    panel.controls["kind"].value = "none"
    assert shown(MEMORIES, "none", 2).html in panel.html


def test_the_widgets_picture_says_both_curves():
    alt = shown(MEMORIES, "condensed", 10).alt
    assert "Memory: condensed, 10 images per class, protocol replay" in alt
    assert "all classes so far 98.0 (85.3 to 110.7), 85.0 (21.5 to 148.5)" in alt
    assert "the first classes 98.0 (85.3 to 110.7), 80.0 (16.5 to 143.5)" in alt


# The tool and what it writes


@pytest.fixture
def recipe():
    return Recipe.published(2, "smoke", method="dm").but(iterations=1, width=8, real_batch=4)


AMOUNT = replace(uses.amounts("smoke"), steps=2, epochs=2, variants=VARIANTS[:3], set_epochs=2, whole_epochs=1)
TINY = dict(sizes=(1, 2), images=20, passes=1, width=8)


def without_seconds(content):
    """Everything in a file but the times."""
    if isinstance(content, dict):
        return {k: without_seconds(v) for k, v in content.items() if k not in ("seconds", "made")}
    return [without_seconds(v) for v in content] if isinstance(content, list) else content


def stopped(monkeypatch, name, calls):
    """Let a function of the tool raise at its call number ``calls``, as if somebody had stopped it there."""
    original, count = getattr(tool, name), iter(range(1, 1000))

    def interrupted(*arguments, **named):
        if next(count) == calls:
            raise RuntimeError("stopped")
        return original(*arguments, **named)

    monkeypatch.setattr(tool, name, interrupted)


def test_remember_goes_on_after_the_last_order(digits, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "TEACHER", 1)
    tool.remember(digits, recipe, AMOUNT, tmp_path / "whole.json", orders=2, **TINY)
    path = tmp_path / "remember.json"
    with monkeypatch.context() as patch:
        stopped(patch, "remembering", calls=12)  # in the second of two orders with ten curves each
        with pytest.raises(RuntimeError, match="stopped"):
            tool.remember(digits, recipe, AMOUNT, path, orders=2, **TINY)
    assert len(json.loads(path.read_text())["orders"]) == 1
    tool.remember(digits, recipe, AMOUNT, path, orders=2, **TINY)
    found, whole = (json.loads(p.read_text()) for p in (path, tmp_path / "whole.json"))
    assert without_seconds(found) == without_seconds(whole)
    assert found["orders"][0]["order"] != found["orders"][1]["order"]
    with pytest.raises(ValueError, match="was measured with another course"):
        tool.remember(digits, recipe, AMOUNT, path, orders=2, **TINY | {"passes": 2})

    shipped = uses.ShippedMemories.load(path)
    kinds = ("condensed", "random", "herding")
    wanted = {Memory("none", 0)} | {Memory(kind, ipc) for kind in kinds for ipc in (1, 2)}
    assert set(shipped.memories) == wanted | {Memory(kind, 2, "anew") for kind in kinds}
    assert all(len(its) == 2 and its[0].steps == 2 for its in shipped.memories.values())
    course = uses.course(digits, 1, 2, epochs=2, images=20, passes=1, width=8)
    *_, right = uses.remembering(digits, None, course, seed=1)
    assert shipped.memories[Memory("none", 0)][1] == right
    assert shipped.card["digest"] == digits.digest
    assert str(shipped).startswith("digits, 2 orders of the classes with sets of their own, 360 test images. Condensed")


def test_choose_goes_on_after_the_last_way(digits, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "TEACHER", 1)
    tool.choose(digits, recipe, AMOUNT, tmp_path / "whole.json")
    path = tmp_path / "choose.json"
    with monkeypatch.context() as patch:
        stopped(patch, "ranked", calls=3)
        with pytest.raises(RuntimeError, match="stopped"):
            tool.choose(digits, recipe, AMOUNT, path)
    assert list(json.loads(path.read_text())["ways"]) == list(uses.WAYS[:2])
    tool.choose(digits, recipe, AMOUNT, path)
    found, whole = (json.loads(p.read_text()) for p in (path, tmp_path / "whole.json"))
    assert without_seconds(found) == without_seconds(whole)
    with monkeypatch.context() as patch:
        stopped(patch, "ranked", calls=1)
        tool.choose(digits, recipe, AMOUNT, path)  # all is done: nothing is measured again
    with pytest.raises(ValueError, match="was measured with another set_epochs"):
        tool.choose(digits, recipe, replace(AMOUNT, set_epochs=3), path)

    shipped = uses.ShippedRanks.load(path)
    assert list(shipped.ranks) == list(uses.WAYS)
    assert found["ways"]["early"]["images"] * found["ways"]["early"]["epochs"] == 2 * 2 * 10
    *_, right = uses.ranked(digits.train, digits, VARIANTS[:3], epochs=1)
    assert shipped.ranks["whole"].accuracies == right.accuracies
    assert "3 networks, 2 images per class, seen 2 epochs; the whole dataset: 1 epoch" in str(shipped)


def test_what_comes_with_the_kit_is_whole():
    memories, ranks = uses.ShippedMemories.load(), uses.ShippedRanks.load()
    assert memories.card["dataset"] == ranks.card["dataset"] == "mnist"
    assert [order["seed"] for order in memories.card["orders"]] == list(range(tool.ORDERS))
    assert {m.ipc for m in memories.memories if m.kind == "condensed"} == set(tool.SIZES)
    assert all(len(found) == tool.ORDERS and found[0].steps == 5 for found in memories.memories.values())
    assert list(ranks.ranks) == list(uses.WAYS)
    assert ranks.card["variants"] == [dict(variant) for variant in VARIANTS]
    assert all(len(found.accuracies) == len(VARIANTS) for found in ranks.ranks.values())


# The checks


def my_batch(images, labels, memory_images, memory_labels, earlier):
    old = torch.isin(memory_labels, torch.tensor(earlier))
    return torch.cat([images, memory_images[old]]), torch.cat([labels, memory_labels[old]])


def memory_first(*given):
    images, labels = my_batch(*given)
    return [images.flip(0), labels.flip(0)]


def one_by_one(images, labels, memory_images, memory_labels, earlier):
    for image, label in zip(memory_images, memory_labels, strict=True):
        if int(label) in earlier:
            images, labels = torch.cat([images, image[None]]), torch.cat([labels, label[None]])
    return images, labels


@pytest.mark.parametrize("answer", [my_batch, memory_first, one_by_one])
def test_a_right_batch_is_accepted(answer):
    assert check.memory_batch(answer).right, check.memory_batch(answer)


def with_memory(keep):
    """An answer that adds those images of the memory of which ``keep`` says so."""

    def answer(images, labels, memory_images, memory_labels, earlier):
        old = keep(memory_labels, torch.tensor(earlier), labels)
        return torch.cat([images, memory_images[old]]), torch.cat([labels, memory_labels[old]])

    return answer


def isin(labels, earlier, new):
    return torch.isin(labels, earlier)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *given: None, NOTHING),
        (lambda *given: given[0], "expected two tensors"),
        (lambda *given: given[:2], "the memory is missing"),
        (lambda *given: (my_batch(*given)[0], given[1]), "add both the images and the labels"),
        (lambda *given: (given[2][:4], given[3][:4]), "images of the new classes are missing"),
        (lambda *given: (torch.cat([given[0], given[0]]), torch.cat([given[1], given[1]])), "the memory is missing"),
        (lambda *given: tuple(torch.cat([t, t[-1:]]) for t in my_batch(*given)), "an image is in the batch twice"),
        (lambda *given: (my_batch(*given)[0].flip(0), my_batch(*given)[1]), "has the label of another one"),
        (lambda *given: (2 * my_batch(*given)[0], my_batch(*given)[1]), "was in neither the batch nor the memory"),
        (lambda *given: (my_batch(*given)[0].flatten(1), my_batch(*given)[1]), "each image has shape (1, 4, 4)"),
        (lambda *given: (given[0].mean(), given[1]), "each image has shape (1, 4, 4), found ()"),
        (lambda *given: (my_batch(*given)[0], my_batch(*given)[1][:, None]), "labels in one dimension"),
        (with_memory(lambda labels, earlier, new: labels >= 0), "the memory's images of the new classes are in it"),
        (with_memory(lambda labels, earlier, new: ~torch.isin(labels, new)), "classes that have not come yet"),
        (with_memory(lambda labels, earlier, new: labels == earlier[0]), "those of [0]"),
        (with_memory(lambda labels, earlier, new: isin(labels, earlier, new) & (torch.arange(18) % 3 > 0)), "all 3"),
    ],
)
def test_a_wrong_batch_is_told_what_is_wrong(answer, says):
    found = check.memory_batch(answer)
    assert not found.right
    assert says in str(found)


def ranks_of(values):
    return torch.tensor(values).argsort().argsort().double()


def by_formula(a, b):
    squares = sum((x - y) ** 2 for x, y in zip(ranks_of(a).tolist(), ranks_of(b).tolist(), strict=True))
    return 1 - 6 * squares / (len(a) * (len(a) ** 2 - 1))


def by_counting(a, b):
    first, second = ([sum(other < value for other in x) for value in x] for x in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


@pytest.mark.parametrize("answer", [by_formula, by_counting, lambda a, b: stats.spearmanr(a, b).statistic])
def test_a_right_rank_correlation_is_accepted(answer):
    assert check.rank_correlation(answer).right, check.rank_correlation(answer)


def pearson(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def fraction(a, b, power=2, factor=6):
    d = (ranks_of(a) - ranks_of(b)).abs().pow(power).sum()
    return float(factor * d / (len(a) * (len(a) ** 2 - 1)))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda a, b: None, NOTHING),
        (pearson, "replace them with their ranks first"),
        (lambda a, b: pearson(np.argsort(a), np.argsort(b)), "`argsort` gives the order"),
        (lambda a, b: pearson(ranks_of(a), b), "only one of the two lists"),
        (lambda a, b: pearson(a, ranks_of(b)), "only one of the two lists was replaced with its ranks, the second"),
        (lambda a, b: -by_formula(a, b), "the sign is wrong"),
        (fraction, "the fraction must be subtracted from 1"),
        (lambda a, b: 1 - fraction(a, b, factor=1), "the factor 6 is missing"),
        (lambda a, b: 1 - fraction(a, b, power=1), "must be squared"),
        (lambda a, b: by_formula(a, b) ** 2, "keep its sign"),
        (lambda a, b: stats.kendalltau(a, b).statistic, "Kendall"),
        (lambda a, b: 0.123, "the correlation is 0.123, expected"),
        (lambda a, b: abs(by_formula(a, b)), "for two lists in opposite order it must be −1"),
        (lambda a, b: "high", "expected one number"),
    ],
)
def test_a_wrong_rank_correlation_is_told_what_is_wrong(answer, says):
    found = check.rank_correlation(answer)
    assert not found.right
    assert says in str(found)


def test_the_set_of_a_memory_is_read_as_one(digits, recipe):
    """What the tool makes are sets of as many images per class as it was asked for, each kind timed."""
    made = {}
    found = tool._sets(digits, recipe.but(whole_epochs=1), (1, 2), 0, made, ("condensed", "random"))
    assert {key: images.ipc for key, images in found.items()} == {(k, n): n for k in made for n in (1, 2)}
    assert all(isinstance(images, CondensedSet) for images in found.values())
    assert re.fullmatch("condensed random", " ".join(made))
