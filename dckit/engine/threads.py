"""Parallel work: pieces of it on the threads of a CPU, or on the streams of a GPU.

Each piece is computed by a single thread, and the results of the pieces are combined in a fixed order. So results are
the same on any number of threads, and threads do not wait for each other during work on small tensors.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from itertools import cycle, starmap
from typing import Any, TypeVar

import torch

Out = TypeVar("Out")
STREAMS = 4  # of a GPU, for parallel items


class _Crew:
    """A working thread and its helper threads, together as many as the threads that torch had."""

    def __init__(self, threads: int) -> None:
        self.owner, self.threads, self.ended = threading.get_ident(), threads, False
        self.pool, self.idle = _helpers(threads)


@cache
def _helpers(threads: int) -> tuple[ThreadPoolExecutor, threading.Semaphore]:
    # Cached, since oneDNN is slow for some ms in a new thread. One helper replaces a thread that waits for the others.
    pool = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))
    return pool, threading.Semaphore(threads - 1)


os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not survive a fork

_here = threading.local()  # .crew: the crew of this thread, inside `steady`


@contextmanager
def steady() -> Iterator[None]:
    """Inside, torch computes with its default settings and on one thread; `side_by_side` uses the other threads.

    On exit all settings are restored: number of threads, default type and device, gradient mode, autocast.
    """
    if getattr(_here, "crew", None):
        yield
        return
    before = torch.get_num_threads(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        try:
            torch.set_num_threads(1)
            torch.set_default_dtype(torch.float32)
            torch.use_deterministic_algorithms(False)
            _here.crew = _Crew(before[0])
            yield
        finally:
            _here.crew = None
            torch.set_num_threads(before[0])
            torch.set_default_dtype(before[1])
            torch.use_deterministic_algorithms(before[2], warn_only=only_warns)


def stepwise(steps: Iterator[Out]) -> Iterator[Out]:
    """The same iterator, with each step inside `steady`. Between steps the caller's settings are in force."""
    try:
        while True:
            with steady():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
    finally:
        close = getattr(steps, "close", None)
        if close:
            with steady():
                close()


def at_once() -> int:
    """The number of threads that share the work: inside `steady`, as many as torch had outside."""
    crew = getattr(_here, "crew", None)
    return crew.threads if crew else torch.get_num_threads()


def side_by_side(function: Callable[..., Out], items: Iterable[tuple[Any, ...]], device: torch.device) -> Iterable[Out]:
    """``function(*item)`` for each item, in their order, computed in parallel by idle threads or GPU streams.

    ``function`` may call `side_by_side` itself; then the threads idle at that time help. If it draws random numbers,
    each item must contain a generator.
    """
    items = list(items)
    if device.type != "cpu":
        return _on_streams(function, items, device) if len(items) > 1 else list(starmap(function, items))
    crew = getattr(_here, "crew", None)
    if crew is None:
        with steady():
            return list(side_by_side(function, items, device))
    if crew.ended:
        raise RuntimeError("the run that this was part of has ended")
    return _shared_out(crew, function, items)


def _shared_out(crew: _Crew, function: Callable[..., Out], items: Sequence[tuple[Any, ...]]) -> Iterable[Out]:
    todo, found, failed = iter(enumerate(items)), dict[int, Out](), threading.Event()

    def work() -> None:
        try:
            while not failed.is_set() and (mine := next(todo, None)):
                found[mine[0]] = function(*mine[1])
        except BaseException:
            failed.set()
            raise

    def help_out() -> None:
        _here.crew = crew
        try:
            work()
        finally:
            crew.idle.release()

    helpers: list[Future[None]] = []
    while len(helpers) < len(items) - 1 and crew.idle.acquire(blocking=False):
        helpers.append(crew.pool.submit(help_out))
    if not helpers:
        return starmap(function, items)  # computed only when needed, to save memory
    try:
        work()
    except BaseException:  # such as an interrupt: helpers stop at their next call of `side_by_side`
        crew.ended |= crew.owner == threading.get_ident()
        raise
    finally:
        crew.idle.release()  # while this thread waits, another one may work
        wait(helpers)
        crew.idle.acquire()
    for helper in helpers:
        helper.result()
    return [found[number] for number in range(len(items))]


def exhausted(runs: Sequence[Iterator[Out]], device: torch.device) -> list[Out]:
    """The last value of each iterator. They run in parallel; on a GPU each does one step in turn, on its own stream."""
    if device.type == "cpu":
        return list(side_by_side(lambda run: deque(run, maxlen=1).pop(), [(run,) for run in runs], device))
    last, left = dict[int, Out](), list(range(len(runs)))
    with _joined(device, len(runs)) as streams:
        while left:
            values = {i: _inside(streams[i], next, runs[i], None) for i in left}
            last |= {i: value for i, value in values.items() if value is not None}
            left = [i for i in left if values[i] is not None]
    return [last[i] for i in range(len(runs))]


def _on_streams(function: Callable[..., Out], items: Sequence[tuple[Any, ...]], device: torch.device) -> list[Out]:
    with _joined(device, STREAMS) as streams:
        return [_inside(stream, function, *item) for stream, item in zip(cycle(streams), items)]


def _inside(stream: torch.cuda.Stream | None, function: Callable[..., Out], *arguments: Any) -> Out:
    with torch.cuda.stream(stream) if stream else nullcontext():
        return function(*arguments)


@contextmanager
def _joined(device: torch.device, count: int) -> Iterator[Sequence[torch.cuda.Stream | None]]:
    """``count`` streams of a GPU, which start after earlier work and end before later work; None on other devices.

    So they may use tensors made outside, as long as these exist until the end.
    """
    if device.type != "cuda":
        yield [None] * count
        return
    here, streams = torch.cuda.current_stream(device), _streams(device, count)
    for stream in streams:
        stream.wait_stream(here)
    try:
        yield streams
    finally:
        for stream in streams:
            here.wait_stream(stream)


@cache
def _streams(device: torch.device, count: int) -> list[torch.cuda.Stream]:
    # Cached, since steps are recorded for each stream separately.
    return [torch.cuda.Stream(device) for _ in range(count)]
