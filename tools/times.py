"""Keep how long each lesson takes, and write it into the README, the lessons and the page for instructors.

python tools/times.py                        # after `make run`: takes outputs/times.json
python tools/times.py elsewhere/times.json
"""

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dckit.engine import write_json

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tools" / "times.json"
# The tables of times: each page, and how the heading of its column of times begins
TABLES = {"README.md": "digits, `smoke`", "docs/instructors.md": "run"}
AS_WRITTEN = {"cores": 2, "dataset": "digits", "budget": "smoke"}  # what the texts say beside the times
BULLET = re.compile(r"(\* \*\*Time:\*\* about )[^\"\n]+?( on two CPU cores)")


def in_words(seconds: float) -> str:
    """A time for a text, rounded up: to 5 seconds, or from 90 seconds on to half a minute."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds / 5)) * 5} seconds"
    return f"{math.ceil(seconds / 30) / 2:g} minutes"


def in_a_table(seconds: float) -> str:
    """The same for a table."""
    return in_words(seconds).replace("seconds", "s").replace("minutes", "min")


def in_a_lesson(text: str, seconds: float) -> str:
    """A lesson's file with its time. Raises ValueError if it has no place for one."""
    if not BULLET.search(text):
        raise ValueError("no bullet “* **Time:** about … on two CPU cores”")
    return BULLET.sub(rf"\g<1>{in_words(seconds)}\2", text)


def in_a_page(text: str, heading: str, seconds: Mapping[str, float]) -> str:
    """A page with the times of lessons in the table that has this heading; lessons without a time keep what they have.

    Raises ValueError if no table has the heading, or the table lacks a lesson that has a time.
    """
    lines, column, seen = text.splitlines(keepends=True), 0, set[str]()
    times = {int(stem[:2]): (stem, in_a_table(value)) for stem, value in seconds.items()}
    for n, line in enumerate(lines):
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) < 3:
            column = 0  # the table is over
        elif not column:
            column = next((c for c, cell in enumerate(cells) if cell.strip().startswith(heading)), 0)
        elif (number := re.match(r"\W*(\d+)", cells[1])) and int(number[1]) in times:
            stem, time = times[int(number[1])]
            cells[column] = f" {time} "
            lines[n] = "|".join(cells)
            seen.add(stem)
    if missing := sorted(seconds.keys() - seen):
        raise ValueError(f"no row with a column {heading!r} for {', '.join(missing)}")
    return "".join(lines)


def places(times: Mapping[str, float]) -> list[Path]:
    """Every file that says how long these lessons take."""
    return [*(ROOT / name for name in TABLES), *(ROOT / "notebooks" / f"{stem}.ipynb" for stem in times)]


def with_times(path: Path, times: Mapping[str, float]) -> str:
    """One of these files as it should be. Raises ValueError if it has no place for a time, OSError if it is missing."""
    text, table = path.read_text(encoding="utf-8"), TABLES.get(path.relative_to(ROOT).as_posix())
    try:
        return in_a_page(text, table, times) if table else in_a_lesson(text, times[path.stem])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def merged(kept: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """New times in place of those kept; lessons that were not run keep theirs.

    Raises ValueError where the new ones are of another dataset, budget or number of cores than the texts say.
    """
    found = {"cores": new["machine"]["cores"], "dataset": new["dataset"], "budget": new["budget"]}
    if found != AS_WRITTEN:
        raise ValueError(f"these times are of {found}, and the texts speak of {AS_WRITTEN}")
    return {**new, "seconds": dict(sorted({**kept["seconds"], **new["seconds"]}.items()))}


def main(arguments: Sequence[str]) -> int:
    """Take the times of a file, and write them wherever they are told; 1 if that cannot be done."""
    try:
        new = json.loads(Path(*arguments or ["outputs/times.json"]).read_text(encoding="utf-8"))
        times = merged(json.loads(KEPT.read_text(encoding="utf-8")), new)
        wanted = {path: with_times(path, times["seconds"]) for path in places(times["seconds"])}
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if others := sorted(times["seconds"].keys() - new["seconds"].keys()):
        print(f"not in this file, left as they are: {', '.join(others)}")
    write_json(KEPT, times)
    for path, text in wanted.items():
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
