"""A drawing of the method: real and synthetic images, one network, two gradients, and the change of the pixels."""

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from ..data import CondensedSet, ImageData, denormalise, shipped_sets
from ..engine import numbers
from .plots import BLUE, ORANGE, Picture, draw_grid, kits_style, picture

REAL, SYNTHETIC = 6, 4  # images drawn at most
WIDTH, HEIGHT = 100, 58  # of the drawing, in its own units
UP, DOWN = 43, 19  # heights of the two paths through the network
DARK = "#333333"


@kits_style
def method(real: Tensor, condensed: Tensor) -> Picture:
    """Draw how gradient matching changes synthetic images: the drawing at the beginning of lesson 0.

    real, condensed: pixels (n, channels, height, width) in 0 to 1, of one class; the first few are drawn. Raises
    ValueError for tensors of another shape.
    """
    for name, pixels in (("real", real), ("condensed", condensed)):
        if pixels.ndim != 4 or not len(pixels):
            raise ValueError(f"{name} {tuple(pixels.shape)}: expected images (n, channels, height, width)")
    figure = Figure(figsize=(8, 8 * HEIGHT / WIDTH))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT), aspect="equal")
    ax.axis("off")
    _images(ax, real[:REAL], UP, BLUE, "real images\nof one class")
    synthetic = condensed[:SYNTHETIC]
    _images(ax, synthetic, DOWN, ORANGE, f"synthetic image{'s' * (len(synthetic) > 1)}\nof this class")
    _box(ax, (33, 12, 14, 38), "one and\nthe same\nnetwork", DARK, "-")
    _box(ax, (55, UP - 6, 17, 12), "gradient\non real\nimages", BLUE, "-")
    _box(ax, (55, DOWN - 6, 17, 12), "gradient on\nsynthetic\nimages", ORANGE, "--")
    _box(ax, (81, 20, 18, 22), "distance D\nbetween the\ntwo gradients", DARK, "-")
    for height, colour, line, end in ((UP, BLUE, "-", 36), (DOWN, ORANGE, "--", 26)):
        _arrow(ax, (21, height), (32.5, height), colour, line)
        _arrow(ax, (47.8, height), (54.5, height), colour, line)
        _arrow(ax, (72.8, height), (80.5, end), colour, line)
    ax.plot([90, 90, 11, 11], [19.2, 3, 3, 9], "--", color=ORANGE, lw=2.5)
    _arrow(ax, (11, 8.9), (11, 11), ORANGE, "-")
    _say(ax, (50, 4), "change the pixels so that the distance falls", ORANGE, "normal")
    return picture(figure, _words(len(real[:REAL]), len(synthetic)))


def example(real: ImageData, label: int = 3) -> tuple[Tensor, Tensor]:
    """Pixels for `method`: real images of a class, and the image of this class in a set that comes with the kit.

    For the embedded digits it is MNIST's set. If there is no set for a dataset, the second image is random noise.
    label: number of the class; the last class, if there are fewer.
    """
    label = min(label, len(real.classes) - 1)
    members = real.train.by_class[label][:REAL]
    pixels = denormalise(real.train[members][0], real.mean, real.std)
    name = f"{'mnist' if real.name == 'digits' else real.name}-1"
    if name in shipped_sets():
        return pixels, CondensedSet.load(name).pixels[[label]]
    return pixels, torch.rand((1, *real.shape), generator=numbers(0))


def _images(ax: Axes, pixels: Tensor, middle: float, colour: str, words: str) -> None:
    """A grid of images at the left, with words above it."""
    columns = {1: 1, 2: 2, 4: 2}.get(len(pixels), 3)
    inset: Any = ax.inset_axes((2, middle - 7, 18, 14), transform=ax.transData)
    draw_grid(inset, pixels, columns)
    inset.set_anchor("C")
    _say(ax, (11, middle + 7.5), words, colour, "bold")


def _say(ax: Axes, where: tuple[float, float], words: str, colour: str, weight: str) -> None:
    ax.text(*where, words, color=colour, fontsize=13, weight=weight, ha="center", va="bottom")


def _box(ax: Axes, where: tuple[float, float, float, float], words: str, colour: str, line: str) -> None:
    x, y, width, height = where
    style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=2", "lw": 2.5}
    ax.add_patch(FancyBboxPatch((x, y), width, height, fc="white", ec=colour, ls=line, **style))
    ax.text(x + width / 2, y + height / 2, words, color=colour, fontsize=13, ha="center", va="center")


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, line: str) -> None:
    style = {"arrowstyle": "-|>,head_width=0.45,head_length=0.8", "color": colour, "ls": line, "lw": 2.5}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0})


def _words(real: int, synthetic: int) -> str:
    def several(n: int, kind: str) -> str:
        return f"{n} {kind} image{'s' * (n > 1)}"

    return (
        f"The method as a drawing. {several(real, 'real')} of one class and {several(synthetic, 'synthetic')} of this "
        "class go through one and the same network. Each side gives a gradient of the network's loss, in blue for real "
        "images, in orange and dashed for synthetic ones. The distance D between the two gradients is computed. "
        "From it an arrow leads back to the synthetic images: change the pixels so that the distance falls"
    )
