"""Feature space: where a random network sees two classes, and how their synthetic images move to the real means."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ..data import CondensedSet, ImageData
from ..engine import numbers, seeded
from ..method import Recipe
from ..method.train import features, fresh_network
from ..show import BLUE, ORANGE, Picture, draw_grid, kits_style, picture
from .panel import Panel, choice, classes_of, slider

IMAGES = 60  # real images of each class, at most
NETWORKS = (0, 1, 2)  # random networks to choose from, none of which the run has met
POINTS, STATES = 10, 5  # on a path; in a page that is played without a kernel


@dataclass(frozen=True)
class Space:
    """Two classes in the plane that shows most of their features, which are ``dimensions`` numbers per image.

    real: points (n, 2) of each class; means (2, 2): their means; paths: for each class points (states, 2), the mean of
    its synthetic images in each state; away: squared distance of the means in all dimensions, summed over both classes,
    in each state.
    """

    real: tuple[Tensor, Tensor]
    means: Tensor
    paths: tuple[Tensor, Tensor]
    away: tuple[float, ...]
    dimensions: int


@torch.no_grad()
def space(real: ImageData, sets: Sequence[CondensedSet], labels: tuple[int, int], network: int = 0) -> Space:
    """The `Space` behind a picture of `shown`, which see."""
    choices = Recipe.read(sets[0].card["recipe"]).condensing
    embed = features(fresh_network(real, choices, numbers(network)).eval())
    with seeded(0):
        batches = [real.train.sample(label, IMAGES)[0] for label in labels]
    of_real = [embed(batch).flatten(1) for batch in batches]
    paths = [torch.stack([embed(s.images[s.labels == label]).flatten(1).mean(0) for s in sets]) for label in labels]
    everything = torch.cat(of_real)
    middle = everything.mean(0)
    axes = torch.linalg.svd(everything - middle, full_matrices=False)[2][:2]  # the first two principal components
    axes = axes * axes.sum(1, keepdim=True).sign()  # else a picture might be mirrored elsewhere

    def plane(points: Tensor) -> Tensor:
        return (points - middle) @ axes.T

    goals = torch.stack([own.mean(0) for own in of_real])
    away = sum((path - goal).square().sum(1) for path, goal in zip(paths, goals, strict=True))
    first, second = (plane(own) for own in of_real)
    return Space((first, second), plane(goals), (plane(paths[0]), plane(paths[1])), tuple(away.tolist()), len(middle))


@kits_style
def shown(
    real: ImageData, sets: Sequence[CondensedSet], iteration: int, first: int = 0, second: int = 1, network: int = 0
) -> Picture:
    """Two classes in feature space at an iteration of a run, and the synthetic images that stand for them.

    sets: of one run, in the order of their iterations. first, second: the classes; network: which random one, it need
    not be one that the run has met. Raises ValueError for a label that is none, or for one class twice.
    """
    labels = (first, second)
    for label in labels:
        real.refuse_label(label)
    if first == second:
        raise ValueError(f"class {real.classes[first]!r} twice: expected two different classes")
    upto = [s for s in sets if s.card["iteration"] <= iteration] or sets[:1]
    path = [*upto[:-1][:: max(1, len(upto) // POINTS)], upto[-1]]
    found, names = space(real, path, labels, network), [real.classes[label] for label in labels]
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3.4, 1))
    for i, (colour, marker) in enumerate(((BLUE, "o"), (ORANGE, "s"))):
        _draw_class(left, found, i, colour, marker, names[i])
    left.set(xlabel="first principal component", ylabel="second principal component")
    left.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    left.spines[["top", "right"]].set_visible(False)
    now = upto[-1]
    own = torch.cat([now.pixels[now.labels == label][:1] for label in labels])
    draw_grid(right, own, 1)
    right.set_title(f"synthetic images:\n{names[0]} above, {names[1]} below", fontsize=9)
    said = f"iteration {now.card['iteration']}, squared distance of the means {found.away[-1]:.3g}"
    left.set_title(f"{said} ({found.dimensions} features)", fontsize=10)
    alt = f"{real.name}, classes {names[0]} and {names[1]} in the features of random network {network}: {said}"
    alt += f", {found.away[0]:.3g} at iteration {path[0].card['iteration']}"
    return picture(figure, alt)


def _draw_class(ax: Axes, found: Space, i: int, colour: str, marker: str, name: str) -> None:
    ax.plot(*found.real[i].T, marker, color=colour, alpha=0.25, ms=5, mew=0, label=f"real images of {name}")
    ax.plot(*found.paths[i].T, "-", color=colour, lw=1.2)
    style: dict[str, Any] = {"color": colour, "mec": "black", "ls": "", "zorder": 4}
    ax.plot(*found.paths[i][-1], "*", ms=17, label=f"mean of the synthetic images of {name}", **style)
    ax.plot(*found.means[i], "P", ms=11, label=f"mean of the real images of {name}", **style)


def feature_space(real: ImageData, sets: Sequence[CondensedSet], first: int = 0, second: int = 1) -> Panel:
    """Feature space: move through a run and see the synthetic means come to the real ones, in any random network.

    sets: those of one run, such as ``[state.condensed for state in condensing(…)]``.
    """
    iterations = [s.card["iteration"] for s in sets]
    every = sorted({iterations[round(i * (len(sets) - 1) / (STATES - 1))] for i in range(STATES)})
    return Panel(
        partial(shown, real, sets),
        played={"iteration": every, "network": NETWORKS[:2]},
        iteration=slider("iteration", iterations, iterations[-1]),
        first=choice("first class", classes_of(real), first),
        second=choice("second class", classes_of(real), second),
        network=choice("random network", NETWORKS, NETWORKS[0]),
    )
