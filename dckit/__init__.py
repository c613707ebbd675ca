"""dckit: dataset condensation with gradient matching, to learn from and to reproduce with.

real = dckit.load("digits")
recipe = dckit.Recipe.published(ipc=1, budget="smoke")
for state in dckit.condense(real, recipe, seed=0): ...
scores = dckit.evaluate(state.condensed, real, recipe)
"""

from .condensed import CondensedSet
from .data import ImageData, Split, load
from .guesses import Guesses
from .matching import gradient_distance, gradients
from .models import build
from .progress import watch
from .recipes import Recipe
from .runs import Run
from .select import random_images
from .stage_c import condense
from .stage_t import Scores, evaluate, evaluating
from .state import State

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
    "evaluate",
    "evaluating",
    "gradient_distance",
    "gradients",
    "load",
    "random_images",
    "watch",
]
