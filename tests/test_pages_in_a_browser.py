"""Every lesson's page, opened from a file without a network: its widgets turn, and it asks before it shows.

The pages are those that tests/test_lessons.py leaves where DCKIT_PAGES says, or of `make run`.
"""

import json
import os
import time
from pathlib import Path

import browsers
import pytest

PAGES = Path(os.environ.get("DCKIT_PAGES", browsers.ROOT / "outputs"))
NAMES = [path.stem for path in sorted((browsers.ROOT / "notebooks").glob("*.ipynb"))]
WITHOUT = {"07_dark_columns", "08_what_plus_minus_hides"}  # lessons without a widget that is played


@pytest.fixture
def page(chromium, name):
    path = PAGES / f"{name}.html"
    if not path.is_file():
        pytest.skip(f"no {path}: run the lessons first")
    context = chromium.new_context(viewport=browsers.LAPTOP, offline=True)
    context.set_default_timeout(20_000)
    opened, errors = context.new_page(), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    started = time.monotonic()
    opened.goto(path.as_uri(), wait_until="domcontentloaded")
    opened.locator("h1").wait_for()
    assert time.monotonic() - started < 10  # 2 s on an idle machine
    ask = opened.get_by_role("button", name="Show without a guess")
    while ask.count():  # one question may lie below another's answer
        ask.first.click()
    yield opened
    assert not errors
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_control_of_a_page_shows_its_state(page, name):
    boxes = page.locator(".dckit-played").all()
    assert bool(boxes) == (name not in WITHOUT)
    for box in boxes:
        data = json.loads(box.locator("script[type='application/json']").text_content())
        at = [dial["start"] for dial in data["dials"]]
        for i, dial in enumerate(data["dials"]):
            controls = box.locator(".dckit-dials > *").nth(i)
            for index in [*range(len(dial["words"])), dial["start"]]:
                turn(controls, dial["kind"], index)
                at[i] = index
                number = 0
                for each, value in zip(data["dials"], at, strict=True):
                    number = number * len(each["words"]) + value
                expected = [part["words"] for part in data["states"][number]["parts"] if "words" in part]
                assert [img.get_attribute("alt") for img in box.locator(".dckit-shown img").all()] == expected
                assert box.locator(".dckit-shown").inner_text() or expected


def turn(control, kind, index):
    """Choose the value of this number, as a hand would."""
    if kind == "select":
        control.locator("select").select_option(index=index)
    elif kind == "range":
        control.locator("input").fill(str(index))
    elif kind == "checkbox":
        control.locator("input").set_checked(bool(index))
    else:
        control.locator("input").nth(index).check()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_at_most_8_megabytes(name):
    path = PAGES / f"{name}.html"
    if not path.is_file():
        pytest.skip(f"no {path}: run the lessons first")
    assert path.stat().st_size < 8e6
