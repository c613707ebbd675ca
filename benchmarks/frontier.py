"""Accuracy against what condensing costs: which choices are worth their time."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dckit import ImageData, Recipe, condense
from dckit.measure import measure
from dckit.results import Result, read
from dckit.runs import Run
from dckit.state import save_checkpoint


@dataclass(frozen=True)
class Way:
    """A way to condense, measured after several numbers of iterations.

    stage_c, stage_t: what is other than published at the lesson budget, in the first and in both. All is multiplied
    in bfloat16, and tested on the whole test set.
    """

    dataset: str
    ipc: int
    after: tuple[int, ...]
    changes: Mapping[str, Any]

    def run(self, iterations: int, seed: int) -> Run:
        """What is measured after so many iterations."""
        recipe = Recipe.published(self.ipc, "lesson").but(precision="bfloat16", test_images=None, test_width=128)
        return Run(self.dataset, "dc", recipe.but(iterations=iterations, **self.changes), seed)


def results(way: Way, real: ImageData, seed: int, outputs: Path) -> Iterator[Result]:
    """The results of a way under one seed, those below ``outputs`` and others measured now.

    Nothing in stage C depends on how many iterations there will be, so one run gives the images after each number.
    """
    runs = {iterations: way.run(iterations, seed) for iterations in way.after}
    if not all(run.set_file(outputs).exists() for run in runs.values()):
        for state in condense(real, runs[max(runs)].recipe, seed):
            if run := runs.get(state.iteration):
                card = state.card | {"recipe": asdict(run.recipe)}
                save_checkpoint(run.set_file(outputs), replace(state, iterations=state.iteration, card=card))
    for run in runs.values():
        measure(run, real, outputs)
        yield read(run.result_file(outputs))
