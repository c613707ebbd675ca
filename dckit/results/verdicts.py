"""Numbers that were printed, numbers that were measured, and whether they agree."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from .store import Result

AGREES_WITHIN = 2.0  # points; what the report calls reproduced: "around ±2%" (its section 4)
ROUNDING = 0.05  # points; numbers are printed with one decimal
DRAWN = {"paper": (5, 20), "report": (1, 20)}  # sets × networks behind every printed number
PRINTED = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "svhn": "SVHN", "cifar10": "CIFAR10"}


@dataclass(frozen=True)
class Sample:
    """Test accuracies in %, summed up: their mean, their population deviation, and how many they are.

    networks is their number per set. Networks trained on the whole dataset share no set: each is a set of its own.
    """

    mean: float
    std: float
    sets: int
    networks: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.std:.1f}" if self.sets * self.networks > 1 else f"{self.mean:.1f}"


def pooled(results: Sequence[Result]) -> Sample:
    """All networks of results that differ in nothing but their seed, as the paper pools them."""
    accuracies = [a for result in results for a in result.scores.accuracies]
    mean, std = statistics.fmean(accuracies), statistics.pstdev(accuracies)
    if results[0].run.method == "whole":
        return Sample(mean, std, len(accuracies), 1)
    return Sample(mean, std, len(results), len(accuracies) // len(results))


def printed(source: str, table: str, dataset: str, **cell: Any) -> Sample | None:
    """A cell as ``source`` ("paper" or "report") printed it; None if it has none.

    table: "table1" (cell: ipc and method), "table2" or "table3" (cell: condensed_with and trained).
    """
    content = reference(source).get(table, [])
    wanted = cell | {"dataset": PRINTED.get(dataset)}
    if isinstance(content, dict):  # one dataset for all of the table
        content = [c | {"dataset": content["dataset"]} for c in content["cells"]]
    for c in content:
        if all(c[k] == v for k, v in wanted.items()):
            return Sample(c["mean"], c["std"], *DRAWN[source])
    return None


@cache
def reference(source: str) -> dict[str, Any]:
    """The tables of the "paper" or the "report", with their source, as they come with the kit."""
    return json.loads(files("dckit.results").joinpath(f"reference/{source}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Difference:
    """A difference of two means in points, and its 95 % interval."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (f"{round(x, 1) + 0.0:+.1f}" for x in (self.difference, self.low, self.high))  # no "−0.0"
        return f"{mean} ({low} to {high})".replace("-", "−")


@dataclass(frozen=True)
class Verdict(Difference):
    """A difference, and what its interval allows to say."""

    word: str

    def __str__(self) -> str:
        return f"{super().__str__()} {self.word}"


def compare(ours: Sample, theirs: Sample) -> Verdict:
    """Whether ``ours`` is "higher", "lower", "agrees", or one "cannot tell".

    A set is one draw, however many networks learned from it, so the variance of a mean is taken as deviation² / sets.
    (With several sets that is an upper bound, since the deviation holds the networks' spread too.) The side with fewer
    sets has seen less of the spread between sets, and takes the other's deviation where that is larger. The interval
    is Student's, with a degree of freedom less than the larger number of sets; where both have one set, than the
    larger number of networks, and then the spread between sets is in neither. It "agrees" if the interval contains 0
    and stays within 2 points of it.
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
