"""Plots. Each function returns a `Picture`: a PNG with an alternative text for readers who cannot see it.

The colours are Okabe and Ito's, which colour-blind people can distinguish. Nothing is shown by colour alone.
"""

import base64
import html
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ..data import CondensedSet
from ..engine import replacing

# For every function that draws: ignores the user's own style, such as a dark one, and prints $ in names as a dollar.
kits_style = style.context(["default", {"text.parse_math": False}])

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
MARKED = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"), (PINK, "D", "-."))  # colour, marker, line


@dataclass(frozen=True)
class Picture:
    """A PNG and its alternative text. A notebook shows it as the last line of a cell, or by ``display``."""

    png: bytes
    alt: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        # HTML, since JupyterLab, Colab and exported pages all keep the alternative text of an <img>.
        return {"text/html": self.html, "text/plain": self.alt}

    @property
    def html(self) -> str:
        """An <img> tag that contains the whole picture."""
        data = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}" style="max-width: 100%">'

    def save(self, path: str | Path) -> None:
        """Write the PNG."""
        with replacing(path) as part:
            part.write_bytes(self.png)


def picture(figure: Figure, alt: str) -> Picture:
    """A matplotlib figure as a picture with an alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    return Picture(buffer.getvalue(), alt)


@kits_style
def grid(pixels: Tensor, alt: str, columns: int = 10, titles: Sequence[str] = (), size: float = 0.8) -> Picture:
    """Images (n, channels, height, width) in 0 to 1 as one picture, row by row, with titles above the columns.

    size: width of an image in inches, which is reduced if the picture would be wider than a page.
    """
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    height, width = (side + 1 for side in pixels.shape[2:])
    inches = min(size, 9 / columns)
    figure = Figure(figsize=(columns * inches, rows * inches * height / width))
    draw_grid(figure.add_axes((0, 0, 1, 1)), pixels, columns, titles)
    return picture(figure, alt)


def draw_grid(ax: Axes, pixels: Tensor, columns: int, titles: Sequence[str] = ()) -> None:
    """Draw the images of `grid` on given axes. Each image takes its size in pixels, plus one pixel as a border."""
    from torchvision.utils import make_grid

    ax.imshow(make_grid(pixels.cpu(), nrow=columns, padding=1, pad_value=1.0).permute(1, 2, 0).numpy())
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelleft=False, labelbottom=False, labeltop=bool(titles))
    ax.set_xticks([(i + 0.5) * (pixels.shape[3] + 1) for i in range(len(titles))], titles)
    ax.set_yticks([])


def condensed_grid(condensed: CondensedSet) -> Picture:
    """All images of a condensed set, de-normalised: one column per class, and one image of each class per row."""
    classes = condensed.card["classes"]
    each = " to ".join(str(n) for n in sorted({min(condensed.counts), max(condensed.counts)}))
    images = "image" if each == "1" else "images"
    alt = f"{condensed.card['dataset']}, {each} {images} per class; columns: {', '.join(classes)}"
    return grid(condensed.rows, alt, len(classes), classes)


@kits_style
def curves(
    lines: Mapping[str, Sequence[float]], xlabel: str, ylabel: str, alt: str, x: Sequence[float] | None = None
) -> Picture:
    """One line per name, with different colours and dashes; the legend has the order of the last values.

    x: the values' positions; None: 1, 2, 3 and so on.
    """
    figure, ax = new_axes()
    for (name, values), (colour, _, dash) in zip(lines.items(), MARKED * 3, strict=False):
        ax.plot(x or range(1, len(values) + 1), values, dash, color=colour, lw=1.5, label=name)
    if len(lines) > 1:
        handles, labels = ax.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: -lines[labels[i]][-1])
        ax.legend([handles[i] for i in order], [labels[i] for i in order], frameon=False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return picture(figure, alt)


@kits_style
def dots(groups: Mapping[str, Sequence[float]], xlabel: str, alt: str, guess: float | None = None) -> Picture:
    """One row per group: a dot per value, and mean ± population standard deviation as a bar and in numbers."""
    figure, ax = new_axes(height=0.9 + 0.5 * len(groups))
    for row, (values, (colour, marker, _)) in enumerate(zip(groups.values(), MARKED * 3, strict=False)):
        mean, std = statistics.fmean(values), statistics.pstdev(values)
        ax.errorbar(mean, row, xerr=std, color=colour, capsize=5, lw=1.5)
        ax.plot(values, [row] * len(values), marker, color=colour, alpha=0.4, ms=6, mew=0)
        text = f"{mean:.1f} ± {std:.1f}" if len(values) > 1 else f"{mean:.1f}"
        ax.annotate(text, (mean, row), (0, 9), textcoords="offset points", ha="center")
    ax.set_yticks(range(len(groups)), list(groups))
    ax.set(xlabel=xlabel, ylim=(len(groups) - 0.5, -0.7))
    return picture(figure, alt + mark_guess(ax, guess))


@kits_style
def bars(values: Mapping[str, float], xlabel: str, alt: str, guess: float | str | None = None) -> Picture:
    """One horizontal bar per name, with its value. guess: a learner's guess, a number or one of the names."""
    figure, ax = new_axes(height=0.7 + 0.4 * len(values))
    drawn = ax.barh(list(values), list(values.values()), color=BLUE, height=0.6)
    ax.bar_label(drawn, fmt="{:.3g}", padding=4)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set(xlabel=xlabel)
    if isinstance(guess, str):
        ax.set_yticks(range(len(values)), [f"your guess → {name}" if name == guess else name for name in values])
        return picture(figure, f"{alt}. Your guess: {guess}")
    return picture(figure, alt + mark_guess(ax, guess))


@kits_style
def paired_bars(values: Mapping[str, tuple[float, float]], names: tuple[str, str], xlabel: str, alt: str) -> Picture:
    """Two horizontal bars per name, which differ in colour and hatching. names: of the two, for the legend."""
    figure, ax = new_axes(height=0.7 + 0.6 * len(values))
    for i, (name, colour, hatch) in enumerate(zip(names, (BLUE, ORANGE), ("", "///"), strict=True)):
        places, lengths = [row + 0.38 * i for row in range(len(values))], [pair[i] for pair in values.values()]
        drawn = ax.barh(places, lengths, 0.36, color=colour, hatch=hatch, edgecolor="white", label=name)
        ax.bar_label(drawn, fmt="{:.0f}", padding=4)
    ax.set_yticks([row + 0.19 for row in range(len(values))], list(values))
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set(xlabel=xlabel)
    ax.legend(frameon=False)
    return picture(figure, alt)


@kits_style
def picks(points: Tensor, chosen: Mapping[str, Sequence[int]], alt: str) -> Picture:
    """Points (n, 2) in one panel per selection; the chosen points are numbered in their order, a cross is the mean."""
    figure = Figure(figsize=(3.2 * len(chosen), 3), layout="constrained")
    for i, (name, index) in enumerate(chosen.items()):
        ax = figure.add_subplot(1, len(chosen), i + 1)
        (x, y), (middle_x, middle_y) = points.T, points.mean(0)
        ax.plot(x, y, ".", color="lightgrey")
        ax.plot(x[list(index)], y[list(index)], "o", color=BLUE, ms=11)
        ax.plot(middle_x, middle_y, "+", color=ORANGE, ms=14, mew=2, zorder=3)
        for number, k in enumerate(index, 1):
            ax.text(float(x[k]), float(y[k]), str(number), color="white", ha="center", va="center", fontsize=8)
        ax.set(title=name, xticks=[], yticks=[], aspect="equal")
    return picture(figure, alt)


def new_axes(height: float = 3.0, width: float = 6.5) -> tuple[Figure, Axes]:
    """A figure of this size in inches and its axes, made without pyplot, so that it need not be closed."""
    figure = Figure(figsize=(width, height), layout="constrained")
    ax = figure.add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def mark_guess(ax: Axes, guess: float | None) -> str:
    """Draw a learner's guess as a vertical line. Returns words for the alternative text; without a guess none."""
    if guess is None:
        return ""
    ax.axvline(guess, color="black", ls=":", lw=1.5)
    ax.annotate("your guess", (guess, 0), (3, 4), xycoords=("data", "axes fraction"), textcoords="offset points")
    return f". Your guess: {guess:g}"
