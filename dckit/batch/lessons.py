"""Run lessons headless, one after another: executed notebooks, pages that open offline, time and peak memory.

The seconds of all lessons that ran without an error are kept in the folder's `times.json`.

python -m dckit lessons notebooks --out outputs -p dataset mnist -p budget lesson
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import joblib

from ..engine import device_name, pick_device, versions, write_json
from .headless import Execution, execute
from .parameters import defaults, guess, typed


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``given`` that the notebook has in its parameters cell, with the types that they have there.

    Raises ValueError for a value of another type, and for a file that is not a lesson.
    """
    own = defaults(notebook)
    return {name: typed(name, given[name], type(own[name])) for name in own if name in given}


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the lessons that the command line names; 1 if any failed."""
    args = _parser().parse_args(None if arguments is None else list(arguments))
    out = args.out.resolve()
    try:
        chosen = _choose(args.notebook, out, dict(args.parameter))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    started, runs = time.time(), []
    for number, (notebook, parameters) in enumerate(chosen, 1):
        print(f"lesson {number} of {len(chosen)}: {notebook.stem} …", flush=True)
        # Its whole path, which papermill writes down: `_refuse_overwriting` reads it at the next run.
        runs.append(execute(notebook.resolve(), out / notebook.name, parameters))
        print(runs[-1], flush=True)
    _keep_times(out, runs, defaults(chosen[0][0]) | chosen[0][1])
    _summary(out, runs, started)
    return 1 if any(r.error for r in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dckit lessons", description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path, nargs="+", help="a notebook, or a folder of them")
    parser.add_argument("--out", type=Path, default=Path("outputs"), help="folder for all results (default: outputs)")
    parser.add_argument(
        *("-p", "--parameter"), nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="as in papermill"
    )
    return parser


def _choose(paths: Iterable[Path], out: Path, given: Mapping[str, str]) -> list[tuple[Path, dict[str, Any]]]:
    """Each notebook with its parameters. Raises ValueError, before any work, for what cannot be run as it was meant."""
    found = (notebook for path in paths for notebook in _found(path))
    notebooks = list({notebook.resolve(): notebook for notebook in found}.values())  # each of them once
    _refuse_overwriting(notebooks, out)
    broken, chosen, known = list[str](), [], set[str]()
    for notebook in notebooks:
        try:
            known |= (own := defaults(notebook).keys())
            outputs = {"outputs": str(out)} if "outputs" in own else {}
            chosen.append((notebook, outputs | parameters_for(notebook, given)))
        except ValueError as error:
            broken.append(str(error))
    if broken:
        raise ValueError("; ".join(dict.fromkeys(broken)))
    for name in given:
        if name not in known:
            expected = ", ".join(sorted(known)) + guess(name, known)
            raise ValueError(f"no lesson has a parameter {name!r}: expected one of {expected}")
    return chosen


def _found(path: Path) -> list[Path]:
    """A notebook, or those in a folder but for hidden ones, which other programs left there."""
    if path.is_dir():
        found = sorted(notebook for notebook in path.glob("*.ipynb") if not notebook.name.startswith("."))
        if not found:
            raise ValueError(f"no notebooks in the folder {path}")
        return found
    if not path.is_file():
        raise ValueError(f"no notebook {path}")
    return [path]


def _refuse_overwriting(notebooks: Iterable[Path], out: Path) -> None:
    """Raise ValueError where an executed notebook would take the place of its lesson, or of what another one gave."""
    names: dict[str, Path] = {}
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file: name a folder")
    for notebook in notebooks:
        if out.is_dir() and out.samefile(notebook.parent):
            raise ValueError(f"--out {out} would overwrite {notebook}, which lies there: name another folder")
        if of := _foreign(out / notebook.name, notebook):
            raise ValueError(f"--out {out} would overwrite {notebook.name} there, {of}: name another folder")
        other = names.setdefault(notebook.stem.casefold(), notebook)
        if other is not notebook:
            raise ValueError(f"{other} and {notebook} would be written to one file: rename one, or run them separately")


def _foreign(executed: Path, notebook: Path) -> str:
    """What an executed notebook in the place of this lesson's is, if it is not from this lesson; else nothing."""
    try:
        metadata = json.loads(executed.read_bytes())["metadata"]
    except (OSError, ValueError, LookupError, TypeError):  # not there, or damaged
        return ""
    if "papermill" not in metadata:
        return "which this command has not written"
    source = Path(metadata["papermill"].get("input_path") or notebook)
    # A lesson that is there no more has been moved, perhaps here.
    return f"which was made from {source}" if source.is_file() and not source.samefile(notebook) else ""


def _keep_times(out: Path, runs: Iterable[Execution], parameters: Mapping[str, Any]) -> None:
    """Write `times.json`: seconds by lesson, and what they depend on. A lesson with an error has no time."""
    device = {"cores": joblib.cpu_count(), "device": device_name(pick_device()), "torch": versions()["torch"]}
    asked = {name: parameters.get(name) for name in ("dataset", "budget")}
    if seconds := {r.notebook.stem: round(r.seconds, 1) for r in runs if not r.error}:
        try:
            write_json(out / "times.json", {"seconds": seconds, "machine": device, **asked})
        except OSError as error:
            print(f"the lessons' times were not kept: {error}", file=sys.stderr)


def _summary(out: Path, runs: list[Execution], started: float) -> None:
    scores, failed = out / "scores.json", [r for r in runs if r.error]
    if not failed and scores.is_file() and scores.stat().st_mtime >= started:  # not an earlier run's
        print("\n" + json.loads(scores.read_text(encoding="utf-8"))["text"])
    for r in failed:
        kept = f"\n  as far as it came: {r.notebook}" if r.kept else ""
        print(f"\nFAILED {r.notebook.stem}: {r.error}{kept}", file=sys.stderr)
    print(f"\nexecuted notebooks, pages, results and tables: {out}")
    if pages := [page for r in runs if (page := r.notebook.with_suffix(".html")).is_file()]:
        print(f"open first: {pages[0]}")
