"""The built book in Chromium, on a laptop and a phone, light and dark: axe-core, the keyboard, search, no network."""

import shutil

import browsers
import pytest
from browsers import LAPTOP, LESSONS, PHONE, screenshot


@pytest.fixture
def page(chromium):
    """A page that must not ask for anything but files, nor complain."""
    page = chromium.new_page()
    bad = browsers.listened(page)
    yield page
    page.close()
    assert not bad


@pytest.fixture
def book(built):
    return (built / "book").as_uri()


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A book of the executed lessons, where there are any: the one of `book` has lessons without outputs."""
    import books

    out, lessons = tmp_path_factory.mktemp("executed"), [browsers.PAGES / f"{name}.ipynb" for name in LESSONS]
    if not all(lesson.is_file() for lesson in lessons):
        pytest.skip(f"not all lessons are in {browsers.PAGES}: run them first")
    for lesson in lessons:
        shutil.copy(lesson, out)
    assert books.tool.main(["--out", str(out)]) == 0
    return out / "book" / "notebooks"


@pytest.mark.parametrize("name", LESSONS)
def test_every_control_of_a_lesson_in_the_book_shows_its_state(executed, page, name):
    page.goto((executed / f"{name}.html").as_uri())
    browsers.answer_everything(page)
    assert bool(browsers.turn_everything(page)) == (name not in browsers.NOT_PLAYED)
    for device, scheme in (("laptop", "light"), ("phone", "dark")):
        page.set_viewport_size(LAPTOP if device == "laptop" else PHONE)
        page.emulate_media(color_scheme=scheme)
        assert not browsers.serious(page)
        assert not browsers.too_wide(page)


def test_axe_finds_nothing_serious_on_any_page(built, page):
    pages = sorted((built / "book").rglob("*.html"))
    assert {"index", "search", "00_start_here", "protocol"} <= {path.stem for path in pages}
    wrong = {path.stem: found for path in pages if (found := serious(page, path))}
    assert not wrong


def serious(page, path):
    """What axe finds serious on a page of the book, as (size, scheme, rule, elements); pictures of it are kept."""
    page.goto(path.as_uri())
    wrong = []
    for device, size in {"laptop": LAPTOP, "phone": PHONE}.items():
        page.set_viewport_size(size)
        if browsers.too_wide(page):
            wrong.append((device, "wider than the screen"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if scheme == "light" or path.stem == "index":
                screenshot(page, f"book-{path.stem}-{device}-{scheme}")
            wrong += [(device, scheme, *found) for found in browsers.serious(page)]
    return wrong


def test_colours_follow_the_system(book, page):
    page.goto(f"{book}/index.html")
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == "rgb(255, 255, 255)"
    assert max(map(int, colours[1][4:-1].split(","))) < 50


def test_the_keyboard_opens_the_contents_on_a_phone(book, page):
    page.set_viewport_size(PHONE)
    page.goto(f"{book}/notebooks/00_start_here.html")
    link = page.locator(".sidebar-tree a", has_text="stage C")
    assert page.evaluate("getComputedStyle(document.querySelector('.sidebar-drawer')).visibility") == "hidden"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    page.wait_for_timeout(500)  # the drawer slides
    assert link.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/02_stage_c.html")


def test_search_finds_a_word_of_an_output(book, page):
    page.goto(f"{book}/index.html")
    page.fill("input[name=q]", "zebra")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li")
    found = page.locator("#search-results li a").all_inner_texts()
    assert found == ["Can ten images teach what a whole dataset teaches?"]
