"""Measured accuracies on disk: one small JSON file per run, with the name of the run.

To merge the results of several machines, copy the files into one folder. Nothing is overwritten: a run that already has
a result is not run again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """Save a result in the folder ``outputs``. Returns its file.

    Raises FileExistsError if the file exists, and ValueError if the scores are not those of the run.
    """
    _refuse_others(run, scores)
    path = run.result_file(outputs)
    if path.exists():
        raise FileExistsError(f"{path} is there already: delete it to measure anew")
    card = {k: v for k, v in scores.card.items() if k not in ("dataset", "recipe", "seed", "networks", "set")}
    made = {k: v for k, v in scores.card["set"].items() if k not in ("recipe", "seed")}
    write_json(
        path,
        {"dataset": run.dataset, "method": run.method, "seed": run.seed, "recipe": run.recipe.as_json()}
        | {"accuracies": list(scores.accuracies), "seconds": round(scores.seconds, 2), "set": made}
        | card,
    )
    return path


def _refuse_others(run: Run, scores: Scores) -> None:
    """Raise ValueError unless the scores are complete and their card fits this run."""
    card, made = scores.card, scores.card["set"]
    n, of = scores.done
    if n < of:
        raise ValueError(f"only {n} of {of} networks were tested: a result holds all of them")
    pairs = [("dataset", card["dataset"], run.dataset), ("seed", card["seed"], run.seed)]
    pairs += [("method", made.get("method"), run.method)]
    pairs += _pairs(Recipe.read(card["recipe"]).testing.decisive, run.recipe.testing.decisive)
    if run.method != "whole":
        pairs += [("images per class", made.get("ipc"), run.recipe.ipc)]
    if "digest" in card and "digest" in made:
        pairs += [("digest of the set's images", made["digest"], card["digest"])]
    if "seed" in made:
        pairs += [("seed of the set", made["seed"], run.seed)]
    if run.condenses and "recipe" in made:
        pairs += [("iterations", made["iteration"], run.recipe.condensing.iterations)]
        pairs += _pairs(Recipe.read(made["recipe"]).condensing.decisive, run.recipe.condensing.decisive)
    for what, found, wanted in pairs:
        if found != wanted:
            raise ValueError(f"the scores were measured with {what} {found!r}, the run has {wanted!r}")


def _pairs(found: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, found.get(name), wanted.get(name)) for name in found | wanted]


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
