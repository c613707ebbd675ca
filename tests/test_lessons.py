"""Every lesson runs headless at the smoke budget, and leaves what `make run` promises."""

import json
import os
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from cells import code
from safetensors import safe_open

from dckit import Recipe, results
from dckit.batch import lessons
from dckit.results import Run

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, pytestconfig):
    """Run all lessons once, as `make run` does; times, memory and every failure are printed, captured or not."""
    kept = os.environ.get("DCKIT_PAGES")  # for the tests of the pages in a browser
    out = Path(kept) if kept else tmp_path_factory.mktemp("outputs")
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        failed = lessons.main([str(NOTEBOOKS), "--out", str(out)])
    assert not failed
    return out


def test_the_run_leaves_notebooks_pages_set_picture_and_scores(outputs):
    for name in NAMES:
        assert (outputs / f"{name}.ipynb").is_file()
        assert (outputs / f"{name}.html").is_file()
    made = outputs / "sets" / "digits-1-dc-ConvNet-published-smoke-0"
    assert made.with_suffix(".png").is_file()
    with safe_open(made.with_suffix(".safetensors"), framework="pt") as file:
        assert file.get_tensor("images").shape == (10, 1, 28, 28)
    rows = json.loads((outputs / "scores.json").read_text())["rows"]
    assert [row[0] for row in rows] == ["random real images", "condensed images", "the whole dataset"]
    random, condensed, whole = (float(row[-1].split()[0]) for row in rows)
    assert random + 3 < condensed < whole  # what the lessons tell must also be so at the smallest budget


def test_the_run_leaves_results_and_tables(outputs):
    found, skipped = results.read_all(outputs)
    assert not skipped
    methods = Counter(r.run.method for r in found)
    once = dict.fromkeys(("herding", "k_center", "forgetting", "whole", "dd"), 1)
    assert methods == once | {"random": 3 + 1 + 2 + 1, "dc": 6 + 2 + 7 + 1 + 3, "dsa": 2 + 2, "dm": 4}
    plain = {Run("digits", method, Recipe.published(1, "smoke")).name for method in ("random", "herding", "forgetting")}
    mean = {r.run.method: r.scores.mean for r in found if r.run.name in plain}
    assert mean["forgetting"] + 20 < mean["random"] + 3 < mean["herding"]  # what lesson 4 says of them
    tests = [(r.run.recipe.testing, r.scores.mean) for r in found if r.run.recipe.protocol == "report"]
    lenet = {testing.version: score for testing, score in tests if testing.network == "LeNet"}
    assert lenet["published"] > 30 > 20 > lenet["report"]  # and lesson 5 of its two versions
    for name in ("table_1", "table_2", "table_2_report", "table_3"):
        for suffix in ("md", "csv", "tex"):
            printed = "84.0" if name == "table_3" else "91.7"
            assert printed in (outputs / f"{name}.{suffix}").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_warns_or_writes_to_stderr(outputs, name):
    cells = nbformat.read(outputs / f"{name}.ipynb", as_version=4).cells
    printed = [o.text for cell in cells for o in cell.get("outputs", ()) if o.get("name") == "stderr"]
    assert not printed


@pytest.mark.parametrize("name", NAMES)
def test_pages_open_without_a_network(outputs, name):
    page = (outputs / f"{name}.html").read_text()
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="https?://[^"]+"', page)
    assert "$" not in re.sub(r"<(script|style|pre).*?</\1>", "", page, flags=re.DOTALL)  # formulas are MathML
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    assert ("<math" in page) == any("$" in cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_words_and_headings_are_in_order(outputs, name):
    page = (outputs / f"{name}.html").read_text()
    images = re.findall(r"<img[^>]*>", page)
    assert images
    for image in images:
        alt = re.search(r'alt="([^"]*)"', image)
        assert alt, image[:200]
        assert len(alt[1]) > 5, image[:200]
        assert "No description" not in alt[1]
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


BAD = [
    ("00_start_here", "dataset", "mnits", "unknown dataset 'mnits'"),
    ("00_start_here", "budget", "tiny", "unknown budget 'tiny'"),
    ("00_start_here", "ipc", 0, "ipc 0: expected more than 0"),
    ("00_start_here", "ipc", 500, "ipc 500: expected 1 to"),
    ("00_start_here", "ipc", "ten", "ipc 'ten': expected a whole number"),
    ("03_stage_t", "shipped", "no", "shipped 'no': expected True or False"),
    ("00_start_here", "seed", -1, "seed -1 is negative"),
    ("04_table_1", "methods", "random hurding", "unknown method 'hurding'"),
    ("04_table_1", "protocol", "reported", "unknown protocol 'reported'"),
    ("05_tables_2_and_3", "networks", "LeNet VGG", "unknown network 'VGG'"),
]


@pytest.mark.parametrize(("name", "parameter", "value", "sentence"), BAD)
def test_bad_parameters_are_refused_by_the_first_cells(name, parameter, value, sentence):
    parameters, *cells = code(NOTEBOOKS / f"{name}.ipynb")
    namespace = {}
    exec(parameters, namespace)
    namespace[parameter] = value
    with pytest.raises((ValueError, TypeError), match=re.escape(sentence)):
        exec("\n".join(cells[:2]), namespace)


@pytest.mark.parametrize(("name", "parameter", "value", "sentence"), BAD[-2:])
def test_bad_parameters_end_headless_in_one_sentence(tmp_path, capsys, name, parameter, value, sentence):
    arguments = [str(NOTEBOOKS / f"{name}.ipynb"), "--out", str(tmp_path), "-p", parameter, value]
    assert lessons.main(arguments) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("FAILED")]
    assert sentence in error
    assert not list(tmp_path.rglob("*.safetensors"))


def test_an_unknown_parameter_is_refused_before_any_work(tmp_path, capsys):
    assert lessons.main([str(NOTEBOOKS), "--out", str(tmp_path), "-p", "datset", "mnist"]) == 1
    assert "no lesson has a parameter 'datset'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_failing_lesson_does_not_stop_the_others(tmp_path, capsys):
    for name, source in (("1_bad", "raise ValueError('too bad')"), ("2_good", "print('fine')")):
        cells = [nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_code_cell(source)]
        cells += [nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]})]
        kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / f"{name}.ipynb")
    assert lessons.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert "FAILED 1_bad: ValueError: too bad" in captured.err
    assert "2_good" in captured.out
    assert "fine" in (tmp_path / "out" / "2_good.html").read_text()
    assert "too bad" in (tmp_path / "out" / "1_bad.html").read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    arguments = [str(NOTEBOOKS / "00_start_here.ipynb"), "--out", str(tmp_path / "file" / "out")]
    assert lessons.main(arguments) == 1
    assert "cannot write" in capsys.readouterr().err
