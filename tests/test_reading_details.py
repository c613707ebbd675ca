"""The exercises of lessons 6 and 8, right and wrong answers: a step between recipes, how much of a spread is luck."""

from statistics import fmean, pstdev, pvariance, stdev, variance

import numpy as np
import pytest

from dckit import check
from dckit.results import spread

RIGHT, WRONG = [], []  # (check, answer), and the same with words of what must be said


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Another test may have run a lesson's set-up cell, which names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


def wrongs(checking, **answers):
    for name, (says, answer) in answers.items():
        WRONG.append(pytest.param(checking, answer, says, id=f"{checking.__name__}-{name}"))


def step_but(pick=lambda a, b: [s for s in a if s in b], error=lambda d: stdev(d) / len(d) ** 0.5):
    """A solution of `paired_step` with one thing otherwise."""

    def paired_step(before, after):
        steps = [fmean(after[s]) - fmean(before[s]) for s in pick(before, after)]
        return fmean(steps), error(steps)

    return paired_step


def paired_with_numpy(before, after):
    seeds = sorted(before.keys() & after.keys())
    steps = np.array([np.mean(after[s]) - np.mean(before[s]) for s in seeds])
    return np.array([steps.mean(), steps.std(ddof=1) / np.sqrt(len(steps))])


def by_networks(before, after):
    steps = [b - a for s in before if s in after for a, b in zip(before[s], after[s], strict=True)]
    return fmean(steps), stdev(steps) / len(steps) ** 0.5


def unrelated(before, after):
    x, y = ([fmean(side[s]) for s in before if s in after] for side in (before, after))
    return fmean(y) - fmean(x), ((variance(x) + variance(y)) / len(x)) ** 0.5


def by_position(before, after):
    steps = [fmean(b) - fmean(a) for a, b in zip(before.values(), after.values(), strict=True)]
    return fmean(steps), stdev(steps) / len(steps) ** 0.5


wrongs(
    check.paired_step,
    deviation=("the deviation of the differences", step_but(error=stdev)),
    population=("take `stdev`", step_but(error=lambda d: pstdev(d) / len(d) ** 0.5)),
    networks=("every network counts as a draw", by_networks),
    unpaired=("two unrelated means", unrelated),
    position=("formed by position", by_position),
    missing=("your code raised `KeyError", step_but(pick=lambda a, b: a)),
    mean_alone=("expected two numbers", lambda a, b: step_but()(a, b)[0]),
    three=("expected two numbers", lambda a, b: (*step_but()(a, b), 0.0)),
    words=("expected two numbers", lambda a, b: ("three", "points")),
    doubled=("found ", lambda a, b: tuple(2 * n for n in step_but()(a, b))),
)


def luck_but(inside=lambda sets: fmean(map(variance, sets)), n=lambda sets: len(sets[0]), means=stdev):
    """A solution of `spread_by_luck` with one thing otherwise."""
    return lambda sets: ((inside(sets) / n(sets)) ** 0.5, means([fmean(a) for a in sets]))


def luck_with_numpy(sets):
    table = np.array(sets)
    inside = table.var(axis=1, ddof=1).mean()
    return np.sqrt(inside / table.shape[1]), table.mean(axis=1).std(ddof=1)


wrongs(
    check.spread_by_luck,
    swapped=("the two numbers are swapped", lambda sets: luck_but()(sets)[::-1]),
    single=("a mean of n networks deviates less", luck_but(n=lambda sets: 1)),
    pooled=("over all networks together", luck_but(inside=lambda sets: variance(a for s in sets for a in s))),
    deviations=("average the variances", luck_but(inside=lambda sets: fmean(map(stdev, sets)) ** 2)),
    population=("are samples", luck_but(inside=lambda sets: fmean(map(pvariance, sets)), means=pstdev)),
    one_number=("expected two numbers", lambda sets: luck_but()(sets)[0]),
    nan=("NaN or infinity", lambda sets: (float("nan"), 1.0)),
    other=("found ", lambda sets: (1.0, 1.0)),
)

RIGHT += [(check.paired_step, step_but()), (check.paired_step, paired_with_numpy)]
RIGHT += [(check.spread_by_luck, luck_but()), (check.spread_by_luck, luck_with_numpy)]
RIGHT += [(check.spread_by_luck, lambda sets: [spread(sets).luck, spread(sets).sets])]


@pytest.mark.parametrize(("checking", "answer"), RIGHT)
def test_right_answers_are_accepted(checking, answer):
    found = checking(answer)
    assert found.right, found


@pytest.mark.parametrize(("checking", "answer", "says"), WRONG)
def test_wrong_answers_are_told_what_is_wrong(checking, answer, says):
    found = checking(answer)
    assert not found.right
    assert says in str(found)
