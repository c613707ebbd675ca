"""Checks of quick exercises about reading results: how many sets it takes, and which row or column is darkest."""

import math
from collections.abc import Callable, Mapping
from itertools import count
from statistics import fmean
from typing import Any

from ..results import Sample, compare, printed_cells
from .answers import NotYet, ask, checked, number, written

DIFFERENCE, DEVIATION = 1.0, 1.0  # points, that `sets_needed` asks about
Means = Mapping[tuple[str, str], float]  # (condensed with, trained) → accuracy in %


def told_apart(sets: int) -> bool:
    """Whether ``sets`` sets on each side tell the difference that `sets_needed` asks about."""
    higher, lower = (Sample(mean, DEVIATION, sets, 20) for mean in (90 + DIFFERENCE, 90.0))
    return compare(higher, lower).word == "higher"


@checked
def sets_needed(answer: Any) -> str:
    """Lesson 4. ``answer`` is the smallest number of sets on each side that tells 1 point at a deviation of 1."""
    found = float(number(answer))
    right = _smallest(told_apart, start=2)
    if found == right:
        return f"{right} sets on each side, and so {2 * right} in all, for a difference as large as the deviation."
    if found != int(found) or found < 1:
        raise NotYet(f"expected a whole number of sets, 1 or more, found `{answer}`.")
    for wrong, sentence in _wrong_numbers(right).items():
        if found == wrong:
            raise NotYet(sentence)
    if found > right:
        raise NotYet(f"{int(found)} sets are enough, but fewer are as well: find the smallest number.")
    raise NotYet(f"with {int(found)} sets on each side the interval still contains 0.")


def _smallest(enough: Callable[[int], bool], start: int = 1) -> int:
    return next(sets for sets in count(start) if enough(sets))


def _wrong_numbers(right: int) -> dict[int, str]:
    """What known mistakes answer, and what is to be said to each. Where two give one number, the first has the word."""
    from scipy.stats import t

    noise = DEVIATION / DIFFERENCE

    def reach(sets: int, sides: int) -> float:
        return float(t.ppf(0.975, sets - 1)) * noise * math.sqrt(sides / sets)

    mistakes = (
        (1, "one set on each side says nothing about the spread from set to set: start at 2."),
        (right - 1, f"{right - 1} sets on each side just miss it: the interval still contains 0."),
        (_smallest(lambda n: 1.96 * noise * math.sqrt(2 / n) < 1), "1.96 holds for many sets only: use Student's $t$."),
        (_smallest(lambda n: reach(n, sides=1) < 1, 2), "both sides deviate: the root has a term for each of them."),
        (
            _smallest(lambda n: 1.96 * noise / math.sqrt(n) < 1),
            "both sides deviate, and 1.96 is for many sets only.",
        ),
    )
    wrong: dict[int, str] = {}
    for sets, sentence in mistakes:
        wrong.setdefault(sets, sentence)
    return wrong


@checked
def darkest(function: Callable[..., Any]) -> str:
    """Lesson 5. ``function(cells)`` returns "row" or "column", and the name of the one with the lowest mean.

    cells: (condensed with, trained) → accuracy in %; a cell may be missing.
    """
    for cells in _tables():
        found = ask(function, dict(cells))
        written(found)
        if not (isinstance(found, tuple | list) and len(found) == 2 and found[0] in ("row", "column")):
            raise NotYet(f'expected "row" or "column" and a name, such as `("row", "MLP")`, found `{str(found)[:60]}`.')
        right = _lowest(_lines(cells))
        for wrong, sentence in _wrong_lines(cells):
            if tuple(found) == wrong != right:
                raise NotYet(sentence)
        if tuple(found) != right:
            raise NotYet(f"it says {found[0]} {found[1]}, but the mean of {right[0]} {right[1]} is lower.")
    kind, name = _lowest(_lines(_tables()[0]))
    return f"In the report's Table 2 it is the {kind} of {name}."


def _tables() -> tuple[Means, ...]:
    """The report's, where a column is darkest, and a small one with a dark row, a darker cell and a missing one."""
    report = {pair: sample.mean for pair, sample in printed_cells("report").items()}
    small = {("MLP", "MLP"): 70.0, ("MLP", "LeNet"): 8.0, ("MLP", "ConvNet"): 90.0, ("AlexNet", "MLP"): 30.0}
    small |= {("AlexNet", "LeNet"): 50.0, ("AlexNet", "ConvNet"): 40.0, ("ConvNet", "MLP"): 80.0}
    return report, small | {("ConvNet", "ConvNet"): 90.0, ("VGG11", "LeNet"): 75.0}


Line = tuple[str, str]  # "row" or "column", and its name


def _lines(cells: Means, average: Callable[[list[float]], float] = fmean) -> dict[Line, float]:
    keys = dict.fromkeys((kind, pair[axis]) for axis, kind in enumerate(("row", "column")) for pair in cells)
    axes = {"row": 0, "column": 1}
    return {key: average([mean for pair, mean in cells.items() if pair[axes[key[0]]] == key[1]]) for key in keys}


def _lowest(lines: Mapping[Line, float]) -> Line:
    return min(lines, key=lambda line: lines[line])


def _wrong_lines(cells: Means) -> list[tuple[Line, str]]:
    """What known mistakes find, and what is to be said to each."""
    lines = _lines(cells)
    right, swap = _lowest(lines), {"row": "column", "column": "row"}
    row, column = min(cells, key=lambda pair: cells[pair])
    brightest = max(lines, key=lambda line: lines[line])
    rows, columns = ({line: mean for line, mean in lines.items() if line[0] == kind} for kind in ("row", "column"))
    sums = _lowest(_lines(cells, sum))
    return [
        ((swap[right[0]], right[1]), "rows and columns are swapped: the first name of a pair made the images, a row."),
        (brightest, "this is the one with the highest mean."),
        (_lowest(rows), "a column is darker than every row here: compare both."),
        (_lowest(columns), "a row is darker than every column here: compare both."),
        (sums, "this one has the lowest sum, since a cell is missing: take the mean."),
        (("row", row), "the darkest single cell is there, but its row is not the darkest."),
        (("column", column), "the darkest single cell is there, but its column is not the darkest."),
    ]
