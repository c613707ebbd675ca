"""What a learner said before a cell measured it, and what it measured; every lesson ends with both, side by side."""

from collections.abc import Sequence

from ..show import Table

Answer = float | str


class Guesses:
    """The predictions of one lesson. As the last line of a cell it shows itself: what you said, what was measured."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Answer | None, Answer]] = {}

    def add(self, question: str, guess: Answer | None, measured: Answer, choices: Sequence[str] = ()) -> None:
        """Keep a guess (None: none was made) beside what was measured, and say both.

        A question asked again takes the place of its first answer. choices: what a guess in words can be.
        Raises ValueError for words where a number was measured, a number where words were, and words not among choices.
        """
        number = not isinstance(measured, str)
        if guess is not None and isinstance(guess, str) == number:
            expected = "a number, such as 35" if number else f"one of {', '.join(map(repr, choices))}"
            raise ValueError(f"guess {guess!r}: expected {expected}, or None")
        if isinstance(guess, str) and guess not in choices:
            raise ValueError(f"guess {guess!r}: expected one of {', '.join(map(repr, choices))}, or None")
        self._rows[question] = guess, measured
        print(f"{question}: {_text(measured)}. You said: {'nothing' if guess is None else _text(guess)}.")

    @property
    def table(self) -> Table:
        """One row per question: what was said, what was measured, how far off."""
        rows = tuple(
            (q, _text(guess), _text(measured), _off(guess, measured)) for q, (guess, measured) in self._rows.items()
        )
        return Table(("question", "you said", "measured", "verdict"), rows, self._summary())

    def _summary(self) -> str:
        made = [pair for pair in self._rows.values() if pair[0] is not None]
        if not made:
            return (
                "No prediction was written down: write one in place of `None` in the cells above, and run them again."
            )
        words = [guess == measured for guess, measured in made if isinstance(measured, str)]
        text = f"{len(made)} of {len(self._rows)} predictions were written down"
        return f"{text}, {sum(words)} of {len(words)} choices were right." if words else f"{text}."

    def _repr_markdown_(self) -> str:
        return self.table.markdown


def _text(answer: Answer | None) -> str:
    return "–" if answer is None else answer if isinstance(answer, str) else f"{answer:.3g}"


def _off(guess: Answer | None, measured: Answer) -> str:
    if guess is None:
        return ""
    if isinstance(guess, str) or isinstance(measured, str):
        return "right" if guess == measured else "wrong"
    return f"off by {abs(guess - measured):.3g}"
