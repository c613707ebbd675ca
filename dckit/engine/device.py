"""The device of a run, its name, and the versions of the software."""

import platform
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from .threads import at_once


def pick_device(name: str = "auto", precision: str = "float32") -> torch.device:
    """The device to compute on: ``"auto"`` (CUDA if there is one, else the CPU), "cpu", "cuda", "cuda:1" or "mps".

    Apple's "mps" is used only if named, because its second derivatives have been tested least. precision: of the
    products; a warning says where bfloat16 takes many times as long as float32. Raises ValueError for an unknown name
    or a device that this machine lacks.
    """
    device = _named(name)
    if precision == "bfloat16" and device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2":
        message = "bfloat16 is much slower than float32 on this processor, which lacks AVX-512: use float32 here"
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    return device


def _named(name: str) -> torch.device:
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if here["cuda"] else "cpu")
    kind, colon, number = (name := str(name)).partition(":")
    if kind == "cuda" and colon and number.isdecimal():
        count = torch.cuda.device_count()
        if int(number) >= count:
            raise ValueError(f"device {name!r} was asked for, but torch sees {count} GPUs on this machine")
        return torch.device(name)
    if name not in here:
        raise ValueError(f"unknown device {name!r}: expected 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'")
    if not here[name]:
        raise ValueError(f"device {name!r} was asked for, but torch sees none on this machine: use 'auto' or 'cpu'")
    return torch.device(name)


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on ``device``. A copy from the CPU to a GPU does not wait for the GPU's earlier work."""
    from_cpu = device.type == "cuda" and not tensor.is_cuda
    return tensor.pin_memory().to(device, non_blocking=True) if from_cpu else tensor.to(device)


@contextmanager
def tf32(on: bool) -> Iterator[None]:
    """Inside, set whether a GPU may round the factors of products to TF32 (10 of 23 mantissa bits).

    By default torch rounds them in convolutions.
    """
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
    """The versions of the kit, torch and Python."""
    try:
        own = version("dckit")
    except PackageNotFoundError:  # imported from a folder that was never installed
        own = "unknown"
    return {"dckit": own, "torch": torch.__version__, "python": platform.python_version()}


def device_name(device: torch.device) -> str:
    """The name of a device in results, such as ``"AMD EPYC 9B14, AVX512, 2 threads"`` or ``"NVIDIA T4"``.

    The last digits of a result depend on the processor and its instruction set; the number of threads affects only the
    time.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    return f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}, {at_once()} threads"


@cache
def _processor() -> str:
    info = Path("/proc/cpuinfo")  # on Linux, where `platform` knows only "x86_64" or nothing
    names = re.findall(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return (names[0] if names else platform.processor() or platform.machine() or "cpu").strip()
