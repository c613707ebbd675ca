"""The distance lab: an image between noise and a real one, where it pulls a network, and how far off that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from ..data import ImageData, denormalise
from ..engine import seeded
from ..method import METRICS, build, gradient_distance, gradients
from ..results import NETWORKS
from ..show import BLUE, ORANGE, Picture, draw_grid, kits_style, picture
from .panel import Panel, choice, classes_of, number

WIDTH, IMAGES = 32, 32  # of the network and of the real batch: small, so that the picture follows a hand
PATH = tuple(i / 10 for i in range(11))  # blends on the curve
PLAYED = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0)  # blends on a page without a kernel: a picture takes 0.3 s
COLUMNS = 7


@dataclass(frozen=True)
class Blend:
    """An image between noise and a real one, and its gradients beside those of a batch of real images of its class.

    image (1, channels, height, width), normalised. distance: D; path: D at each blend of `PATH`. pulls: for each weight
    the lengths of the two gradients, real images' first, and their angle in degrees (NaN where one has no length).
    """

    image: Tensor
    distance: float
    path: tuple[float, ...]
    pulls: dict[str, tuple[float, float, float]]


def blended(real: ImageData, blend: float, network: str, metric: str, label: int, seed: int) -> Blend:
    """The `Blend` behind a picture of `shown`, which see."""
    real.refuse_label(label)
    if not 0 <= blend <= 1:
        raise ValueError(f"blend {blend}: expected 0 (noise) to 1 (a real image)")
    with seeded(seed):
        net = build(network, real.shape, len(real.classes), width=WIDTH)
        batch = gradients(net, *real.train.sample(label, IMAGES))
        noise, image = torch.randn(1, *real.shape), real.train.sample(label, 1)[0]

    def at(share: float) -> tuple[Tensor, tuple[Tensor, ...]]:
        mixed = (1 - share) * noise + share * image
        return mixed, gradients(net, mixed, torch.tensor([label]))

    mixed, pull = at(blend)
    distances = [float(gradient_distance(p, batch, metric)) for p in (pull, *(at(share)[1] for share in PATH))]
    return Blend(mixed, distances[0], tuple(distances[1:]), _pulls(batch, pull))


def _pulls(batch: Sequence[Tensor], pull: Sequence[Tensor]) -> dict[str, tuple[float, float, float]]:
    """Lengths and angles, weight by weight; biases and norm layers, which have one dimension, are left out."""
    found: dict[str, tuple[float, float, float]] = {}
    for a, b in zip(batch, pull, strict=True):
        if a.ndim > 1:
            kind = "conv" if a.ndim == 4 else "linear"
            number = 1 + sum(name.startswith(kind) for name in found)
            dot, *lengths = (float(x) for x in ((a * b).sum(), a.norm(), b.norm()))
            angle = math.degrees(math.acos(max(-1.0, min(1.0, dot / math.prod(lengths))))) if all(lengths) else math.nan
            found[f"{kind} {number}"] = (lengths[0], lengths[1], angle)
    return found


@kits_style
def shown(
    real: ImageData, blend: float, network: str = "ConvNet", metric: str = "layerwise", label: int = 0, seed: int = 0
) -> Picture:
    """Noise faded into a real image, the distance D of its gradients to those of real images, and both, by layers.

    blend: 0 (noise) to 1 (a real image). An arrow a weight: the real images' pull points right, the blend's is drawn at
    its angle to it, the lengths in proportion. Raises ValueError for a blend, network, metric or label that is none.
    """
    found = blended(real, blend, network, metric, label, seed)
    rows = math.ceil(len(found.pulls) / COLUMNS)
    figure = Figure(figsize=(9, 3.3 + 1.2 * rows), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.6, 0.7 + 1.2 * rows))
    left, right = parts[0].subplots(1, 2, width_ratios=(1, 2.4))
    draw_grid(left, denormalise(found.image, real.mean, real.std), 1)
    left.set_title(f"{blend:.0%} real, class {real.classes[label]}")
    right.plot(PATH, found.path, "--", color=BLUE)
    right.plot(blend, found.distance, "o", color=ORANGE, ms=9)
    right.annotate(f"{found.distance:.4g}", (blend, found.distance), (0, 9), textcoords="offset points", ha="center")
    right.margins(y=0.2)
    right.set(xlabel="blend, from noise to a real image", title=f"{metric} distance of the two gradients, {network}")
    right.spines[["top", "right"]].set_visible(False)
    angles = _arrows(parts[1], found.pulls)
    said = f"{blend:.0%} of a real {real.classes[label]}, the rest noise, {network}: {metric} distance "
    said += f"{found.distance:.4g}, {found.path[0]:.4g} at the noise, {found.path[-1]:.4g} at the real image. "
    return picture(figure, f"{said}Angle of the two gradients by layer: {angles}")


def _arrows(figure: Any, pulls: dict[str, tuple[float, float, float]]) -> str:
    """A panel a weight: two arrows from one point. Returns the angles in words."""
    axes = figure.subplots(math.ceil(len(pulls) / COLUMNS), min(COLUMNS, len(pulls)), squeeze=False)
    texts = {name: "no gradient" if math.isnan(pull[2]) else f"{pull[2]:.0f}°" for name, pull in pulls.items()}
    for ax in axes.flat[len(pulls) :]:
        ax.axis("off")
    for ax, (name, (real, blend, angle)) in zip(axes.flat, pulls.items(), strict=False):
        longest = max(real, blend) or 1.0
        _arrow(ax, real / longest, 0.0, BLUE, "-")
        _arrow(ax, blend / longest, 0.0 if math.isnan(angle) else angle, ORANGE, "--")
        ax.set(xlim=(-1.1, 1.1), ylim=(-0.15, 1.1), aspect="equal", xticks=[], yticks=[])
        ax.set_title(f"{name}, {texts[name]}", fontsize=9)
        ax.spines[:].set_color("lightgrey")
    handles = [Line2D([], [], color=BLUE, label="pull of the real images")]
    handles += [Line2D([], [], color=ORANGE, ls="--", label="pull of the blend")]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def _arrow(ax: Axes, length: float, degrees: float, colour: str, line: str) -> None:
    tip = (length * math.cos(math.radians(degrees)), length * math.sin(math.radians(degrees)))
    style = {"arrowstyle": "-|>", "color": colour, "linestyle": line, "shrinkA": 0, "shrinkB": 0, "lw": 1.8}
    ax.annotate("", tip, (0, 0), arrowprops=style)


def distance(real: ImageData, label: int = 0, seed: int = 0) -> Panel:
    """Distance lab: fade noise into a real image, see two gradients layer by layer, and how far apart they are."""

    return Panel(
        partial(shown, real, seed=seed),
        {"blend": PLAYED, "metric": METRICS},
        blend=number("blend", 0.5, 0.0, 1.0, 0.05),
        network=choice("network", NETWORKS, "ConvNet"),
        metric=choice("metric", METRICS, "layerwise"),
        label=choice("class", classes_of(real), label),
    )
