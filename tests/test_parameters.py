"""A lesson's parameters, and the notebooks that a command line names: right, or refused in one sentence."""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from cells import code

from dckit.batch import lessons
from dckit.batch.parameters import KINDS, check_parameters, defaults, typed

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
WRONG = {
    bool: ["yes", "FALSE", "", 0, 1, None],
    int: ["ten", "1", 1.5, True, None],
    float: ["much", "0.2", True, None],
    str: [1.5, False, None, ["mnist"]],
}
EXPECTED = {bool: "expected True or False", int: "expected a whole number", float: "expected a number"}
EXPECTED[str] = "expected text, in quotes"
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def set_up(path, **given):
    """The variables of a lesson after its set-up cell; given: what papermill puts after the parameters cell."""
    parameters, first = code(path)[:2]
    namespace = {}
    exec(parameters, namespace)
    namespace |= given
    exec(first, namespace)
    return namespace


# Types


@every
def test_the_kit_knows_the_types_of_all_parameters(path):
    assert {name: type(value) for name, value in defaults(path).items()}.items() <= KINDS.items()


@every
@pytest.mark.parametrize(("no", "yes"), [("false", "true"), ("False", "True"), (False, True)])
def test_words_for_yes_and_no_are_what_they_say_in_a_running_lesson(path, no, yes):
    asked = [name for name in defaults(path) if KINDS[name] is bool]
    for word, meant in ((no, False), (yes, True)):
        variables = set_up(path, **dict.fromkeys(asked, word))
        assert {name: variables[name] for name in asked} == dict.fromkeys(asked, meant)


@every
def test_a_running_lesson_refuses_other_types_before_any_work(path, monkeypatch):
    def worked(*_, **__):
        raise AssertionError("the lesson began to work")

    for where in ("dckit.load", "dckit.results.runs"):
        monkeypatch.setattr(where, worked)
    for name in defaults(path):
        for value in WRONG[KINDS[name]]:
            with pytest.raises(ValueError, match=f"{name} .*: {EXPECTED[KINDS[name]]}") as error:
                set_up(path, **{name: value})
            assert "\n" not in str(error.value)


def test_a_folder_named_by_a_number_and_a_path_stay_what_they_are():
    variables = {"dataset": 2024, "outputs": Path("/here"), "ipc": 1, "networks": "MLP", "mine": 1.5}
    check_parameters(variables)
    assert variables == {"dataset": "2024", "outputs": "/here", "ipc": 1, "networks": "MLP", "mine": 1.5}


@pytest.mark.parametrize(
    ("given", "kind", "meant"),
    [
        *((word, bool, word.lower() == "true") for word in ("true", "false", "True", "False")),
        *((text, str, text) for text in ("2024", "007", "1e3", "true", "null", "[1]", "", "report + networks=3")),
        ('"2024"', str, "2024"),
        ("3", int, 3),
        ("3", float, 3.0),
        ("0.5", float, 0.5),
        ("anything", type(...), "anything"),
        ("[1]", type(None), [1]),
    ],
)
def test_what_is_typed_has_the_type_of_the_default(given, kind, meant):
    found = typed("it", given, kind)
    assert (found, type(found)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ("yes", bool, "it 'yes': expected True or False"),
        ("1", bool, "it 1: expected True or False"),
        ("null", bool, "it None: expected True or False"),
        ("1.0", int, "it 1.0: expected a whole number"),
        ("true", int, "it True: expected a whole number"),
        ('"3"', int, "it '3': expected a whole number"),
        ("True", float, "it 'True': expected a number"),
        ("3", list, "it 3: expected a list"),
    ],
)
def test_another_type_is_refused(given, kind, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        typed("it", given, kind)


# Command lines


PARAMETERS = 'dataset = "digits"\nipc = 1  # images\nshipped = False\noutputs = "outputs"\nfolder = str(ipc)\n'


def notebook(path, parameters=PARAMETERS, kernel="python3"):
    """Writes a lesson of a parameters cell alone; returns its file."""
    cells = [nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("1")]
    if parameters is not None:
        cells.insert(1, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    spec = {"kernelspec": {"name": kernel, "language": "python", "display_name": "Python 3"}} if kernel else {}
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), path)
    return path


@pytest.fixture
def ran(monkeypatch):
    """What `dckit lessons` would execute: (notebook's name, parameters)."""
    found = []

    def execute(path, executed, parameters):
        found.append((path.name, parameters))
        return lessons.Execution(executed, 1.0, 1.0)

    monkeypatch.setattr(lessons, "execute", execute)
    return found


def refused(capsys, *arguments):
    """The one sentence that a command line is refused with."""
    assert lessons.main([str(argument) for argument in arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_lessons_get_values_of_the_types_that_they_have(tmp_path, ran):
    given = ["-p", "shipped", "False", "-p", "dataset", "2024", "-p", "ipc", "10", "-p", "folder", "3"]
    assert lessons.main([str(notebook(tmp_path / "a.ipynb")), "--out", str(tmp_path / "out"), *given]) == 0
    meant = {"shipped": False, "dataset": "2024", "ipc": 10, "outputs": str(tmp_path / "out"), "folder": 3}
    assert ran == [("a.ipynb", meant)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("shipped", "maybe", "shipped 'maybe': expected True or False"),
        ("ipc", "ten", "ipc 'ten': expected a whole number"),
        ("Dataset", "mnist", "no lesson has a parameter 'Dataset': .*; did you mean 'dataset'?"),
        ("SHIPED", "true", "no lesson has a parameter 'SHIPED': .*; did you mean 'shipped'?"),
        ("zzz", "1", "no lesson has a parameter 'zzz': expected one of dataset, folder, ipc, outputs, shipped"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(tmp_path, capsys, ran, name, value, sentence):
    for stem in "ab":
        notebook(tmp_path / "nb" / f"{stem}.ipynb")
    assert re.fullmatch(sentence.replace("?", r"\?"), refused(capsys, tmp_path / "nb", "-p", name, value))
    assert not ran


# Notebooks


def test_hidden_files_in_a_folder_are_passed_over(tmp_path, ran):
    notebook(tmp_path / "nb" / "a.ipynb")
    (tmp_path / "nb" / "._a.ipynb").write_bytes(b"\0\5\x16\7\xb0\xff")
    (tmp_path / "nb" / ".a.0123.ipynb").touch()
    assert lessons.main([str(tmp_path / "nb"), "--out", str(tmp_path / "out")]) == 0
    assert [name for name, _ in ran] == ["a.ipynb"]


CONFLICT = '{"cells": [\n<<<<<<< HEAD\n{"a": 1}\n=======\n{"a": 2}\n>>>>>>> other\n]}'
BROKEN = {
    "is empty": b"",
    "has merge conflicts": CONFLICT.encode(),
    "is not a notebook": b"\0\5\x16\7\xb0\xff",
    "is not a notebook:": b"[1]",
    "is not a notebook: ": b'{"cells": null, "metadata": null}',
    "is not a notebook: r": b'{"cells": [1], "metadata": {}}',
    "names no kernel": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
}


@pytest.mark.parametrize(("sentence", "content"), BROKEN.items())
def test_a_broken_notebook_is_named_before_any_work(tmp_path, capsys, ran, sentence, content):
    notebook(tmp_path / "nb" / "a.ipynb")
    (tmp_path / "nb" / "b.ipynb").write_bytes(content)
    assert f"b.ipynb {sentence}" in refused(capsys, tmp_path / "nb", "--out", tmp_path / "out")
    assert not ran
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(kernel=None), "names no kernel"),
        (dict(parameters=None), "has no parameters cell"),
        (dict(parameters="ipc = = 1"), "its parameters cell is not Python"),
        (dict(parameters="<<<<<<< local\nipc = 1\n"), "has merge conflicts"),
    ],
)
def test_notebooks_that_are_no_lessons_are_named_together(tmp_path, capsys, ran, changes, sentence):
    notebook(tmp_path / "nb" / "a.ipynb", **changes)
    notebook(tmp_path / "nb" / "b.ipynb")
    (tmp_path / "nb" / "c.ipynb").touch()
    line = refused(capsys, tmp_path / "nb")
    assert re.search(f"a.ipynb:? {sentence}.*; .*c.ipynb is empty", line)
    assert not ran


def test_two_notebooks_of_one_name_are_refused(tmp_path, capsys, ran):
    paths = [notebook(tmp_path / "one" / "a.ipynb"), notebook(tmp_path / "two" / "A.ipynb")]
    assert "one/a.ipynb and " in refused(capsys, *paths, "--out", tmp_path / "out")
    assert "would be written to one file" in refused(capsys, paths[0], tmp_path / "two", "--out", tmp_path / "out")
    assert not ran


def test_a_notebook_that_is_named_twice_runs_once(tmp_path, ran):
    path = notebook(tmp_path / "nb" / "a.ipynb")
    twice = [str(path), str(path.parent), str(tmp_path / "nb" / ".." / "nb")]
    assert lessons.main([*twice, "--out", str(tmp_path / "out")]) == 0
    assert [name for name, _ in ran] == ["a.ipynb"]


def test_a_file_is_no_folder_for_results(tmp_path, capsys, ran):
    path = notebook(tmp_path / "nb" / "a.ipynb")
    (tmp_path / "out").touch()
    assert refused(capsys, path, "--out", tmp_path / "out") == f"--out {tmp_path / 'out'} is a file: name a folder"
    assert not ran


def test_a_lesson_is_not_overwritten_by_its_run(tmp_path, capsys, ran):
    path = notebook(tmp_path / "nb" / "a.ipynb")
    os.symlink(tmp_path / "nb", tmp_path / "link")
    for out in ("nb", "link", "nb/../nb"):
        assert f"would overwrite {path}" in refused(capsys, path, "--out", tmp_path / out)
    assert not ran


def test_what_another_lesson_gave_is_not_overwritten(tmp_path, capsys, ran):
    lesson, another, out = (
        notebook(tmp_path / "nb" / "a.ipynb"),
        notebook(tmp_path / "two" / "a.ipynb"),
        tmp_path / "out",
    )

    def executed(source):
        """As papermill leaves it; None: not papermill."""
        content = json.loads(lesson.read_text())
        content["metadata"] |= {"papermill": {"input_path": str(source)}} if source else {}
        out.mkdir(exist_ok=True)
        (out / "a.ipynb").write_text(json.dumps(content))

    executed(another)
    assert f"would overwrite a.ipynb there, which was made from {another}: name" in refused(
        capsys, lesson.parent, "--out", out
    )
    executed(None)
    assert "would overwrite a.ipynb there, which this command has not written" in refused(capsys, lesson, "--out", out)
    assert not ran
    for own in (lesson, tmp_path / "nb" / ".." / "nb" / "a.ipynb", tmp_path / "moved" / "a.ipynb"):
        executed(own)
        assert lessons.main([str(lesson), "--out", str(out)]) == 0
    (out / "a.ipynb").write_text("{")  # a damaged one is made anew
    assert lessons.main([str(lesson), "--out", str(out)]) == 0
    assert len(ran) == 4


def test_papermill_writes_down_the_whole_path_of_a_lesson(tmp_path, monkeypatch):
    notebook(tmp_path / "nb" / "a.ipynb")
    monkeypatch.chdir(tmp_path)
    assert lessons.main(["nb", "--out", "out"]) == 0
    written = json.loads((tmp_path / "out" / "a.ipynb").read_text())["metadata"]["papermill"]["input_path"]
    assert written == str((tmp_path / "nb" / "a.ipynb").resolve())


def test_a_folder_without_notebooks_is_named(tmp_path, capsys, ran):
    path = notebook(tmp_path / "nb" / "a.ipynb")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / ".a.ipynb").touch()
    assert refused(capsys, path, tmp_path / "none") == f"no notebooks in the folder {tmp_path / 'none'}"


def test_a_lesson_keeps_its_files_in_one_place_wherever_it_runs(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    kept = []
    for folder in (tmp_path, tmp_path / "notebooks"):  # the command line's and JupyterLab's
        monkeypatch.chdir(folder)
        kept.append({"outputs": "outputs"})
        check_parameters(kept[-1])
    assert kept == [{"outputs": str(tmp_path / "outputs")}] * 2
    monkeypatch.chdir(tmp_path.parent)
    check_parameters(elsewhere := {"outputs": "outputs"})
    assert elsewhere == {"outputs": str(tmp_path.parent / "outputs")}
    check_parameters(absolute := {"outputs": "/somewhere/else"})
    assert absolute == {"outputs": "/somewhere/else"}
