"""The pictures of executed lessons as files for slides, and the page with their words."""

from pathlib import Path

import ipywidgets
import nbformat
import pytest
from matplotlib.figure import Figure

from dckit import plots, tables, widgets
from tools import figures

FIRST = plots.picture(Figure(figsize=(1, 1)), "a < b & c_1*")
SECOND = plots.picture(Figure(figsize=(1, 2)), "two")


def lesson(path: Path, *outputs: str | dict[str, str]) -> Path:
    """An executed lesson with these outputs, tags or whole bundles, each in a cell of its own."""
    bundles = [{"text/html": output} if isinstance(output, str) else output for output in outputs]
    texts = ("<span>what papermill puts on top</span>", "# Which one?\n\ntext")
    cells = [*map(nbformat.v4.new_markdown_cell, texts), nbformat.v4.new_code_cell("not run")]
    for data in bundles:
        output = nbformat.v4.new_output("display_data", data)
        cells.append(nbformat.v4.new_code_cell("shown()", outputs=[output]))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_every_picture_becomes_a_file_with_its_words_below(tmp_path, capsys):
    lesson(
        tmp_path / "04_name.ipynb",
        FIRST._repr_mimebundle_(),
        tables.Table(("a",), (("b",),)).html,
        '<img alt="from elsewhere" src="https://example.org/a.png">',
        {"text/plain": "words"},
        f"<p>{SECOND.html}</p>{SECOND.html}",
    )
    lesson(tmp_path / "05_name.ipynb")
    assert figures.main([str(tmp_path)]) == 0
    folder = tmp_path / "figures"
    assert f"3 pictures: {folder / 'index.md'}" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"04-1.png", "04-2.png", "04-3.png", "index.md"}
    assert [(folder / f"04-{n}.png").read_bytes() for n in (1, 2, 3)] == [FIRST.png, SECOND.png, SECOND.png]
    page = (folder / "index.md").read_text()
    assert page.count("\n## ") == 1
    assert r"## 4: Which one?" in page
    assert "![04-1.png, described below](04-1.png)\n\n04-1.png: a \\< b & c\\_1\\*\n" in page
    assert page.index("04-1.png: a") < page.index("04-2.png: two")


def test_of_a_widget_only_the_first_picture_is_taken(tmp_path):
    choice = ipywidgets.Dropdown(options=["one", "two"], description="which")
    panel = widgets.Panel(lambda name: [FIRST, SECOND] if name == "one" else SECOND, name=choice)
    path = lesson(tmp_path / "04_name.ipynb", panel._repr_mimebundle_())
    assert [picture.alt for picture in figures.of_lesson(path)[1]] == [FIRST.alt]


def test_pictures_of_an_earlier_run_go_and_other_files_stay(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in ("04-9.png", "mine.png"):
        (folder / name).touch()
    lesson(tmp_path / "04_name.ipynb", FIRST.html)
    assert figures.main([str(tmp_path)]) == 0
    assert {path.name for path in folder.glob("*.png")} == {"04-1.png", "mine.png"}


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_without_executed_lessons_a_sentence_says_what_to_do(tmp_path, capsys, folder):
    assert figures.main([str(tmp_path / folder)]) == 1
    assert "run `make run` first" in capsys.readouterr().err
    assert not (tmp_path / folder / "figures").exists()
