"""Where a run happens and which random numbers it meets: device, threads, seeds, versions."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import cycle, starmap
from platform import python_version
from typing import Any, TypeVar

import numpy as np
import torch

Out = TypeVar("Out")
STREAMS = 4  # of a GPU, for items that run at once


def pick_device(name: str = "auto") -> torch.device:
    """The device to compute on: ``"auto"`` (CUDA if there is one, else the CPU), ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Apple's ``mps`` is used only when named, since its double backward is the least tried.
    Raises ValueError for an unknown name or a device that this machine lacks.
    """
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if here["cuda"] else "cpu")
    if name not in here:
        raise ValueError(f"unknown device {name!r}: expected 'auto', 'cpu', 'cuda' or 'mps'")
    if not here[name]:
        raise ValueError(f"device {name!r} was asked for, but torch sees none on this machine: use 'auto' or 'cpu'")
    return torch.device(name)


@contextmanager
def seeded(*entropy: int, device: torch.device | None = None) -> Iterator[None]:
    """Random numbers inside depend on ``entropy`` alone; those outside are left as they were.

    Each iteration of stage C and each network of stage T has a seed of its own, ``(seed, stage, index)``. So a run
    resumed at iteration k meets the same numbers as one that was never stopped, and two recipes with one seed meet
    the same networks. Raises ValueError for a negative seed.
    """
    if min(entropy) < 0:
        raise ValueError(f"seed {min(entropy)} is negative: expected 0 or more")
    kind = "cpu" if device is None else device.type
    seed_it = torch.default_generator.manual_seed if kind == "cpu" else torch.manual_seed  # the latter seeds GPUs too
    with torch.random.fork_rng(devices=[device] if kind == "cuda" else []):
        seed_it(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        yield


def numbered(run: Iterator[Out], *entropy: int, device: torch.device) -> Iterator[Out]:
    """The iterator with random numbers of its own, as `seeded`: each step goes on where the last one stopped."""
    state: tuple[torch.Tensor, ...] = ()
    while True:
        with seeded(*entropy, device=device):
            if state:
                torch.set_rng_state(state[0])
            if state and device.type == "cuda":
                torch.cuda.set_rng_state(state[1], device)
            try:
                value = next(run)
            except StopIteration:
                return
            state = (torch.get_rng_state(),)
            if device.type == "cuda":
                state += (torch.cuda.get_rng_state(device),)
        yield value


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on ``device``, without waiting until a GPU has done what it was given before."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


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
        with _branches(device, STREAMS) as branches:
            found = [_inside(branch, function, *item) for branch, item in zip(cycle(branches), items)]
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
    with _branches(device, len(runs)) as branches:
        while left:
            values = {i: _inside(branches[i], next, runs[i], None) for i in left}
            last |= {i: value for i, value in values.items() if value is not None}
            left = [i for i in left if values[i] is not None]
    return [last[i] for i in range(len(runs))]


def _inside(branch: AbstractContextManager[Any], function: Callable[..., Out], *arguments: Any) -> Out:
    with branch:
        return function(*arguments)


@contextmanager
def _branches(device: torch.device, count: int) -> Iterator[list[AbstractContextManager[Any]]]:
    """Contexts to work in: on a GPU streams, which wait for what came before and are waited for at the end.

    So they may use one another's tensors, as long as these live until then. Elsewhere nothing changes inside.
    """
    if device.type != "cuda":
        yield [nullcontext()] * count
        return
    here, streams = torch.cuda.current_stream(device), _streams(device, count)
    for stream in streams:
        stream.wait_stream(here)
    try:
        yield [torch.cuda.stream(stream) for stream in streams]
    finally:
        for stream in streams:
            here.wait_stream(stream)


@cache
def _streams(device: torch.device, count: int) -> list[torch.cuda.Stream]:
    # Kept: steps are recorded for every stream that they meet.
    return [torch.cuda.Stream(device) for _ in range(count)]


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


@contextmanager
def tf32(on: bool) -> Iterator[None]:
    """Whether a GPU may round what it multiplies to TF32, ten bits of 23. Left alone torch does so in convolutions."""
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = on
        yield
    finally:
        for backend, was in zip(backends, before, strict=True):
            backend.allow_tf32 = was


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    try:
        own = version("dckit")
    except PackageNotFoundError:  # imported from a folder that was never installed
        own = "unknown"
    return {"dckit": own, "torch": torch.__version__, "python": python_version()}


def device_name(device: torch.device) -> str:
    """A device as a result names it, such as ``"cpu, 2 threads"`` or ``"NVIDIA T4"``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type
