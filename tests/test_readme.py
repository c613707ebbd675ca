"""The code of the README and of the page on running: every command can be meant, every line of Python runs."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import torch

import dckit
from dckit.batch import grid, lessons
from dckit.batch.grid_cells import jobs_of
from dckit.batch.parameters import defaults, typed

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```(?:sh|bat)\n(.*?)```", PAGES, re.DOTALL) for line in block.splitlines()]
QUICK = 'budget="smoke").but(iterations=2, width=8, networks=1, epochs_augmented=2)'


def parameters(notebook, given):
    """A lesson's parameters as a command gives them. Raises KeyError or ValueError for what it does not take."""
    known = defaults(ROOT / notebook)
    return {name: typed(name, text, type(known[name])) for name, text in given}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_can_be_meant(line, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *rest = shlex.split(line.replace("\\", "/"), comments=True)
    if program == "make":
        subprocess.run(["make", "--dry-run", *rest], check=True, stdout=subprocess.DEVNULL)
    elif program == "papermill":
        assert parameters(rest[0], zip(rest[3::3], rest[4::3], strict=True))
    elif rest[:3] == ["-m", "dckit", "lessons"]:
        args = lessons._parser().parse_args(rest[3:])
        for notebook in (ROOT / args.notebook[0]).glob("*.ipynb"):
            parameters(notebook, args.parameter)
    elif rest[:3] == ["-m", "dckit", "grid"]:
        args = grid._parser().parse_args(rest[3:])
        assert jobs_of(args.grid, dict(args.parameter))
    else:
        assert program in ("conda", "jupyter", "source", "py", ".venv/Scripts/activate", "pip"), line


def test_the_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {"dckit": dckit}
    for block in blocks:
        block = block.replace('dckit.load("mnist", root="data", download=True)', 'dckit.load("digits")')
        exec(block.replace('budget="lesson")', QUICK), names)
    assert len(next(iter(names["loader"]))[0]) == 10
    assert 0 < names["scores"].mean < 100
    assert (tmp_path / "mnist-1.safetensors").is_file()


def test_what_the_page_on_export_saves_is_read_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL):
        exec(block, names)
        if "tensors" in names and "path" not in names:
            assert torch.equal(names["tensors"]["images"], dckit.CondensedSet.load("mnist-10").images)
    images, labels = next(iter(names["loader"]))
    assert (images.shape, labels.bincount().tolist()) == ((100, 1, 28, 28), [10] * 10)
    ((found, their_labels),) = torch.load(names["path"], weights_only=True)["data"]
    assert torch.equal(found, dckit.CondensedSet.load("cifar10-10").images)
    assert torch.equal(their_labels, dckit.CondensedSet.load("cifar10-10").labels)
