"""Checks of quick exercises about reading results: how many sets it takes, and which row or column is darkest."""

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from ..results import printed_cells
from .answers import NotYet, ask, checked, number, tell, written

SETS = 11  # the smallest number whose interval, at a difference and a deviation of 1 point, does not contain 0
_WRONG_SETS = {  # what known mistakes answer, by what is to be said to each
    "one set on each side says nothing about the spread from set to set: start at 2.": 1,
    f"{SETS - 1} sets on each side just miss it: the interval still contains 0.": SETS - 1,
    "1.96 holds for many sets only: use Student's $t$.": 8,
    "both sides deviate: the root has a term for each of them.": 7,
}


@checked
def sets_needed(answer: Any) -> str:
    """Lesson 4. ``answer`` is the smallest number of sets on each side that tells 1 point at a deviation of 1."""
    found = float(number(answer))
    if found != int(found) or found < 1:
        raise NotYet(f"expected a whole number of sets, 1 or more, found `{answer}`.")
    otherwise = f"with {int(found)} sets on each side the interval still contains 0."
    if found > SETS:
        otherwise = f"{int(found)} sets are enough, but fewer are as well: find the smallest number."
    tell(found, SETS, _WRONG_SETS, otherwise)
    return f"{SETS} sets on each side, and so {2 * SETS} in all, for a difference as large as the deviation."


Means = Mapping[tuple[str, str], float]  # (condensed with, trained) → accuracy in %
Line = tuple[str, str]  # "row" or "column", and its name


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
        right = _lowest(cells)
        swapped = "column" if right[0] == "row" else "row"
        mistakes = {
            "rows and columns are swapped: the first name of a pair made the images, a row.": (swapped, right[1]),
            "a column is darker than every row here: compare both.": _lowest(cells, ("row",)),
            "a row is darker than every column here: compare both.": _lowest(cells, ("column",)),
            "this one has the lowest sum, since a cell is missing: take the mean.": _lowest(cells, value=sum),
        }
        said = f"it says {found[0]} {found[1]}, but the mean of {right[0]} {right[1]} is lower."
        tell(tuple(found), right, mistakes, said)
    kind, name = _lowest(_tables()[0])
    return f"In the report's Table 2 it is the {kind} of {name}."


def _tables() -> tuple[Means, ...]:
    """The report's, where a column is darkest, and a small one with a dark row, a darker cell and a missing one."""
    report = {pair: sample.mean for pair, sample in printed_cells("report").items()}
    small = {("MLP", "MLP"): 70.0, ("MLP", "LeNet"): 8.0, ("MLP", "ConvNet"): 90.0, ("AlexNet", "MLP"): 30.0}
    small |= {("AlexNet", "LeNet"): 50.0, ("AlexNet", "ConvNet"): 40.0, ("ConvNet", "MLP"): 80.0}
    return report, small | {("ConvNet", "ConvNet"): 90.0, ("VGG11", "LeNet"): 75.0}


def _lowest(
    cells: Means, kinds: tuple[str, ...] = ("row", "column"), value: Callable[[list[float]], float] = fmean
) -> Line:
    """The row or column of these kinds whose cells have the lowest value."""
    lines: dict[Line, list[float]] = {}
    for made, trained in cells:
        lines.setdefault(("row", made), []).append(cells[made, trained])
        lines.setdefault(("column", trained), []).append(cells[made, trained])
    return min((line for line in lines if line[0] in kinds), key=lambda line: value(lines[line]))
