"""The book, built from the lessons as they stand with a few outputs put in: whole, offline, and for everybody."""

import json
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from books import ALT, ROOT, executed, tool

from dckit.batch import lessons

pytest.importorskip("sphinx", reason="needs the extra book")


@pytest.fixture(scope="module")
def pages(built):
    """The text of every page by its path."""
    return {path: path.read_text() for path in sorted((built / "book").rglob("*.html"))}


@pytest.fixture(scope="module")
def lesson(built):
    return (built / "book" / "notebooks" / "00_start_here.html").read_text()


class Tags(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_every_document_and_lesson_is_a_page_that_search_knows(built, pages):
    book = built / "book"
    documents = {
        "index",
        "search",
        "CHANGELOG",
        "CONTRIBUTING",
        *(f"docs/{p.stem}" for p in ROOT.glob("docs/*.md") if p.stem != "index"),
    }
    expected = documents | {f"notebooks/{lesson.stem}" for lesson in tool.LESSONS}
    assert {path.relative_to(book).with_suffix("").as_posix() for path in pages} == expected
    index = json.loads((book / "searchindex.js").read_text().removeprefix("Search.setIndex(").rstrip(")"))
    assert set(index["docnames"]) == expected - {"search"}
    assert "zebra" in index["terms"]  # a word of an output
    assert not list(built.glob(".book-*"))


def test_nothing_is_loaded_from_elsewhere(built, pages):
    for path, page in pages.items():
        for tag, attributes in Tags(page).found:
            for name in ("src", "srcset", "data", "poster") + (("href",) if tag in ("link", "use", "image") else ()):
                assert not re.match(r"\s*(https?:)?//", attributes.get(name) or ""), (path.name, tag, attributes)
    for path in (built / "book").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text()), path


def test_pictures_keep_their_words_and_tables_are_tables(pages, lesson):
    images = [(path, a) for path, page in pages.items() for tag, a in Tags(page).found if tag == "img"]
    assert ALT in [a["alt"] for _, a in images]
    assert all(len(a["alt"]) > 5 for _, a in images), [(path, a) for path, a in images if len(a["alt"]) <= 5]
    assert "<p>zebra</p></td>" in lesson


def test_headings_are_in_order(pages):
    for path, page in pages.items():
        levels = [int(tag[1]) for tag, _ in Tags(page).found if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(b <= a + 1 for a, b in pairwise(levels)), path


def test_links_lead_somewhere(pages):
    ids = {path: {a["id"] for _, a in Tags(page).found if a.get("id")} | {""} for path, page in pages.items()}
    for path, page in pages.items():
        for href in [a["href"] for tag, a in Tags(page).found if tag == "a" and a.get("href")]:
            link = urlsplit(href)
            if not link.scheme:
                target = (path.parent / unquote(link.path)).resolve() if link.path else path
                assert target.is_file(), (path.name, href)
                assert target.suffix not in (".md", ".ipynb"), f"{path.name}: {href} is not a page of the book"
                assert unquote(link.fragment) in ids.get(target, {""}), (path.name, href)


def test_formulas_are_mathml(built, pages, lesson):
    assert "<msup><mi>θ</mi><mn>2</mn></msup>" in lesson.replace("&#x003B8;", "θ")
    for path, page in pages.items():
        assert "$" not in re.sub(r"<(script|style|pre|code).*?</\1>", "", page, flags=re.DOTALL), path
        notebook = built / f"{path.stem}.ipynb"
        if notebook.is_file():
            cells = nbformat.read(notebook, as_version=4).cells
            formulas = any("$" in cell.source for cell in cells if cell.cell_type == "markdown")
            assert ("<math" in page) == formulas, path


def test_widgets_need_no_kernel_and_this_machines_folders_stay_private(built, pages, lesson):
    assert lesson.count("the plain picture") == 1
    assert lesson.count('class="dckit-played"') == lesson.count("window.dckitPlayed();") == 1
    assert not re.search("VBox|widget-(view|state)", lesson)
    assert "7777" in lesson
    assert lesson.count("# Parameters") == 1  # the other run was given no more than the folder
    assert not any(str(built) in page for page in pages.values())


def test_missing_lessons_are_run_first(tmp_path, monkeypatch, capsys):
    out, asked = executed(tmp_path / "outputs"), []
    (out / "03_stage_t.ipynb").unlink()
    monkeypatch.setattr(lessons, "main", lambda arguments: asked.append(arguments) or 1)
    assert tool.main(["--out", str(out)]) == 1
    assert asked == [[str(ROOT / "notebooks" / "03_stage_t.ipynb"), "--out", str(out)]]
    assert "a lesson failed" in capsys.readouterr().err


def test_a_failed_lesson_or_a_dead_link_leaves_the_earlier_book(tmp_path, capsys):
    out = executed(tmp_path / "outputs")
    (out / "book").mkdir()
    path = out / "03_stage_t.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["papermill"] = {"exception": True}
    nbformat.write(notebook, path)
    assert tool.main(["--out", str(out)]) == 1
    assert f"{path} ended in an error" in capsys.readouterr().err
    notebook.metadata["papermill"] = {"exception": None}
    notebook.cells.append(nbformat.v4.new_markdown_cell("[lesson 99](99_nowhere.ipynb)"))
    nbformat.write(notebook, path)
    assert tool.main(["--out", str(out)]) == 1
    assert "no book: see above" in capsys.readouterr().err
    assert [p.name for p in out.iterdir() if not p.is_file()] == ["book"]


def test_without_sphinx_a_sentence_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "furo", None)
    assert tool.main(["--out", str(tmp_path)]) == 1
    assert "pip install --editable '.[book]'" in capsys.readouterr().err
