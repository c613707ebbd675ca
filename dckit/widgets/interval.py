"""The interval of a difference: how it moves with the deviation and with the number of sets, and its verdict."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import AGREES_WITHIN, Cell, Sample, Verdict, compare, theirs_of
from ..show import BLUE, ORANGE, Picture, kits_style, picture
from .panel import Panel, number, slider

SETS = (1, 2, 3, 5, 10, 20)  # to choose from, on the side that moves
REACH, WIDEST = 5.0, 2.0  # points: the largest difference and the largest deviation of the sliders
EDGE = 11.5  # points: the axis holds every interval of the sliders, so that two of them can be compared by eye
CELL = Cell("mnist", 1)  # the controls begin at its numbers, as the paper and the report printed them


def verdict_of(difference: float, deviation: float, sets: int) -> Verdict:
    """The verdict on ``sets`` sets beside the paper's five, where both sides deviate alike from set to set.

    difference: of the two means, in points. Raises ValueError for a negative deviation and for less than one set.
    """
    if deviation < 0:
        raise ValueError(f"deviation {deviation}: expected 0 or more")
    if sets < 1:
        raise ValueError(f"sets {sets}: expected 1 or more")
    paper = _printed("paper")
    theirs = Sample(paper.mean, deviation, paper.sets, paper.networks)
    return compare(Sample(paper.mean + difference, deviation, sets, paper.networks), theirs)


@kits_style
def shown(difference: float, deviation: float, sets: int) -> Picture:
    """The 95 % interval of a difference beside 0 and the band of ±2 points, and the verdict in words.

    Arguments and errors are those of `verdict_of`.
    """
    found = verdict_of(difference, deviation, sets)
    figure = Figure(figsize=(6.4, 2.2))
    ax = figure.add_subplot()
    _draw(ax, found)
    counted = f"{sets} set{'s' * (sets > 1)}"
    paper = _printed("paper").sets
    ax.set_title(f"{counted} beside {paper} sets, deviation {deviation:.1f}: {found.word}", fontweight="bold")
    place = "within" if max(-found.low, found.high) <= AGREES_WITHIN else "further than"
    holds = "contains 0" if found.low <= 0 <= found.high else "does not contain 0"
    alt = f"Difference of {counted} and {paper} sets, deviation {deviation:.1f} points: {found}. "
    return picture(figure, f"{alt}The 95 % interval {holds} and reaches {place} ±{AGREES_WITHIN:g} points")


def _draw(ax: Axes, found: Verdict) -> None:
    def over(colour: str) -> dict[str, Any]:  # what stands behind words, so that no line runs through them
        return {"boxstyle": "square,pad=0.15", "facecolor": colour, "linewidth": 0}

    ax.axvspan(-AGREES_WITHIN, AGREES_WITHIN, color="#DDDDDD", lw=0)
    ax.annotate(
        f"±{AGREES_WITHIN:g} points", (0, 0.04), xycoords=("data", "axes fraction"), ha="center", bbox=over("#DDDDDD")
    )
    ax.axvline(0, color="black", ls="--", lw=1)
    mean = found.difference
    ax.errorbar(mean, 0, xerr=[[mean - found.low], [found.high - mean]], color=BLUE, capsize=9, lw=3, capthick=2)
    ax.plot(mean, 0, "o", color=ORANGE, ms=10)
    text = str(found).removesuffix(f" {found.word}")
    ax.annotate(text, (mean, 0), (0, 15), textcoords="offset points", ha="center", bbox=over("white"))
    ax.set(
        xlim=(-EDGE, EDGE), ylim=(-1, 1), yticks=[], xlabel="difference of the means in points, and its 95 % interval"
    )
    ax.spines[["top", "right", "left"]].set_visible(False)


def _printed(source: str) -> Sample:
    found = theirs_of(source, "table1", CELL)
    assert found is not None
    return found


def interval() -> Panel:
    """Interval of a difference: move the means, the deviation and the number of sets, and read the verdict.

    It begins with the report's number for MNIST at 1 image per class beside the paper's.
    """
    paper, report = _printed("paper"), _printed("report")
    off = round(report.mean - paper.mean, 1)
    return Panel(
        shown,
        played={"difference": [off, -1.0, 0.0], "deviation": [paper.std, 1.0, WIDEST], "sets": SETS},
        difference=number("difference of the means", off, -REACH, REACH, 0.1),
        deviation=number("deviation from set to set", paper.std, 0.1, WIDEST, 0.1),
        sets=slider("sets on this side", SETS, report.sets),
    )
