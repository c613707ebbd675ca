"""How noise becomes a condensed set: its images at a few iterations, and the accuracy of networks trained on each."""

import statistics
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from .. import results
from ..engine import read_tensors
from ..show import BLUE, ORANGE, Picture, draw_grid, kits_style, picture
from .panel import Panel, slider

STORED = Path(results.__file__).parent / "reference" / "growth.safetensors"  # written by tools/growth.py


@dataclass(frozen=True)
class Growth:
    """Stages of one run of stage C. The card names dataset, classes, recipe, seed and how the networks were tested.

    pixels (stages, images, channels, height, width), 0 to 1; accuracies: in %, those of each stage's networks.
    """

    iterations: tuple[int, ...]
    pixels: Tensor
    accuracies: tuple[tuple[float, ...], ...]
    card: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path = STORED) -> "Growth":
        """Read what tools/growth.py wrote. Raises what `read_tensors` raises."""
        tensors, card = read_tensors(path)
        accuracies = tuple(tuple(stage) for stage in tensors["accuracies"].tolist())
        return cls(tuple(tensors["iterations"].tolist()), tensors["pixels"].float() / 255, accuracies, card)


@kits_style
def shown(grown: Growth, iteration: int) -> Picture:
    """The images at one iteration; below, the accuracy of networks trained on them, marked on the curve of all.

    Raises ValueError for an iteration that was not kept.
    """
    if iteration not in grown.iterations:
        raise ValueError(f"iteration {iteration}: expected one of {', '.join(map(str, grown.iterations))}")
    stage, classes = grown.iterations.index(iteration), grown.card["classes"]
    means = [statistics.fmean(found) for found in grown.accuracies]
    stds = [statistics.pstdev(found) for found in grown.accuracies]
    figure = Figure(figsize=(8, 3.9), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 2.3))
    draw_grid(above, grown.pixels[stage], len(classes), classes)
    places = range(len(means))  # evenly spaced, since most happens early
    below.errorbar(places, means, stds, fmt="--o", color=BLUE, capsize=4, ms=5)
    below.plot(stage, means[stage], "s", color=ORANGE, ms=12, zorder=3)
    reached = f"{means[stage]:.1f} ± {stds[stage]:.1f} %"
    below.set_xticks(places, [str(kept) for kept in grown.iterations])
    tested = f"{len(grown.accuracies[stage])} networks tested at budget {grown.card['budget']}"
    xlabel = f"iteration (condensed at budget {grown.card['recipe']['budget']}, {tested})"
    below.set(xlabel=xlabel, ylabel="test accuracy in %", ylim=(0, 100))
    below.spines[["top", "right"]].set_visible(False)
    said = f"iteration {iteration}: networks trained on these images reach {reached}"
    figure.suptitle(said)
    curve = ", ".join(f"{mean:.1f} at {kept}" for kept, mean in zip(grown.iterations, means, strict=True))
    alt = f"{grown.card['dataset']}, {said}, mean ± standard deviation of {tested}"
    return picture(figure, f"{alt}. Mean accuracy in % at each iteration: {curve}")


def growth() -> Panel:
    """Growth: a slider from noise to ten finished digits of MNIST, with the accuracy that each stage teaches.

    Everything is read from a file that comes with the kit, so it moves at once.
    """
    grown = Growth.load()
    iterations = slider("iteration", grown.iterations, grown.iterations[0])
    return Panel(partial(shown, grown), iteration=iterations)
