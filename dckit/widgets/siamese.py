"""Siamese augmentation: one draw changes real and synthetic images alike, or each image by numbers of its own."""

from functools import partial
from typing import Any

import ipywidgets as ui
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..data import CondensedSet, ImageData, denormalise
from ..engine import numbers, seeded
from ..method.kinds import KINDS, apply, draw
from ..show import Picture, draw_grid, kits_style, picture
from .panel import STYLE, Panel, choice

IMAGES, DRAWS = 4, 8  # real, and synthetic, images at most; draws to choose from


@kits_style
def shown(real: ImageData, condensed: CondensedSet, label: int, kind: str, number: int, siamese: bool) -> Picture:
    """Real and synthetic images of a class, before and after one draw of a kind of DSA's changes.

    number: which draw. siamese: the first image's numbers count for all images of both sides, else each has its own.
    Raises ValueError for a label that is none, and for a set of other images.
    """
    if [condensed.card[key] for key in ("classes", "shape")] != [list(real.classes), list(real.shape)]:
        raise ValueError(f"a set of {condensed.card['dataset']}: its images are not like {real.name}'s")
    real.refuse_label(label)
    with seeded(0):
        batch = real.train.sample(label, IMAGES)[0]
    own = condensed.images[condensed.labels == label][:IMAGES]
    before = torch.cat([batch, own])
    after = changed(before, kind, number, siamese)
    figure = Figure(figsize=(1.1 * (len(before) + 1), 3.2), layout="constrained")
    shares = (len(batch), len(own))
    axes: Any = figure.subplots(2, 2, width_ratios=shares, squeeze=False)
    for row, (images, when) in enumerate(((before, "before"), (after, "after"))):
        for ax, part, side in zip(axes[row], images.split(shares), ("real", "synthetic"), strict=True):
            draw_grid(ax, denormalise(part, real.mean, real.std), len(part))
            ax.set_title(f"{side}, {when}", fontsize=10)
    numbers_of = "one draw of numbers for all images" if siamese else "numbers of its own for each image"
    said = f"{kind}, draw {number}: {numbers_of}"
    figure.suptitle(said, fontsize=11)
    return picture(figure, f"{said}. {len(batch)} real and {len(own)} synthetic images of {real.classes[label]}")


def changed(images: Tensor, kind: str, number: int, siamese: bool) -> Tensor:
    """Images after one draw of a kind, all by the first one's numbers or each by its own."""
    _, its = draw((kind,), images, numbers(number))
    return apply(kind, images, [n[:1] for n in its] if siamese else its)


def siamese(real: ImageData, condensed: CondensedSet, label: int = 0) -> Panel:
    """Siamese augmentation: see one draw of a kind move real and synthetic images, alike or each by itself."""
    tick = ui.Checkbox(value=True, description="Siamese", indent=False, style=STYLE)
    controls = {"kind": choice("kind", KINDS, "rotate"), "number": choice("draw", range(DRAWS), 0), "siamese": tick}
    return Panel(
        partial(shown, real, condensed, label),
        played={"kind": tuple(KINDS), "number": range(4), "siamese": (True, False)},
        **controls,
    )
