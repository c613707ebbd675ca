"""Work that runs at the same time: on a CPU's threads, a piece of it each, or on a GPU's streams.

One thread does each piece of arithmetic, and what pieces give is put together in their order. So results are the same
on any number of threads, and small tensors never leave threads waiting for one another.
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
STREAMS = 4  # of a GPU, for items that run at once


class _Crew:
    """A thread at work and its helpers: together as many as torch had threads."""

    def __init__(self, threads: int) -> None:
        self.owner, self.threads, self.ended = threading.get_ident(), threads, False
        self.pool, self.idle = _helpers(threads)


@cache
def _helpers(threads: int) -> tuple[ThreadPoolExecutor, threading.Semaphore]:
    # Kept: a new thread takes oneDNN some ms to get used to. One of them stands in for a thread that waits for others.
    pool = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))
    return pool, threading.Semaphore(threads - 1)


os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not survive a fork

_here = threading.local()  # .crew: that of this thread, inside `steady`


@contextmanager
def steady() -> Iterator[None]:
    """Inside, torch computes as if nobody had set anything, and on one thread; `side_by_side` shares out to the others.

    Afterwards all is as it was: number of threads, default type and device, gradients on or off, autocast.
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
    """The iterator, with each of its steps inside `steady`: whoever takes them keeps their own settings in between."""
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
    """How many threads share the work: inside `steady` as many as torch had outside."""
    crew = getattr(_here, "crew", None)
    return crew.threads if crew else torch.get_num_threads()


def side_by_side(function: Callable[..., Out], items: Iterable[tuple[Any, ...]], device: torch.device) -> Iterable[Out]:
    """``function(*item)`` for each item, in their order; idle threads help, on a GPU items are dealt out to streams.

    ``function`` may share out work itself: it meets the helpers that are idle then. One that draws random numbers
    brings a generator with each item.
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
        return starmap(function, items)  # one by one as they are asked for, so that few are in memory
    try:
        work()
    except BaseException:  # an interrupt above all: helpers stop where they next share out work
        crew.ended |= crew.owner == threading.get_ident()
        raise
    finally:
        crew.idle.release()  # while this thread waits, another one may help in its place
        wait(helpers)
        crew.idle.acquire()
    for helper in helpers:
        helper.result()
    return [found[number] for number in range(len(items))]


def exhausted(runs: Sequence[Iterator[Out]], device: torch.device) -> list[Out]:
    """The last values of iterators, all taken to their ends: side by side, or on a GPU a step of each in turn."""
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
    """Streams of a GPU, which wait for what came before and are waited for at the end; elsewhere there are none.

    So they may use the tensors of what is around them, as long as these live until the end.
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
    # Kept: steps are recorded for every stream that they meet.
    return [torch.cuda.Stream(device) for _ in range(count)]
