"""The set explorer: the images of a run as they form, and the real images nearest to one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as ui
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..data import CondensedSet, ImageData, Split, denormalise
from ..show import ORANGE, Picture, draw_grid, kits_style, picture
from .panel import STYLE, Panel, choice, classes_of, slider

NEIGHBOURS = 9
PLAYED = 10  # classes on a page without a kernel, each at three iterations: a picture takes 0.2 s
Runs = Mapping[str, Sequence[CondensedSet]]  # name of a run → its sets, in the order of their iterations


def nearest(image: Tensor, real: Split, label: int) -> tuple[Tensor, Tensor]:
    """Indices of the real images of a class that are closest to ``image`` (channels, height, width), and how far.

    Distances are Euclidean, in normalised pixels.
    """
    members = real.by_class[label]
    away = (real[members][0] - image).flatten(1).norm(dim=1)
    order = away.argsort()[:NEIGHBOURS].cpu()
    return members[order], away[order]


def at(sets: Sequence[CondensedSet], iteration: int) -> CondensedSet:
    """The last of the sets that is not beyond ``iteration``; the first if all are."""
    return [sets[0], *(s for s in sets if s.card.get("iteration", 0) <= iteration)][-1]


@kits_style
def shown(
    real: ImageData, runs: Runs, names: Sequence[str], iteration: int, label: int = 0, number: int = 0
) -> Picture:
    """One image of each class of the named runs at an iteration, and the real images nearest to that of one class.

    number: which of a class's images, from 0. Raises ValueError for a run, label or number that is not there, and
    for a set of other images.
    """
    real.refuse_label(label)
    if strange := [name for name in names if name not in runs]:
        raise ValueError(f"unknown run {strange[0]!r}: expected one of {', '.join(runs)}")
    sets = {name: at(runs[name], iteration) for name in names}
    for name, condensed in sets.items():
        if [condensed.card[key] for key in ("classes", "shape")] != [list(real.classes), list(real.shape)]:
            raise ValueError(f"{name!r} is a set of {condensed.card['dataset']}: its images are not like {real.name}'s")
        if not 0 <= number < (least := min(condensed.counts)):
            raise ValueError(f"image {number} of {name!r}: it has {least} of each class, counted from 0")
    figure = Figure(figsize=(9, 3.2 * len(sets)), layout="constrained")
    axes = figure.subplots(2 * len(sets), 1, squeeze=False)[:, 0]
    said = [
        _two_rows(pair, real, *item, label, number)
        for pair, item in zip(axes.reshape(-1, 2), sets.items(), strict=True)
    ]
    return picture(figure, ". ".join(said))


def _two_rows(axes: Any, real: ImageData, name: str, condensed: CondensedSet, label: int, number: int) -> str:
    """The two rows of one set; returns their words."""
    classes, (height, width) = len(real.classes), (side + 1 for side in real.shape[1:])
    draw_grid(axes[0], condensed.rows[number * classes : (number + 1) * classes], classes, real.classes)
    axes[0].add_patch(Rectangle((label * width, 0), width, height, fill=False, ec=ORANGE, lw=3, clip_on=False))
    iteration = f", iteration {condensed.card['iteration']}" if "iteration" in condensed.card else ""
    axes[0].set_title(f"{name}{iteration}")
    mine = sum(condensed.counts[:label]) + number
    train = real.normalised(condensed.card["normalisation"]).train
    index, away = nearest(condensed.images[mine], train, label)
    pixels = torch.cat([condensed.pixels[[mine]], denormalise(train[index][0], train.mean, train.std)])
    numbers = [f"{d:.1f}" for d in away.tolist()]
    draw_grid(axes[1], pixels, len(pixels), ["framed", *numbers])
    axes[1].set_title(
        f"the framed image, and its nearest real images of class {real.classes[label]} with their distance"
    )
    return f"{name}{iteration}: the real images nearest to its {real.classes[label]} are {', '.join(numbers)} away"


def explore(real: ImageData, runs: Runs) -> Panel:
    """Set explorer: scrub through the iterations of runs, see an image's nearest real ones, set two runs side by side.

    runs: a list of sets for each name, such as ``[s.condensed for s in condense(…)]``.
    """

    def draw(run: str, beside: str, **values: Any) -> Picture:
        return shown(real, runs, [run] if beside in ("", run) else [run, beside], **values)

    first = next(iter(runs))
    iterations = sorted({s.card.get("iteration", 0) for sets in runs.values() for s in sets})
    controls: dict[str, ui.Widget] = {
        "run": choice("set", runs, first),
        "beside": choice("beside it", [("nothing", ""), *((name, name) for name in runs)], ""),
        "iteration": slider("iteration", iterations, iterations[-1]),
        "label": ui.ToggleButtons(
            options=classes_of(real), value=0, description="class", style=STYLE | {"button_width": "auto"}
        ),
    }
    if (ipc := min(min(sets[0].counts) for sets in runs.values())) > 1:
        controls["number"] = choice("image", ((n + 1, n) for n in range(ipc)), 0)
    last = len(iterations) - 1
    played = {"iteration": [iterations[i] for i in (0, last // 2, last)], "label": range(len(real.classes))[:PLAYED]}
    return Panel(draw, played, **controls)
