"""Predictions beside measurements: read kindly, kept in a file, marked when they come late, and judged in the end."""

import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pytest

import dckit
from dckit import check
from dckit.batch import notebook_script
from dckit.check import Guesses, guess_file, guess_page, kept, predictions
from dckit.check.understood import understood
from dckit.show import Picture

QUESTION = "accuracy in %"


@pytest.fixture(autouse=True)
def at_a_screen(monkeypatch):
    """As in JupyterLab, where somebody looks; what a test makes the kit keep ends with the test."""
    monkeypatch.setenv(kept.HEADLESS, "")
    monkeypatch.setattr(kept, "_folder", None)


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


def contents(outputs):
    return json.loads((outputs / "guesses.json").read_text())


def record(lesson, question, guess, measured, date="2026-11-27T10:00:00+00:00", late=False, **more):
    return dict(lesson=lesson, question=question, guess=guess, measured=measured, date=date, late=late) | more


def write(path, *guesses, solved=(), **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format": "dckit-guesses-1", "guesses": guesses, "solved": solved} | more))


# The table at the end of a lesson


def test_each_guess_stands_beside_its_measurement(capsys):
    guesses = Guesses()
    guesses.add(QUESTION, 35, 68.3)
    guesses.add("which is best", "a", "b", ("a", "b"))
    guesses.add("which is worst", "a", "a", ("a", "b"))
    guesses.add("never asked", None, 20000.0)
    assert [row[1:] for row in guesses.table.rows] == [
        ("35", "68.3", "off by 33.3"),
        ("a", "b", "wrong"),
        ("a", "a", "right"),
        ("–", "20,000", ""),
    ]
    assert guesses.table.note == "You wrote down 3 of 4 predictions. Predictions in words: 1 of 2 right."
    assert "which is best: b. You said: a." in capsys.readouterr().out
    assert "off by 33.3" in guesses._repr_markdown_()


def test_without_guesses_it_says_so(capsys):
    guesses = Guesses()
    assert guesses.add(QUESTION, None, 60.0) is None
    assert guesses.table.note.startswith("You wrote down no prediction.")
    assert "You said: nothing." in capsys.readouterr().out


def test_a_guess_after_the_measurement_is_late():
    guesses = Guesses()
    guesses.add(QUESTION, None, 60.0)
    guesses.add(QUESTION, 55, 61.0)
    guesses.add("another", 55, 61.0)
    guesses.add("another", 56, 61.0)
    guesses.add("a third", 55, 61.0)
    guesses.add("a third", 55, 61.0)
    assert [row[3] for row in guesses.table.rows] == [
        "off by 6, said after the measurement",
        "off by 5, said after the measurement",
        "off by 6",
    ]
    assert guesses.table.note == "You wrote down 3 of 3 predictions."


# What a learner writes


@pytest.mark.parametrize(
    ("guess", "expected"),
    [
        (35, 35.0), ("35", 35.0), ("35 %", 35.0), ("35%", 35.0), ("about 35", 35.0), ("~35,5", 35.5), (" .5 ", 0.5),
        ("−3", -3.0), ("1,000", 1000.0), ("12,345.5 steps", 12345.5), ("2e3", 2000.0), ("about-35", 35.0),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_meant(guess, expected):
    found, note = understood(guess, 60.0)
    assert found == expected
    assert type(found) is float
    assert bool(note) == isinstance(guess, str)
    if note:
        assert note.startswith(f'Your prediction "{guess.strip()}" was read as ')


@pytest.mark.parametrize(
    ("guess", "says"),
    [
        ("many", '"many" is not a number. Write a number'),
        ("LeNet5", "is not a number"),
        ("30-40", "contains more than one number"),
        ("30 or 40", "contains more than one number"),
        (350, "350 is not between 0 and 100"),
        ("-3", "-3 is not between 0 and 100"),
        (True, "True is not a number"),
        ([35], "[35] is not a number"),
        (b"35", "is not a number"),
        (35 + 1j, "is not a number"),
        (math.nan, "nan cannot be compared"),
        (10**400, "cannot be compared"),
        ("1e999", "cannot be compared"),
        (len, "is not a number"),
    ],
)
def test_a_guess_that_is_no_number_counts_as_none_and_is_told_why(guess, says, capsys):
    guesses = Guesses()
    assert guesses.add(QUESTION, guess, 60.0, within=(0, 100)) is None
    said = capsys.readouterr().out
    assert says in said
    assert said.endswith("You said: nothing.\n")
    assert guesses.table.rows == ((QUESTION, "–", "60", ""),)


@pytest.mark.parametrize("guess", [None, ..., "", "  "])
def test_a_cell_left_as_it_is_needs_no_explanation(guess):
    assert understood(guess, 60.0) == understood(guess, "a", "ab") == (None, "")


CHOICES = ("sigmoid", "ReLU", "mnist-1", "mnist-10", "average pooling")


@pytest.mark.parametrize(
    ("guess", "expected"),
    [
        ("sigmoid", "sigmoid"), ("sigmiod", "sigmoid"), ("Sigmoid", "sigmoid"), (" relu ", "ReLU"),
        ("MNIST 1", "mnist-1"), ("averagepooling", "average pooling"),
        ("avrage pooling", "average pooling"), ("'ReLU'", "ReLU"),
    ],
)  # fmt: skip
def test_words_are_read_as_they_are_meant(guess, expected):
    note = "" if guess in CHOICES else f'Your prediction "{guess.strip()}" was read as "{expected}".'
    assert understood(guess, "ReLU", CHOICES) == (expected, note)


@pytest.mark.parametrize("guess", ["tanh", "mnist-5", "mnist", "pool", 3, True, ["sigmoid"], math.nan])
def test_a_guess_that_is_no_choice_counts_as_none_and_is_told_the_choices(guess):
    found, note = understood(guess, "ReLU", CHOICES)
    assert found is None
    assert note.endswith('Choose one of these words: "sigmoid", "ReLU", "mnist-1", "mnist-10", "average pooling".')


def test_two_choices_alike_are_not_guessed_between():
    assert understood("padding one", "padding two", ("padding ones", "padding ore"))[0] is None
    assert understood("padding ORE", "padding two", ("padding ones", "padding ore"))[0] == "padding ore"


def test_the_very_word_beats_a_longer_one():
    assert understood("Padding One", "padding two", ("padding one", "padding ones"))[0] == "padding one"


def test_another_digit_is_no_typing_mistake():
    assert understood("mnist-5", "mnist-1", ("mnist-1", "cifar"))[0] is None


def test_a_number_can_be_one_of_the_words():
    assert understood(10, "50", ("1", "10", "50"))[0] == "10"


# What a notebook shows


class Tags(HTMLParser):
    """The attributes of the first tag, what is said outside of scripts, and how many scripts there are."""

    def __init__(self, tags):
        super().__init__()
        self.data, self.said, self.scripts = {}, "", 0
        self.feed(tags)

    def handle_starttag(self, tag, attributes):
        self.data = self.data or dict(attributes)
        self.scripts += tag == "script"

    def handle_data(self, data):
        self.said += "" if self.scripts else data


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed, as in a notebook, where a front end chooses between tags and text."""
    shown = []
    monkeypatch.setattr(predictions, "display", shown.append)
    return shown


HOSTILE = """<b>"one"</b> & 'other', </script><script>alert(1)</script>"""


def test_a_pages_script_reads_what_a_sentence_says(displayed, capsys):
    guesses = Guesses(HOSTILE)
    guesses.add(HOSTILE, None, HOSTILE, ("a", HOSTILE))
    (answer,) = displayed
    tags = Tags(answer._repr_html_())
    assert tags.said == repr(answer) == f"{HOSTILE}: {HOSTILE}. You said: nothing."
    assert not capsys.readouterr().out  # else it would stand there twice
    assert (tags.data["data-lesson"], tags.data["data-question"]) == (HOSTILE, HOSTILE)
    assert json.loads(tags.data["data-measured"]) == HOSTILE
    assert json.loads(tags.data["data-choices"]) == ["a", HOSTILE]
    assert not {"data-within", "data-said"} & set(tags.data)


@pytest.mark.parametrize(("measured", "expected"), [(68.34, 68.34), (np.float32(0.5), 0.5), (math.nan, None)])
def test_numbers_of_a_page_are_json(displayed, measured, expected):
    Guesses().add(QUESTION, 35, measured, within=(0, 100))
    data = Tags(displayed[0]._repr_html_()).data
    assert json.loads(data.get("data-measured", "null")) == expected
    assert json.loads(data["data-within"]) == [0, 100]
    assert json.loads(data["data-said"]) == 35


def test_the_first_question_brings_the_scripts_even_when_it_is_run_again(displayed):
    guesses = Guesses("a")
    for question in ("first", "second", "first", "third"):
        guesses.add(question, None, 1.0)
    assert [Tags(answer._repr_html_()).scripts for answer in displayed] == [3, 0, 3, 0]


def test_no_script_ends_before_its_end():
    for script in guess_page.SCRIPTS:
        assert "</script" not in script.read_text()


# The file


def test_a_guess_survives_a_restart(outputs, capsys):
    first = Guesses("00_start_here", outputs)
    assert first.add(QUESTION, "35 %", 60.0) == 35.0
    (kept_one,) = contents(outputs)["guesses"]
    date = datetime.fromisoformat(kept_one["date"])
    assert date.tzinfo
    assert date.microsecond == 0
    assert kept_one == record("00_start_here", QUESTION, 35.0, 60.0, kept_one["date"])
    capsys.readouterr()
    after = Guesses("00_start_here", outputs)
    assert after.add(QUESTION, None, 60.0) == 35.0
    assert f"You said on {date.day} {date:%B %Y}: 35.\n" in capsys.readouterr().out
    assert after.table.rows == ((QUESTION, "35", "60", "off by 25"),)
    assert contents(outputs)["guesses"] == [kept_one]
    assert Guesses("01_matching_gradients", outputs).add(QUESTION, None, 60.0) is None  # another lesson's


def test_the_same_guess_again_changes_nothing(outputs):
    write(outputs / "guesses.json", record("a", QUESTION, 35, 60.0))
    before = (outputs / "guesses.json").stat().st_mtime_ns, (outputs / "guesses.json").read_text()
    for guess in (35, None, "35 %", "nonsense"):
        assert Guesses("a", outputs).add(QUESTION, guess, 61.5) == 35
    assert before == ((outputs / "guesses.json").stat().st_mtime_ns, (outputs / "guesses.json").read_text())


@pytest.mark.parametrize("earlier", [None, 35])
def test_a_guess_after_a_restart_is_late_if_the_measurement_was_shown(outputs, earlier, capsys):
    Guesses("a", outputs).add(QUESTION, earlier, 60.0)
    assert contents(outputs)["guesses"][0]["late"] is False
    later = Guesses("a", outputs)
    assert later.add(QUESTION, 59, 60.0) == 59
    (found,) = contents(outputs)["guesses"]
    assert (found["guess"], found["late"]) == (59, True)
    assert "You said: 59 (after the measurement)." in capsys.readouterr().out
    assert later.table.rows[0][3] == "off by 1, said after the measurement"


def test_a_kept_guess_that_no_longer_fits_is_not_drawn(outputs):
    write(outputs / "guesses.json", record("a", QUESTION, "much", "more"))
    assert Guesses("a", outputs).add(QUESTION, None, 60.0) is None


def test_unknown_keys_stay(outputs):
    write(outputs / "guesses.json", record("a", QUESTION, 35, 60.0, page="x"), colour="green")
    guesses = Guesses("a", outputs)
    guesses.add(QUESTION, 40, 60.0)
    guesses.add("another", 40, 60.0)
    found = contents(outputs)
    assert found["colour"] == "green"
    assert (found["guesses"][0]["page"], found["guesses"][0]["guess"]) == ("x", 40)
    assert len(found["guesses"]) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        '{"format": "dckit-gue', "[]", '{"format": "another"}', '{"format": "dckit-guesses-1", "guesses": {}}',
        json.dumps({"format": "dckit-guesses-1", "guesses": [record("a", "b", True, 1)]}),
        json.dumps({"format": "dckit-guesses-1", "guesses": [record("a", "b", 1, 1, "yesterday")]}),
        json.dumps({"format": "dckit-guesses-1", "solved": [{"date": "2026-11-27"}]}),
    ],
)  # fmt: skip
def test_a_damaged_file_is_set_aside_and_that_is_said(outputs, damaged, capsys):
    outputs.mkdir()
    for name in ("guesses.damaged.json", "guesses.damaged-2.json"):
        (outputs / "guesses.json").write_text(damaged)
        assert Guesses("a", outputs).add(QUESTION, 35, 60.0) == 35
        assert (outputs / name).read_text() == damaged
        assert f"{name}, and a new one was started" in capsys.readouterr().out
        assert len(contents(outputs)["guesses"]) == 1


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Guesses("a").add(QUESTION, 35, 60.0)
    assert check.layerwise_distance(dckit.gradient_distance).right
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_stops_no_lesson(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    guesses = Guesses("a", tmp_path / "file" / "outputs")
    assert guesses.add(QUESTION, 35, 60.0) == 35
    assert guesses.add(QUESTION, None, 60.0) == 35
    assert check.layerwise_distance(dckit.gradient_distance).right
    said = capsys.readouterr().out
    assert "Your prediction could not be saved: " in said
    assert "Your solved exercise could not be saved: " in said


def test_a_measurement_that_is_no_number_leaves_a_file_that_browsers_can_read(outputs):
    guesses = Guesses("a", outputs)
    assert guesses.add(QUESTION, 35, math.nan) == 35
    assert "NaN" not in (outputs / "guesses.json").read_text()
    assert Guesses("a", outputs).add(QUESTION, None, 60.0) == 35


def test_all_folders_of_a_user_share_one_lock_file(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    for folder in ("one", "two"):
        with kept.opened(tmp_path / folder) as changed:
            changed["solved"].append({"exercise": "pixels", "date": "2026-11-27"})
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["guesses.json"]
    assert len(list((tmp_path / "temporary").iterdir())) == 1


def test_two_kernels_that_write_at_once_lose_nothing(outputs):
    def lesson(number):
        guesses = Guesses(f"{number:02d}_lesson", outputs)
        return [guesses.add(f"question {i}", i, 60.0) for i in range(10)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lesson, range(4)))
    assert len(contents(outputs)["guesses"]) == 40


# Where nobody looks


def test_headless_runs_keep_guesses_that_are_made_and_nothing_else(outputs, monkeypatch):
    monkeypatch.setenv(kept.HEADLESS, "1")
    guesses = Guesses("a", outputs)
    assert guesses.add(QUESTION, None, 60.0) is None
    assert check.layerwise_distance(dckit.gradient_distance).right
    assert not outputs.exists()
    assert guesses.add("another", 35, 60.0) == 35
    assert len(contents(outputs)["guesses"]) == 1


def test_the_kits_own_runs_of_notebooks_are_headless(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("papermill.execute_notebook", lambda *_, **__: seen.append(kept.headless()))
    monkeypatch.setattr(notebook_script, "end_with_the_parent", lambda: None)
    monkeypatch.setattr(sys, "argv", ["script", json.dumps(["from", "to", {}, False])])
    assert not kept.headless()
    notebook_script.main()
    assert seen == [True]


# Solved exercises


def test_a_solved_exercise_is_kept_once(outputs):
    Guesses("01_matching_gradients", outputs)
    assert not check.layerwise_distance(None).right
    assert not outputs.exists()
    assert check.layerwise_distance(dckit.gradient_distance).right
    first = contents(outputs)
    (solved,) = first["solved"]
    assert solved["exercise"] == "layerwise_distance"
    assert datetime.fromisoformat(solved["date"]).tzinfo
    monday = {"exercise": "layerwise_distance", "date": "2026-11-23T10:00:00+00:00"}
    write(outputs / "guesses.json", solved=[monday])
    assert check.layerwise_distance(dckit.gradient_distance).right
    assert contents(outputs)["solved"] == [monday]


# A file that the browser saved

EARLY, LATE = "2026-11-27T10:00:00+01:00", "2026-11-27T09:30:00.123Z"  # in this order, whatever their text says


@pytest.mark.parametrize(
    ("here", "brought", "expected"),
    [
        (None, record("a", QUESTION, 35, 60.0), (35, False)),
        (record("a", QUESTION, 35, 60.0), None, (35, False)),
        (record("a", QUESTION, 35, 60.0, EARLY), record("a", QUESTION, 40, 61.0, LATE), (35, False)),
        (record("a", QUESTION, 35, 60.0, LATE), record("a", QUESTION, 40, 61.0, EARLY), (40, False)),
        (record("a", QUESTION, 35, 60.0, LATE), record("a", QUESTION, 40, 61.0, EARLY, late=True), (40, True)),
        (record("a", QUESTION, None, 60.0, EARLY), record("a", QUESTION, 40, 61.0, LATE), (40, True)),
        (record("a", QUESTION, 40, 61.0, LATE), record("a", QUESTION, None, 60.0, EARLY), (40, True)),
        (record("a", QUESTION, None, 60.0, LATE), record("a", QUESTION, 40, 61.0, EARLY), (40, False)),
    ],
)
def test_the_earlier_of_two_predictions_stays(outputs, tmp_path, here, brought, expected):
    write(outputs / "guesses.json", *filter(None, [here]), solved=[{"exercise": "pixels", "date": LATE}])
    write(
        tmp_path / "saved.json",
        *filter(None, [brought]),
        solved=[{"exercise": "pixels", "date": EARLY}, {"exercise": "herding", "date": EARLY}],
        page="extra",
    )
    for _ in range(2):  # a second time changes nothing
        check.import_guesses(tmp_path / "saved.json", outputs)
        found = contents(outputs)
        ((guess, late),) = [(r["guess"], r["late"]) for r in found["guesses"]]
        assert (guess, late) == expected
        assert [(s["exercise"], s["date"]) for s in found["solved"]] == [("pixels", EARLY), ("herding", EARLY)]
        assert found["page"] == "extra"


def test_an_imported_guess_is_shown_in_the_lesson(outputs, tmp_path, capsys):
    write(tmp_path / "saved.json", record("a", QUESTION, 35, 60.0))
    check.import_guesses(tmp_path / "saved.json", outputs)
    assert "New questions: 1. New solved exercises: 0." in capsys.readouterr().out
    assert Guesses("a", outputs).add(QUESTION, None, 60.0) == 35


@pytest.mark.parametrize("wrong", ["PNG", "{}", '{"format": "dckit-guesses-1", "guesses": [1]}'])
def test_a_wrong_file_is_refused_in_one_sentence(outputs, tmp_path, wrong):
    (tmp_path / "saved.json").write_text(wrong)
    with pytest.raises(ValueError, match=r"saved\.json is not a file of predictions: "):
        check.import_guesses(tmp_path / "saved.json", outputs)
    assert not outputs.exists()
    with pytest.raises(FileNotFoundError, match=r"no file .*another\.json"):
        check.import_guesses(tmp_path / "another.json", outputs)


# All of them, in the last lesson


def all_of_them(outputs, numbers):
    lessons = [record(f"{i:02d}_lesson", f"number {i}, in %", 50 + off, 50.0) for i, off in enumerate(numbers)]
    words = [record("01_which", "which", "a", "a"), record("10_which", "which", "a", "b")]
    others = [record("02_steps", "steps", 1200, 800), record("03_asked", "asked only", None, 3.0)]
    write(outputs / "guesses.json", *reversed([*lessons, *words, *others]))


def test_all_predictions_are_shown_in_the_order_of_the_lessons(outputs):
    all_of_them(outputs, [20, 10])
    drawn, table = check.judged(outputs)
    assert isinstance(drawn, Picture)
    assert [row[:5] for row in table.rows] == [
        ("0: lesson", "number 0, in %", "70", "50", "off by 20"),
        ("1: lesson", "number 1, in %", "60", "50", "off by 10"),
        ("1: which", "which", "a", "a", "right"),
        ("2: steps", "steps", "1,200", "800", "off by 400"),
        ("10: which", "which", "a", "b", "wrong"),
    ]
    assert {row[5:] for row in table.rows} == {("27 November 2026", "no")}
    assert table.note == "You wrote down 5 of 6 predictions. Predictions in words: 1 of 2 right."
    for part in (
        "Lesson 0: lesson, number 0, in %: you said 70, measured 50, off by 20.",
        "you said a, measured b, wrong.",
    ):
        assert part in drawn.alt


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([20, -10, 4], None),
        ([20, -10, 4, 0], "first 2 predictions from 0 to 100 were off by 15 on average, the other 2 by 2: in the later "
         "lessons you came closer."),
        ([1, 3, -10, 4, 10], "first 2 predictions from 0 to 100 were off by 2 on average, the other 3 by 8: in the "
         "later lessons you did not come closer."),
    ],
)  # fmt: skip
def test_judgement_is_compared_between_the_halves(outputs, numbers, says):
    all_of_them(outputs, numbers)
    note = check.judged(outputs)[1].note
    assert (says in note) if says else ("on average" not in note)


def test_late_predictions_are_shown_but_do_not_count(outputs):
    late = [record(f"0{i}_b", "late", 50, 50.0, late=True) for i in range(4)]
    write(outputs / "guesses.json", *late)
    drawn, table = check.judged(outputs)
    assert "on average" not in table.note
    assert "Written down after the measurement: 4." in table.note
    assert {row[6] for row in table.rows} == {"yes"}
    assert drawn.alt.count("you said 50, after the measurement, measured 50") == 4


@pytest.mark.parametrize("guesses", [(), (record("a", QUESTION, None, 60.0),)])
def test_without_predictions_there_is_nothing_to_judge(outputs, guesses):
    write(outputs / "guesses.json", *guesses)
    (table,) = check.judged(outputs)
    assert not table.rows
    assert table.note.startswith("No predictions are kept in ")


def test_judging_writes_nothing(outputs):
    check.judged(outputs)
    assert not outputs.exists()


def test_lessons_without_a_number_come_last(outputs):
    write(
        outputs / "guesses.json",
        record("mine", "q", 1, 2.0),
        record("", "q", 1, 2.0),
        record("02_stage_c", "q", 1, 2.0),
    )
    assert [row[0] for row in check.judged(outputs)[1].rows] == ["2: stage C", "", "mine"]


def test_a_new_file_is_one_that_can_be_read(tmp_path):
    write(tmp_path / "guesses.json")
    assert guess_file.read(tmp_path / "guesses.json") == guess_file.nothing()
