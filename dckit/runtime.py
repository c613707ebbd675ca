"""Where a run happens and which random numbers it meets: device, seeds, versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any, TypeVar

import numpy as np
import torch

Out = TypeVar("Out")


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
