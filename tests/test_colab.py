"""What Colab asks of a lesson: no JupyterLab, no papermill, core widgets alone, a set-up cell that may run again."""

import ast
import builtins
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import ipywidgets
import pytest
from cells import code

import dckit
from dckit import check, widgets

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAGIC = re.compile(r"get_ipython\(\)\.(\w+)\('(\w*)'")
LAB = [re.split(r"[\[><=]", name)[0] for name in PROJECT["optional-dependencies"]["lab"]]


def imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_lines(source):
    nodes = ast.walk(ast.parse(source))
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


lessons = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@lessons
def test_the_only_magic_is_pip(path):
    found = {match for source in code(path) for match in MAGIC.findall(source)}
    assert found <= {("run_line_magic", "pip")}


@lessons
def test_lessons_import_the_kit_torch_and_the_standard_library(path):
    top = {name.split(".")[0] for source in code(path) for name in imports(source)}
    assert top <= {"dckit", "torch", "safetensors", *sys.stdlib_module_names}  # the kit brings safetensors


@lessons
def test_the_set_up_cell_may_run_again_and_installs_nothing_where_the_kit_is(path):
    parameters, set_up = code(path)[:2]
    assert "get_ipython().run_line_magic('pip'" in set_up  # which a namespace without IPython would not survive
    namespace = {"__builtins__": builtins}
    states = []
    for _ in range(2):
        exec(parameters, namespace)
        exec(set_up, namespace)
        states.append({name: described(value) for name, value in namespace.items()})
    assert states[0] == states[1]


def described(value):
    """Something to compare: a network by its weights, data by its name and size, the rest as it is."""
    if hasattr(value, "state_dict"):
        return {name: tensor.tolist() for name, tensor in value.state_dict().items()}
    if isinstance(value, dckit.ImageData):
        return value.name, len(value.train), len(value.test)
    if isinstance(value, check.Guesses):
        return value.table
    # What has no equality of its own is another object each time: its kind has to do.
    return type(value) if type(value).__eq__ is object.__eq__ and not isinstance(value, type) else value


@lessons
def test_where_the_kit_is_missing_the_set_up_cell_installs_it(path):
    installed = []

    def without_dckit(name, *rest):
        if name.split(".")[0] == "dckit" and not installed:
            raise ModuleNotFoundError(name)
        return __import__(name, *rest)

    class Shell:
        @staticmethod
        def run_line_magic(magic, line):
            installed.append((magic, line))

    parameters, set_up = code(path)[:2]
    namespace = {"__builtins__": vars(builtins) | {"__import__": without_dckit}, "get_ipython": Shell}
    exec(parameters + set_up, namespace)
    ((magic, line),) = installed
    assert magic == "pip"
    assert line.split()[0] == "install"
    assert not re.search(r"torch|numpy|--upgrade|-U\b|--force", line)


def test_every_widget_made_is_one_of_ipywidgets_own(digits, tmp_path):
    before = set(ipywidgets.Widget.get_manager_state()["state"])
    sets = {"one": [dckit.random_images(digits, 2, 0)]}
    widgets.distance(digits)
    widgets.Live("digits", dckit.Recipe.published(), outputs=tmp_path)
    widgets.explore(digits, sets)
    widgets.switches([])
    widgets.tables([])
    state = ipywidgets.Widget.get_manager_state()["state"]
    made = [model for key, model in state.items() if key not in before]
    assert len(made) > 30
    assert {model["model_module"] for model in made} == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}


def test_the_install_leaves_colabs_torch_and_numpy_alone():
    wanted = {re.split(r"[><=]", line)[0]: line for line in PROJECT["dependencies"]}
    assert not set(wanted) & set(LAB)
    for name, line in wanted.items():
        assert re.fullmatch(rf"{name}>=[\d.]+", line)  # a lower bound alone: nothing is ever downgraded


def test_the_kit_and_all_that_lessons_import_need_no_lab():
    lines = {line for path in NOTEBOOKS for source in code(path) for line in import_lines(source)}
    assert any("widgets" in line for line in lines)
    missing = set(LAB) - {"ipywidgets", "filelock", "tqdm", "joblib"}  # Colab has these, torch and scikit-learn too
    script = f"""
import sys
for name in {missing}:
    sys.modules[name] = None
"""
    script += "\n".join(sorted(lines))
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
