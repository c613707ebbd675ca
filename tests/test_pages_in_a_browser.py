"""Every lesson's page, opened from a file without a network: widgets turn, it asks before it shows, it fits a phone."""

import time

import browsers
import pytest
from browsers import LESSONS

BADGES = ("https://colab.research.google.com/assets/", "https://img.shields.io/")  # all that a page may ask for


@pytest.fixture
def path(name):
    path = browsers.PAGES / f"{name}.html"
    if not path.is_file():
        pytest.skip(f"no {path}: run the lessons first")
    return path


@pytest.fixture
def page(chromium, path):
    context = chromium.new_context(viewport=browsers.LAPTOP, offline=True)
    context.set_default_timeout(20_000)
    opened = context.new_page()
    bad = browsers.listened(opened)
    started = time.monotonic()
    opened.goto(path.as_uri(), wait_until="domcontentloaded")
    opened.locator("h1").wait_for()
    assert time.monotonic() - started < 10  # 2 s on an idle machine
    browsers.answer_everything(opened)
    yield opened
    assert not [said for said in bad if not said.startswith(BADGES) and "ERR_INTERNET_DISCONNECTED" not in said]
    context.close()


@pytest.mark.parametrize("name", LESSONS)
def test_every_control_of_a_page_shows_its_state(page, name):
    assert bool(browsers.turn_everything(page)) == (name not in browsers.NOT_PLAYED)


@pytest.mark.parametrize("name", LESSONS)
def test_a_page_is_for_everybody_light_and_dark_on_a_laptop_and_a_phone(page, name):
    wrong = []
    for device, scheme in (("laptop", "light"), ("phone", "dark")):
        page.set_viewport_size(browsers.LAPTOP if device == "laptop" else browsers.PHONE)
        page.emulate_media(color_scheme=scheme)
        browsers.screenshot(page, f"page-{name}-{device}-{scheme}")
        wrong += [(device, scheme, *found) for found in browsers.serious(page)]
        wrong += [(device, "wider than the screen")] if browsers.too_wide(page) else []
    assert not wrong


@pytest.mark.parametrize("name", LESSONS)
def test_a_page_is_at_most_8_megabytes(path):
    assert path.stat().st_size < 8e6
