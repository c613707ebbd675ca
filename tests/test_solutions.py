"""The exercises as they stand in the lessons: the folded solution is right, and what the learner finds is not."""

import ast
import json
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import dckit
from dckit import check

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


OTHERS = {"Guesses", "judged", "import_guesses"}  # of `dckit.check`, and no checks of an exercise


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Another test may have run a lesson's set-up cell, which names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


def exercises():
    """Lesson and check, the code of all cells before, the exercise's own, and the code of the solution below it."""
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        sources = ["".join(cell["source"]) for cell in cells]
        for number, source in enumerate(sources):
            asked = re.search(r"^check\.(\w+)\(", source, re.M)
            if cells[number]["cell_type"] == "code" and asked and asked[1] not in OTHERS:
                before = [s for s, cell in zip(sources[:number], cells, strict=False) if cell["cell_type"] == "code"]
                (solution,) = re.findall(r"<summary>Solution.*?```python\n(.*?)```", sources[number + 1], re.DOTALL)
                yield pytest.param(before, source, solution, id=f"{path.stem}-{asked[1]}")


def answer(before, source):
    """What the check says to the last line of an exercise, after the functions that the lesson has defined so far."""
    names = {"dckit": dckit, "check": check, "torch": torch, "F": F}
    defined = [
        node
        for text in before
        for node in ast.parse(re.sub(r"^\s*%.*$", "    pass", text, flags=re.M)).body
        if isinstance(node, ast.FunctionDef)
    ]
    *body, last = ast.parse(source).body
    exec(compile(ast.Module([*defined, *body], []), "lesson", "exec"), names)
    return eval(compile(ast.Expression(last.value), "lesson", "eval"), names)


@pytest.mark.parametrize(("before", "source", "solution"), list(exercises()))
def test_the_solution_is_right_and_the_exercise_as_it_stands_is_not(before, source, solution):
    assert not answer(before, source).right
    if solution.startswith(" "):  # one line of it, changed
        changed = [
            line for line in source.splitlines() if line.strip() and solution.strip().startswith(line.strip()[:-1])
        ]
        solved = source.replace(changed[0], solution.rstrip())
        assert len(changed) == 1
        assert solved != source
    else:
        call = re.search(r"^check\..*$", source, re.M)[0]
        solved = f"{solution}\n{call}"
    found = answer(before, solved)
    assert found.right, found


def test_every_check_is_asked_by_a_lesson():
    asked = {name for path in NOTEBOOKS for name in re.findall(r"check\.(\w+)\(", path.read_text())}
    assert asked - OTHERS == {name for name, value in vars(check).items() if hasattr(value, "exercise")}
