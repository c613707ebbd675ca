"""Run a lesson for every cell of a grid, on all of a machine's cores or GPUs or on a Dask cluster, and continue later.

python -m dckit grid notebooks/grids/table_1.toml --out outputs -p budget smoke -p dataset digits
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from . import estimate, headless
from .grid_cells import Job, chains, jobs_of
from .workers import Machines, executions, machines


def run(todo: list[Job], outputs: Path, where: Machines, expected: Mapping[str, float]) -> list[headless.Execution]:
    """Run all jobs and print how far they are; returns those that failed. expected: seconds by the job's name."""
    started, spent, passed, done, failed = time.monotonic(), 0.0, 0.0, 0, []
    with tqdm(total=len(todo), disable=None, bar_format="{desc} {bar}") as bar:
        for job, ran in executions(chains(todo, outputs), outputs, where):
            if not ran.error and not job.done(outputs):
                ran = replace(ran, error="it left no results: does the lesson measure the runs of its parameters?")
            if ran.error:
                failed.append(ran)
            done, spent, passed = done + 1, spent + ran.seconds, passed + expected[job.name]
            left = (sum(expected.values()) - passed) * spent / passed / max(1, min(where.at_once, len(todo) - done))
            text = f"{done} of {len(todo)} cells, {_time(time.monotonic() - started)} used, about {_time(left)} to go"
            bar.set_description_str(text)
            bar.update()
            if bar.disable:
                print(f"{job.name}: {'FAILED' if ran.error else 'ok'}, {_time(ran.seconds)}; {text}", flush=True)
    clean(todo, outputs)
    return failed


def clean(jobs: Iterable[Job], outputs: Path) -> None:
    """Remove unfinished notebooks that a killed grid left behind."""
    for job in jobs:
        for part in headless.unfinished(job.executed(outputs)):
            part.unlink(missing_ok=True)


def _time(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds:.0f} s"


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the grid that the command line names; 1 if a cell failed or nothing could be run, 130 when interrupted."""
    args = _parser().parse_args(None if arguments is None else list(arguments))
    outputs = args.out.resolve()
    try:
        found = jobs_of(args.grid, dict(args.parameter))
        # A grid that was killed may have left a notebook unfinished whose results are there: that takes seconds.
        todo = [cell for cell in found if not cell.done(outputs) or headless.unfinished(cell.executed(outputs))]
        with machines(args.jobs, args.dask) as where:
            at_once = where.at_once
            print(f"{len(found)} cells, {len(found) - len(todo)} done already, {len(todo)} to do, {at_once} at once")
            expected = _expected(todo, outputs, where, args.dry_run)
            if args.dry_run or not todo:
                return 0
            clean(found, outputs)
            failed = run(todo, outputs, where, expected)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: run the same command again to continue", file=sys.stderr)
        return 130
    for ran in failed:
        see = f"; see {ran.notebook}" if ran.kept else ""
        print(f"FAILED {ran.notebook.stem}: {ran.error.splitlines()[0]}{see}", file=sys.stderr)
    return 1 if failed else 0


def _expected(todo: list[Job], outputs: Path, where: Machines, dry_run: bool) -> dict[str, float]:
    """Seconds for each cell by its name, printed too; all alike where cells differ only in their seed, unless asked.

    Raises ValueError or OSError in a dry run where the steps cannot be timed.
    """
    alike = {cell.name: 1.0 for cell in todo}
    if len({json.dumps(cell.parameters | {"seed": None}, sort_keys=True) for cell in todo}) < 2 and not dry_run:
        return alike
    work = [(cell.dataset, cell.runs) for cell in todo]
    try:
        took = estimate.seconds(work, outputs, where.threads)
    except (ValueError, OSError) as error:
        if dry_run:
            raise
        print(f"no estimate of the time: {error}", file=sys.stderr)
        return alike
    at_once = _time(sum(took) / max(1, min(where.at_once, len(todo))))
    print(f"about {at_once}, by steps timed on this machine; {_time(sum(took))} of computing", flush=True)
    return dict(zip(alike, took, strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dckit grid", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("grid", type=Path, help="a grid's .toml file, such as notebooks/grids/table_1.toml")
    parser.add_argument("--out", type=Path, default=Path("outputs"), help="folder for all results (default: outputs)")
    parser.add_argument(
        *("-p", "--parameter"), nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="set a parameter, in place of what the file says",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, help="cells at once (default: one per GPU, or without GPUs one per core)")
    parser.add_argument(
        "--dask", metavar="ADDRESS",
        help="run on the Dask cluster of this scheduler, one cell per thread of its workers, which must see this "
        "folder, the datasets and the folder of results under the same paths",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print what there is to do and how long it will take")
    return parser
