"""Checks of exercises that ask for words about printed numbers: what a ± means, and what a difference allows to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import NOTHING, NotYet, checked, tell

# Lesson 3: MNIST, 1 image per class, as the paper and as the report printed it.
SPREAD = {"A": "yes", "B": "no", "C": "yes", "D": "cannot tell", "E": "yes"}
_WRONG_SPREADS = {  # what known mistakes answer otherwise, by what is to be said to each
    "you read ± as the uncertainty of the mean. It is the deviation of single networks, which more networks do not "
    "make smaller.": {"A": "no", "B": "yes"},
    "you treat ± and the standard error as one thing. The deviation stays with more networks, only the standard "
    "error shrinks.": {"B": "yes"},
    "you count the report's networks as if they were sets. All of them were trained on one set and share its luck.": {
        "D": "yes"
    },
    "you know that one set says nothing about a second one. But then you cannot say that it will fall outside, "
    "either.": {"D": "no"},
}
_SPREAD_HINTS = {
    "A": "the deviation 0.5 says how far single networks fall from 91.7; compute the two ends.",
    "B": "does a deviation shrink when more networks are measured, or is it only known better?",
    "C": "compare √(n − 1) for both numbers of networks.",
    "D": "how many sets did the report's 20 networks learn from?",
    "E": "the paper takes one deviation over 5 × 20 networks.",
}

# Lesson 5: five pairs of numbers from Table 2, as `results.compare` judges them.
VERDICTS = {"A": "agrees", "B": "higher", "C": "lower", "D": "cannot tell", "E": "cannot tell"}
_WRONG_VERDICTS = {
    "you asked whether the two ± overlap: they are the spread of single networks, not how well a mean is known. "
    "The uncertainty of a mean is ± divided by the square root of the number of sets.": (
        {"B": "agrees", "D": "higher", "E": "agrees"}
    ),
    "you found a difference in every row: either ± was ignored, or each network was counted as a draw of its own. "
    "Networks trained on one set share its luck, so count the sets.": {"A": "higher", "D": "higher", "E": "higher"},
    "a wide interval that contains 0 does not mean that two numbers agree: where it reaches further than 2 "
    "points, you cannot tell.": {"D": "agrees", "E": "agrees"},
    "you took ± for the uncertainty of a mean. That is smaller: ± divided by the square root of the number of sets.": {
        "A": "cannot tell",
        "B": "cannot tell",
    },
}
_VERDICT_HINTS = {
    "A": "the 95 % interval of its difference, −1.1 to +1.9, contains 0 and ends within 2 points.",
    "B": "the 95 % interval of its difference, +0.1 to +5.1, does not contain 0.",
    "C": "the 95 % interval of its difference, −6.0 to −2.0, does not contain 0.",
    "D": "the 95 % interval of its difference, −1.7 to +8.1, contains 0 and reaches further than 2 points.",
    "E": "the 95 % interval of its difference, −15.2 to +24.4, contains 0 and reaches further than 2 points.",
}


@checked
def spread_reading(reading: Mapping[str, Any]) -> str:
    """Lesson 3. ``reading`` answers the questions A to E of the exercise with "yes", "no" or "cannot tell"."""
    _tell_words(reading, SPREAD, ("yes", "no", "cannot tell"), _WRONG_SPREADS, _SPREAD_HINTS)
    return "A ± says how far single networks fall, and only for the sets that it was measured on."


@checked
def verdict(reading: Mapping[str, Any]) -> str:
    """Lesson 5. ``reading`` has for each of the questions A to E a word of `results.verdicts`, or its verdict."""
    words = ("higher", "lower", "agrees", "cannot tell")
    _tell_words(reading, VERDICTS, words, _WRONG_VERDICTS, _VERDICT_HINTS)
    return "Of these five rows, only three allow a conclusion."


def _tell_words(
    reading: Any,
    right: Mapping[str, str],
    words: Sequence[str],
    mistakes: Mapping[str, dict[str, str]],
    hints: Mapping[str, str],
) -> None:
    """Raise NotYet unless ``reading`` has the right word for each question.

    words: to choose from. mistakes: where they differ from the right answers. hints: question by question.
    """
    if not isinstance(reading, Mapping) or not set(right) <= set(reading):
        raise NotYet(f"expected a dictionary with the keys {', '.join(right)}, found `{reading}`.")
    found = {question: _word(reading[question]) for question in right}
    if not any(found.values()):
        raise NotYet(NOTHING)
    for question, word in found.items():
        if word not in words:
            raise NotYet(f"question {question} has the answer `{word}`: expected one of {', '.join(words)}.")
    wrong = next((question for question in right if found[question] != right[question]), "")
    said = f"think about {wrong} again: {hints.get(wrong)}"
    tell(found, right, {sentence: {**right, **other} for sentence, other in mistakes.items()}, said)


def _word(said: Any) -> str:
    if said is None or said is ...:
        return ""
    if isinstance(said, bool):
        return "yes" if said else "no"
    return " ".join(str(getattr(said, "word", said)).lower().split())  # a verdict has its word
