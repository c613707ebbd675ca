"""All predictions of a learner beside what was measured, in the order of the lessons, and whether they came closer."""

import re
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..show import BLUE, ORANGE, Picture, Table, kits_style, picture
from .guess_file import Record, day
from .kept import contents_of
from .predictions import counted, off
from .understood import text

HEADER = ("lesson", "question", "you said", "measured", "how close", "when", "after the measurement?")


def judged(outputs: str | Path) -> tuple[Picture | Table, ...]:
    """A picture and a table of all predictions that ``outputs`` keeps; ``display(*judged(outputs))`` shows both.

    Without predictions there is only a table that says so.
    """
    records = sorted(contents_of(outputs)["guesses"], key=lambda record: _order(record["lesson"]))
    made = [r for r in records if r["guess"] is not None and r["measured"] is not None]
    if not made:
        note = f"No predictions are kept in {outputs}. Write one in place of `None` in any lesson, and run its cells."
        return (Table(HEADER, (), note),)
    rows = tuple(
        (
            _lesson(r["lesson"]),
            r["question"],
            text(r["guess"]),
            text(r["measured"]),
            off(r["guess"], r["measured"]),
            day(r),
            "yes" if r["late"] else "no",
        )
        for r in made
    )
    late = sum(r["late"] for r in made)
    sentences = [counted([(r["guess"], r["measured"]) for r in made], len(records))]
    sentences += [f"Written down after the measurement: {late}."] if late else []
    return _drawn(made), Table(HEADER, rows, " ".join([*sentences, *_improved(made)]))


def _order(lesson: str) -> tuple[int, str]:
    number = re.match(r"\d+", lesson)
    return (int(number[0]) if number else 1000), lesson  # what has no number comes last


def _lesson(lesson: str) -> str:
    """02_stage_c in words: 2: stage C."""
    number, _, name = lesson.partition("_")
    words = re.sub(r"\b[a-z]\b", lambda letter: letter[0].upper(), name.replace("_", " "))
    return f"{int(number)}: {words}" if number.isdecimal() else lesson


def _drawable(record: Record) -> bool:
    """Whether both are numbers that fit on an axis from 0 to 100, as all percentages do."""
    pair = (record["guess"], record["measured"])
    return all(not isinstance(value, str) and 0 <= value <= 100 for value in pair)


def _improved(made: Sequence[Record]) -> list[str]:
    """A sentence that compares the first half of the numbers from 0 to 100 with the second, if there are four."""
    errors = [abs(r["guess"] - r["measured"]) for r in made if _drawable(r) and not r["late"]]
    if len(errors) < 4:
        return []
    half = len(errors) // 2
    first, second = statistics.mean(errors[:half]), statistics.mean(errors[half:])
    verdict = "came closer" if second < first else "did not come closer"
    return [
        f"Your first {half} predictions from 0 to 100 were off by {text(first)} on average, the other "
        f"{len(errors) - half} by {text(second)}: in the later lessons you {verdict}. "
        "(Predictions after the measurement do not count here. The questions differ, so this is only a rough measure.)"
    ]


@kits_style
def _drawn(made: Sequence[Record]) -> Picture:
    figure = Figure(figsize=(5.5, 1 + 0.45 * len(made)))
    ax = figure.add_subplot()
    for row, record in enumerate(made):
        _draw_numbers(ax, row, record) if _drawable(record) else _draw_words(ax, row, record)
    labels = [f"{_lesson(r['lesson']).split(':')[0]}: {r['question']}".replace(" %", "\xa0%") for r in made]
    ax.set_yticks(range(len(made)), [textwrap.fill(label, 40) for label in labels], fontsize=9)
    ax.set(xlim=(-2, 102), ylim=(len(made) - 0.5, -0.5), xlabel="a number from 0 to 100, such as a percentage")
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    handles = [
        ax.plot([], [], "o", color=BLUE, label="you said")[0],
        ax.plot([], [], "o", color=BLUE, mfc="white", label="you said, after the measurement")[0],
        ax.plot([], [], "D", color=ORANGE, label="measured")[0],
    ]
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, frameon=False, fontsize=9)
    return picture(figure, "Predictions beside measurements. " + " ".join(map(_said, made)))


def _draw_numbers(ax: Axes, row: int, record: Record) -> None:
    guess, measured = record["guess"], record["measured"]
    ax.plot([guess, measured], [row, row], color="0.6", lw=2, zorder=1)
    ax.plot(guess, row, "o", color=BLUE, mfc="white" if record["late"] else BLUE)
    ax.plot(measured, row, "D", color=ORANGE)
    ax.annotate(off(guess, measured), (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9)


def _draw_words(ax: Axes, row: int, record: Record) -> None:
    how = off(record["guess"], record["measured"])
    mark = {"right": "✓ ", "wrong": "✗ "}.get(how, "")
    said = f"you said {text(record['guess'])}"
    said += "" if how == "right" else f", measured {text(record['measured'])}"
    said += " (said after the measurement)" if record["late"] else ""
    ax.text(0, row, textwrap.fill(said, 48), va="center", fontsize=9, backgroundcolor="white")
    ax.annotate(f"{mark}{how}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9)


def _said(record: Record) -> str:
    late = ", after the measurement" if record["late"] else ""
    return (
        f"Lesson {_lesson(record['lesson'])}, {record['question']}: you said {text(record['guess'])}{late}, measured "
        f"{text(record['measured'])}, {off(record['guess'], record['measured'])}."
    )
