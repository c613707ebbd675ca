"""Measuring a run, unless its result exists: lessons and grids use this for each cell of a table."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..data import CondensedSet, ImageData, refuse_other_data
from ..engine import expanded
from ..method import CHOSEN, Recipe, Scores, chosen_images, condensing, evaluating, random_images, ranking
from ..show import AnyStage, watched
from .run import Run
from .store import read, save


def measure(run: Run, real: ImageData, outputs: str | Path, device: str = "auto") -> Scores:
    """The scores of a run: read from the folder ``outputs``, or measured now with progress shown, and saved there.

    Stage C continues from its checkpoint. Raises ValueError if ``real`` is not the dataset of the run, and the errors
    of `read`, `condensing` and `evaluating`.
    """
    if real.name != run.dataset:
        raise ValueError(f"the run is of dataset {run.dataset!r}, the images are of {real.name!r}")
    path = run.result_file(outputs)
    if not path.exists():
        data = real.train if run.method == "whole" else condensed_images(run, real, outputs, device)
        scores = watched(evaluating(data, real, run.recipe, run.seed, device))
        with suppress(FileExistsError):  # another process was faster
            save(run, scores, outputs)
    scores = read(path).scores
    refuse_other_data(path, scores.card, real.digest)
    return scores


def condensed_images(run: Run, real: ImageData, outputs: str | Path, device: str = "auto") -> CondensedSet:
    """The images of a run: read from the folder ``outputs``, or condensed or chosen now."""
    real = real.normalised(getattr(run.recipe, run.parts[0]).normalisation)
    keep = run.set_file(outputs)
    if run.method == "random":
        return random_images(real, run.recipe.ipc, run.seed)
    if run.method in CHOSEN:
        orders = _ended(ranking(real, run.recipe, run.seed, device, keep)).orders
        return chosen_images(real, orders, run.method, run.recipe.ipc, run.seed)
    return _ended(condensing(real, run.recipe, run.seed, device, keep)).condensed


def _ended(states: Iterator[AnyStage]) -> AnyStage:
    """The last state. The progress is shown, unless the first state is already the last."""
    first = next(states)
    return first if first.done[0] == first.done[1] else watched(states)


def saved_sets(outputs: str | Path) -> Iterator[CondensedSet]:
    """The finished condensed sets in the folder ``outputs``, for pictures; all other files are skipped."""
    for path in sorted((expanded(outputs) / "sets").glob("*.safetensors")):
        try:
            condensed = CondensedSet.load(path)
            recipe = Recipe.read(condensed.card["recipe"])
        except (ValueError, KeyError):
            continue  # an order of real images, damaged, or made by something else
        if condensed.card.get("iteration") == recipe.condensing.iterations:
            yield condensed
