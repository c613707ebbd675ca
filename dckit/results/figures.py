"""Pictures of saved results: accuracy against images per class, and heat maps such as Table 2."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..show import Picture, kits_style, new_axes, picture
from .measured import NETWORKS, Cell, Measured, networks_of, theirs_of
from .run import METHODS
from .store import Result
from .verdicts import PRINTED, Sample

IPC = (1, 10, 50)
# Okabe and Ito's colours, each with a different marker
STYLES = {
    "dc": ("#0072B2", "o"),
    "herding": ("#D55E00", "s"),
    "k_center": ("#009E73", "^"),
    "random": ("#000000", "D"),
    "forgetting": ("#CC79A7", "v"),
}


@kits_style
def accuracy_by_ipc(results: Sequence[Result], dataset: str, protocol: str = "published") -> Picture:
    """Accuracy against images per class, one line per method: the printed numbers, and those of this kit."""
    measured = Measured(results)
    cells = {method: [Cell(dataset, ipc, method) for ipc in IPC] for method in STYLES}
    paper = {method: [theirs_of("paper", "table1", cell) for cell in row] for method, row in cells.items()}
    kit = {method: [measured.sample(cell, protocol) for cell in row] for method, row in cells.items()}
    report = [theirs_of("report", "table1", cell) for cell in cells["dc"]]
    whole = Cell(dataset, 1, "whole")

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _lines(left, paper, theirs_of("paper", "table1", whole))
    _lines(right, kit, measured.sample(whole, protocol))
    left.plot(*_points(report), "*", color="#E69F00", ms=12, label="report, condensed images", zorder=5)
    left.set(title=f"paper and report, {PRINTED.get(dataset, dataset)}", ylabel="test accuracy in %")
    right.set_title(f"this kit, {PRINTED.get(dataset, dataset)}")
    if not any(any(row) for row in kit.values()):
        right.text(1, sum(right.get_ylim()) / 2, "nothing measured yet", ha="center", color="dimgrey")
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center", frameon=False)
    said = [f"{METHODS[m]}: paper {_words(paper[m])}; this kit {_words(kit[m])}" for m in STYLES]
    said.append(f"report, condensed images: {_words(report)}")
    return picture(figure, f"Accuracy on {dataset} against images per class. " + ". ".join(said))


Row = Sequence[Sample | None]  # one per number of images per class


def _lines(ax: Axes, rows: Mapping[str, Row], whole: Sample | None) -> None:
    for method, row in rows.items():
        colour, marker = STYLES[method]
        stds = [s.std for s in row if s]
        ax.errorbar(*_points(row), stds, color=colour, marker=marker, ms=6, lw=1.5, capsize=3, label=METHODS[method])
    if whole:
        ax.axhline(whole.mean, color="grey", ls="--", lw=1, label=METHODS["whole"])
    ax.set(xlabel="images per class", xticks=range(len(IPC)), xticklabels=IPC, xlim=(-0.3, 2.3))
    ax.spines[["top", "right"]].set_visible(False)


def _points(row: Row) -> tuple[list[int], list[float]]:
    return [i for i, s in enumerate(row) if s], [s.mean for s in row if s]


def _words(row: Row) -> str:
    return ", ".join(f"{s} % at {ipc}" for s, ipc in zip(row, IPC, strict=True) if s) or "not measured"


Cells = Mapping[tuple[str, str], Sample]  # (row, column), in Table 2 (condensed with, trained) → accuracies


def cells_of(results: Sequence[Result], dataset: str, ipc: int = 1, protocol: str = "published") -> Cells:
    """The cells of Table 2 that this kit measured on a dataset: for each the run that the tables show."""
    measured, pairs = Measured(results), product(networks_of(protocol), repeat=2)
    cells = {(c, t): measured.sample(Cell(dataset, ipc, "dc", c, t), protocol) for c, t in pairs}
    return {pair: sample for pair, sample in cells.items() if sample}


def by_set(
    results: Sequence[Result], dataset: str, ipc: int = 1, protocol: str = "published"
) -> dict[str, tuple[float, ...]]:
    """The accuracies of each random and each condensed set, tested with ConvNet; keys name the set and its seed."""
    measured = Measured(results)
    return {
        f"{METHODS[method]}, seed {result.run.seed}": result.scores.accuracies
        for method in ("random", "dc")
        for result in measured.of(Cell(dataset, ipc, method), protocol)
    }


def printed_cells(source: str, table: str = "table2") -> Cells:
    """The cells that the "paper" or the "report" printed in Table 2 or 3."""
    pairs = {(c, t): theirs_of(source, table, Cell("mnist", 1, "dc", c, t)) for c in NETWORKS for t in NETWORKS}
    return {pair: sample for pair, sample in pairs.items() if sample}


@kits_style
def heatmaps(
    panels: Mapping[str, Cells],
    names: Sequence[str] = NETWORKS,
    axes: tuple[str, str] = ("condensed with", "trained on the images"),
) -> Picture:
    """One heat map per panel, all with a scale from 0 to 100 %, rows and columns in the order of ``names``.

    axes: the labels of rows and columns; by default those of Table 2.
    """
    rows = [n for n in names if any(n == row for cells in panels.values() for row, _ in cells)]
    columns = [n for n in names if any(n == column for cells in panels.values() for _, column in cells)]
    figure = Figure(
        figsize=(1.2 + len(panels) * (0.8 + 0.62 * len(columns)), 1.5 + 0.5 * len(rows)), layout="constrained"
    )
    drawn: Any = figure.subplots(1, len(panels), sharey=True, squeeze=False)
    for ax, (title, cells) in zip(drawn[0], panels.items(), strict=True):
        _heatmap(ax, cells, rows, columns)
        ax.set(title=title, xlabel=axes[1])
    drawn[0][0].set_ylabel(axes[0])
    said = (
        f"{title}: " + ", ".join(f"{' to '.join(pair)} {s}" for pair, s in cells.items())
        for title, cells in panels.items()
    )
    return picture(figure, f"Accuracy in %. Rows: {axes[0]}. Columns: {axes[1]}. " + "; ".join(said))


def _heatmap(ax: Axes, cells: Cells, rows: Sequence[str], columns: Sequence[str]) -> None:
    values = np.array([[cells[c, t].mean if (c, t) in cells else np.nan for t in columns] for c in rows])
    ax.imshow(values, cmap="viridis", vmin=0, vmax=100, aspect="auto")
    for i, j in np.ndindex(values.shape):
        number = values[i, j]
        text = "–" if np.isnan(number) else f"{number:.1f}"
        ax.text(j, i, text, ha="center", va="center", color="white" if number < 60 else "black")
    ax.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    ax.set_yticks(range(len(rows)), rows)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


@kits_style
def samples(rows: Mapping[str, Sample | None], alt: str) -> Picture:
    """One row per sample: mean ± deviation in %, drawn and in numbers, and the number of sets × networks."""
    figure, ax = new_axes(0.8 + 0.45 * len(rows), 7)
    known = {row: s for row, s in enumerate(rows.values()) if s}
    means = [s.mean for s in known.values()]
    ax.errorbar(means, list(known), xerr=[s.std for s in known.values()], fmt="o", color="#0072B2", ms=8, capsize=5)
    texts = [f"{s}  ({s.sets} × {s.networks})" if s else "not measured yet" for s in rows.values()]
    for row, text in enumerate(texts):
        ax.annotate(text, (1, row), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set(xlabel="test accuracy in %; sets × networks in brackets", ylim=(len(rows) - 0.5, -0.5))
    ax.grid(axis="y", color="lightgrey", lw=0.5)
    return picture(figure, f"{alt}. " + "; ".join(f"{name}: {text}" for name, text in zip(rows, texts, strict=True)))
