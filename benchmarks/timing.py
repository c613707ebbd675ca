"""Seconds, memory and arithmetic of a `Case`: several ways to do it side by side, since machines are noisy."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cases import Case
from dckit.engine import tf32

SIDE = 2048  # of the matrices that show what a machine can reach


def measure(case: Case, hows: Sequence[str], device: str, rounds: int) -> dict[str, dict[str, float]]:
    """For each way its median seconds, the median of its ratio to the first way, its memory and its arithmetic.

    Every round does each way once. seconds and gflop are for one unit of the case; megabytes: the peak of a call above
    what the process, or the GPU, held before.
    """
    taken = seconds(case, hows, device, rounds)
    work = _gflop(case.ready(hows[0], device)) / case.units
    found = {}
    for how, times in taken.items():
        ratios = [a / b for a, b in zip(taken[hows[0]], times, strict=True)]
        found[how] = {
            "seconds": median(times) / case.units,
            "times_faster": median(ratios),
            "megabytes": megabytes(case, how, device),
            "gflop": work,
        }
    return found


def seconds(case: Case, hows: Sequence[str], device: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of every call; a round does each way once, and one round before warms up."""
    calls = {how: case.ready(how, device) for how in hows}
    rows = [[_seconds(call, how, device) for how, call in calls.items()] for _ in range(rounds + 1)]
    return dict(zip(hows, map(list, zip(*rows[1:], strict=True)), strict=True))


def _seconds(call: Any, how: str, device: str) -> float:
    with tf32(how == "tf32"):
        started = time.perf_counter()
        call()
        synchronised(device)
        return time.perf_counter() - started


def synchronised(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def _gflop(call: Any) -> float:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e9


def megabytes(case: Case, how: str, device: str) -> float:
    """Peak of one call in a process of its own; NaN on a CPU whose system does not tell (it is asked as Linux is)."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_peak, case, how, device, torch.get_num_threads()).result()


def _peak(case: Case, how: str, device: str, threads: int) -> float:
    torch.set_num_threads(threads)
    call = case.ready(how, device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()  # a recorded step keeps its memory from its first call on
        call()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    before = _kilobytes(status, "VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts over
    call()
    return (_kilobytes(status, "VmHWM") - before) / 2**10


def _kilobytes(status: Path, name: str) -> int:
    (line,) = [line for line in status.read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1])


def machine(device: str) -> dict[str, Any]:
    """What it ran on, and the best that a matrix product reaches there, in Gflop/s."""
    reached = {how: _product(how, device) for how in ("float32", "bfloat16")}
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    return {"device": name, "threads": torch.get_num_threads(), "cores": os.cpu_count(), "gflops": reached}


def _product(how: str, device: str) -> float:
    a, b = (torch.randn(SIDE, SIDE, device=device, dtype=getattr(torch, how)) for _ in range(2))
    return 2 * SIDE**3 / min(_seconds(lambda: a @ b, how, device) for _ in range(12)) / 1e9


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = [flag for line in lines if line.startswith("flags") for flag in line.split()]
    units = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return ", ".join([*names[:1], *units]) or "unknown processor"
