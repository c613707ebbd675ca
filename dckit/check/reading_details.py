"""Checks of exercises about small differences: a step between two recipes, and what a ± can hold."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, pstdev, pvariance, stdev, variance
from typing import Any

import torch
from torch import Tensor

from ..results import spread
from .answers import NotYet, ask, checked, finite, tell, written

Pair = tuple[float, float]


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
    found = ask(function, {s: list(v) for s, v in a.items()}, {s: list(v) for s, v in b.items()})
    pairs = [(a[seed], b[seed]) for seed in a if seed in b]
    x, y = ([fmean(side) for side in sides] for sides in zip(*pairs, strict=True))
    steps = [after - before for before, after in zip(x, y, strict=True)]
    of_networks = [q - p for before, after in pairs for p, q in zip(before, after, strict=True)]
    by_order = [fmean(after) - fmean(before) for before, after in zip(a.values(), b.values(), strict=True)]
    mistakes = {
        "this is the deviation of the differences: their mean is known better, by the root of the number of seeds.": (
            (fmean(steps), stdev(steps))
        ),
        "this is the deviation of a whole population, `pstdev`: a few seeds are a sample, so take `stdev`.": (
            (fmean(steps), pstdev(steps) / math.sqrt(len(steps)))
        ),
        "the step is right, but every network counts as a draw: networks of one set share its luck, so average them "
        "first.": _mean_and_error(of_networks),
        "the step is right, but its error is that of two unrelated means: subtract seed by seed first, then take the "
        "deviation of the differences.": (fmean(steps), math.sqrt((variance(x) + variance(y)) / len(steps))),
        "the pairs are formed by position: look both sides up by the same seed.": _mean_and_error(by_order),
    }
    _tell_pair(found, _mean_and_error(steps), mistakes)
    return "Seed by seed, the luck that both sides share is gone."


def _mean_and_error(draws: Sequence[float]) -> Pair:
    return fmean(draws), stdev(draws) / math.sqrt(len(draws))


@checked
def spread_by_luck(function: Callable[..., Any]) -> str:
    """Lesson 8. ``function(sets)`` returns how far the sets' means would deviate by luck, and how far they do.

    sets: for each condensed set the list of its networks' accuracies, as many for each.
    """
    n = 5
    sets = [(85 + 2 * torch.randn(1) + torch.randn(n)).double().tolist() for _ in range(4)]
    found, right = ask(function, [list(accuracies) for accuracies in sets]), spread(sets)
    everyone = [a for accuracies in sets for a in accuracies]
    population = fmean(pvariance(accuracies) for accuracies in sets), pstdev(fmean(a) for a in sets)
    mistakes = {
        "the two numbers are swapped: first what luck would do, then what was measured.": (right.sets, right.luck),
        "the first number is the deviation of single networks: a mean of n networks deviates less, by the root of n.": (
            (right.networks, right.sets)
        ),
        "the first number is over all networks together: that holds how far sets differ. Take the variance inside each "
        "set.": (math.sqrt(variance(everyone) / n), right.sets),
        "deviations are averaged: average the variances, and take the root last.": (
            (fmean(stdev(accuracies) for accuracies in sets) / math.sqrt(n), right.sets)
        ),
        "this takes `pstdev` and `pvariance`, for a whole population: a few networks and sets are samples.": (
            (math.sqrt(population[0] / n), population[1])
        ),
    }
    _tell_pair(found, (right.luck, right.sets), mistakes)
    return "If the second number is much larger than the first, the sets differ."


def _tell_pair(found: Any, right: Pair, mistakes: Mapping[str, Pair]) -> None:
    """Raise NotYet unless ``found`` is the right pair of numbers."""
    written(found)
    try:
        numbers = [float(number) for number in found] if isinstance(found, Iterable) else []
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 2:
        raise NotYet(f"expected two numbers, found `{found}`.")
    said = f"found {numbers[0]:.3f} and {numbers[1]:.3f}, expected {right[0]:.3f} and {right[1]:.3f}."
    wrong = {sentence: _tensor(pair) for sentence, pair in mistakes.items()}
    tell(finite(_tensor(numbers)), _tensor(right), wrong, said, 1e-3)


def _tensor(numbers: Sequence[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)
