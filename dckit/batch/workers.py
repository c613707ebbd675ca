"""Where a grid's notebooks run: on this machine, where a thread waits for each, or on the workers of a Dask cluster."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import torch

from . import headless
from .grid_cells import Job


@dataclass(frozen=True)
class Machines:
    """Where jobs run, how many at once, and how many threads each may use; None: as its machine says."""

    executor: Executor
    at_once: int
    threads: int | None


@contextmanager
def machines(jobs: int | None, address: str | None) -> Iterator[Machines]:
    """This machine, ``jobs`` at once (None: one per GPU or core), or the Dask cluster of the scheduler ``address``.

    Raises ValueError where there is none.
    """
    if address is not None:
        with _cluster(address) as client:
            yield Machines(client.get_executor(), sum(client.ncores().values()), None)
        return
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs {jobs}: expected 1 or more")
    at_once = jobs or torch.cuda.device_count() or joblib.cpu_count()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            yield Machines(pool, at_once, max(1, joblib.cpu_count() // at_once))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            headless.stop_all()
            raise


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--dask needs the package distributed: pip install 'dask[distributed]'") from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError):
        raise ValueError(f"no Dask scheduler answers at {address!r}: expected one, as in tcp://host:8786") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=30)
        except TimeoutError:
            raise ValueError(f"no Dask workers at {address}: start some, `dask worker {address}`") from None
        yield client


def executions(
    chains: Sequence[Sequence[Job]], outputs: Path, where: Machines
) -> Iterator[tuple[Job, headless.Execution]]:
    """Run jobs, those of one chain one after another, and give each when it has ended."""

    def submit(job: Job) -> Any:
        parameters = job.parameters | {"outputs": str(outputs)}
        how: dict[str, Any] = {"html": False, "folder": Path.cwd(), "threads": where.threads}
        return where.executor.submit(headless.execute, job.lesson, job.executed(outputs), parameters, **how)

    waiting = {submit(first): (first, rest) for first, *rest in chains}
    while waiting:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            job, rest = waiting.pop(future)
            if rest:
                waiting[submit(rest[0])] = (rest[0], rest[1:])
            if error := future.exception():  # Dask's, when a job's workers have died again and again
                yield job, headless.Execution(job.executed(outputs), 0.0, 0.0, f"{type(error).__name__}: {error}")
            else:
                yield job, future.result()
