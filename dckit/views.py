"""What widgets show of runs and results: plain functions from plain values to pictures and tables."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from .compare import pooled
from .condensed import CondensedSet
from .data import ImageData, Split, denormalise
from .details import difference
from .figures import samples
from .plots import BLUE, ORANGE, Picture, draw_grid, picture
from .recipes import Recipe
from .results import Result
from .tables import Table
from .three_columns import Cell, Measured, theirs_of

NEIGHBOURS = 9
ROWS = 5  # of a set, shown while it forms


def live(condensed: CondensedSet) -> Picture:
    """A run of stage C as it stands: the images, the distance of each iteration so far, and the time of one."""
    card, classes = condensed.card, condensed.card["classes"]
    losses, of = card["losses"], Recipe.read(card["recipe"]).condensing.iterations
    shown = condensed.rows[: ROWS * len(classes)]
    rows = len(shown) // len(classes)
    figure = Figure(figsize=(9, 2.6 + rows), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(rows, 2.2))
    draw_grid(above, shown, len(classes), classes)
    below.plot(range(1, len(losses) + 1), losses, color=BLUE, lw=1.2)
    below.set(xlim=(0, of), xlabel="iteration", ylabel="mean distance of a class")
    below.spines[["top", "right"]].set_visible(False)
    said = f"iteration {card['iteration']} of {of}"
    if losses:
        said += f", distance {losses[-1]:.3g}, {card['seconds'] / len(losses):.2g} s an iteration"
    figure.suptitle(said)
    return picture(figure, f"{card['dataset']}, {said}; first distance {losses[0]:.3g}" if losses else said)


def plan(recipe: Recipe, kept: str | Path) -> tuple[Picture | Table, ...]:
    """What a run of stage C will do, beside the published choices, and how far it is, if ``kept`` holds it."""
    chosen, published = recipe.condensing, recipe.filled("published").condensing
    names = {
        "image_lr": "η_S, step of the images",
        "image_momentum": "momentum of the images",
        "network_lr": "η_θ, step of the network",
        "init": "start",
        "metric": "distance",
        "iterations": "K, networks drawn",
    }
    rows = tuple((text, str(getattr(chosen, name)), str(getattr(published, name))) for name, text in names.items())
    note = "Run the next cell: it begins, or goes on where it was."
    pictures: tuple[Picture, ...] = ()
    if Path(kept).exists():
        condensed = CondensedSet.load(kept)
        done, of = condensed.card["iteration"], chosen.iterations
        note = "Finished." if done == of else f"Stopped at iteration {done} of {of}: run the next cell, and it goes on."
        pictures = (live(condensed),)
    if chosen.matching_steps == 1:
        note += " With one image per class no network is trained, so η_θ changes nothing."
    return *pictures, Table((f"{recipe.ipc} per class, {recipe.budget} budget", "chosen", "published"), rows, note)


def nearest(image: Tensor, real: Split, label: int, count: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
    """Indices of the real images of a class that are closest to ``image`` (channels, height, width), and how far.

    Distances are Euclidean, in normalised pixels.
    """
    members = real.by_class[label]
    away = (real[members][0] - image).flatten(1).norm(dim=1)
    order = away.argsort()[:count].cpu()
    return members[order], away[order]


Runs = Mapping[str, Sequence[CondensedSet]]  # name of a run → its sets, in the order of their iterations


def at(sets: Sequence[CondensedSet], iteration: int) -> CondensedSet:
    """The last of the sets that is not beyond ``iteration``; the first if all are."""
    return [sets[0], *(s for s in sets if s.card.get("iteration", 0) <= iteration)][-1]


def explore(
    real: ImageData, runs: Runs, names: Sequence[str], iteration: int, label: int = 0, number: int = 0
) -> Picture:
    """One image of each class of the named runs at an iteration, and the real images nearest to that of one class.

    number: which of a class's images, from 0. Raises ValueError for a run, label or number that is not there.
    """
    real.refuse_label(label)
    sets = {}
    for name in names:
        if name not in runs:
            raise ValueError(f"unknown run {name!r}: expected one of {', '.join(runs)}")
        sets[name] = at(runs[name], iteration)
        if [sets[name].card[key] for key in ("classes", "shape")] != [list(real.classes), list(real.shape)]:
            raise ValueError(
                f"{name!r} is a set of {sets[name].card['dataset']}: its images are not like {real.name}'s"
            )
        if not 0 <= number < sets[name].ipc:
            raise ValueError(f"image {number} of {name!r}: it has {sets[name].ipc} of each class, counted from 0")
    figure = Figure(figsize=(9, 3.2 * len(sets)), layout="constrained")
    axes = figure.subplots(2 * len(sets), 1, squeeze=False)[:, 0]
    said = [
        _explore(pair, real, *item, label, number) for pair, item in zip(axes.reshape(-1, 2), sets.items(), strict=True)
    ]
    return picture(figure, ". ".join(said))


def _explore(axes: Any, real: ImageData, name: str, condensed: CondensedSet, label: int, number: int) -> str:
    """The two rows of one set; returns their words."""
    classes, (height, width) = len(real.classes), (side + 1 for side in real.shape[1:])
    draw_grid(axes[0], condensed.rows[number * classes : (number + 1) * classes], classes, real.classes)
    axes[0].add_patch(Rectangle((label * width, 0), width, height, fill=False, ec=ORANGE, lw=3, clip_on=False))
    iteration = f", iteration {condensed.card['iteration']}" if "iteration" in condensed.card else ""
    axes[0].set_title(f"{name}{iteration}")
    mine = condensed.ipc * label + number
    train = real.normalised(condensed.card["normalisation"]).train
    index, away = nearest(condensed.images[mine], train, label)
    pixels = torch.cat([condensed.pixels[[mine]], denormalise(train[index][0], train.mean, train.std)])
    numbers = [f"{d:.1f}" for d in away.tolist()]
    draw_grid(axes[1], pixels, len(pixels), ["framed", *numbers])
    axes[1].set_title(
        f"the framed image, and its nearest real images of class {real.classes[label]} with their distance"
    )
    return f"{name}{iteration}: the real images nearest to its {real.classes[label]} are {', '.join(numbers)} away"


CELL = Cell("mnist", 1)  # the number that the report could not reproduce
# Every detail between the two recipes.
HIDDEN = {d.name: d for d in difference(Recipe.report(), Recipe.published())}


def protocol_of(on: Collection[str]) -> str:
    """The report's recipe with these details as published, in words of `dckit.protocols`, in one order for each set.

    Raises ValueError for a name that is none of the six.
    """
    for name in on:
        if name not in HIDDEN:
            raise ValueError(f"unknown detail {name!r}: expected {', '.join(HIDDEN)}")
    return " + ".join(["report", *(name for name in HIDDEN if name in on)])


def switches(results: Sequence[Result], on: Collection[str], budget: str = "lesson") -> tuple[Picture, Table]:
    """MNIST, 1 image per class: the report's recipe with the details ``on`` as published, beside the printed numbers.

    The picture says "not measured yet" where no result is at this budget; the table's note then tells how to get it.
    """
    measured, protocol = Measured(results), protocol_of(on)
    kit = {how: measured.of(CELL, how, budget) for how in ("report", protocol, "published")}
    sample = {how: pooled(found) if found else None for how, found in kit.items()}
    rows = {
        "report, as printed": theirs_of("report", "table1", CELL),
        "kit, report's recipe": sample["report"],
        "kit, these switches": sample[protocol],
        "kit, published recipe": sample["published"],
        "paper, as printed": theirs_of("paper", "table1", CELL),
    }
    note = f"MNIST, 1 image per class. These switches: `{protocol}`, the kit's numbers at the {budget} budget."
    if sample[protocol] is None:
        note += "\n\nNot measured yet. This measures it on real MNIST (`-p download true` fetches that):"
        note += f"\n\n`{_command(protocol, budget)}`"
    return samples(rows, f"Accuracy on MNIST, {protocol}"), _settings(on, note)


def _settings(on: Collection[str], note: str) -> Table:
    rows = (
        (name, "published code", detail.code) if name in on else (name, "report", detail.report)
        for name, detail in HIDDEN.items()
    )
    return Table(("detail", "as the", "that is"), tuple(rows), note)


def _command(protocol: str, budget: str) -> str:
    what = f'-p dataset mnist -p ipc 1 -p budget {budget} -p protocol "{protocol}" -p questions false'
    return f"python -m dckit.lessons notebooks/06_hidden_details.ipynb {what}"
