"""The file that keeps a learner's predictions and solved exercises when the kernel ends; one file for all lessons.

`guess_file` says what is in it.
"""

import copy
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..engine import expanded, write_json
from .guess_file import Contents, Record, moment, nothing, now, read

FILE = "guesses.json"
HEADLESS = "DCKIT_HEADLESS"  # the environment variable that batch/notebook_script.py sets for its kernels

# Lessons call `check.pixels(my_pixels)`: a learner should not have to name a folder with every answer. So the lesson's
# `Guesses` says here once in which folder solved exercises are kept. None, as in a script or a test: they are not kept.
_folder: Path | None = None


def keep_solved_in(outputs: str | Path | None) -> None:
    """From now on, keep solved exercises in this folder; None: do not keep them."""
    global _folder
    _folder = None if outputs is None else expanded(outputs)


def headless() -> bool:
    """Whether this notebook is executed by ``dckit lessons`` or a grid: nobody sees what it shows."""
    return bool(os.environ.get(HEADLESS))


def solved(exercise: str) -> None:
    """Keep the day on which this exercise was solved for the first time."""
    if _folder is None or headless():
        return
    try:
        with opened(_folder) as contents:
            if all(record["exercise"] != exercise for record in contents["solved"]):
                contents["solved"].append({"exercise": exercise, "date": now()})
    except OSError as error:
        print(f"Your solved exercise could not be saved: {error}.")


def noted(records: list[Record], lesson: str, question: str, guess: float | str | None, measured: Any) -> Record:
    """The record of a question, added to ``records``, or changed there if there is another guess now.

    The measurement of a question that is in ``records`` has been shown, so a guess that is new or changed is late.
    Without a guess, the earlier one stays.
    """
    earlier = next((r for r in records if (r["lesson"], r["question"]) == (lesson, question)), None)
    fresh = {"guess": guess, "measured": measured, "date": now(), "late": earlier is not None}
    if earlier is None:
        earlier = {"lesson": lesson, "question": question} | fresh
        records.append(earlier)
    elif guess is not None and guess != earlier["guess"]:
        earlier |= fresh
    return dict(earlier)


def import_guesses(path: str | Path, outputs: str | Path) -> None:
    """Add the predictions and solved exercises of a file that the book's pages saved to those kept in ``outputs``.

    Where both have a prediction for a question, the earlier one stays. Raises FileNotFoundError without such a file,
    ValueError if it is another kind of file, and OSError where ``outputs`` cannot be written.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    brought = read(path)
    with opened(outputs) as contents:
        before = len(contents["guesses"]), len(contents["solved"])
        for record in brought["guesses"]:
            _merge(contents["guesses"], record, ("lesson", "question"))
        for record in brought["solved"]:
            _merge(contents["solved"], record, ("exercise",))
        for key, value in brought.items():
            contents.setdefault(key, value)
        questions, exercises = len(contents["guesses"]) - before[0], len(contents["solved"]) - before[1]
    print(f"{path} has been read. New questions: {questions}. New solved exercises: {exercises}.")


def _merge(records: list[Record], record: Record, keys: tuple[str, ...]) -> None:
    """Add a record, unless there is one with the same keys: then the earlier of the two stays."""
    for i, other in enumerate(records):
        if all(other[key] == record[key] for key in keys):
            first, second = sorted((other, record), key=moment)
            records[i] = second | first
            if first.get("guess", "") is None and second["guess"] is not None:  # the measurement was seen before it
                records[i] = first | second | {"late": True}
            return
    records.append(record)


@contextmanager
def opened(outputs: str | Path) -> Iterator[Contents]:
    """What the folder's file contains, to be changed; written when the block ends, if it was changed.

    One process at a time, so that two kernels that write at once lose nothing. Raises OSError where it cannot be
    written, or if another process keeps it for ten seconds.
    """
    from filelock import FileLock  # which torch needs too

    path = expanded(outputs) / FILE
    # Among temporary files: not every folder can be locked, such as Google Drive's. One lock for all folders of a
    # user, since it is held for milliseconds, and each lock leaves a file.
    user = hashlib.sha256(str(Path.home()).encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir(), f"dckit-guesses-{user}"), timeout=10):
        contents = contents_of(outputs)
        before = copy.deepcopy(contents)
        yield contents
        if contents != before:
            write_json(path, contents)


def contents_of(outputs: str | Path) -> Contents:
    """What the folder's file contains; nothing yet if there is none. A damaged file is renamed, and that is said."""
    path = expanded(outputs) / FILE
    try:
        return read(path)
    except FileNotFoundError:
        pass
    except ValueError:
        names = ("guesses.damaged.json", *(f"guesses.damaged-{n}.json" for n in range(2, 1000)))
        aside = next(aside for name in names if not (aside := path.with_name(name)).exists())
        path.replace(aside)
        print(f"The file of your predictions is damaged. It is now called {aside}, and a new one was started.")
    return nothing()
