"""The cost of accuracy: the seconds of condensing, and the test accuracy of networks trained on the set."""

from collections import defaultdict
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..method import Scores
from ..show import MARKED, Picture, kits_style, picture
from .run import METHODS, Run

Points = dict[str, list[tuple[float, float, int]]]  # method → (seconds, mean accuracy, iterations), sorted by seconds
STYLES = dict(zip(("dc", "dsa", "dm", "dd"), MARKED, strict=True))


def points(measured: Mapping[Run, Scores]) -> dict[int, Points]:
    """For each number of images per class, the points of each method. Methods without condensing have 0 seconds."""
    found: dict[int, Points] = defaultdict(lambda: defaultdict(list))
    for run, scores in measured.items():
        seconds, of = (scores.card["set"]["seconds"], run.recipe.condensing.iterations) if run.condenses else (0.0, 0)
        found[run.recipe.ipc][run.method].append((seconds, scores.mean, of))
    return {ipc: {method: sorted(its) for method, its in by.items()} for ipc, by in sorted(found.items())}


@kits_style
def accuracy_by_seconds(measured: Mapping[Run, Scores], guess: float | None = None) -> Picture:
    """Test accuracy against seconds of condensing, a panel for each number of images per class.

    Each method has a line through its runs, with the number of iterations at each point. A method without condensing
    is a horizontal dotted line. guess: a learner's guess in %, for the first panel. Raises ValueError if there are no
    scores.
    """
    if not measured:
        raise ValueError("nothing was measured: expected the scores of at least one run")
    panels = points(measured)
    figure = Figure(figsize=(4.4 * len(panels), 3.8), layout="constrained")
    said = list[str]()
    for ax, (ipc, methods) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for method, its in methods.items():
            _line(ax, method, its)
        title = f"{ipc} image{'s' * (ipc > 1)} per class"
        ax.set(title=title, xscale="log", xlabel="seconds of condensing", ylabel="test accuracy in %")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")  # powers of ten would be formulas, which the kit's style does not draw
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(x=0.25, y=0.12)
        ax.spines[["top", "right"]].set_visible(False)
        if guess is not None and not said:
            ax.axhline(guess, color="black", ls="--", lw=1, label=f"your guess: {guess:g}")
        ax.legend(frameon=False, fontsize=9, loc="best")
        said.append(f"{title}: " + "; ".join(f"{_name(m)} {_words(its)}" for m, its in methods.items()))
    told = "" if guess is None else f". Your guess: {guess:g}"
    return picture(figure, "Test accuracy in % against seconds of condensing. " + ". ".join(said) + told)


def _line(ax: Axes, method: str, its: list[tuple[float, float, int]]) -> None:
    if method not in STYLES:
        ax.axhline(its[-1][1], color="grey", ls=":", lw=1.5, label=_name(method))
        return
    colour, marker, dash = STYLES[method]
    seconds, accuracies, counts = zip(*its, strict=True)
    ax.plot(seconds, accuracies, dash, marker=marker, color=colour, ms=7, label=_name(method))
    for x, y, count in zip(seconds, accuracies, counts, strict=True):
        ax.annotate(str(count), (x, y), (0, 7), textcoords="offset points", ha="center", fontsize=8)


def _name(method: str) -> str:
    return method.upper() if method in STYLES else METHODS[method]


def _words(its: list[tuple[float, float, int]]) -> str:
    return ", ".join(f"{a:.1f} % after {s:.0f} s" if s >= 10 else f"{a:.1f} % after {s:.2g} s" for s, a, _ in its)
