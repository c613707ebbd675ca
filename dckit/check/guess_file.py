"""The format of the file that keeps predictions and solved exercises; the book's pages save files of the same format.

{"format": "dckit-guesses-1",
 "guesses": [{"lesson": …, "question": …, "guess": …, "measured": …, "date": …, "late": …}],
 "solved": [{"exercise": …, "date": …}]}

A guess is a number, a word, or null where none was written down. late: it was made after the measurement was shown.
Keys that are not known here stay as they are.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

FORMAT = "dckit-guesses-1"
Record = dict[str, Any]
Contents = dict[str, Any]


def nothing() -> Contents:
    """What a new file contains."""
    return {"format": FORMAT, "guesses": [], "solved": []}


def now() -> str:
    """Date, time and time zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def moment(record: Record) -> datetime:
    """The date of a record, to compare with others; where it has no time zone, it is this machine's."""
    return datetime.fromisoformat(record["date"]).astimezone()


def day(record: Record) -> str:
    """The date of a record in words, such as 27 November 2026."""
    date = moment(record)
    return f"{date.day} {date:%B %Y}"


def read(path: Path) -> Contents:
    """What a file of predictions contains. Raises FileNotFoundError, or ValueError for any other file."""
    try:
        contents = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path} is not a file of predictions: it is not JSON") from None
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ValueError(f'{path} is not a file of predictions: expected "format": "{FORMAT}" in it')
    for name, fields in _FIELDS.items():
        records = contents.setdefault(name, [])
        if not isinstance(records, list) or not all(_fits(record, fields) for record in records):
            raise ValueError(
                f'{path} is not a file of predictions: expected records with {", ".join(fields)} in "{name}"'
            )
    return contents


def _fits(record: Any, fields: dict[str, tuple[type, ...]]) -> bool:
    if not isinstance(record, dict) or not all(type(record.get(name, ...)) in kinds for name, kinds in fields.items()):
        return False
    try:
        return bool(moment(record))
    except (ValueError, OverflowError):  # no date, or one so early that no time zone has it
        return False


_ANSWER = (str, int, float, type(None))
_FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "guesses": {
        **{"lesson": (str,), "question": (str,), "guess": _ANSWER, "measured": _ANSWER},
        **{"date": (str,), "late": (bool,)},
    },
    "solved": {"exercise": (str,), "date": (str,)},
}
