"""What a learner said before a cell measured it, and what it measured; every lesson ends with both, side by side."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython.display import display

from ..engine import expanded
from ..show import Table
from . import kept
from .guess_file import Record, day
from .guess_page import Answer, around
from .understood import Said, text, understood


class Guesses:
    """The predictions of one lesson. As the last line of a cell it shows itself: what you said, what was measured.

    lesson: the name of its notebook without .ipynb. outputs: the folder whose file `guesses.json` keeps the predictions
    and the exercises that are solved; None: nothing is kept.
    """

    def __init__(self, lesson: str = "", outputs: str | Path | None = None) -> None:
        self._lesson = lesson
        self._outputs = None if outputs is None else expanded(outputs)
        self._rows: dict[str, tuple[Said | None, Said, bool]] = {}  # what was said, measured, and whether said late
        self._unkept: list[Record] = []
        kept.keep_solved_in(outputs)

    def add(
        self,
        question: str,
        guess: Any,
        measured: Said,
        choices: Sequence[str] = (),
        within: tuple[float, float] | None = None,
    ) -> Any:
        """Keep a guess (None: none was made) beside what was measured, and say both.

        choices: what a guess in words can be. within: the smallest and the largest number that make sense. Returns the
        guess as a number or one of ``choices``; without one, the guess that was kept earlier, or None. A guess that
        cannot be read counts as none, and a sentence says why.
        """
        said, note = understood(guess, measured, choices, within)
        record = self._record(question, said, measured)
        # Of a guess that was kept, since ``choices`` can have changed; for a new one, this changes nothing.
        answer, _ = understood(record["guess"], measured, choices, within)
        late = record["late"] and answer is not None
        self._rows[question] = answer, measured, late
        if note:
            print(note)
        earlier = f" on {day(record)}" if said is None and answer is not None else ""
        you_said = "nothing" if answer is None else text(answer) + (" (after the measurement)" * late)
        sentence = f"{question}: {text(measured)}. You said{earlier}: {you_said}."
        display(Answer(sentence, self._data(question, choices, within), script=question == next(iter(self._rows))))
        return answer

    def _data(self, question: str, choices: Sequence[str], within: tuple[float, float] | None) -> dict[str, str]:
        """What a page without Python must know to ask this question itself."""
        said, measured, late = self._rows[question]
        values = {"measured": _finite(measured), "choices": list(choices), "within": within, "said": said}
        values["late"] = late or None
        asked = {"lesson": self._lesson, "question": question}
        return asked | {name: json.dumps(value) for name, value in values.items() if value is not None}

    def _record(self, question: str, said: Said | None, measured: Said) -> Record:
        """What is kept of this question, in the file or by this kernel alone.

        That a measurement was shown is kept too, but not where nobody looks: many notebooks of a grid run at once.
        """
        now = self._lesson, question, said, _finite(measured)
        if self._outputs is not None and not (said is None and kept.headless()):
            try:
                with kept.opened(self._outputs) as contents:
                    return kept.noted(contents["guesses"], *now)
            except OSError as error:
                print(f"Your prediction could not be saved: {error}.")
        return kept.noted(self._unkept, *now)

    @property
    def table(self) -> Table:
        """One row per question: what was said, what was measured, how far off."""
        rows = tuple(
            (question, text(guess), text(measured), off(guess, measured) + (", said after the measurement" * late))
            for question, (guess, measured, late) in self._rows.items()
        )
        return Table(("question", "you said", "measured", "how close"), rows, self._summary())

    def _summary(self) -> str:
        made = [(guess, measured) for guess, measured, _ in self._rows.values() if guess is not None]
        if not made:
            return (
                "You wrote down no prediction. Next time, replace `None` with what you expect, and then run the cell "
                "that measures it."
            )
        return counted(made, len(self._rows))

    def _repr_markdown_(self) -> str:
        return around(self.table.markdown)


def _finite(measured: Said) -> Said | None:
    """A measurement as JSON has it: no number stands for nan, nor for infinity."""
    return measured if isinstance(measured, str) else float(measured) if math.isfinite(measured) else None


def counted(made: Sequence[tuple[Said, Said]], asked: int) -> str:
    """How many predictions were made of those asked for, and how many of those in words were right."""
    words = [guess == measured for guess, measured in made if isinstance(measured, str)]
    right = f" Predictions in words: {sum(words)} of {len(words)} right." if words else ""
    return f"You wrote down {len(made)} of {asked} predictions.{right}"


def off(guess: Said | None, measured: Said | None) -> str:
    """How close a guess came, in words; nothing where there is no guess."""
    if guess is None or measured is None:
        return ""
    if isinstance(guess, str) or isinstance(measured, str):
        return "right" if guess == measured else "wrong"
    return f"off by {text(abs(guess - measured))}"
