"""What a learner wrote as a prediction: a number, or one of the words to choose from. Nothing that is typed raises."""

import math
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from numbers import Real
from typing import Any

Said = float | str
_NUMBER = re.compile(
    r"""(?<![\w.])[-+]?       # a sign, and no letter before it: LeNet5 is no number
    (?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?  # 1,000 is a thousand
    |\d+(?:[.,]\d+)?         # 35.5, or 35,5 as many languages write it
    |\.\d+)
    (?:e[-+]?\d+)?""",
    re.IGNORECASE | re.VERBOSE,
)
_NEAR, _AHEAD = 0.8, 0.1  # how much like a choice a word must be, and how much more than like any other


def understood(
    guess: Any, measured: Said, choices: Sequence[str] = (), within: tuple[float, float] | None = None
) -> tuple[Said | None, str]:
    """A guess as a number where a number was measured, else as one of ``choices``; None if it cannot be read so.

    within: the smallest and the largest number that make sense. The second value is a sentence for the learner: how the
    guess was read, or why it does not count; empty if there is nothing to say.
    """
    if guess is None or guess is ... or (isinstance(guess, str) and not guess.strip()):
        return None, ""
    if isinstance(measured, str):
        return _word(guess, choices)
    return _number(guess, within)


def text(answer: Said | None) -> str:
    """An answer as tables and sentences show it."""
    if answer is None or isinstance(answer, str):
        return answer or "–"
    return f"{answer:,.0f}" if 1000 <= abs(answer) < math.inf else f"{answer:.3g}"


def _number(guess: Any, within: tuple[float, float] | None) -> tuple[float | None, str]:
    example = "Write a number in place of it, such as 35."
    found = _NUMBER.findall(guess.replace("−", "-")) if isinstance(guess, str) else []
    if isinstance(guess, bool) or not isinstance(guess, str | Real):
        return None, f"{_quoted(guess)} is not a number. {example}"
    if isinstance(guess, str) and len(found) != 1:
        reason = "contains more than one number" if found else "is not a number"
        return None, f"{_quoted(guess)} {reason}. {example}"
    try:
        value = _value(found[0]) if isinstance(guess, str) else float(guess)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        return None, f"{_quoted(guess)} cannot be compared with a measurement. {example}"
    if within is not None and not within[0] <= value <= within[1]:
        low, high = map(text, within)
        return None, f"{text(value)} is not between {low} and {high}, so it does not count. {example}"
    return value, f"Your prediction {_quoted(guess)} was read as {text(value)}." if isinstance(guess, str) else ""


def _value(written: str) -> float:
    """The number that `_NUMBER` has found."""
    thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", written)
    return float(written.replace(",", "" if thousands else "."))


def _word(guess: Any, choices: Sequence[str]) -> tuple[str | None, str]:
    if isinstance(guess, Real) and not isinstance(guess, bool):
        guess = f"{float(guess):g}"
    listed = f"Choose one of these words: {', '.join(map(_quoted, choices))}."
    if not isinstance(guess, str):
        return None, f"{_quoted(guess)} is not a word. {listed}"
    if guess in choices or not choices:
        return guess, ""
    likeness = sorted(((_likeness(guess, choice), choice) for choice in choices), reverse=True)
    (best, nearest), second = likeness[0], likeness[1][0] if len(likeness) > 1 else 0.0
    if best >= _NEAR and best - second >= _AHEAD:
        return nearest, f"Your prediction {_quoted(guess)} was read as {_quoted(nearest)}."
    return None, f"{_quoted(guess)} is not one of the words to choose from. {listed}"


def _likeness(guess: str, choice: str) -> float:
    """From 0 to 1: how much of two words is the same. Capital letters and spaces do not count, digits must agree."""
    a, b = (re.sub(r"[\s'\"_-]+", "", word).casefold() for word in (guess, choice))
    if re.findall(r"\d+", a) != re.findall(r"\d+", b):
        return 0.0
    return SequenceMatcher(None, a, b).ratio() + (a == b)  # the very word beats a word that is merely like it


def _quoted(what: object) -> str:
    shown = " ".join(str(what).split())
    shown = f"{shown[:60]}…" if len(shown) > 60 else shown
    return f'"{shown}"' if isinstance(what, str) else shown
