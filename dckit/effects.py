"""What a detail is worth: paired differences between recipes, and the ladder of them drawn as a waterfall."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from .plots import BLUE, ORANGE, Picture, picture
from .results import Result


@dataclass(frozen=True)
class Effect:
    """A mean difference in points, its 95 % interval, and over how many pairs of sets and of networks it was taken."""

    difference: float
    low: float
    high: float
    sets: int
    networks: int

    def __str__(self) -> str:
        return f"{self.difference:+.1f} ({self.low:+.1f} to {self.high:+.1f})".replace("-", "−")


def effect(before: Sequence[Result], after: Sequence[Result]) -> Effect:
    """What changed from ``before`` to ``after``, seed by seed.

    Runs of one seed meet the same random numbers, so their luck cancels where they differ in little. With several
    seeds the interval is Student's over the sets' differences. With one it is over its networks' differences, and says
    nothing of other sets. Raises ValueError where no seed is in both.
    """
    from scipy.stats import t

    a, b = ({r.run.seed: r.scores.accuracies for r in results} for results in (before, after))
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        raise ValueError(f"nothing to compare: seeds {sorted(a)} and {sorted(b)} have none in common")
    by_set = [statistics.fmean(b[s]) - statistics.fmean(a[s]) for s in seeds]
    draws = by_set if len(seeds) > 1 else [y - x for x, y in zip(a[seeds[0]], b[seeds[0]], strict=True)]
    mean, n = statistics.fmean(by_set), len(draws)
    reach = float(t.ppf(0.975, n - 1)) * statistics.stdev(draws) / math.sqrt(n) if n > 1 else math.inf
    return Effect(mean, mean - reach, mean + reach, len(seeds), sum(len(a[s]) for s in seeds))


def waterfall(start: tuple[str, float], steps: Mapping[str, Effect], end: str, guess: str | None = None) -> Picture:
    """From an accuracy in %, step by step, to where the steps lead: a floating bar a step, with its interval.

    guess: the name of the step that a learner expects to be the largest.
    """
    names = [start[0], *steps, end]
    figure = Figure(figsize=(7, 0.9 + 0.42 * len(names)), layout="constrained")
    ax = figure.add_subplot()
    level = start[1]
    ax.plot(level, 0, "o", color="black", ms=8)
    for row, step in enumerate(steps.values(), 1):
        colour, hatch = (BLUE, "") if step.difference >= 0 else (ORANGE, "///")
        ax.barh(row, step.difference, 0.6, left=level, color=colour, hatch=hatch, edgecolor="white")
        level += step.difference
        reach = (level - step.difference + step.low, level - step.difference + step.high)
        ax.plot(reach, (row, row), "|-", color="black", lw=1, ms=8)
        ax.annotate(str(step), (max(*reach, level), row), (8, 0), textcoords="offset points", va="center", fontsize=9)
        ax.plot((level, level), (row, row + 1), ":", color="grey", lw=1)
    ax.plot(level, len(names) - 1, "o", color="black", ms=8)
    for row, value in ((0, start[1]), (len(names) - 1, level)):
        ax.annotate(f"{value:.1f}", (value, row), (10, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(names)), [f"your guess → {n}" if n == guess else n for n in names])
    ax.invert_yaxis()
    ax.margins(x=0.25)
    ax.set_xlabel("test accuracy in %")
    ax.spines[["top", "right"]].set_visible(False)
    said = "; ".join(f"{name}: {step}" for name, step in steps.items())
    return picture(figure, f"From {start[0]}, {start[1]:.1f} %, to {end}, {level:.1f} %, in points. {said}")
