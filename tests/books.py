"""What a book is built of in tests: the lessons as they stand, with outputs of every kind put into lesson 0."""

import importlib.util
import shutil
from pathlib import Path

import ipywidgets
import nbformat
from matplotlib.figure import Figure

from dckit import plots, tables, widgets

ROOT = Path(__file__).parents[1]
LONG = "$$" + r"\frac{\eta_S}{2} + " * 20 + "1$$"  # wider than a page
ALT = 'Accuracy of <networks> on "digits": 80 %'
WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

spec = importlib.util.spec_from_file_location("book", ROOT / "tools" / "book.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def executed(out: Path) -> Path:
    """The lessons in ``out``, as after `make run`, lesson 0 with outputs of every kind."""
    out.mkdir()
    for lesson in tool.LESSONS:
        shutil.copy(lesson, out)
    notebook = nbformat.read(out / "00_start_here.ipynb", as_version=4)
    picture = plots.picture(Figure(figsize=(12, 1)), ALT)._repr_mimebundle_()
    view = {WIDGET: {"model_id": "1", "version_major": 2, "version_minor": 0}, "text/plain": "VBox(children=())"}
    choice = ipywidgets.Dropdown(options=["one", "two"], description="bars")
    panel = widgets.Panel(lambda name: plots.bars({name: 1}, "x", f"picture of {name}"), name=choice)
    shown = [
        picture,
        {"text/markdown": tables.Table(("method", "accuracy"), (("zebra", "1.0 ± 2.0"),))._repr_markdown_()},
        view | {"text/html": "<p>the plain picture</p>"},
        view,
        panel._repr_mimebundle_(),
    ]
    outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    given = f'# Parameters\noutputs = "{out}"'
    notebook.cells += [
        nbformat.v4.new_code_cell(given, metadata={"tags": ["injected-parameters"]}),
        nbformat.v4.new_code_cell(given + "\nipc = 7777", metadata={"tags": ["injected-parameters"]}),
        nbformat.v4.new_code_cell("shown()", outputs=outputs),
        nbformat.v4.new_markdown_cell("In [lesson 5](05_tables_2_and_3.ipynb), $\\theta^2$ and\n\n" + LONG),
    ]
    notebook.metadata["widgets"] = {
        STATE: {"state": {"1": {"model_name": "VBoxModel"}}, "version_major": 2, "version_minor": 0}
    }
    nbformat.write(notebook, out / "00_start_here.ipynb")
    return out
