"""dckit: dataset condensation with gradient matching, to learn from and to reproduce with.

real = dckit.load("digits")
recipe = dckit.Recipe.published(ipc=1, budget="smoke")
condensed = dckit.condense(real, recipe, seed=0)
scores = dckit.evaluate(condensed, real, recipe, seed=0)

These names are all that most programs need. The subpackages, from the lowest to the highest, are `dckit.engine`,
`dckit.data`, `dckit.method` (read this one first), `dckit.show`, `dckit.uses` and `dckit.results`. Each imports only
from those before it. `dckit.check`, `dckit.widgets` and `dckit.batch` come last, and do not import from each other.
"""

from collections import deque
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data import CondensedSet, ImageData, Split, load
from .method import (
    Recipe,
    Scores,
    build,
    condensing,
    evaluating,
    gradient_distance,
    gradients,
    random_images,
)
from .show import Draw, condensed_grid, watched

if TYPE_CHECKING:
    from . import check, widgets
    from .results import paper_tables as tables
    from .show import plots

__all__ = [
    "CondensedSet",
    "Recipe",
    "build",
    "check",
    "condense",
    "condensing",
    "evaluate",
    "evaluating",
    "gradient_distance",
    "gradients",
    "load",
    "plots",
    "random_images",
    "tables",
    "widgets",
]

# For notebooks. Each is imported at its first use, so that everything else works without ipywidgets.
_MODULES = {
    "check": "dckit.check",
    "plots": "dckit.show.plots",
    "tables": "dckit.results.paper_tables",
    "widgets": "dckit.widgets",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def condense(
    real: ImageData,
    recipe: Recipe,
    seed: int = 0,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    progress: bool = True,
    draw: Draw = condensed_grid,
) -> CondensedSet:
    """Condense a dataset: learn ``recipe.ipc`` synthetic images per class, to train networks on in place of ``real``.

    The arguments and errors are those of `condensing`, the generator that yields a state after each iteration.
    progress: whether to show the number of iterations done and the present images, drawn by ``draw``. Returns the
    condensed set after the last iteration.
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

    The arguments and errors are those of `evaluating`, the generator that yields the scores after each network.
    progress: whether to show how many networks are done. Returns the scores of all networks.
    """
    scores = evaluating(data, real, recipe, seed, device)
    return watched(scores) if progress else deque(scores, maxlen=1).pop()
