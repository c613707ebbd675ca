"""Checks of exercises about small differences: a step between two recipes, and what a ± can hold."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..results import spread
from .answers import NotYet, ask, checked, finite, tell, written


@checked
def paired_step(function: Callable[..., Any]) -> str:
    """Lesson 6. ``function(before, after)`` returns the mean difference of two recipes and its standard error.

    Both are dictionaries, from a seed to the accuracies of its networks. Only seeds that are in both can be paired.
    """
    luck = 5 * torch.randn(6, 1, dtype=torch.float64)  # of a seed, and the same on both sides
    before, after = (
        80 + gain + luck + torch.randn(6, 3, dtype=torch.float64) for gain in (0, 3 + torch.rand(6, 1).double())
    )
    a = {seed: before[seed].tolist() for seed in (0, 1, 2, 3, 5)}
    b = {seed: after[seed].tolist() for seed in (4, 3, 1, 0, 2)}
    found = _two(ask(function, {s: list(v) for s, v in a.items()}, {s: list(v) for s, v in b.items()}))
    right, mistakes = _steps(a, b)
    said = f"found {_words(found)}, expected {_words(right)}."
    tell(found, right, mistakes, said, 1e-3)
    return "Seed by seed, the luck that both sides share is gone."


def _steps(a: dict[int, list[float]], b: dict[int, list[float]]) -> tuple[Tensor, dict[str, Tensor]]:
    """The right answer, and what known mistakes give by what is to be said to each."""
    seeds = [seed for seed in a if seed in b]
    x, y = ([statistics.fmean(side[seed]) for seed in seeds] for side in (a, b))
    differences = [after - before for before, after in zip(x, y, strict=True)]
    step, deviation, n = statistics.fmean(differences), statistics.stdev(differences), len(seeds)
    of_networks = [p - q for seed in seeds for q, p in zip(a[seed], b[seed], strict=True)]
    every_x, every_y = ([statistics.fmean(accuracies) for accuracies in side.values()] for side in (a, b))
    by_order = [after - before for before, after in zip(every_x, every_y, strict=True)]
    root = math.sqrt(n)
    return _pair(step, deviation / root), {
        "the sign is wrong: the step is the accuracy after it minus the one before.": _pair(-step, deviation / root),
        "this is the deviation of the differences: their mean is known better, by the root of the number of seeds.": (
            _pair(step, deviation)
        ),
        "the deviation is divided by the number of seeds: divide it by the root of that number.": (
            _pair(step, deviation / n)
        ),
        "this is the deviation of a whole population, `pstdev`: a few seeds are a sample, so take `stdev`.": (
            _pair(step, statistics.pstdev(differences) / root)
        ),
        "the step is right, but every network counts as a draw: networks of one set share its luck, so average them "
        "first.": _pair(step, statistics.stdev(of_networks) / math.sqrt(len(of_networks))),
        "the step is right, but its error is that of two unrelated means: subtract seed by seed first, then take the "
        "deviation of the differences.": (
            _pair(step, math.sqrt((statistics.variance(x) + statistics.variance(y)) / n))
        ),
        "seeds count that are on one side only: leave them out, they have no partner.": (
            _pair(
                statistics.fmean(every_y) - statistics.fmean(every_x),
                math.sqrt(statistics.variance(every_x) / len(every_x) + statistics.variance(every_y) / len(every_y)),
            )
        ),
        "the pairs are formed by position: look both sides up by the same seed.": (
            _pair(statistics.fmean(by_order), statistics.stdev(by_order) / math.sqrt(len(by_order)))
        ),
    }


@checked
def spread_by_luck(function: Callable[..., Any]) -> str:
    """Lesson 8. ``function(sets)`` returns how far the sets' means would deviate by luck, and how far they do.

    sets: for each condensed set the list of its networks' accuracies, as many for each.
    """
    networks = 5
    sets = [(85 + 2 * torch.randn(1) + torch.randn(networks)).double().tolist() for _ in range(4)]
    found = _two(ask(function, [list(accuracies) for accuracies in sets]))
    truth = spread(sets)
    right = _pair(truth.luck, truth.sets)
    said = f"found {_words(found)}, expected {_words(right)}."
    tell(found, right, _wrong_spreads(sets), said, 1e-3)
    return "If the second number is much larger than the first, the sets differ."


def _wrong_spreads(sets: Sequence[Sequence[float]]) -> dict[str, Tensor]:
    """What known mistakes give, by what is to be said to each."""
    n, truth = len(sets[0]), spread(sets)
    means = [statistics.fmean(accuracies) for accuracies in sets]
    pooled = statistics.stdev(a for accuracies in sets for a in accuracies)
    deviations = statistics.fmean(statistics.stdev(accuracies) for accuracies in sets)
    return {
        "the two numbers are swapped: first what luck would do, then what was measured.": _pair(truth.sets, truth.luck),
        "the first number is the deviation of single networks: a mean of n networks deviates less, by the root of n.": (
            _pair(truth.networks, truth.sets)
        ),
        "the first number is divided by n: divide the deviation by the root of n.": (
            _pair(truth.networks / n, truth.sets)
        ),
        "the first number is divided by the root of the number of sets: each mean is over the networks of its set.": (
            _pair(truth.networks / math.sqrt(len(sets)), truth.sets)
        ),
        "the first number is over all networks together: that holds how far sets differ. Take the variance inside each "
        "set.": _pair(pooled / math.sqrt(n), truth.sets),
        "deviations are averaged: average the variances, and take the root last.": (
            _pair(deviations / math.sqrt(n), truth.sets)
        ),
        "this takes `pstdev` and `pvariance`, for a whole population: a few networks and sets are samples.": (
            _pair(truth.luck * math.sqrt((n - 1) / n), statistics.pstdev(means))
        ),
        "the second number is divided once more: it is the plain deviation of the means.": (
            _pair(truth.luck, truth.sets / math.sqrt(len(sets)))
        ),
    }


def _pair(first: float, second: float) -> Tensor:
    return torch.tensor([first, second], dtype=torch.float64)


def _words(pair: Tensor) -> str:
    return " and ".join(f"{float(number):.3f}" for number in pair)


def _two(found: Any) -> Tensor:
    """What a function returned, if it is two numbers. Raises NotYet otherwise."""
    written(found)
    try:
        numbers = [float(number) for number in found] if isinstance(found, Iterable) else []
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 2:
        raise NotYet(f"expected two numbers, found `{found}`.")
    return finite(torch.tensor(numbers, dtype=torch.float64))
