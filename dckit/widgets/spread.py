"""The spread: what one more network, set or epoch changes in a mean, in its ± and in its standard error."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..show import MARKED, Picture, Table, kits_style, picture
from .panel import Panel, slider

Accuracies = Sequence[Sequence[Sequence[float]]] | Tensor  # in %: of each set, of each network, after so many epochs
SMALL = 0.05  # points: what is less prints as 0.0
ROWS = ("mean in %", "±: deviation of all networks", "standard error")


class Summary(NamedTuple):
    """Accuracies in three numbers: mean in %, deviation over all networks, and standard error, in points.

    The standard error is the uncertainty of the mean: of the one set's mean, or with several sets of the mean over
    sets. Then each set is one draw, since its networks share its luck. With one network in all, both are NaN.
    """

    mean: float
    deviation: float
    error: float

    @classmethod
    def of(cls, accuracies: Tensor) -> "Summary":
        """Of accuracies (sets, networks)."""
        draws = accuracies.mean(1) if len(accuracies) > 1 else accuracies[0]
        error = float(draws.std(correction=0) / math.sqrt(len(draws) - 1)) if len(draws) > 1 else math.nan
        deviation = float(accuracies.std(correction=0)) if accuracies.numel() > 1 else math.nan
        return cls(float(accuracies.mean()), deviation, error)

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if math.isnan(self.deviation) else f"{self.mean:.1f} ± {self.deviation:.1f}"


def shown(accuracies: Accuracies, epochs: Sequence[int], sets: int, networks: int, epoch: int) -> tuple[Picture, Table]:
    """The first ``networks`` of the first ``sets`` after ``epoch`` epochs, and what one more of each would change.

    accuracies: in %, sets × networks × checkpoints, a nested list or a tensor. epochs: of the checkpoints. Raises
    ValueError for another shape, and for more sets or networks, or other epochs, than were measured.
    """
    measured = _measured(accuracies, epochs)
    for name, value, most in (("sets", sets, len(measured)), ("networks", networks, measured.shape[1])):
        if not 1 <= value <= most:
            raise ValueError(f"{name} {value}: expected 1 to {most}, as many as were measured")
    if epoch not in epochs:
        raise ValueError(f"epoch {epoch}: expected one of {', '.join(map(str, epochs))}")
    at = list(epochs).index(epoch)

    def summary(m: int, n: int, k: int) -> Summary | None:
        """Of so many sets and networks at a checkpoint; None: not measured."""
        inside = all(count <= most for count, most in zip((m, n, k + 1), measured.shape, strict=True))
        return Summary.of(measured[:m, :n, k]) if inside else None

    later = f"{epochs[at + 1]} epochs" if at + 1 < len(epochs) else "more epochs"
    changed = {
        "one network more per set": summary(sets, networks + 1, at),
        "one set more": summary(sets + 1, networks, at),
        later: summary(sets, networks, at + 1),
    }
    now = measured[:sets, :networks, at]
    return _picture(now, epoch, measured), _table(now, changed)


def _measured(accuracies: Accuracies, epochs: Sequence[int]) -> Tensor:
    found = torch.as_tensor(accuracies, dtype=torch.float64)
    if found.ndim != 3 or 0 in found.shape or found.shape[2] != len(epochs):
        raise ValueError(f"expected accuracies of sets × networks × {len(epochs)} checkpoints, one for each of epochs")
    return found


@kits_style
def _picture(now: Tensor, epoch: int, measured: Tensor) -> Picture:
    """A row for each set, and one for all; every state has the same axes, so that the eye sees what moves."""
    rows, low, high = len(measured), float(measured.min()), float(measured.max())
    figure = Figure(figsize=(6.5, 1.4 + 0.42 * rows), layout="constrained")
    ax = figure.add_subplot()
    total = Summary.of(now)
    for row, (values, (colour, marker, _)) in enumerate(zip(now, MARKED * rows, strict=False)):
        ax.plot(values, [row] * len(values), marker, color=colour, alpha=0.5, ms=7, mew=0)
        ax.plot(values.mean(), row, "|", color=colour, ms=20, mew=2)
    if not math.isnan(total.deviation):
        ax.errorbar(total.mean, rows, xerr=total.deviation, color="black", capsize=6, lw=1.2)
        ends = [total.mean - total.error, total.mean + total.error]
        ax.plot(ends, [rows, rows], color="black", lw=6, solid_capstyle="butt")
    ax.plot(total.mean, rows, "o", color="white", mec="black", ms=7, zorder=3)
    ax.annotate(str(total), (total.mean, rows), (0, 9), textcoords="offset points", ha="center")
    ax.set_yticks(range(rows + 1), [*(f"set {i + 1}" if i < len(now) else "" for i in range(rows)), "all"])
    margin = 0.06 * (high - low) + 1
    ax.set(xlim=(low - margin, high + margin), ylim=(rows + 0.5, -0.6), xlabel="test accuracy in %")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    sets, networks = now.shape
    counted = f"{sets} set{'s' * (sets > 1)} × {networks} network{'s' * (networks > 1)}"
    alt = f"{counted} after {epoch} epochs: {total} %, standard error {_text(total.error)}. Mean of each set: "
    return picture(figure, alt + ", ".join(f"{mean:.1f}" for mean in now.mean(1).tolist()))


def _table(now: Tensor, changed: dict[str, Summary | None]) -> Table:
    """The three numbers, and in words what each step would do to them."""
    rows = tuple(
        (
            name,
            _text(value),
            *(_change(value, after[i]) if after else "not measured" for after in changed.values()),
        )
        for i, (name, value) in enumerate(zip(ROWS, Summary.of(now), strict=True))
    )
    note = "Thin line in the last row: mean ± deviation. Thick line: mean ± standard error. "
    if len(now) > 1:
        note += "With several sets, the standard error counts sets: networks trained on one set share its luck."
    else:
        note += "With one set, the standard error is about this set's mean only: it says nothing about other sets."
    return Table(("number", "now", *(f"with {name}" for name in changed)), rows, note)


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
    sets, networks, _ = measured.shape
    return Panel(
        partial(shown, measured, epochs),
        sets=slider("sets", range(1, sets + 1), 1),
        networks=slider("networks per set", range(1, networks + 1), min(2, networks)),
        epoch=slider("epochs", epochs, epochs[-1]),
    )
