"""The spread: what one more network, set or epoch changes in a mean, in its ± and in its standard error."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as ui
import torch
from matplotlib.figure import Figure

from ..show import MARKED, Picture, Table, kits_style, picture
from .panel import STYLE, Panel

Accuracies = Sequence[Sequence[Sequence[float]]]  # in %: of each set, of each network, after so many epochs
SMALL = 0.05  # points: what is less prints as 0.0
ROWS = ("mean in %", "±: deviation of all networks", "standard error")


@dataclass(frozen=True)
class Summary:
    """Accuracies in three numbers: mean in %, deviation over all networks, and standard error, in points.

    The standard error is the uncertainty of the mean: of the one set's mean, or with several sets of the mean over
    sets. Then each set is one draw, since its networks share its luck. With one network in all, both are NaN.
    """

    mean: float
    deviation: float
    error: float

    @classmethod
    def of(cls, by_set: Sequence[Sequence[float]]) -> "Summary":
        """Of the accuracies of each set."""
        values = [a for accuracies in by_set for a in accuracies]
        draws = values if len(by_set) == 1 else [statistics.fmean(accuracies) for accuracies in by_set]
        error = statistics.pstdev(draws) / math.sqrt(len(draws) - 1) if len(draws) > 1 else math.nan
        deviation = statistics.pstdev(values) if len(values) > 1 else math.nan
        return cls(statistics.fmean(values), deviation, error)

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Mean, deviation, standard error."""
        return self.mean, self.deviation, self.error

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if math.isnan(self.deviation) else f"{self.mean:.1f} ± {self.deviation:.1f}"


def shown(accuracies: Accuracies, epochs: Sequence[int], sets: int, networks: int, epoch: int) -> tuple[Picture, Table]:
    """The first ``networks`` of the first ``sets`` after ``epoch`` epochs, and what one more of each would change.

    accuracies: in %, sets × networks × checkpoints, a nested list or a tensor. epochs: of the checkpoints. Raises
    ValueError for another shape, and for more sets or networks, or other epochs, than were measured.
    """
    measured = _measured(accuracies, epochs)
    for name, value, most in (("sets", sets, len(measured)), ("networks", networks, len(measured[0]))):
        if not 1 <= value <= most:
            raise ValueError(f"{name} {value}: expected 1 to {most}, as many as were measured")
    if epoch not in epochs:
        raise ValueError(f"epoch {epoch}: expected one of {', '.join(map(str, epochs))}")
    at = list(epochs).index(epoch)

    def part(m: int, n: int, k: int) -> list[list[float]] | None:
        """The accuracies of so many sets and networks at a checkpoint; None: not measured."""
        if m > len(measured) or n > len(measured[0]) or k >= len(epochs):
            return None
        return [[curve[k] for curve in curves[:n]] for curves in measured[:m]]

    now = part(sets, networks, at)
    assert now is not None
    later = f"{epochs[at + 1]} epochs" if at + 1 < len(epochs) else "more epochs"
    others = {"one network more per set": (sets, networks + 1, at), "one set more": (sets + 1, networks, at)}
    others |= {later: (sets, networks, at + 1)}
    changed = {name: part(*which) for name, which in others.items()}
    every = [a for curves in measured for curve in curves for a in curve]
    return _picture(now, epoch, (min(every), max(every)), len(measured)), _table(now, changed)


def _measured(accuracies: Accuracies, epochs: Sequence[int]) -> Accuracies:
    try:
        found = torch.as_tensor(accuracies, dtype=torch.float64)
    except (TypeError, ValueError):
        found = torch.empty(0)  # rows of different lengths, or no numbers
    if found.ndim != 3 or 0 in found.shape or found.shape[2] != len(epochs):
        raise ValueError(f"expected accuracies of sets × networks × {len(epochs)} checkpoints, one for each of epochs")
    return found.tolist()


@kits_style
def _picture(by_set: Sequence[Sequence[float]], epoch: int, reach: tuple[float, float], rows: int) -> Picture:
    """A row for each set, and one for all; every state has the same axes, so that the eye sees what moves."""
    figure = Figure(figsize=(6.5, 1.4 + 0.42 * rows), layout="constrained")
    ax = figure.add_subplot()
    total = Summary.of(by_set)
    for row, (values, (colour, marker, _)) in enumerate(zip(by_set, MARKED * rows, strict=False)):
        ax.plot(values, [row] * len(values), marker, color=colour, alpha=0.5, ms=7, mew=0)
        ax.plot(statistics.fmean(values), row, "|", color=colour, ms=20, mew=2)
    if not math.isnan(total.deviation):
        ax.errorbar(total.mean, rows, xerr=total.deviation, color="black", capsize=6, lw=1.2)
        ax.plot(
            [total.mean - total.error, total.mean + total.error],
            [rows, rows],
            color="black",
            lw=6,
            solid_capstyle="butt",
        )
    ax.plot(total.mean, rows, "o", color="white", mec="black", ms=7, zorder=3)
    ax.annotate(str(total), (total.mean, rows), (0, 9), textcoords="offset points", ha="center")
    ax.set_yticks(range(rows + 1), [*(f"set {i + 1}" if i < len(by_set) else "" for i in range(rows)), "all"])
    margin = 0.06 * (reach[1] - reach[0]) + 1
    ax.set(xlim=(reach[0] - margin, reach[1] + margin), ylim=(rows + 0.5, -0.6), xlabel="test accuracy in %")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    means = ", ".join(f"{statistics.fmean(values):.1f}" for values in by_set)
    counted = f"{len(by_set)} set{'s' * (len(by_set) > 1)} × {len(by_set[0])} network{'s' * (len(by_set[0]) > 1)}"
    alt = f"{counted} after {epoch} epochs: {total} %, standard error "
    return picture(figure, f"{alt}{_text(total.error)}. Mean of each set: {means}")


def _table(now: Sequence[Sequence[float]], changed: dict[str, list[list[float]] | None]) -> Table:
    """The three numbers, and in words what each step would do to them."""
    here = Summary.of(now).numbers
    steps = {name: Summary.of(after).numbers if after else None for name, after in changed.items()}
    rows = tuple(
        (name, _text(value), *(_change(value, after[i]) if after else "not measured" for after in steps.values()))
        for i, (name, value) in enumerate(zip(ROWS, here, strict=True))
    )
    note = "Thin line in the last row: mean ± deviation. Thick line: mean ± standard error. "
    if len(now) > 1:
        note += "With several sets, the standard error counts sets: networks trained on one set share its luck."
    else:
        note += "With one set, the standard error is about this set's mean only: it says nothing about other sets."
    return Table(("number", "now", *(f"with {name}" for name in steps)), rows, note)


def _text(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.1f}"


def _change(before: float, after: float) -> str:
    """What becomes of a number, and by how much."""
    if math.isnan(before) or math.isnan(after) or abs(after - before) < SMALL:
        return _text(after) if math.isnan(before) or math.isnan(after) else f"{after:.1f}, stays"
    return f"{after:.1f}, {'grows' if after > before else 'shrinks'} by {abs(after - before):.1f}"


def spread(accuracies: Accuracies, epochs: Sequence[int]) -> Panel:
    """Spread: what more epochs, networks and sets do to a mean, to its ± and to its standard error.

    accuracies: in %, sets × networks × checkpoints; epochs: of the checkpoints. Raises ValueError for another shape.
    """
    measured = _measured(accuracies, epochs)

    def draw(**values: Any) -> tuple[Picture, Table]:
        return shown(measured, epochs, **values)

    def slider(description: str, most: int, value: int) -> ui.IntSlider:
        return ui.IntSlider(value=value, min=1, max=most, description=description, continuous_update=False, style=STYLE)

    networks = len(measured[0])
    return Panel(
        draw,
        sets=slider("sets", len(measured), 1),
        networks=slider("networks per set", networks, min(2, networks)),
        epoch=ui.SelectionSlider(
            options=list(epochs), value=epochs[-1], description="epochs", continuous_update=False, style=STYLE
        ),
    )
