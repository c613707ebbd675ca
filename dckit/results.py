"""Measured accuracies on disk: one small JSON file a run, named by what was run.

Files of many machines are merged by copying them into one folder. Nothing is overwritten: a run whose result is there
is not run again.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from .data import name_of
from .files import write_json
from .models import NETWORKS
from .recipes import Recipe
from .stage_t import Scores

METHODS = {
    "random": "random real images",
    **{"herding": "herding", "k_center": "k-center", "forgetting": "forgetting"},
    "dc": "condensed images",
    "whole": "the whole dataset",
}
SHIPPED = Path(__file__).parent / "reference" / "results"
PROTOCOLS = ("published", "report", "report, published networks")


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

    @property
    def name(self) -> str:
        """Dataset, images per class, method, networks, protocol, budget and seed; a digest stands for changes."""
        recipe, stages = self.recipe, ("stage_c", "stage_t") if self.method == "dc" else ("stage_t",)
        networks = ([recipe.network] if self.method == "dc" else []) + [recipe.tested_with]
        ipc = "all" if self.method == "whole" else str(recipe.ipc)
        return _slug(self.dataset, ipc, self.method, *networks, _label(recipe, *stages), str(self.seed))

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


def protocol_recipe(
    protocol: str, ipc: int = 1, budget: str = "full", network: str = "ConvNet", trained: str = "ConvNet"
) -> Recipe:
    """The recipe of a cell: condensed with ``network``, ``trained`` in stage T.

    protocol: "published", "report", or "report, published networks", the report's Table 3: its own code, but LeNet and
    AlexNet as published. Raises ValueError for an unknown one.
    """
    if protocol == "published":
        return Recipe.published(ipc, budget, network).but(test_network=trained)
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}: expected one of {'; '.join(PROTOCOLS)}")
    recipe = Recipe.report(ipc, budget, network).but(test_network=trained)
    if protocol == "report":
        return recipe
    version, test_version = ("published" if n in ("LeNet", "AlexNet") else "original" for n in (network, trained))
    return recipe.but(version=version, test_version=test_version)


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
    with spaces between, each with each.
    """
    name = name_of(dataset)
    found: dict[str, Run] = {}
    for method, network, test in product(methods.split(), networks.split(), (trained or networks).split()):
        recipe = protocol_recipe(protocol, 1 if method == "whole" else ipc, budget, network, test)
        run = Run(name, method, recipe, seed)
        found.setdefault(run.name, run)  # where there is no stage C, its network makes no run of its own
    if not found:
        raise ValueError(f"methods {methods!r}, networks {networks!r}: expected at least one of each")
    return list(found.values())


@dataclass(frozen=True)
class Result:
    """A run and what it measured."""

    run: Run
    scores: Scores


def save(run: Run, scores: Scores, outputs: str | Path) -> Path:
    """Keep a result below the folder ``outputs``; returns its file.

    Raises FileExistsError rather than overwrite one, ValueError if the scores are not those of the run.
    """
    _refuse_others(run, scores)
    path = run.result_file(outputs)
    if path.exists():
        raise FileExistsError(f"{path} is there already: delete it to measure anew")
    card = {k: v for k, v in scores.card.items() if k not in ("dataset", "recipe", "seed", "networks", "set")}
    made = {k: v for k, v in scores.card["set"].items() if k not in ("recipe", "seed")}
    write_json(
        path,
        {"dataset": run.dataset, "method": run.method, "seed": run.seed, "recipe": asdict(run.recipe)}
        | {"accuracies": list(scores.accuracies), "seconds": round(scores.seconds, 2), "set": made}
        | card,
    )
    return path


def _refuse_others(run: Run, scores: Scores) -> None:
    """Raise ValueError unless the scores are complete, and their card tells of this run."""
    card, made = scores.card, scores.card["set"]
    n, of = scores.done
    if n < of:
        raise ValueError(f"only {n} of {of} networks were tested: a result holds all of them")
    pairs = [("dataset", card["dataset"], run.dataset), ("seed", card["seed"], run.seed)]
    pairs += [("method", made.get("method"), run.method)]
    pairs += _pairs(Recipe(**card["recipe"]).stage_t, run.recipe.stage_t)
    if run.method != "whole":
        pairs += [("images per class", made.get("ipc"), run.recipe.ipc)]
    if "seed" in made:
        pairs += [("seed of the set", made["seed"], run.seed)]
    if run.method == "dc" and "recipe" in made:
        pairs += [("iterations", made["iteration"], run.recipe.iterations)]
        pairs += _pairs(Recipe(**made["recipe"]).stage_c, run.recipe.stage_c)
    for what, found, wanted in pairs:
        if found != wanted:
            raise ValueError(f"the scores were measured with {what} {found!r}, the run has {wanted!r}")


def _pairs(found: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, found.get(name), wanted.get(name)) for name in found | wanted]


def read(path: str | Path) -> Result:
    """Read a file of `save`. Raises FileNotFoundError, or ValueError for a damaged, foreign or renamed one."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        run = Run(card["dataset"], card["method"], Recipe(**card["recipe"]), card["seed"])
        accuracies = tuple(float(a) for a in card["accuracies"])
        seconds, name = float(card["seconds"]), run.name
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise ValueError(f"{path} is damaged or no result of this kit ({reason}): delete it and run again") from None
    if name != path.stem:
        raise ValueError(f"{path} holds the result of {name}, which is not its name: a renamed copy?")
    networks = run.recipe.whole_networks if run.method == "whole" else run.recipe.networks
    if len(accuracies) != networks or not all(0 <= a <= 100 for a in accuracies):
        raise ValueError(f"{path} does not hold {networks} accuracies between 0 and 100 %: delete it and run again")
    return Result(run, Scores(accuracies, seconds, card | {"networks": networks}))


def read_all(outputs: str | Path) -> tuple[list[Result], list[str]]:
    """All results below the folder ``outputs``, and a sentence for each file that had to be skipped."""
    results, skipped = [], []
    for path in sorted((Path(outputs) / "results").glob("*.json")):
        try:
            results.append(read(path))
        except (ValueError, OSError) as error:
            skipped.append(str(error))
    return results, skipped


def with_shipped(own: Iterable[Result]) -> list[Result]:
    """``own`` results, and those that come with the kit (its own measurements) of runs that are not among them."""
    shipped = [read(path) for path in sorted(SHIPPED.glob("*.json"))]
    return list(({r.run.name: r for r in shipped} | {r.run.name: r for r in own}).values())
