"""The measured and the printed accuracies for a cell of a table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..method import ALGORITHMS, CHOSEN, Recipe, without_batch_norm
from .recipe_words import fields_in_words, protocol_recipe
from .run import Run
from .store import Result
from .verdicts import Sample, pooled, printed

NETWORKS = ("MLP", "ConvNet", "LeNet", "AlexNet", "VGG11", "ResNet18")  # of the paper's Table 2
BUILT = NETWORKS[:4]  # by the report
REBUILT = ("LeNet", "AlexNet")  # of the report's Table 3


class Cell(NamedTuple):
    """What a cell of a table stands for: dataset, images per class, method, and the networks of stages C and T."""

    dataset: str
    ipc: int
    method: str = "dc"
    network: str = "ConvNet"
    trained: str = "ConvNet"


def networks_of(protocol: str) -> tuple[str, ...]:
    """The networks of a protocol: the report built four of the six."""
    return NETWORKS if protocol.startswith("published") else BUILT


# Words for the fields of amounts and precision. Runs that differ in any other field have different recipes.
AMOUNTS = {
    "iterations": "{} draws",
    "real_batch": "{} real images per class",
    "width": "width {}",
    "precision": "{}",
    "networks": "",  # has a separate column
    "epochs": "{} passes",
    "epochs_augmented": "{} passes",
    "test_images": "{} test images",
    "whole_networks": "",
    "whole_epochs": "{} passes over all images",
}


class Measured:
    """Results, to be looked up by `Cell`."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._by_cell: dict[Cell, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        for result in results:
            self._by_cell[_cell(result.run)][result.run.setting].append(result)

    def of(self, cell: Cell, protocol: str = "published", budget: str = "") -> list[Result]:
        """One result per seed, by the recipe of ``protocol`` (as for `protocol_recipe`) at one budget.

        budget: empty for the run nearest to "full". That is the run with the fewest differences from "full", and among
        several the one with the most draws × real images; the accuracy plays no role. Runs that differ in anything but
        amounts and precision have another recipe and are ignored. Returns an empty list if nothing was measured.
        """
        algorithm = cell.method if cell.method in ALGORITHMS else "dc"
        if protocol.startswith("report") and algorithm != "dc":
            return []
        wanted = protocol_recipe(protocol, cell.ipc, budget or "full", cell.network, cell.trained, algorithm)
        run = Run(cell.dataset, cell.method, wanted)
        there = self._by_cell[_cell(run)]
        if budget:
            return there.get(run.setting, [])
        near = [found for found in there.values() if set(changes(found[0].run, wanted)) <= set(AMOUNTS)]
        return min(near, key=lambda found: _distance(found[0].run, wanted), default=[])

    def sample(self, cell: Cell, protocol: str = "published", budget: str = "") -> Sample | None:
        """All networks of all sets of a cell together; None if nothing was measured. Arguments as for `of`."""
        found = self.of(cell, protocol, budget)
        return pooled(found) if found else None


def _cell(run: Run) -> Cell:
    recipe = run.recipe
    network = without_batch_norm(recipe.condensing.network) if run.condenses else ""
    return Cell(run.dataset, recipe.ipc, run.method, network, recipe.testing.network)


def changes(run: Run, wanted: Recipe) -> dict[str, Any]:
    """The fields that a run uses and in which its recipe differs from ``wanted``, with the values of the run."""
    found = run.recipe.differences(wanted, run.parts)
    unused = ["whole_networks"]
    if run.method == "whole":
        unused = ["networks", "epochs", "epochs_augmented"]
    elif run.method not in CHOSEN:  # no teacher is trained
        unused.append("whole_epochs")
    return {field.rpartition(".")[2]: value for field, value in found.items() if field not in unused}


def _distance(run: Run, wanted: Recipe) -> tuple[int, int]:
    choices = run.recipe.condensing
    draws = choices.iterations * getattr(choices, "real_batch", 1) if run.condenses else 0
    return len(changes(run, wanted)), -draws


def recipe_of(run: Run, protocol: str) -> str:
    """A run's recipe in words: protocol, budget, and the fields that differ from them."""
    changed = changes(run, _at_budget(run, protocol))
    words = (AMOUNTS.get(field, field).format("all" if value is None else value) for field, value in changed.items())
    return ", ".join((protocol, run.recipe.budget, *filter(None, words)))


def in_words(found: Sequence[Result], protocol: str) -> tuple[str, str, str]:
    """Accuracy, sets × networks and recipe of the results of a cell, as a table prints them."""
    sample, run = pooled(found), found[0].run
    count = f"{sample.sets} × {sample.networks}"
    if run.method == "whole":
        count = f"{sample.sets} network{'s' * (sample.sets > 1)}"
    return str(sample), count, recipe_of(run, protocol)


def protocol_of(run: Run, protocol: str) -> str:
    """A run's recipe in words for `protocol_recipe`, which gives this recipe at the run's budget."""
    found = run.recipe.differences(_at_budget(run, protocol), run.parts)
    return " + ".join((protocol, *fields_in_words(found)))


def _at_budget(run: Run, protocol: str) -> Recipe:
    recipe, network = run.recipe, without_batch_norm(run.recipe.condensing.network)
    return protocol_recipe(protocol, recipe.ipc, recipe.budget, network, recipe.testing.network, recipe.method)


def theirs_of(source: str, table: str, cell: Cell) -> Sample | None:
    """The printed accuracy of a cell, or None. For the report's Table 3, the paper's numbers are in its Table 2."""
    if table == "table1":
        ipc = None if cell.method == "whole" else cell.ipc
        return printed(source, table, cell.dataset, ipc=ipc, method=cell.method)
    if cell.ipc != 1:
        return None
    key = {"condensed_with": cell.network, "trained": cell.trained}
    return printed(source, "table2" if source == "paper" else table, cell.dataset, **key)
