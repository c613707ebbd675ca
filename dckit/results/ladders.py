"""The effects of details: paired differences between recipes, and a ladder of recipes drawn as a waterfall.

`rungs` and `alone_and_last` look up results, `effect` and `steps` subtract them, `waterfall` and `forest` draw them.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes

from ..show import BLUE, MARKED, ORANGE, Picture, kits_style, mark_guess, new_axes, picture
from .measured import Cell, Measured
from .recipe_words import SIGN
from .store import Result
from .verdicts import Difference

MNIST_1, BUDGET = Cell("mnist", 1), "lesson"  # the accuracy that the report could not reproduce; of all rungs


@dataclass(frozen=True)
class Effect(Difference):
    """A mean difference, and the number of pairs of sets behind it."""

    sets: int


def effect(before: Sequence[Result], after: Sequence[Result]) -> Effect:
    """The mean change in accuracy from ``before`` to ``after``, paired by seed.

    Runs with the same seed use the same random numbers, so part of the random variation cancels. With several seeds
    the interval is Student's, over the differences of the sets. With one seed it is over the differences of the
    networks, and says nothing about other sets. Raises ValueError if the two have no seed in common.
    """
    from scipy.stats import ttest_rel

    a, b = ({r.run.seed: r.scores.accuracies for r in results} for results in (before, after))
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        raise ValueError(f"nothing to compare: seeds {sorted(a)} and {sorted(b)} have none in common")
    means = [[statistics.fmean(side[s]) for s in seeds] for side in (a, b)]
    x, y = means if len(seeds) > 1 else (a[seeds[0]], b[seeds[0]])
    low, high = ttest_rel(y, x).confidence_interval() if len(x) > 1 else (-math.inf, math.inf)
    difference = statistics.fmean(means[1]) - statistics.fmean(means[0])
    return Effect(difference, float(low), float(high), len(seeds))


def steps(names: Sequence[str], rungs: Sequence[Sequence[Result]]) -> dict[str, Effect]:
    """The effect of each step of a ladder. names: of the steps, one fewer than there are rungs."""
    return {name: effect(a, b) for name, (a, b) in zip(names, pairwise(rungs), strict=True)}


def rungs(measured: Measured, start: str, names: Sequence[str]) -> list[list[Result]]:
    """The results on every rung from ``start`` to the other recipe; each rung switches one more detail.

    They are those on MNIST, 1 image per class, at the budget lesson. start: "report" or "published". names: the details
    in the order in which they are switched. A rung without measurements is an empty list. Raises ValueError for another
    start or an unknown detail.
    """
    if start not in SIGN:
        raise ValueError(f"a ladder cannot start at {start!r}: expected report or published")
    protocols = (f" {SIGN[start]} ".join((start, *names[:n])) for n in range(len(names) + 1))
    return [measured.of(MNIST_1, protocol, BUDGET) for protocol in protocols]


def alone_and_last(measured: Measured, names: Sequence[str]) -> dict[str, dict[str, Effect]]:
    """The effect of each detail: "alone", when all others are as in the report, and "last", when all are as published.

    Raises ValueError if one of these recipes was not measured.
    """
    found: dict[str, dict[str, Effect]] = {}
    for name in names:
        without, with_it = rungs(measured, "report", [name])
        complete, all_but_one = rungs(measured, "published", [name])
        found[name] = {"alone": effect(without, with_it), "last": effect(all_but_one, complete)}
    return found


@kits_style
def forest(rows: Mapping[str, Mapping[str, Effect]]) -> Picture:
    """Draw effects and their intervals: one row per detail, with a marker for each way to measure it."""
    kinds = list(dict.fromkeys(kind for row in rows.values() for kind in row))
    figure, ax = new_axes(1.1 + 0.5 * len(rows), 7)
    for number, (kind, (colour, marker, _)) in enumerate(zip(kinds, MARKED, strict=False)):
        found = [(i + 0.24 * (number - (len(kinds) - 1) / 2), row[kind]) for i, row in enumerate(rows.values())]
        means = [e.difference for _, e in found]
        reach = [e.high - e.difference if math.isfinite(e.high) else 0 for _, e in found]
        ax.errorbar(means, [y for y, _ in found], xerr=reach, fmt=marker, color=colour, capsize=3, lw=1.2, label=kind)
    ax.axvline(0, color="grey", lw=1)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set_xlabel("points of test accuracy, with 95 % intervals")
    figure.legend(loc="outside upper left", ncols=len(kinds), frameon=False)
    said = (f"{name}: " + ", ".join(f"{kind} {e}" for kind, e in row.items()) for name, row in rows.items())
    return picture(figure, "Effects in points of test accuracy. " + "; ".join(said))


@kits_style
def waterfall(
    start: tuple[str, float], climb: Mapping[str, Effect], end: str, guess: str | float | None = None
) -> Picture:
    """Draw the steps of a ladder from an accuracy in %: one floating bar per step, with its interval.

    start: name and accuracy of the first rung. climb: the effect of each step. end: name of the last rung. guess: the
    step that a learner expects to be the largest, or the points expected of all steps together.
    """
    names = [start[0], *climb, end]
    figure, ax = new_axes(0.9 + 0.42 * len(names), 7)
    level = start[1]
    ax.plot(level, 0, "o", color="black", ms=8)
    for row, step in enumerate(climb.values(), 1):
        _step(ax, row, level, step)
        level += step.difference
        ax.plot((level, level), (row, row + 1), ":", color="grey", lw=1)
    ax.plot(level, len(names) - 1, "o", color="black", ms=8)
    for row, value in ((0, start[1]), (len(names) - 1, level)):
        ax.annotate(f"{value:.1f}", (value, row), (10, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(names)), [f"your guess → {n}" if n == guess else n for n in names])
    ax.invert_yaxis()
    ax.use_sticky_edges = False  # else the axis would end exactly where the bars begin
    ax.margins(x=0.25)
    ax.set_xlabel("test accuracy in %")
    said = "; ".join(f"{name}: {step}" for name, step in climb.items())
    mark = mark_guess(ax, None if guess is None or isinstance(guess, str) else start[1] + guess)
    return picture(figure, f"From {start[0]}, {start[1]:.1f} %, to {end}, {level:.1f} %, in points. {said}{mark}")


def _step(ax: Axes, row: int, level: float, step: Effect) -> None:
    """A bar that starts where the one above it ended, its interval, and its numbers."""
    colour, hatch = (BLUE, "") if step.difference >= 0 else (ORANGE, "///")
    ax.barh(row, step.difference, 0.6, left=level, color=colour, hatch=hatch, edgecolor="white")
    ends = [level + e for e in (step.low, step.high) if math.isfinite(e)]
    ax.plot(ends, [row] * len(ends), "|-", color="black", lw=1, ms=8)
    right = max(*ends, level, level + step.difference)
    ax.annotate(str(step), (right, row), (8, 0), textcoords="offset points", va="center", fontsize=9)
