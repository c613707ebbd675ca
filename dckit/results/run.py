"""What can be measured: a run is named by its choices, and finds its files by that name."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

from ..data import name_of
from ..engine import expanded, whole
from ..method import ALGORITHMS, NETWORKS, PARTS, Recipe
from .recipe_words import protocol_recipe

NAMED = 2  # fields that a name tells
LONGEST = 200  # characters of a file's name, for which file systems have room for some 250
METHODS = {
    "random": "random real images",
    **{"herding": "herding", "k_center": "k-center", "forgetting": "forgetting"},
    "dc": "condensed images",
    "dsa": "condensed images (DSA)",
    "dm": "condensed images (DM)",
    "dd": "condensed images (DD)",
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
        object.__setattr__(self, "seed", whole(self.seed))
        if self.method not in (*METHODS, *ALGORITHMS):
            raise ValueError(f"unknown method {self.method!r}: expected one of {', '.join(METHODS)}")
        if self.condenses and self.method != self.recipe.method:
            raise ValueError(f"a recipe of {self.recipe.method} cannot make a run of {self.method}")
        for part in self.parts:
            name, version = getattr(self.recipe, part).network, getattr(self.recipe, part).version
            if name not in NETWORKS:
                raise ValueError(f"unknown network {name!r}: expected one of {', '.join(NETWORKS)}")
            if version not in NETWORKS[name]:
                raise ValueError(f"there is no {version} version of {name}, only {', '.join(NETWORKS[name])}")

    @property
    def condenses(self) -> bool:
        """Whether its images are learned, and not real ones."""
        return self.method in ALGORITHMS

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the recipe that it makes use of."""
        return PARTS if self.condenses else ("testing",)

    @cached_property
    def name(self) -> str:
        """Dataset, images per class, method, networks, what is not as published, budget and seed."""
        ipc = "all" if self.method == "whole" else str(self.recipe.ipc)
        networks = (getattr(self.recipe, part).network for part in self.parts)
        return _slug(self.dataset, ipc, self.method, *networks, _label(self.recipe, self.parts), str(self.seed))

    @property
    def setting(self) -> str:
        """The name without the seed: runs that share it measure the same thing."""
        return self.name.rpartition("-")[0]

    def result_file(self, outputs: str | Path) -> Path:
        """Where its result is kept below the folder ``outputs``."""
        return expanded(outputs) / "results" / f"{self.name}.json"

    def set_file(self, outputs: str | Path) -> Path:
        """Where stage C keeps its images and checkpoint; for a method that chooses images, where their order is kept.

        Runs that differ in their test alone share it.
        """
        made = [str(self.recipe.ipc), self.method] if self.condenses else ["order"]
        part = self.parts[0]
        made += [getattr(self.recipe, part).network, _label(self.recipe, (part,))]
        return expanded(outputs) / "sets" / f"{_slug(self.dataset, *made, str(self.seed))}.safetensors"


def _slug(*parts: str) -> str:
    """A file's name that no other parts have: what a file system may not like is written as its number."""
    slug = re.sub(r"[^a-zA-Z0-9_.=-]", lambda found: f"%{ord(found[0]):x}", "-".join(parts))
    if len(slug) <= LONGEST:
        return slug
    *rest, seed = parts
    return f"{slug[:100]}-{hashlib.sha256('-'.join(rest).encode()).hexdigest()[:8]}-{seed}"


def _label(recipe: Recipe, parts: tuple[str, ...]) -> str:
    """The budget, and what is not as published there: two fields are named, more of them have a digest.

    Only differences are in it, so that a new field with a default, or a new algorithm, renames nothing.
    """
    changed = recipe.differences(recipe.filled("published"), parts)
    if len(changed) > NAMED:
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]
        return f"{recipe.budget}-{digest}"
    texts = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in changed.items())
    return "-".join(("published", recipe.budget, *texts))


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
    """The runs that a lesson's parameters ask for; all are refused here, in one sentence, if one makes no sense.

    dataset: as for `load`. methods, networks (of stage C), trained (in stage T; empty: the same as networks): words
    with spaces between; protocol: as for `protocol_recipe`, several with semicolons between. All combinations.
    """
    for what, words in {"methods": methods, "networks": networks, "trained": trained, "protocol": protocol}.items():
        if not isinstance(words, str):
            raise ValueError(f"{what} {words!r}: expected words in one text, such as 'random dc'")
    name, hows = name_of(dataset), [how.strip() for how in protocol.split(";")]
    found: dict[str, Run] = {}
    for how, method, network, test in product(hows, methods.split(), networks.split(), (trained or networks).split()):
        algorithm = method if method in ALGORITHMS else "dc"
        recipe = protocol_recipe(how, 1 if method == "whole" else ipc, budget, network, test, algorithm)
        run = Run(name, method, recipe, seed)
        found.setdefault(run.name, run)  # where there is no stage C, its network makes no run of its own
    if not found:
        raise ValueError(f"methods {methods!r}, networks {networks!r}: expected at least one of each")
    return list(found.values())


def command(lesson: str, **parameters: object) -> str:
    """The command that runs a lesson, such as "04_table_1", with these parameters; empty ones are left out."""
    given = [f"-p {name} {_quoted(str(value))}" for name, value in parameters.items() if value != ""]
    return " ".join(("python -m dckit lessons", f"notebooks/{lesson}.ipynb", *given))


def _quoted(words: str) -> str:
    return f'"{words}"' if " " in words else words
