"""DD's images from different initial weights: the ones that they were learned for, and others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from ..data import CondensedSet, ImageData, Split
from ..method import DD, Recipe
from ..method.dd import own_accuracy
from ..show import BLUE, ORANGE, Picture, draw_grid, kits_style, picture
from .panel import Panel, choice, slider

OTHERS, TEST = 5, 1000  # other initial weights; test images at most
KNOWN = "known"  # name of the weights that a set was learned for


@dataclass(frozen=True)
class Steps:
    """Test accuracies in % of one set, by the name of the initial weights: after 0, 1, 2 … of the learned steps."""

    accuracies: Mapping[str, tuple[float, ...]]

    @property
    def count(self) -> int:
        """How many steps were learned."""
        return len(self.accuracies[KNOWN]) - 1


def measured(real: ImageData, condensed: CondensedSet, learned: Mapping[str, Tensor]) -> Steps:
    """The accuracies of a set of DD with fixed weights, on at most 1,000 test images.

    learned: as a state of `condensing` has it, or the file of the set. Raises ValueError for a set without its weights.
    """
    choices = Recipe.read(condensed.card["recipe"]).condensing
    others = {name: tensor for name, tensor in learned.items() if not name.startswith("weight ")}
    if not isinstance(choices, DD) or "rates" not in learned or len(others) == len(learned):
        raise ValueError('these are not the tensors of a set of DD with weights="fixed"')
    test = real.test
    few = replace(real, test=Split(test.pixels[:TEST], test.labels[:TEST], test.mean, test.std))

    def accuracies(tensors: Mapping[str, Tensor], seed: int) -> tuple[float, ...]:
        taken = range(len(learned["rates"]) + 1)
        at = ({**tensors, "rates": learned["rates"][:steps]} for steps in taken)
        return tuple(own_accuracy(choices, each, few, condensed.labels, seed) for each in at)

    found = {KNOWN: accuracies(learned, 0)}
    found |= {f"other {seed + 1}": accuracies(others, seed) for seed in range(OTHERS)}
    return Steps(found)


@kits_style
def shown(condensed: CondensedSet, found: Steps, name: str, steps: int) -> Picture:
    """A set of DD, the accuracy after some of its steps for each initialisation, and step by step for one of them.

    name: of initial weights, whose bar is hatched. Raises ValueError for a number of steps that is not there.
    """
    if not 0 <= steps <= found.count:
        raise ValueError(f"steps {steps}: expected 0 to {found.count}")
    classes = condensed.card["classes"]
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 3))
    draw_grid(parts[0].subplots(), condensed.rows[: len(classes)], len(classes), classes)
    left, right = parts[1].subplots(1, 2, width_ratios=(1.5, 1))
    now = {weights: its[steps] for weights, its in found.accuracies.items()}
    drawn = left.barh(list(now), list(now.values()), color=[BLUE if w == KNOWN else ORANGE for w in now], height=0.65)
    drawn[list(now).index(name)].set(hatch="///", edgecolor="white")
    left.bar_label(drawn, fmt="{:.1f}", padding=4)
    left.invert_yaxis()
    left.set(xlim=(0, 100), xlabel=f"test accuracy in %, after {steps} steps", title="initial weights")
    path = found.accuracies[name]
    right.plot(range(len(path)), path, "o-", color=BLUE if name == KNOWN else ORANGE)
    right.plot(steps, path[steps], "s", color="black", ms=9)
    right.set(ylim=(0, 100), xticks=range(len(path)), xlabel="learned steps taken", title=f"step by step: {name}")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    said = ", ".join(f"{weights} {accuracy:.1f}" for weights, accuracy in now.items())
    along = ", ".join(f"{accuracy:.1f}" for accuracy in path)
    alt = f"Images of dataset distillation. Test accuracy in % after {steps} steps, by initial weights: {said}"
    return picture(figure, f"{alt}. From {name}, step by step: {along}")


def initialisation(real: ImageData, condensed: CondensedSet, learned: Mapping[str, Tensor]) -> Panel:
    """Initialisation: a set of DD under the weights that it was learned for, and under others, step by step."""
    found = measured(real, condensed, learned)
    return Panel(
        partial(shown, condensed, found),
        name=choice("initial weights", found.accuracies, KNOWN),
        steps=slider("steps taken", range(found.count + 1), found.count),
    )
