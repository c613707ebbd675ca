"""The built book in Chromium, on a laptop and a phone, light and dark: axe-core, the keyboard, search, no network."""

import shutil
from pathlib import Path

import pytest

api = pytest.importorskip("playwright.sync_api", reason="needs the extra browser")
axe = pytest.importorskip("axe_playwright_python", reason="needs the extra browser")
AXE = Path(axe.__file__).with_name("axe.min.js").read_text()
RUN = "axe.run({preload: false, resultTypes: ['violations']})"  # preload would fetch the style sheets
PAGES = ["index", "search", "notebooks/00_start_here"]
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium():
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        except api.Error:
            pytest.skip("needs Chromium: playwright install chromium")
        yield browser
        browser.close()


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


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(book, page, name):
    page.goto(f"{book}/{name}.html")
    page.evaluate(AXE)
    for size in (LAPTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(RUN)["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert not serious, [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in serious]


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
