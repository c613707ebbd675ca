"""Time both stages on an idle machine and beside processes that keep a core busy, before a change and after it.

python -m benchmarks.steady ../before     the other checkout, at an earlier commit (`git worktree add ../before HEAD~1`)
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import timing
from benchmarks.page import HERE, PAGE, fill
from dckit.engine import versions, write_json
from dckit.show import Table

WORK = Path(__file__).with_name("steady_work.py")  # what is timed, with whichever checkout it is given
RESULTS = HERE / "results" / "steady" / "seconds.json"
LOADS = (0, 1, 2)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes beside this one that never rest."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(0.2 * count)
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def timed(checkout: Path) -> dict[str, float]:
    """Seconds of each piece of work, in a process of its own that imports the kit from ``checkout``."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    ran = subprocess.run([sys.executable, WORK], env=environment, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def main() -> None:
    """Time both checkouts in turn, and write every time and the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steady", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path, help="folder of another checkout")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed, in turn (default: 5)")
    args = parser.parse_args()
    checkouts = {"before": args.before.resolve(), "after": HERE.parent}
    rows: dict[tuple[str, int, str], list[float]] = {}
    for load in LOADS:
        for _ in range(args.rounds):
            for name, checkout in checkouts.items():
                with busy(load):
                    for work, took in timed(checkout).items():
                        rows.setdefault((work, load, name), []).append(took)
    found = [
        {"work": work, "busy processes": load, "kit": name, "median": median(seconds), "seconds": seconds}
        for (work, load, name), seconds in sorted(rows.items())
    ]
    found_on = {"machine": timing.machine("cpu"), "versions": versions(), "rounds": args.rounds}
    write_json(RESULTS, found_on | {"rows": found})
    write_page()


def write_page(page: Path = PAGE) -> None:
    """Write the medians as a table: a row per work and load, before and after."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    of = {(row["work"], row["busy processes"], row["kit"]): row["median"] for row in found["rows"]}
    rows = []
    for work in dict.fromkeys(work for work, _, _ in of):
        for load in LOADS:
            before, after = of[work, load, "before"], of[work, load, "after"]
            idle = of[work, 0, "after"]
            rows.append(
                (work, str(load), f"{before:.1f}", f"{after:.1f}", f"{after / before:.2f}", f"{after / idle:.2f}")
            )
    header = ("work", "busy processes", "before, s", "now, s", "now / before", "now / idle")
    note = f"{found['machine']['device']}, {found['machine']['threads']} threads, torch {found['versions']['torch']}."
    fill(page, "steady", Table(header, tuple(rows), note).markdown)


if __name__ == "__main__":
    main()
