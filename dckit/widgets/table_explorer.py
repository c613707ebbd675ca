"""The table explorer: the paper's number, the report's and the kit's, side by side."""

from collections.abc import Sequence
from typing import Any

from ..results import NETWORKS, PRINTED, Result, networks_of, setting
from ..show import Table
from .panel import Panel, choice


def tables(results: Sequence[Result], dataset: str = "mnist", ipc: int = 1, protocol: str = "published") -> Panel:
    """Table explorer: the paper's number, the report's and the kit's for a dataset, a size and a pair of networks."""

    def draw(trained: tuple[str, ...], protocol: str, **values: Any) -> Table:
        if trained == NETWORKS:
            trained = networks_of(protocol)
        return setting(results, trained=trained, protocol=protocol, **values)

    hows = dict.fromkeys((protocol, "published", "report", "report + networks"))
    trained = [*((name, (name,)) for name in NETWORKS), ("each of them", NETWORKS)]
    played: dict[str, Sequence[Any]] = {
        "dataset": [dataset, *PRINTED],
        "ipc": [1, 10, 50, ipc],
        "network": NETWORKS,
        "trained": [("ConvNet",), NETWORKS],
    }
    return Panel(
        draw,
        played,
        dataset=choice("dataset", dict.fromkeys((dataset, "digits", *PRINTED)), dataset),
        ipc=choice("images per class", sorted({1, 10, 50, ipc}), ipc),
        network=choice("condensed with", NETWORKS, "ConvNet"),
        trained=choice("trained", trained, ("ConvNet",)),
        protocol=choice("recipe", hows, protocol),
    )
