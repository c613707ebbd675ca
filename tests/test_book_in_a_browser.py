"""The built book in Chromium, on a laptop and a phone, light and dark: axe-core, the keyboard, search, no network."""

from importlib.resources import files

import pytest
from browsers import LAPTOP, PHONE, screenshot

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = "axe.run({preload: false, resultTypes: ['violations']})"  # preload would fetch the style sheets


@pytest.fixture
def page(chromium):
    """A page that must not ask for anything but files, nor complain."""
    page, bad = chromium.new_page(), []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else bad.append(r.url))
    page.on("console", lambda message: bad.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: bad.append(error))
    yield page
    page.close()
    assert not bad


@pytest.fixture
def book(built):
    return (built / "book").as_uri()


def test_axe_finds_nothing_serious_on_any_page(built, page):
    pages = sorted((built / "book").rglob("*.html"))
    assert {"index", "search", "00_start_here", "protocol"} <= {path.stem for path in pages}
    wrong = {path.stem: found for path in pages if (found := serious(page, path))}
    assert not wrong


def serious(page, path):
    """What axe finds serious on a page of the book, as (size, scheme, rule, elements); pictures of it are kept."""
    page.goto(path.as_uri())
    page.evaluate(AXE)
    wrong = []
    for device, size in {"laptop": LAPTOP, "phone": PHONE}.items():
        page.set_viewport_size(size)
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            wrong.append((device, "wider than the screen"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if scheme == "light" or path.stem == "index":
                screenshot(page, f"book-{path.stem}-{device}-{scheme}")
            for found in page.evaluate(RUN)["violations"]:
                if found["impact"] in ("serious", "critical"):
                    wrong.append((device, scheme, found["id"], [node["html"] for node in found["nodes"]][:3]))
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
