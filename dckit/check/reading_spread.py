"""Check of an exercise about reading ±: what two printed numbers say about networks, and what about sets."""

from collections.abc import Mapping
from typing import Any

from ..results import Sample, printed
from .answers import NOTHING, NotYet, checked

WORDS = ("yes", "no", "cannot tell")
RIGHT = {"A": "yes", "B": "no", "C": "yes", "D": "cannot tell", "E": "yes"}


def numbers() -> tuple[Sample, Sample]:
    """What the exercise asks about: MNIST, 1 image per class, as the paper and as the report printed it."""
    paper, report = (printed(source, "table1", "mnist", ipc=1, method="dc") for source in ("paper", "report"))
    assert paper is not None
    assert report is not None
    return paper, report


@checked
def spread_reading(reading: Mapping[str, Any]) -> str:
    """Lesson 3. ``reading`` answers the questions A to E of the exercise with "yes", "no" or "cannot tell"."""
    if not isinstance(reading, Mapping) or not set(RIGHT) <= set(reading):
        raise NotYet(f"expected a dictionary with the keys {', '.join(RIGHT)}, found `{reading}`.")
    words = {row: _word(row, reading[row]) for row in RIGHT}
    if not any(words.values()):
        raise NotYet(NOTHING)
    for row, word in words.items():
        if word not in WORDS:
            raise NotYet(f"question {row} has the answer `{word}`: expected one of {', '.join(WORDS)}.")
    for sentence, wrong in _wrong_readings().items():
        if words == RIGHT | wrong:
            raise NotYet(sentence)
    for row, right in RIGHT.items():
        if words[row] != right:
            raise NotYet(f"think about {row} again: {_hints()[row]}")
    return "A ± says how far single networks fall, and only for the sets that it was measured on."


def _word(row: str, said: Any) -> str:
    if said is None or said is ...:
        return ""
    if isinstance(said, bool):
        return "yes" if said else "no"
    if not isinstance(said, str):
        raise NotYet(f"question {row} has the answer `{said!r}`: expected one of {', '.join(WORDS)}.")
    return " ".join(said.lower().split())


def _wrong_readings() -> dict[str, dict[str, str]]:
    """How known mistakes answer, where they differ from the right answers, by what is to be said to each."""
    return {
        "you read ± as the uncertainty of the mean. It is the deviation of single networks, which more networks do not "
        "make smaller.": {"A": "no", "B": "yes"},
        "you treat ± and the standard error as one thing. The deviation stays with more networks, only the standard "
        "error shrinks.": {"B": "yes"},
        "now nothing shrinks with more networks. The deviation does not, but the standard error does: it is divided "
        "by √(n − 1).": {"C": "no"},
        "you count the report's networks as if they were sets. All of them were trained on one set and share its "
        "luck.": {"D": "yes"},
        "you know that one set says nothing about a second one. But then you cannot say that it will fall outside, "
        "either.": {"D": "no"},
        "you leave out where the paper's ± comes from: one deviation over the networks of all its sets.": {"E": "no"},
    }


def _hints() -> dict[str, str]:
    """What to think about, question by question."""
    paper, report = numbers()
    return {
        "A": f"the deviation {paper.std} says how far single networks fall from {paper.mean}; compute the two ends.",
        "B": "does a deviation shrink when more networks are measured, or is it only known better?",
        "C": "compare √(n − 1) for both numbers of networks.",
        "D": f"how many sets did the report's {report.networks} networks learn from?",
        "E": f"the paper takes one deviation over {paper.sets} × {paper.networks} networks.",
    }
