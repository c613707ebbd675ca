"""Tables as a person reads them: what the paper and the report printed, beside what was measured here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from .files import write_json
from .stage_t import Scores

ROWS = {"random": "random real images", "dc": "condensed images", "whole": "the whole dataset"}
_PRINTED = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "svhn": "SVHN", "cifar10": "CIFAR10"}


@dataclass(frozen=True)
class Table:
    """A table of texts: a header and rows of the same length. Shows itself as Markdown in a notebook."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def _repr_markdown_(self) -> str:
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{self.note}"

    def __str__(self) -> str:
        widths = [max(len(line[i]) for line in (self.header, *self.rows)) for i in range(len(self.header))]
        lines = [
            "  ".join(f"{text:{w}}" for text, w in zip(line, widths, strict=True)) for line in (self.header, *self.rows)
        ]
        return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:], self.note]).rstrip()


def save(table: Table, path: str | Path) -> None:
    """Keep a table in a JSON file, for whoever looks after the run."""
    write_json(path, {"header": table.header, "rows": table.rows, "note": table.note, "text": str(table)})


def printed(source: str, dataset: str, ipc: int | None, method: str) -> str:
    """A cell of Table 1 as ``source`` ("paper" or "report") printed it, such as ``"91.7 ± 0.5"``; "–" if it has none.

    method: "random", "dc" and so on as in the file; ipc is None for "whole".
    """
    for cell in _reference(source)["table1"]:
        if (cell["dataset"], cell["ipc"], cell["method"]) == (_PRINTED.get(dataset), ipc, method):
            return f"{cell['mean']:.1f} ± {cell['std']:.1f}"
    return "–"


@cache
def _reference(source: str) -> dict[str, Any]:
    return json.loads(files("dckit").joinpath(f"reference/{source}.json").read_text(encoding="utf-8"))


def beside(measured: Mapping[str, Scores]) -> Table:
    """Accuracies measured here, keyed as in `ROWS`, beside the paper's and the report's for that dataset.

    A dataset that neither measured stands beside MNIST's, which the header says.
    """
    card = next(iter(measured.values())).card
    dataset, recipe = card["dataset"], card["recipe"]
    theirs = dataset if dataset in _PRINTED else "mnist"
    rows = []
    for method, scores in measured.items():
        ipc = None if method == "whole" else recipe["ipc"]
        mine = f"{scores.mean:.1f}" + (f" ± {scores.std:.1f}" if len(scores.accuracies) > 1 else "")
        rows.append((ROWS[method], printed("paper", theirs, ipc, method), printed("report", theirs, ipc, method), mine))
    header = ("accuracy in %", f"paper, {_PRINTED[theirs]}", f"report, {_PRINTED[theirs]}", f"you, {dataset}")
    return Table(header, tuple(rows), _note(measured, dataset, recipe))


def _note(measured: Mapping[str, Scores], dataset: str, recipe: Mapping[str, Any]) -> str:
    networks = ", ".join(f"{len(s.accuracies)} ({ROWS[m]})" for m, s in measured.items())
    note = f"Yours: {recipe['protocol']} protocol at the {recipe['budget']} budget, one set, networks: {networks}. "
    note += "The paper's: 5 sets × 20 networks; the report's: 1 set × 20 networks; both at their full budgets."
    return note if dataset in _PRINTED else note + f" The {dataset} are other images: their numbers cannot be compared."
