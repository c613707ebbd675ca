"""Printed numbers, measured numbers, and whether they agree."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from .store import Result

AGREES_WITHIN = 2.0  # points; the report calls a number reproduced within "around ±2%" (section 4)
ROUNDING = 0.05  # points; numbers are printed with one decimal
DRAWN = {"paper": (5, 20), "report": (1, 20)}  # number of sets, and of networks per set, behind each printed number
PRINTED = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "svhn": "SVHN", "cifar10": "CIFAR10"}


@dataclass(frozen=True)
class Sample:
    """A summary of test accuracies in %: mean, population deviation, number of sets, and networks per set.

    Networks trained on the whole dataset count as one set each, since they share no condensed set.
    """

    mean: float
    std: float
    sets: int
    networks: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.std:.1f}" if self.sets * self.networks > 1 else f"{self.mean:.1f}"


def pooled(results: Sequence[Result]) -> Sample:
    """All networks of results that differ only in their seed as one sample, as in the paper."""
    accuracies = [a for result in results for a in result.scores.accuracies]
    mean, std = statistics.fmean(accuracies), statistics.pstdev(accuracies)
    if results[0].run.method == "whole":
        return Sample(mean, std, len(accuracies), 1)
    return Sample(mean, std, len(results), len(accuracies) // len(results))


def printed(source: str, table: str, dataset: str, **cell: Any) -> Sample | None:
    """The accuracy that ``source`` ("paper" or "report") printed in a cell; None if there is no such cell.

    table: "table1" (cell: ipc and method), "table2" or "table3" (cell: condensed_with and trained).
    """
    content = reference(source).get(table, [])
    wanted = cell | {"dataset": PRINTED.get(dataset)}
    if isinstance(content, dict):  # the whole table has one dataset
        content = [c | {"dataset": content["dataset"]} for c in content["cells"]]
    for c in content:
        if all(c[k] == v for k, v in wanted.items()):
            return Sample(c["mean"], c["std"], *DRAWN[source])
    return None


@cache
def reference(source: str) -> dict[str, Any]:
    """The printed tables of the "paper", the "report" or the "family" of methods, with their sources."""
    return json.loads(files("dckit.results").joinpath(f"reference/{source}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Difference:
    """A difference of two means in points, and its 95 % interval."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{points(self.difference)} ({points(self.low)} to {points(self.high)})"


def points(difference: float) -> str:
    """A difference in points, with its sign and one decimal."""
    return f"{round(difference, 1) + 0.0:+.1f}".replace("-", "−")  # + 0.0: no "−0.0"


@dataclass(frozen=True)
class Verdict(Difference):
    """A difference, and the conclusion that its interval allows: ``word`` is one of those in `compare`."""

    word: str

    def __str__(self) -> str:
        return f"{super().__str__()} {self.word}"


def compare(ours: Sample, theirs: Sample) -> Verdict:
    """The difference ``ours`` - ``theirs``, and a word: "higher", "lower", "agrees" or "cannot tell".

    A set counts as one draw, however many networks are trained on it. So the variance of a mean is taken as
    deviation² / sets. With several sets this is an upper bound, because the deviation also contains the differences
    between networks. The deviation of the side with fewer sets says less about differences between sets, so the larger
    of the two deviations is used for it. The interval is Student's, with the larger number of sets minus 1 degrees of
    freedom. If both sides have one set, the larger number of networks minus 1 is used, and the interval does not cover
    differences between sets. The word is "agrees" if the interval contains 0 and stays within ±2 points.
    """
    from scipy.stats import t

    stds = [max(ours.std, ROUNDING), max(theirs.std, ROUNDING)]
    fewer = 0 if ours.sets < theirs.sets else 1
    if ours.sets == theirs.sets == 1:
        stds = [max(stds)] * 2
    elif ours.sets != theirs.sets:
        stds[fewer] = max(stds)
    error = math.sqrt(stds[0] ** 2 / ours.sets + stds[1] ** 2 / theirs.sets)
    draws = max(ours.sets, theirs.sets)
    free = (draws if draws > 1 else max(ours.networks, theirs.networks)) - 1
    difference = ours.mean - theirs.mean
    reach = float(t.ppf(0.975, free)) * error
    low, high = difference - reach, difference + reach
    if low > 0 or high < 0:
        word = "higher" if low > 0 else "lower"
    else:
        word = "agrees" if max(-low, high) <= AGREES_WITHIN else "cannot tell"
    return Verdict(difference, low, high, word)
