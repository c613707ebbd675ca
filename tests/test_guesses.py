"""Predictions beside measurements: kept, judged, summed up, and refused when they cannot be compared."""

import pytest

from dckit.check.predictions import Guesses


def test_each_guess_stands_beside_its_measurement(capsys):
    guesses = Guesses()
    guesses.add("accuracy in %", 35, 68.3)
    guesses.add("which is best", "a", "b", ("a", "b"))
    guesses.add("which is worst", "a", "a", ("a", "b"))
    guesses.add("never asked", None, 2.0)
    assert [row[1:] for row in guesses.table.rows] == [
        ("35", "68.3", "off by 33.3"),
        ("a", "b", "wrong"),
        ("a", "a", "right"),
        ("–", "2", ""),
    ]
    assert guesses.table.note == "3 of 4 predictions were written down, 1 of 2 choices were right."
    assert "which is best: b. You said: a." in capsys.readouterr().out
    assert "off by 33.3" in guesses._repr_markdown_()


def test_a_cell_that_runs_again_replaces_its_answer():
    guesses = Guesses()
    guesses.add("accuracy in %", None, 60.0)
    guesses.add("accuracy in %", 55, 61.0)
    assert guesses.table.rows == (("accuracy in %", "55", "61", "off by 6"),)
    assert guesses.table.note == "1 of 1 predictions were written down."


def test_without_guesses_it_says_so(capsys):
    guesses = Guesses()
    guesses.add("accuracy in %", None, 60.0)
    assert guesses.table.note.startswith("No prediction was written down")
    assert "You said: nothing." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "choices", "expected"),
    [
        ("35 %", 60.0, (), "guess '35 %': expected a number"),
        (3, "a", ("a", "b"), "guess 3: expected one of 'a', 'b'"),
        ("c", "a", ("a", "b"), "guess 'c': expected one of 'a', 'b'"),
    ],
)
def test_a_guess_that_cannot_be_compared_is_refused(guess, measured, choices, expected):
    with pytest.raises(ValueError, match=expected):
        Guesses().add("question", guess, measured, choices)
