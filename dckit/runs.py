"""What can be measured: a run is named by its choices, and finds its files by that name."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

from .data import name_of
from .models import NETWORKS
from .protocols import protocol_recipe
from .recipes import Recipe

METHODS = {
    "random": "random real images",
    **{"herding": "herding", "k_center": "k-center", "forgetting": "forgetting"},
    "dc": "condensed images",
    "whole": "the whole dataset",
}


@dataclass(frozen=True)
class Run:
    """What one result measures: training images made or chosen by ``method``, and their test, under one seed.

    dataset: as in `ImageData.name`. Raises ValueError for an unknown method or network.
    """

    dataset: str
    method: str
    recipe: Recipe
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"unknown method {self.method!r}: expected one of {', '.join(METHODS)}")
        recipe = self.recipe
        for name, version in [recipe.test_build] + ([(recipe.network, recipe.version)] if self.method == "dc" else []):
            if name not in NETWORKS:
                raise ValueError(f"unknown network {name!r}: expected one of {', '.join(NETWORKS)}")
            if version not in NETWORKS[name]:
                raise ValueError(f"there is no {version} version of {name}, only {', '.join(NETWORKS[name])}")

    @cached_property
    def name(self) -> str:
        """Dataset, images per class, method, networks, protocol, budget and seed; a digest stands for changes."""
        recipe, stages = self.recipe, ("stage_c", "stage_t") if self.method == "dc" else ("stage_t",)
        networks = ([recipe.network] if self.method == "dc" else []) + [recipe.tested_with]
        ipc = "all" if self.method == "whole" else str(recipe.ipc)
        return _slug(self.dataset, ipc, self.method, *networks, _label(recipe, *stages), str(self.seed))

    @property
    def setting(self) -> str:
        """The name without the seed: runs that share it measure the same thing."""
        return self.name.rpartition("-")[0]

    def result_file(self, outputs: str | Path) -> Path:
        """Where its result is kept below the folder ``outputs``."""
        return Path(outputs) / "results" / f"{self.name}.json"

    def set_file(self, outputs: str | Path) -> Path:
        """Where stage C keeps its images and checkpoint; for a method that chooses images, where their order is kept.

        Runs that differ in their test alone share it.
        """
        recipe = self.recipe
        if self.method == "dc":
            label = _label(recipe, "stage_c")
            name = _slug(self.dataset, str(recipe.ipc), "dc", recipe.network, label, str(self.seed))
        else:
            name = _slug(self.dataset, "order", recipe.tested_with, _label(recipe, "stage_t"), str(self.seed))
        return Path(outputs) / "sets" / f"{name}.safetensors"


def _slug(*parts: str) -> str:
    return re.sub(r"[^\w.-]", "_", "-".join(parts))


def _label(recipe: Recipe, *stages: str) -> str:
    """Protocol and budget, where the recipe's choices in these stages are theirs; else the budget and a digest."""
    mine = [getattr(recipe, stage) for stage in stages]
    for protocol in ("published", "report"):
        plain = protocol_recipe(protocol, recipe.ipc, recipe.budget, recipe.network, recipe.tested_with)
        if [getattr(plain, stage) for stage in stages] == mine:
            return f"{protocol}-{recipe.budget}"
    digest = hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()[:8]
    return f"{recipe.budget}-{digest}"


def runs(
    dataset: str,
    ipc: int = 1,
    budget: str = "full",
    seed: int = 0,
    methods: str = "dc",
    networks: str = "ConvNet",
    trained: str = "",
    protocol: str = "published",
) -> list[Run]:
    """The runs that a lesson's parameters ask for; all are refused here, in one sentence, if one cannot be meant.

    dataset: as for `load`. methods, networks (of stage C), trained (in stage T; empty: the same as networks): words
    with spaces between; protocol: as for `protocol_recipe`, several with semicolons between. Each with each.
    """
    name, hows = name_of(dataset), [how.strip() for how in protocol.split(";")]
    found: dict[str, Run] = {}
    for how, method, network, test in product(hows, methods.split(), networks.split(), (trained or networks).split()):
        recipe = protocol_recipe(how, 1 if method == "whole" else ipc, budget, network, test)
        run = Run(name, method, recipe, seed)
        found.setdefault(run.name, run)  # where there is no stage C, its network makes no run of its own
    if not found:
        raise ValueError(f"methods {methods!r}, networks {networks!r}: expected at least one of each")
    return list(found.values())
