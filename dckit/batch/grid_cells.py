"""What a grid consists of: a file that names every combination of parameters, and the jobs it stands for."""

import inspect
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from .. import results
from ..data import load
from ..method import CHOSEN
from ..results import Run, runs
from .parameters import defaults, guess, suited, typed


@dataclass(frozen=True)
class Job:
    """One run of a lesson: its notebook, what it is called, the parameters given to it, and what it measures."""

    lesson: Path
    name: str
    parameters: dict[str, Any]
    dataset: str
    runs: tuple[Run, ...]

    def executed(self, outputs: Path) -> Path:
        """Where the executed notebook is kept."""
        return outputs / "cells" / f"{self.name}.ipynb"

    def done(self, outputs: Path) -> bool:
        """Whether all of its results are there, and can be read."""
        try:
            found = [results.read(run.result_file(outputs)) for run in self.runs]
        except (FileNotFoundError, ValueError):
            return False
        digests = {result.scores.card.get("digest") for result in found} - {None}  # version 0.1 kept none
        return not digests or digests <= {_digest(self.dataset)} or _digest(self.dataset) is None

    def makes(self, outputs: Path) -> set[Path]:
        """The files that it writes unless they are there: results, condensed sets, orders of real images."""
        sets = {run.set_file(outputs) for run in self.runs if run.condenses or run.method in CHOSEN}
        return sets | {run.result_file(outputs) for run in self.runs}


@cache
def _digest(dataset: str) -> str | None:
    """The digest of a dataset; None where it is not at hand, as on a machine that only collects results."""
    try:
        return load(dataset).digest
    except (OSError, ValueError):
        return None


def jobs_of(grid: Path, given: Mapping[str, Any]) -> list[Job]:
    """The jobs of a grid's file; ``given`` parameters, as on a command line, take the place of the file's.

    Raises ValueError, or OSError for a missing file, in one sentence for anything that makes no sense.
    """
    lesson, fixed, every = _read(grid)
    own = _defaults(lesson)
    for name in (*fixed, *every, *given):
        if name not in own:
            known = ", ".join(own) + guess(name, own)
            raise ValueError(f"{name!r} is not a parameter that a grid sets in {lesson.name}: expected {known}")
    kinds = {name: type(value) for name, value in own.items()}
    fixed = {name: suited(name, value, kinds[name]) for name, value in fixed.items()}
    every = {name: [suited(name, value, kinds[name]) for value in values] for name, values in every.items()}
    given = {name: typed(name, value, kinds[name]) for name, value in given.items()}
    every = {name: [given[name]] if name in given else values for name, values in every.items()}
    fixed |= {name: value for name, value in given.items() if name not in every}
    takes = inspect.signature(runs).parameters
    found: dict[str, Job] = {}
    for values in product(*every.values()):
        parameters = fixed | dict(zip(every, values, strict=True))
        all_of_them = own | parameters
        asked = runs(**{name: value for name, value in all_of_them.items() if name in takes})
        said = "-".join(str(value) for value in (lesson.stem, *values, *(given[n] for n in given if n not in every)))
        name = re.sub(r"[^\w-]+", "_", said)
        if name in found:
            raise ValueError(f"{grid} has two cells named {name}: expected values that differ in letters or digits")
        found[name] = Job(lesson, name, parameters, all_of_them["dataset"], tuple(asked))
    return list(found.values())


def _read(grid: Path) -> tuple[Path, dict[str, Any], dict[str, list[Any]]]:
    """Lesson, [fixed] and [every] of a grid's file."""
    try:
        table = tomllib.loads(grid.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{grid} is no TOML file: {error}") from None
    except OSError as error:
        raise ValueError(f"cannot read the grid {grid}: {error.strerror}") from None
    lesson, fixed, every = table.pop("lesson", None), table.pop("fixed", {}), table.pop("every", {})
    if table or not isinstance(lesson, str) or not isinstance(fixed, dict) or not isinstance(every, dict):
        odd = ", ".join(table) or repr(lesson)
        raise ValueError(f'{grid}: expected lesson = "….ipynb", [fixed] and [every], found {odd}')
    for name, values in every.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{grid}: {name} in [every] is {values!r}: expected a list of one value or more")
    notebook = (grid.parent / lesson).resolve()
    if not notebook.is_file():
        raise ValueError(f"{grid} names the lesson {lesson!r}: no notebook {notebook}")
    return notebook, fixed, every


def _defaults(lesson: Path) -> dict[str, Any]:
    """The values in the lesson's parameters cell, but for the folder of outputs, which a grid sets itself."""
    values = defaults(lesson)
    if computed := [name for name, value in values.items() if value is ... and name != "outputs"]:
        raise ValueError(f"{lesson}: expected plain values in its parameters cell; computed: {', '.join(computed)}")
    if not {"outputs", "dataset"} <= values.keys():
        raise ValueError(f"{lesson}: expected dataset and outputs in its parameters cell, found {', '.join(values)}")
    del values["outputs"]
    return values


def chains(todo: Iterable[Job], outputs: Path) -> list[list[Job]]:
    """The jobs, each in one list with those that make the same files: these are to follow one another.

    Two at once would both spend hours on the same condensed set. No harm would come to it, but one would work in vain.
    """
    found: list[tuple[set[Path], list[Job]]] = []
    for job in todo:
        files = job.makes(outputs)
        tied = [chain for chain in found if chain[0] & files]
        found = [chain for chain in found if not chain[0] & files]
        found.append((files.union(*(made for made, _ in tied)), [j for _, chain in tied for j in chain] + [job]))
    return [chain for _, chain in found]
