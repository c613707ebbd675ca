"""The details in which two recipes differ, such as the published code and the report's notebook.

A difference is a list of named details. Each can be switched separately to measure its effect: step by step from one
recipe to the other, one detail alone, or all but one (`dckit.results.recipe_words` names such recipes).
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from ..method import PARTS, Choices, Recipe


@dataclass(frozen=True)
class Detail:
    """One choice that two recipes make differently.

    fields: the fields of a recipe that are switched together. what: the choice in plain words. paper, code, report:
    what each of them says or does. admitted: whether the report itself names the difference. networks: the networks it
    concerns; empty: all.
    """

    name: str
    fields: Sequence[str]
    what: str
    paper: str
    code: str
    report: str
    admitted: bool
    networks: Sequence[str] = ()


_LISTED = tomllib.loads(Path(__file__).with_name("details.toml").read_text(encoding="utf-8"))
DETAILS = tuple(Detail(name, **its) for name, its in _LISTED.items())


def difference(start: Recipe, end: Recipe) -> list[Detail]:
    """The details in which two recipes differ and which affect the result, those of stage T first.

    A field that belongs to no detail in `DETAILS` becomes a detail with the name of the field. Raises ValueError if the
    recipes differ in images per class, budget, method or networks, since these are different experiments.
    """
    for what in ("ipc", "budget", "method", "condensing.network", "testing.network"):
        a, b = (attrgetter(what)(recipe) for recipe in (start, end))
        if a != b:
            raise ValueError(f"the recipes differ in {what}, {a!r} and {b!r}: expected one experiment")
    differing = {part: {*end.differences(start, (part,)), *start.differences(end, (part,))} for part in PARTS}
    named = [d for d in DETAILS if any(differing[p].intersection(_fields(d, getattr(start, p))) for p in PARTS)]
    known = {field for detail in named for field in detail.fields}
    rest = {field: attrgetter(f"{part}.{field}") for part in PARTS for field in sorted(differing[part] - known)}
    return named + [
        Detail(field, [field], field, "", str(value(end)), str(value(start)), False) for field, value in rest.items()
    ]


def _fields(detail: Detail, choices: Choices) -> list[str]:
    """The fields of a stage that a detail switches; none if the detail concerns other networks."""
    if detail.networks and choices.network not in detail.networks:
        return []
    return [field for field in detail.fields if hasattr(choices, field)]


def switched(recipe: Recipe, details: Sequence[Detail], other: Recipe) -> Recipe:
    """``recipe``, with these details as in ``other``."""
    changes = {
        part: {f: getattr(getattr(other, part), f) for d in details for f in _fields(d, getattr(recipe, part))}
        for part in PARTS
    }
    return recipe.but(**changes)
