"""Run lessons headless, one after another: executed notebooks, pages that open offline, time and peak memory.

python -m dckit lessons notebooks --out outputs -p dataset mnist -p budget lesson
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..engine import json_or_text
from .headless import Execution, execute


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``given`` that the notebook has in its parameters cell."""
    import papermill

    return {name: given[name] for name in papermill.inspect_notebook(notebook) if name in given}


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the lessons that the command line names; 1 if any failed."""
    args = _parser().parse_args(None if arguments is None else list(arguments))
    out = args.out.resolve()
    given = {"outputs": str(out)} | {name: json_or_text(text) for name, text in args.parameter}
    notebooks = [n for path in args.notebook for n in (sorted(path.glob("*.ipynb")) if path.is_dir() else [path])]
    try:
        chosen = _choose(notebooks, given)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    started, runs = time.time(), []
    for number, (notebook, parameters) in enumerate(chosen, 1):
        print(f"lesson {number} of {len(chosen)}: {notebook.stem} …", flush=True)
        runs.append(execute(notebook, out / notebook.name, parameters))
        print(runs[-1], flush=True)
    _summary(out, runs, started)
    return 1 if any(r.error for r in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dckit lessons", description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path, nargs="+", help="a notebook, or a folder of them")
    parser.add_argument("--out", type=Path, default=Path("outputs"), help="folder for all results (default: outputs)")
    parser.add_argument(
        *("-p", "--parameter"), nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="as papermill's"
    )
    return parser


def _choose(notebooks: list[Path], given: Mapping[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """Each notebook with its parameters. Raises ValueError for one that is missing, or a parameter that none has."""
    for notebook in notebooks:
        if not notebook.is_file():
            raise ValueError(f"no notebook {notebook}")
    if not notebooks:
        raise ValueError("no notebooks in the folder that was named")
    chosen = [(notebook, parameters_for(notebook, given)) for notebook in notebooks]
    known = {name for _, parameters in chosen for name in parameters}
    for name in given:
        if name not in known and name != "outputs":
            raise ValueError(f"no lesson has a parameter {name!r}: see the cell below a lesson's title")
    return chosen


def _summary(out: Path, runs: list[Execution], started: float) -> None:
    scores, failed = out / "scores.json", [r for r in runs if r.error]
    if not failed and scores.is_file() and scores.stat().st_mtime >= started:  # not an earlier run's
        print("\n" + json.loads(scores.read_text(encoding="utf-8"))["text"])
    for r in failed:
        print(f"\nFAILED {r.notebook.stem}: {r.error}\n  as far as it came: {r.notebook}", file=sys.stderr)
    first = runs[0].notebook.with_suffix(".html")
    print(f"\nexecuted notebooks, pages, results and tables: {out}\nopen first: {first}")
