"""Protocol switches: each hidden detail as the report has it or, switched on, as published, and what that gave."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache

import ipywidgets as ui

from ..method import Recipe
from ..results import Cell, Measured, Result, Sample, command, difference, pooled, samples, theirs_of
from ..show import Picture, Table
from .panel import Panel, Shown

CELL, BUDGET = Cell("mnist", 1), "lesson"  # the number that the report could not reproduce; of the kit's results
# Every detail between the two recipes.
HIDDEN = {d.name: d for d in difference(Recipe.report(), Recipe.published())}


def protocol_of(on: Collection[str]) -> str:
    """The report's recipe with these details as published, in words of `recipe_words`, in one order for each set.

    Raises ValueError for a name that is none of the six.
    """
    for name in on:
        if name not in HIDDEN:
            raise ValueError(f"unknown detail {name!r}: expected {', '.join(HIDDEN)}")
    return " + ".join(["report", *(name for name in HIDDEN if name in on)])


def shown(results: Sequence[Result], on: Collection[str]) -> tuple[Picture, Table]:
    """MNIST, 1 image per class: the report's recipe with the details ``on`` as published, beside the printed numbers.

    The picture says "not measured yet" where there is no result; the table's note then tells how to get it.
    """
    measured, protocol = Measured(results), protocol_of(on)
    kit = {how: measured.of(CELL, how, BUDGET) for how in ("report", protocol, "published")}
    sample = {how: pooled(found) if found else None for how, found in kit.items()}
    rows = {
        "report, as printed": theirs_of("report", "table1", CELL),
        "kit, report's recipe": sample["report"],
        "kit, these switches": sample[protocol],
        "kit, published recipe": sample["published"],
        "paper, as printed": theirs_of("paper", "table1", CELL),
    }
    note = f"MNIST, 1 image per class. These switches: `{protocol}`, the kit's numbers at the {BUDGET} budget."
    if sample[protocol] is None:
        note += "\n\nNot measured yet. This measures it on real MNIST (`-p download true` fetches that):"
        what = {"dataset": "mnist", "ipc": 1, "budget": BUDGET, "protocol": protocol, "questions": "false"}
        note += f"\n\n`{command('06_hidden_details', **what)}`"
    numbers = _numbers(tuple(rows.items()))
    return replace(numbers, alt=f"Accuracy on MNIST, {protocol}{numbers.alt}"), _settings(on, note)


@lru_cache(maxsize=64)
def _numbers(rows: tuple[tuple[str, Sample | None], ...]) -> Picture:
    """The picture of these rows. Most combinations are not measured, so that many pictures are equal."""
    return samples(dict(rows), "")


def _settings(on: Collection[str], note: str) -> Table:
    rows = (
        (name, "published code", detail.code) if name in on else (name, "report", detail.report)
        for name, detail in HIDDEN.items()
    )
    return Table(("detail", "as the", "that is"), tuple(rows), note)


def switches(results: Sequence[Result]) -> Panel:
    """Protocol switches: each hidden detail as the report has it or, switched on, as published, and what that gave."""

    def draw(**on: bool) -> Shown:
        return shown(results, [name for name, value in on.items() if value])

    # A tick, and no button that is lit: a state that is not told by colour.
    return Panel(draw, **{name: ui.Checkbox(value=False, description=name, indent=False) for name in HIDDEN})
