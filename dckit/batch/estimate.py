"""How long runs will take, from a few short runs of each kind: what a grid's dry run shows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from ..data import ImageData, load
from ..engine import read_tensors
from ..method import Recipe, condensing, evaluating, random_images, strategy
from ..results import Run

START = 9.0  # seconds for the process of a notebook, its kernel, and importing torch in both

Work = tuple[str, str, Recipe]  # "condensing", "testing" or "whole"; a dataset as for `load`; the recipe


def seconds(cells: Sequence[tuple[str, Sequence[Run]]], outputs: Path, threads: int | None) -> list[float]:
    """Seconds that each job will take: a dataset as for `load`, and the runs on it.

    A result or set that is below ``outputs`` already, or that an earlier job makes, costs nothing. Short runs are
    timed on as many ``threads`` as a job will have. Raises what `load` raises, and ValueError for a damaged set.
    """
    made: set[Path] = set()
    work = [list(_work(dataset, runs, outputs, made)) for dataset, runs in cells]
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        took = {each: timed(each) for each in dict.fromkeys(each for cell in work for _, each in cell)}
    finally:
        torch.set_num_threads(before)
    return [START + sum(part * took[each] for part, each in cell) for cell in work]


def _work(dataset: str, runs: Iterable[Run], outputs: Path, made: set[Path]) -> Iterable[tuple[float, Work]]:
    """What there is to do, and which part of it is left. Adds to ``made`` the files that will be there afterwards."""
    for run in runs:
        result, made_of = run.result_file(outputs), run.set_file(outputs)
        # Recipes without what makes no difference, so that each kind of work is timed once.
        test = Recipe(ipc=run.recipe.ipc, testing=run.recipe.testing)
        if result not in made and not result.exists():
            yield 1.0, ("whole" if run.method == "whole" else "testing", dataset, test)
            if made_of not in made and run.method not in ("whole", "random"):
                left = 1.0 - _done(made_of, run)
                if run.condenses:
                    yield left, ("condensing", dataset, replace(run.recipe, testing=Recipe().testing))
                else:
                    yield left, ("whole", dataset, test.but(whole_networks=1))  # one teacher
            made |= {result, made_of}


def _done(path: Path, run: Run) -> float:
    """Which part of a set is on disk: from 0 to 1. An order of real images is there or not."""
    if not path.exists():
        return 0.0
    card = read_tensors(path)[1]
    return card["iteration"] / run.recipe.condensing.iterations if "iteration" in card else 1.0


def timed(work: Work) -> float:
    """Seconds of all of the work, from those of a little of it."""
    kind, dataset, recipe = work
    real, choices = _real(dataset), recipe.testing
    if kind == "condensing":
        return _condensing(real, recipe)
    augmented = strategy(choices.augmentation, real.name) != "none"
    networks, epochs = ("networks", "epochs_augmented" if augmented else "epochs")
    if kind == "whole":
        networks, epochs = "whole_networks", "whole_epochs"
    data = real.train if kind == "whole" else random_images(real, recipe.ipc)
    of = getattr(choices, networks)
    together = min(torch.get_num_threads(), of)

    def run(passes: int) -> float:
        *_, scores = evaluating(data, real, recipe.but(**{networks: together, epochs: passes}))
        return scores.seconds * of / together

    return _line(run, 1, 2 if kind == "whole" else 6, getattr(choices, epochs))


def _condensing(real: ImageData, recipe: Recipe) -> float:
    """K iterations, each timed with few real images and without most of its loops, which are multiplied out."""
    choices = recipe.condensing

    def run(**amounts: int) -> float:
        *_, state = condensing(real, recipe.but(condensing={"iterations": 1, **amounts}))
        return state.seconds

    if not hasattr(choices, "matching_steps"):
        run()  # the first time takes longer
        return _line(lambda iterations: run(iterations=iterations), 1, 4, choices.iterations)
    run(matching_steps=1, real_batch=8)  # the first time takes longer
    match = _line(lambda batch: run(matching_steps=1, real_batch=batch), 8, 24, choices.real_batch)
    few = dict(matching_steps=2, real_batch=8)
    epoch = max(0.0, run(**few, network_steps=2) - run(**few, network_steps=1))
    steps = choices.matching_steps
    return choices.iterations * (steps * match + (steps - 1) * choices.network_steps * epoch)


def _line(run: Callable[[int], float], few: int, many: int, amount: int) -> float:
    """What ``run(amount)`` would take, on the line through two short runs."""
    at_few, at_many = run(min(few, amount)), run(min(many, amount))
    return at_many + max(0.0, at_many - at_few) / (many - few) * max(0, amount - many)


@lru_cache(maxsize=1)
def _real(dataset: str) -> ImageData:
    return load(dataset)
