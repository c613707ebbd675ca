"""Runs: what can be measured. The choices of a run give its name, and the name gives its files."""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

from ..data import name_of
from ..engine import expanded, whole
from ..method import ALGORITHMS, NETWORKS, PARTS, Recipe
from .recipe_words import fields_in_words, protocol_recipe

NAMED = 2  # changed fields that a name spells out
LONGEST = 200  # characters of a file name; file systems allow about 250
METHODS = {
    "random": "random real images",
    **{"herding": "herding", "k_center": "k-center", "forgetting": "forgetting", "nearest": "nearest to the mean"},
    "dc": "condensed images",
    "dsa": "condensed images (DSA)",
    "dm": "condensed images (DM)",
    "dd": "condensed images (DD)",
    "whole": "the whole dataset",
}


@dataclass(frozen=True)
class Run:
    """One measurement: make or choose training images by ``method``, and test them, with one seed.

    dataset: as in `ImageData.name`. method: a key of `METHODS`. Raises ValueError for an unknown method or network.
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
        """Whether the images are learned, and not chosen from the real ones."""
        return self.method in ALGORITHMS

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the recipe that the run uses."""
        return PARTS if self.condenses else ("testing",)

    @cached_property
    def name(self) -> str:
        """Dataset, images per class, method, networks, budget, changes to the published recipe, seed."""
        ipc = "all" if self.method == "whole" else str(self.recipe.ipc)
        networks = (getattr(self.recipe, part).network for part in self.parts)
        return _slug(self.dataset, ipc, self.method, *networks, _label(self.recipe, self.parts), str(self.seed))

    @property
    def setting(self) -> str:
        """The name without the seed: the same for all runs that measure the same thing."""
        return self.name.rpartition("-")[0]

    def result_file(self, outputs: str | Path) -> Path:
        """The file of the result in the folder ``outputs``."""
        return expanded(outputs) / "results" / f"{self.name}.json"

    def set_file(self, outputs: str | Path) -> Path:
        """The file of the images and the checkpoint of stage C; for a method that chooses images, of the ranking.

        Runs that differ only in stage T have the same file. So have rankings by the same teacher.
        """
        part, recipe = self.parts[0], self.recipe
        made = [str(recipe.ipc), self.method]
        if not self.condenses:
            made = ["order"]
            recipe = replace(recipe, testing=replace(recipe.filled("published").testing, **recipe.testing.of_teacher))
        made += [getattr(recipe, part).network, _label(recipe, (part,))]
        return expanded(outputs) / "sets" / f"{_slug(self.dataset, *made, str(self.seed))}.safetensors"


def _slug(*parts: str) -> str:
    """A file name that is unique for these parts. Unsafe characters are written as %, followed by their code."""
    slug = re.sub(r"[^a-zA-Z0-9_.=-]", lambda found: f"%{ord(found[0]):x}", "-".join(parts))
    if len(slug) <= LONGEST:
        return slug
    *rest, seed = parts
    return f"{slug[:100]}-{hashlib.sha256('-'.join(rest).encode()).hexdigest()[:8]}-{seed}"


def _label(recipe: Recipe, parts: tuple[str, ...]) -> str:
    """The budget, and the fields that differ from the published recipe: up to two by name, more as a digest.

    It contains only differences, so a new field with a default, or a new algorithm, does not change any name.
    """
    changed = recipe.differences(recipe.filled("published"), parts)
    if len(changed) > NAMED:
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]
        return f"{recipe.budget}-{digest}"
    return "-".join(("published", recipe.budget, *fields_in_words(changed)))


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
    """The runs that the parameters of a lesson ask for: all combinations of methods, networks and protocols.

    dataset: as for `load`. methods, networks (of stage C), trained (networks of stage T; empty: as networks): words
    separated by spaces. protocol: as for `protocol_recipe`; several are separated by semicolons. Raises ValueError if
    one of the runs is invalid.
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
    """The command that runs a lesson, such as "04_table_1", with these parameters; empty texts are left out."""
    texts = {name: f'"{value}"' if " " in str(value) else value for name, value in parameters.items() if value != ""}
    given = (f"-p {name} {text}" for name, text in texts.items())
    return " ".join(("python -m dckit lessons", f"notebooks/{lesson}.ipynb", *given))
