"""What was measured for a cell of a table, and what was printed there."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..method import BUDGETS
from .recipe_words import protocol_recipe
from .run import Run
from .store import Result
from .verdicts import Sample, pooled, printed

NETWORKS = ("MLP", "ConvNet", "LeNet", "AlexNet", "VGG11", "ResNet18")  # of the paper's Table 2
BUILT = NETWORKS[:4]  # by the report
REBUILT = ("LeNet", "AlexNet")  # of the report's Table 3


class Cell(NamedTuple):
    """What a cell is about: a dataset, images per class, a method, and the networks of stage C and stage T."""

    dataset: str
    ipc: int
    method: str = "dc"
    network: str = "ConvNet"
    trained: str = "ConvNet"


def networks_of(protocol: str) -> tuple[str, ...]:
    """The networks that a protocol has: the report built four of the six."""
    return NETWORKS if protocol.startswith("published") else BUILT


class Measured:
    """Results by what they measure, to be looked up by `Cell`."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._by_name: dict[str, list[Result]] = defaultdict(list)
        for result in results:
            self._by_name[result.run.setting].append(result)

    def of(self, cell: Cell, protocol: str = "published", budget: str = "") -> list[Result]:
        """One result a seed, at one budget, or (empty) at the largest that has any.

        protocol: as for `protocol_recipe`; results of other recipes do not count.
        """
        for amount in [budget] if budget else BUDGETS:
            recipe = protocol_recipe(protocol, cell.ipc, amount, cell.network, cell.trained)
            found = self._by_name.get(Run(cell.dataset, cell.method, recipe).setting)
            if found:
                return found
        return []

    def sample(self, cell: Cell, protocol: str = "published", budget: str = "") -> Sample | None:
        """All networks of all of its sets together; None where nothing was measured."""
        found = self.of(cell, protocol, budget)
        return pooled(found) if found else None


def theirs_of(source: str, table: str, cell: Cell) -> Sample | None:
    """What a source printed for a cell. The paper's numbers for the report's Table 3 stand in the paper's Table 2."""
    if table != "table1" and cell.ipc != 1:
        return None
    if table == "table1":
        ipc = None if cell.method == "whole" else cell.ipc
        return printed(source, table, cell.dataset, ipc=ipc, method=cell.method)
    key = {"condensed_with": cell.network, "trained": cell.trained}
    return printed(source, "table2" if source == "paper" else table, cell.dataset, **key)
