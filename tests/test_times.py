"""How long a lesson takes is said once, in tools/times.json, and alike everywhere else."""

import json

import pytest

from dckit.batch import lessons
from dckit.batch.headless import Execution
from tools import times
from tools.words import LESSONS

SECONDS = json.loads(times.KEPT.read_text(encoding="utf-8"))["seconds"]
NEW = {"machine": {"cores": 2}, "dataset": "digits", "budget": "smoke"}
PAGE = """| lesson | run, headless | why |
|---|---|---|
| [0 · a](0.ipynb) | 5 s | 1 |
| **1** b | 9 min | 2 |

| 0 | c | 3 |
"""


@pytest.mark.parametrize("path", times.places(SECONDS), ids=lambda path: path.stem)
def test_a_text_says_what_was_measured(path):
    assert path.read_text(encoding="utf-8") == times.with_times(path, SECONDS), "run tools/times.py"


def test_every_lesson_has_a_time():
    assert SECONDS.keys() == {lesson.stem for lesson in LESSONS}


@pytest.mark.parametrize(
    ("seconds", "words", "short"),
    [
        (0.3, "5 seconds", "5 s"),
        (40.0, "40 seconds", "40 s"),
        (40.1, "45 seconds", "45 s"),
        (89.9, "90 seconds", "90 s"),
        (90, "1.5 minutes", "1.5 min"),
        (90.1, "2 minutes", "2 min"),
        (601, "10.5 minutes", "10.5 min"),
    ],
)
def test_times_are_rounded_up(seconds, words, short):
    assert (times.in_words(seconds), times.in_a_table(seconds)) == (words, short)


def test_a_table_gets_the_times_of_its_lessons():
    found = times.in_a_page(PAGE, "run", {"00_a": 61, "01_b": 100})
    assert found == PAGE.replace("5 s", "65 s").replace("9 min", "2 min")
    assert times.in_a_page(PAGE, "run", {"01_b": 100}) == PAGE.replace("9 min", "2 min")
    with pytest.raises(ValueError, match="02_c"):
        times.in_a_page(PAGE, "run", {"00_a": 61, "02_c": 100})
    with pytest.raises(ValueError, match="'walk'"):
        times.in_a_page(PAGE, "walk", {"00_a": 61})


def test_a_lesson_gets_its_time():
    text = '"* **Time:** about 2 minutes (3 at first) on two CPU cores with\\n", "* **You need:** two CPU cores"'
    assert times.in_a_lesson(text, 31) == text.replace("2 minutes (3 at first)", "35 seconds")
    with pytest.raises(ValueError, match="no bullet"):
        times.in_a_lesson("* **Time:** an hour", 31)


def test_new_times_replace_old_ones_of_the_same_kind():
    kept = {**NEW, "seconds": {"00_a": 1.0, "01_b": 2.0}}
    assert times.merged(kept, {**NEW, "seconds": {"01_b": 3.0}})["seconds"] == {"00_a": 1.0, "01_b": 3.0}
    for other in ({"dataset": "mnist"}, {"budget": "lesson"}, {"machine": {"cores": 8}}):
        with pytest.raises(ValueError, match="the texts speak of"):
            times.merged(kept, {**NEW, "seconds": {"01_b": 3.0}, **other})


def test_the_command_writes_them_everywhere(tmp_path, monkeypatch, capsys):
    (tmp_path / "tools").mkdir()
    for path in (times.KEPT, *times.places(SECONDS)):
        copy = tmp_path / path.relative_to(times.ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text() if path == times.KEPT else times.with_times(path, SECONDS))
    monkeypatch.setattr(times, "ROOT", tmp_path)
    monkeypatch.setattr(times, "KEPT", tmp_path / "tools" / "times.json")
    monkeypatch.chdir(tmp_path)
    assert times.main([]) == 1
    assert "outputs/times.json" in capsys.readouterr().err
    new = tmp_path / "new.json"
    new.write_text(json.dumps({**NEW, "seconds": {"02_stage_c": 1234.5}}))
    assert times.main([str(new)]) == 0
    printed = capsys.readouterr().out
    assert "left as they are: 00_start_here, 01_" in printed
    for name, words in (
        ("README.md", "| 21 min |"),
        ("docs/instructors.md", "| 21 min |"),
        ("notebooks/02_stage_c.ipynb", "about 21 minutes on two CPU cores"),
    ):
        assert name in printed
        assert words in (tmp_path / name).read_text()
    assert "03_stage_t.ipynb" not in printed
    assert json.loads(times.KEPT.read_text())["seconds"] == {**SECONDS, "02_stage_c": 1234.5}


def test_the_lessons_keep_their_times_but_for_errors(tmp_path, monkeypatch):
    def executed(notebook, executed, parameters):
        return Execution(executed, 12.345, 1.0, "" if "stage_c" in notebook.stem else "an error")

    monkeypatch.setattr(lessons, "execute", executed)
    notebooks = [str(lesson) for lesson in LESSONS[1:4]]
    assert lessons.main([*notebooks, "--out", str(tmp_path), "-p", "dataset", "mnist"]) == 1
    found = json.loads((tmp_path / "times.json").read_text())
    assert found.pop("machine").keys() == {"cores", "device", "torch"}
    assert found == {"seconds": {"02_stage_c": 12.3}, "dataset": "mnist", "budget": "smoke"}
