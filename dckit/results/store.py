"""Measured accuracies on disk: one small JSON file per run, with the name of the run.

To merge the results of several machines, copy the files into one folder. Nothing is overwritten: a run that already has
a result is not run again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..engine import expanded, write_json
from ..method import Recipe, Scores
from .run import Run

SHIPPED = Path(__file__).parent / "reference" / "results"


@dataclass(frozen=True)
class Result:
    """A run and what it measured."""

    run: Run
    scores: Scores


def save(run: Run, scores: Scores, outputs: str | Path) -> Path:
    """Save the scores of all networks of a run in the folder ``outputs``. Returns the file."""
    card = {k: v for k, v in scores.card.items() if k not in ("dataset", "recipe", "seed", "networks", "set")}
    made = {k: v for k, v in scores.card["set"].items() if k not in ("recipe", "seed")}
    path = run.result_file(outputs)
    write_json(
        path,
        {"dataset": run.dataset, "method": run.method, "seed": run.seed, "recipe": run.recipe.as_json()}
        | {"accuracies": list(scores.accuracies), "seconds": round(scores.seconds, 2), "set": made}
        | card,
    )
    return path


def read(path: str | Path) -> Result:
    """Read a file that `save` wrote. Raises FileNotFoundError, or ValueError for a damaged, foreign or renamed file."""
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        run = Run(card["dataset"], card["method"], Recipe.read(card["recipe"]), card["seed"])
        accuracies = tuple(float(a) for a in card["accuracies"])
        seconds, name = float(card["seconds"]), run.name
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise ValueError(f"{path} is damaged or no result of this kit ({reason}): delete it and run again") from None
    if name != path.stem and "condensing" in card["recipe"]:  # version 0.1 had other names
        raise ValueError(f"{path} holds the result of {name}, which is not its name: a renamed copy?")
    networks = run.recipe.testing.whole_networks if run.method == "whole" else run.recipe.testing.networks
    if len(accuracies) != networks or not all(0 <= a <= 100 for a in accuracies):
        raise ValueError(f"{path} does not hold {networks} accuracies between 0 and 100 %: delete it and run again")
    return Result(run, Scores(accuracies, seconds, card | {"networks": networks}))


def read_all(outputs: str | Path) -> tuple[list[Result], list[str]]:
    """All results in the folder ``outputs``, and a message for each file that was skipped."""
    results, skipped = [], []
    for path in sorted((expanded(outputs) / "results").glob("*.json")):
        try:
            results.append(read(path))
        except (ValueError, OSError) as error:
            skipped.append(str(error))
    return results, skipped


def with_shipped(own: Iterable[Result]) -> list[Result]:
    """Your ``own`` results, and for all other runs the results that come with the kit."""
    shipped = [read(path) for path in sorted(SHIPPED.glob("*.json"))]
    return list(({r.run.name: r for r in shipped} | {r.run.name: r for r in own}).values())
