"""Work that runs at the same time: on a CPU's threads, or on a GPU's streams."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from itertools import cycle, starmap
from typing import Any, TypeVar

import torch

Out = TypeVar("Out")
STREAMS = 4  # of a GPU, for items that run at once


def side_by_side(
    function: Callable[..., Out], items: Iterable[tuple[Any, ...]], device: torch.device, ordered: bool = False
) -> Iterator[Out]:
    """``function(*item)`` for each item, in their order; on a CPU as many at a time as torch has threads.

    One thread an item beats all threads in each: small tensors leave threads waiting for one another. On a GPU they
    are dealt out to streams. ordered: one after another, for functions that draw random numbers or have next to
    nothing to do.
    """
    threads, items = torch.get_num_threads(), list(items)
    if len(items) == 1 or (device.type == "cpu" and (ordered or threads == 1)):
        yield from starmap(function, items)
        return
    if device.type != "cpu":
        with _joined(device, STREAMS) as streams:
            found = [_inside(stream, function, *item) for stream, item in zip(cycle(streams), items)]
        yield from found
        return
    torch.set_num_threads(1)
    try:
        yield from _pool(threads).map(function, *zip(*items, strict=True))
    finally:
        torch.set_num_threads(threads)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    # Kept: a new thread takes oneDNN some ms to get used to.
    return ThreadPoolExecutor(threads)


def in_turns(runs: Sequence[Iterator[Out]], device: torch.device) -> list[Out]:
    """Exhaust iterators, a step of each in turn, and return their last values; on a GPU each has its own stream."""
    last, left = dict[int, Out](), list(range(len(runs)))
    with _joined(device, len(runs)) as streams:
        while left:
            values = {i: _inside(streams[i], next, runs[i], None) for i in left}
            last |= {i: value for i, value in values.items() if value is not None}
            left = [i for i in left if values[i] is not None]
    return [last[i] for i in range(len(runs))]


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


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
