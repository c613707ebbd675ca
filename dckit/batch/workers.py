"""Where a grid's cells run: joblib's processes on this machine, or the workers of a Dask cluster."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import torch

from . import headless
from .grid_cells import Cell

DEATHS = 3  # times that a cell may be under way when a worker process dies


@dataclass(frozen=True)
class Machines:
    """Where cells run: how many at once, joblib's settings for that, and what is raised when a process dies of it."""

    at_once: int
    config: dict[str, Any]
    death: type[Exception]

    @property
    def threads(self) -> int:
        """Threads of a cell. joblib sets as many by itself, and kernels inherit its environment."""
        return max(1, joblib.cpu_count() // self.at_once)


@contextmanager
def machines(jobs: int | None, address: str | None) -> Iterator[Machines]:
    """This machine's GPUs or cores, or ``jobs`` of them; or the Dask cluster whose scheduler is at ``address``.

    Raises ValueError where there is none.
    """
    if address is None:
        if jobs is not None and jobs < 1:
            raise ValueError(f"--jobs {jobs}: expected 1 or more cells at once")
        jobs = jobs or torch.cuda.device_count() or joblib.cpu_count()
        yield Machines(jobs, {"backend": "loky", "n_jobs": jobs}, BrokenProcessPool)
        return
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ValueError("--dask needs the package distributed: pip install 'dask[distributed]'") from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError):
        raise ValueError(f"no Dask scheduler answers at {address!r}: expected one, as in tcp://host:8786") from None
    with client:
        until = time.monotonic() + 30  # for workers that are about to join
        while (threads := sum(client.ncores().values())) < 2 and time.monotonic() < until:
            time.sleep(0.2)
        if threads < 2:  # joblib would run the cells here
            raise ValueError(f"{threads} Dask workers at {address}: expected 2; start more, `dask worker {address}`")
        yield Machines(threads, {"backend": "dask", "n_jobs": -1, "client": client}, KilledWorker)


def ended(wave: Iterable[Cell], outputs: Path, where: Machines) -> Iterator[tuple[Cell, headless.Run]]:
    """Run cells at once, and give each when it has ended.

    joblib gives up all cells when one worker process dies. They are begun again, but for those that had ended; and one
    that was under way at two such deaths runs alone, so that it cannot take others with it at the third.
    """
    left, deaths = {cell.executed(outputs): cell for cell in wave}, Counter[Path]()
    while left:
        now = [path for path in left if deaths[path] < DEATHS - 1] or list(left)[:1]
        work = (joblib.delayed(_work)(os.getpid(), left[path], outputs, Path.cwd()) for path in now)
        try:
            with joblib.parallel_config(**where.config):
                for run in joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")(work):
                    yield left.pop(run.notebook), run
        except where.death:
            under_way = [path for path in left if path in now and headless.unfinished(path)] or [*left.keys() & now]
            clean(left.values(), outputs)
            deaths.update(under_way)
            for path in under_way:
                if deaths[path] == DEATHS:
                    error = f"a worker process died {DEATHS} times while it ran: killed, or out of memory?"
                    yield left.pop(path), headless.Run(path, 0.0, 0.0, error)


def _work(main: int, cell: Cell, outputs: Path, folder: Path) -> headless.Run:
    """What a worker process does for a cell."""
    if os.getppid() == main:  # a process of joblib's, which would go on without the grid; Dask looks after its own
        headless.end_with(main)
    parameters = cell.parameters | {"outputs": str(outputs)}
    return headless.run(cell.lesson, cell.executed(outputs), parameters, html=False, folder=folder)


def clean(cells: Iterable[Cell], outputs: Path) -> None:
    """Remove unfinished notebooks that a killed grid left behind."""
    for cell in cells:
        for part in headless.unfinished(cell.executed(outputs)):
            part.unlink(missing_ok=True)
