"""What a fresh clone must hold: clean notebooks, one address, commands that exist, a wheel that works elsewhere."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_hold_no_outputs_and_have_one_parameters_cell(path):
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert "widgets" not in notebook["metadata"]
    tagged = [cell for cell in code if "parameters" in cell["metadata"].get("tags", ())]
    assert len(tagged) == 1
    names = {line.split(" =")[0] for line in tagged[0]["source"]}
    assert {"dataset", "ipc", "budget", "seed", "download", "outputs"} <= names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_short_enough_to_read(path):
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert len(cell["source"]) <= 25, "".join(cell["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_prediction_is_held_against_a_measurement(path):
    code = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    alone = [(number, re.fullmatch(r"(\w+) = None  #.*", source)) for number, source in enumerate(code)]
    asked = [(number, found[1]) for number, found in alone if found]
    answered = [
        (number, name)
        for number, source in enumerate(code)
        for name in re.findall(r"^ *(\w+) = guesses\.add\(.*?, \1,", source, re.DOTALL | re.MULTILINE)
    ]
    assert asked
    assert sum(source.count("guesses.add(") for source in code) == len(answered) == len(asked)
    for ask, answer in zip(asked, answered, strict=True):
        assert ask[0] < answer[0]
        assert ask[1] == answer[1]
    assert re.search(r"\bguesses\b", code[-1])


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md", ROOT / "CITATION.cff"], ids=lambda path: path.stem)
def test_the_address_is_pyprojects(path):
    slug = ADDRESS.removeprefix("https://github.com/")
    text = path.read_text()
    own = re.findall(r"github(?:\.com)?/([\w.-]+/dckit)\b", text)
    assert own
    assert set(own) == {slug}
    if path in NOTEBOOKS:
        assert f"colab.research.google.com/github/{slug}/blob/main/notebooks/{path.name}" in text
        assert f"git+https://github.com/{slug}" in text


def test_one_command_writes_a_new_address_everywhere(tmp_path):
    for name in ("pyproject.toml", "README.md", "CITATION.cff", "tools/address.py", *map(str, NOTEBOOKS)):
        copy = tmp_path / Path(name).relative_to(ROOT) if name.startswith(str(ROOT)) else tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text((ROOT / name).read_text())
    for new in ("someone/condensation", "other/dckit"):
        pyproject = (tmp_path / "pyproject.toml").read_text()
        (tmp_path / "pyproject.toml").write_text(
            re.sub(r"(Repository = ).*", rf'\1"https://github.com/{new}"', pyproject)
        )
        subprocess.run([sys.executable, tmp_path / "tools/address.py"], check=True, stdout=subprocess.DEVNULL)
        for path in (*(tmp_path / "notebooks").glob("*.ipynb"), tmp_path / "README.md", tmp_path / "CITATION.cff"):
            assert f"/{new}" in path.read_text()
            assert ADDRESS.removeprefix("https://github.com/") not in path.read_text()


def test_the_readmes_make_targets_exist():
    targets = set(re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE))
    assert {"run", "test", "lab"} <= targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_the_files_that_the_readme_links_to_exist():
    for document in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text()):
            assert (ROOT / target).exists(), target


def test_the_wheel_works_outside_the_checkout(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("dckit-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    script = """
import dckit, pathlib
assert pathlib.Path(dckit.__file__).is_relative_to(pathlib.Path.cwd()), dckit.__file__
real = dckit.load("digits")
recipe = dckit.Recipe.published(budget="smoke").but(iterations=1, width=8, networks=1, epochs_augmented=2)
*_, state = dckit.condensing(real, recipe)
from dckit import tables
print(tables.beside({"dc": dckit.evaluate(state.condensed, real, recipe)}))
print(dckit.CondensedSet.load("mnist-1").images.shape)
"""
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "91.7 ± 0.5" in found.stdout
    assert "[10, 1, 28, 28]" in found.stdout


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_workflows_run_what_there_is(path):
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    commands = [line for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]
    assert commands
    for command in commands:
        program, *arguments = command.split()
        if program == "make":
            subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        else:
            assert program in ("gh", "dckit") or (ROOT / program).is_file(), command
