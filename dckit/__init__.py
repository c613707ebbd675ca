"""dckit: dataset condensation with gradient matching, to learn from and to reproduce with.

real = dckit.load("digits")
recipe = dckit.Recipe.published(ipc=1, budget="smoke")
condensed = dckit.condense(real, recipe, seed=0)
scores = dckit.evaluate(condensed, real, recipe, seed=0)
"""

from collections import deque
from pathlib import Path

from .checkpoint import State
from .condensed import CondensedSet
from .data import ImageData, Split, load
from .guesses import Guesses
from .matching import gradient_distance, gradients
from .models import build
from .plots import condensed_grid
from .progress import Draw, watched
from .recipes import Recipe
from .runs import Run
from .select import random_images
from .stage_c import condensing
from .stage_t import Scores, evaluating

__all__ = [
    "CondensedSet",
    "Guesses",
    "ImageData",
    "Recipe",
    "Run",
    "Scores",
    "Split",
    "State",
    "build",
    "condense",
    "condensing",
    "evaluate",
    "evaluating",
    "gradient_distance",
    "gradients",
    "load",
    "random_images",
]


def condense(
    real: ImageData,
    recipe: Recipe,
    seed: int = 0,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    progress: bool = True,
    draw: Draw = condensed_grid,
) -> CondensedSet:
    """Learn ``recipe.ipc`` images of each class such that networks learn from them as from ``real``.

    Arguments and errors are those of `condensing`, the generator that gives every iteration. progress: show how far it
    is, and the images as they form, by ``draw``.
    """
    states = condensing(real, recipe, seed, device, checkpoint)
    return (watched(states, draw) if progress else deque(states, maxlen=1).pop()).condensed


def evaluate(
    data: CondensedSet | Split,
    real: ImageData,
    recipe: Recipe,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
) -> Scores:
    """Train fresh networks on ``data``, as ``recipe.testing`` says, and test them on ``real.test``.

    Arguments and errors are those of `evaluating`, the generator that gives the scores after every network. progress:
    show how far it is.
    """
    scores = evaluating(data, real, recipe, seed, device)
    return watched(scores) if progress else deque(scores, maxlen=1).pop()
