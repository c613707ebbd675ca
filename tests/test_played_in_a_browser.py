"""Widgets of an executed notebook, on its page and in the book, in Chromium: from files, without kernel and network."""

import base64
from importlib.resources import files

import nbformat
import pytest
from browsers import LAPTOP, PHONE, screenshot
from playwright.sync_api import expect
from test_played import HOSTILE, is_same

from dckit.batch import headless
from dckit.show import Picture

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = "axe.run('.dckit-played', {preload: false, resultTypes: ['violations']})"

# What the notebook below runs; the tests run it, too, for the plain functions.
CODE = f"""
import ipywidgets as ui

from dckit import plots, widgets
from dckit.show import Table

HOSTILE = {HOSTILE!r}

def bars(label, size, twice, kind):
    name, height = HOSTILE[label], size * (1 + twice)
    if size == 4:
        raise ValueError(f"size 4 of {{name}}: expected 1 to 3")
    return plots.bars({{name: height}}, kind, f"{{name}}: {{height}}, {{kind}}")

def table(row):
    return Table(("name", "a column that is wide " * 5), ((row, "1"), (row, "2")), row)
"""
PANELS = (
    """widgets.Panel(
    bars,
    label=ui.Dropdown(options=[(name, i) for i, name in enumerate(HOSTILE)], description="class"),
    size=ui.IntSlider(value=2, min=1, max=4, description="size"),
    twice=ui.Checkbox(description="twice"),
    kind=ui.ToggleButtons(options=["one", "other"], description="kind"),
)""",
    "widgets.Panel(table, row=ui.RadioButtons(options=HOSTILE, description='row'))",
)
plain = {}
exec(CODE, plain)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The page of a notebook, executed as lessons are."""
    out = tmp_path_factory.mktemp("played")
    cells = [nbformat.v4.new_markdown_cell("# Two panels"), *map(nbformat.v4.new_code_cell, ("", CODE, *PANELS))]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), out / "two.ipynb")
    done = headless.execute(out / "two.ipynb", out / "executed.ipynb", {})
    assert not done.error
    return out / "executed.html"


@pytest.fixture
def page(chromium):
    """A page without network that must not ask for anything but files, nor complain, nor open a dialog."""
    page, bad = chromium.new_page(viewport=LAPTOP), []
    page.context.set_offline(True)
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else bad.append(r.url))
    page.on("console", lambda message: bad.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: bad.append(error))
    page.on("dialog", lambda dialog: (bad.append(dialog.message), dialog.dismiss()))
    yield page
    page.close()
    assert not bad


def panel(page, number):
    return page.locator(".dckit-played").nth(number)


def shows(box, **values):
    """The panel shows the plain function's picture for these values, and speaks its words."""
    picture = plain["bars"](**values)
    image = box.locator(".dckit-shown img")
    expect(image).to_have_attribute("alt", picture.alt)
    expect(box.locator("[aria-live=polite]")).to_have_text(picture.alt)
    shown = base64.b64decode(image.get_attribute("src").partition("base64,")[2])
    assert is_same(Picture(shown, picture.alt), picture)
    assert image.evaluate("image => image.complete && image.naturalWidth > 300")


def test_every_control_shows_the_plain_functions_picture_and_words(exported, page):
    page.goto(exported.as_uri())
    box = panel(page, 0)
    values = {"label": 0, "size": 2, "twice": False, "kind": "one"}
    expect(box.locator(".dckit-shown img")).to_have_attribute("alt", plain["bars"](**values).alt)
    expect(box.locator("[aria-live=polite]")).to_be_empty()  # nothing is spoken before a hand turns something
    select, slider = box.get_by_label("class"), box.get_by_role("slider", name="size")
    assert select.locator("option").all_text_contents() == list(HOSTILE)
    assert slider.get_attribute("aria-valuetext") == "2"
    for label in (1, 2, 0):
        select.select_option(index=label)
        values["label"] = label
        shows(box, **values)
    for key, size in (("ArrowRight", 3), ("Home", 1)):
        slider.press(key)
        values["size"] = size
        shows(box, **values)
        assert slider.get_attribute("aria-valuetext") == str(size)
    for twice in (True, False, True):
        box.get_by_role("checkbox", name="twice").press("Space")
        values["twice"] = twice
        shows(box, **values)
    radios = box.get_by_role("group", name="kind").get_by_role("radio")
    for press, kind in (("ArrowRight", "other"), ("ArrowLeft", "one")):
        radios.locator("visible=true").nth(0 if kind == "other" else 1).press(press)
        values["kind"] = kind
        shows(box, **values)
    slider.press("End")
    expect(box.get_by_role("alert")).to_have_text(f"This does not work: size 4 of {HOSTILE[0]}: expected 1 to 3")
    slider.press("ArrowLeft")
    shows(box, **values | {"size": 3})


def test_two_panels_do_not_meet(exported, page):
    page.goto(exported.as_uri())
    assert page.evaluate("document.querySelectorAll('script').length") >= 4
    one, other = panel(page, 0), panel(page, 1)
    before = one.locator("img").get_attribute("src")
    for name in (*HOSTILE[1:], HOSTILE[0]):
        other.get_by_role("radio", name=name, exact=True).check()
        expect(other.locator("td").first).to_have_text(name)
        assert other.locator(".dckit-shown").inner_html() == inner_html(page, plain["table"](name).html)
    assert one.locator("img").get_attribute("src") == before
    assert one.locator("[type=radio]").first.is_checked()


def inner_html(page, tags):
    """The tags as the browser writes them."""
    return page.evaluate("tags => Object.assign(document.createElement('div'), {innerHTML: tags}).innerHTML", tags)


def test_axe_finds_nothing_and_nothing_is_too_wide(exported, page):
    page.goto(exported.as_uri())
    page.evaluate(AXE)
    page.evaluate("document.querySelectorAll('.dckit-played details').forEach(details => details.open = true)")
    for device, size in {"laptop": LAPTOP, "phone": PHONE}.items():
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert not page.get_by_text("The controls need JavaScript.").count()
        for dials in page.locator(".dckit-dials, .dckit-shown").all():
            box = dials.bounding_box()
            assert box["x"] + box["width"] <= size["width"]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            panel(page, 0).scroll_into_view_if_needed()
            screenshot(page, f"played-{device}-{scheme}")
            found = page.evaluate(RUN)["violations"]
            assert not [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in found]


def test_a_page_without_javascript_has_the_first_picture_and_a_table(exported, chromium):
    context = chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(exported.as_uri())
    box = panel(page, 0)
    alt = plain["bars"](label=0, size=2, twice=False, kind="one").alt
    expect(box.locator("img")).to_have_attribute("alt", alt)
    assert not box.locator("select, input").count()
    expect(box).to_contain_text("The controls need JavaScript.")
    box.locator("summary").click()
    expect(box.get_by_role("row")).to_have_count(1 + 3 * 4 * 2 * 2)
    expect(box.get_by_role("cell", name=alt, exact=True).first).to_be_visible()
    context.close()


def test_a_widget_turns_in_the_book(built, page):
    page.goto((built / "book" / "notebooks" / "00_start_here.html").as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        box = panel(page, 0)
        for option in ("two", "one"):
            box.get_by_label("bars").select_option(option)
            expect(box.locator(".dckit-shown img")).to_have_attribute("alt", f"picture of {option}")
        box.scroll_into_view_if_needed()
        screenshot(page, f"played-book-{scheme}")
        colours = box.locator("select").evaluate(
            "select => [select, document.body].map(e => getComputedStyle(e).color)"
        )
        assert colours[0] == colours[1]
