"""Time an iteration of each method on CIFAR10's shape, with its memory, and write both into docs/methods.md.

python -m benchmarks.family     some five minutes on two idle cores
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks import timing
from benchmarks.cases import noise
from benchmarks.page import HERE, fill
from dckit import Recipe, condensing
from dckit.engine import versions, write_json
from dckit.show import Table

RESULTS = HERE / "results" / "family" / "seconds.json"
PAGE = HERE.parent / "docs" / "methods.md"
# Method and images per class → iterations that are timed.
ITERATIONS = {
    **{("dc", 1): 2, ("dsa", 1): 2, ("dm", 1): 4, ("dd", 1): 3},
    **{("dc", 10): 1, ("dsa", 10): 1, ("dm", 10): 4, ("dd", 10): 1},
    ("dm", 50): 4,
}


def timed(method: str, ipc: int, iterations: int) -> dict[str, float]:
    """Seconds of an iteration at the published amounts, and the peak of this process's memory."""
    torch.manual_seed(0)
    real = noise("CIFAR10", 10, 300)
    states = condensing(real, Recipe.published(ipc, method=method).but(iterations=iterations))
    started = time.monotonic()
    for _ in states:
        pass
    seconds = (time.monotonic() - started) / iterations
    return {"seconds": seconds, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}


def main() -> None:
    """Time each method in a process of its own, since a process's peak of memory never falls."""
    if len(sys.argv) > 1:
        print(json.dumps(timed(sys.argv[1], *map(int, sys.argv[2:]))))
        return
    rows = []
    for (method, ipc), iterations in ITERATIONS.items():
        command = [sys.executable, "-m", "benchmarks.family", method, str(ipc), str(iterations)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        rows.append({"method": method, "ipc": ipc, "iterations": iterations} | found)
        print(rows[-1], flush=True)
    write_json(RESULTS, {"machine": timing.machine("cpu"), "versions": versions(), "rows": rows})
    write_page()


def write_page(page: Path = PAGE) -> None:
    """Write the costs as a table: a row per method, two columns per number of images."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    of = {(row["method"], row["ipc"]): row for row in found["rows"]}
    sizes = sorted({ipc for _, ipc in of})
    rows = []
    for method in dict.fromkeys(method for method, _ in of):
        its = [of.get((method, ipc)) for ipc in sizes]
        rows.append((method.upper(), *(f"{r['seconds']:.1f} s, {r['megabytes']:.0f} MB" if r else "–" for r in its)))
    header = ("method", *(f"{ipc} image{'s' * (ipc > 1)} per class" for ipc in sizes))
    note = f"{found['machine']['device']}, {found['machine']['threads']} threads, torch {found['versions']['torch']}."
    fill(page, "family", Table(header, tuple(rows), note).markdown)


if __name__ == "__main__":
    main()
