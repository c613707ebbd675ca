"""Predictions on an executed notebook's page and in the book, in Chromium: from files, without kernel and network."""

import json
import shutil
import subprocess
import sys
from importlib.resources import files

import nbformat
import pytest
from browsers import LAPTOP, PHONE, ROOT, screenshot
from playwright.sync_api import expect

from dckit import check
from dckit.batch import headless
from dckit.check import guess_file, kept
from dckit.check.understood import text, understood

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = "axe.run('.dckit-guess, .dckit-guesses', {preload: false, resultTypes: ['violations']})"
NUMBER = 'accuracy of <b>"these"</b> & those, in %'
WORD = "which wins"
CHOICES = ["a 'quoted' \"word\"", "</script><b>", "10"]
EXPLAINED = "<details><summary>What happened, and why</summary>\n\nBecause of {0}.\n\n</details>"
START = f"""
from IPython.display import HTML
from IPython.utils.capture import capture_output
from dckit import check
guesses = check.Guesses("00_a_lesson")
NUMBER, WORD, CHOICES, TWO = {NUMBER!r}, {WORD!r}, {CHOICES!r}, HTML('both')
"""
LAST = "guesses.add('the last', {}, 6.0)"
CELLS = [
    ("markdown", "# A lesson"),
    ("code", "outputs = 'outputs'"),
    ("code", START),
    ("code", "print('another output')"),
    ("markdown", "## How accurate?\n\nWhat do you expect?"),
    ("code", "guess = None  # such as 35"),
    ("code", "print('measuring gave 68.34')"),
    ("code", "guess = guesses.add(NUMBER, guess, 68.34, within=(0, 100))\nHTML('<img alt=\"a plot\">')"),
    ("markdown", "Read the plot from above.\n\n" + EXPLAINED.format("luck") + "\n\nGo on."),
    ("code", "guess = None  # a word"),
    ("code", "guess = guesses.add(WORD, guess, CHOICES[1], CHOICES)\nprint('the plot of words')"),
    ("code", "print('a second plot of words')"),
    ("markdown", EXPLAINED.format("the word")),
    ("markdown", "## Two at once"),
    ("code", "guesses.add('the first', None, -2.0, within=(-5, 1e6))\nguesses.add('the second', None, 1234.5)\nTWO"),
    ("markdown", "## Said in the notebook"),
    ("code", f"with capture_output():\n    {LAST.format(None)}\n{LAST.format(5)}\nHTML('seen')"),
    ("markdown", "## Check yourself\n\n<details><summary>Is it so?</summary>\n\nIt is.\n\n</details>"),
    ("code", "guesses"),
    ("markdown", "The end."),
]  # fmt: skip
# What is hidden, by the number of the question that opens it.
HIDDEN = {
    0: ["measuring gave 68.34", "Read the plot from above.", "What happened, and why >> nth=0"],
    1: ["the plot of words >> nth=0", "a second plot of words", "What happened, and why >> nth=1"],
}
OPEN = [
    "another output",
    "What do you expect?",
    "Go on.",
    "the last: 6. You said: 5 (after the measurement).",
    "seen",
    "Is it so?",
    "The end.",
]
INDEX = "# A book\n\n```{toctree}\nnotebooks/a_lesson\n```\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The lesson's page by the name of what made it: nbconvert, as lessons are exported, or the book."""
    out = tmp_path_factory.mktemp("guesses")
    cells = [getattr(nbformat.v4, f"new_{kind}_cell")(source) for kind, source in CELLS]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), out / "lesson.ipynb")
    source = out / "source"
    done = headless.execute(out / "lesson.ipynb", source / "notebooks" / "a_lesson.ipynb", {})
    assert not done.error
    for name in ("conf.py", "_static", "_templates"):
        copy = shutil.copytree if (ROOT / "docs" / name).is_dir() else shutil.copy
        (source / "docs").mkdir(exist_ok=True)
        copy(ROOT / "docs" / name, source / "docs" / name)
    (source / "index.md").write_text(INDEX)
    sphinx = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--conf-dir", source / "docs"]
    subprocess.run([*sphinx, source, out / "book"], check=True)
    page = source / "notebooks" / "a_lesson.html"
    return {"page": page, "book": out / "book" / "notebooks" / "a_lesson.html"}


@pytest.fixture(params=["page", "book"])
def lesson(request, pages):
    return pages[request.param]


@pytest.fixture
def page(chromium):
    """A page without network that must not ask for anything but files, nor complain."""
    page, bad = chromium.new_page(viewport=LAPTOP), []
    page.set_default_timeout(20_000)
    page.context.set_offline(True)
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else bad.append(r.url))
    page.on("console", lambda message: bad.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: bad.append(error))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()
    assert not bad


def form(page, number):
    """What asks a question, or says what was measured."""
    return page.locator(".dckit-guess").nth(number)


def shown(page, texts, visible=True):
    for said in texts:
        said, _, nth = said.partition(" >> nth=")
        expect(page.get_by_text(said, exact=True).nth(int(nth or 0))).to_be_visible(visible=visible)


def predict(page, number, typed):
    box = form(page, number)
    box.get_by_role("textbox").fill(typed)
    box.get_by_role("textbox").press("Enter")
    return box


def focused(page):
    return page.evaluate("document.activeElement.textContent")


def rows(page):
    return [row.locator("td").all_text_contents() for row in page.locator(".dckit-guesses tbody tr").all()]


def test_a_measurement_is_shown_after_a_prediction_and_not_before(lesson, page):
    page.goto(lesson.as_uri())
    shown(page, OPEN)
    shown(page, [*HIDDEN[0], *HIDDEN[1], "both"], visible=False)
    expect(page.get_by_alt_text("a plot")).to_be_hidden()
    expect(page.get_by_role("main")).not_to_contain_text("68.3.")
    assert [row[1:] for row in rows(page)] == [["–", "not answered yet", ""]] * 4 + [
        ["5", "6", "off by 1, said after the measurement"]
    ]
    box = predict(page, 0, "35 %")
    said = f"{NUMBER}: 68.3. You said: 35, off by 33.3."
    expect(box.locator("p")).to_have_text(said)
    assert focused(page) == said
    shown(page, [*OPEN, *HIDDEN[0]])
    expect(page.get_by_alt_text("a plot")).to_be_visible()
    shown(page, HIDDEN[1], visible=False)
    choice = form(page, 1).get_by_label(f"Your prediction: {WORD}")
    assert choice.locator("option").all_text_contents() == ["choose", *CHOICES]
    choice.select_option(CHOICES[0])
    choice.press("Tab")
    page.keyboard.press("Enter")
    expect(form(page, 1)).to_have_text(f"{WORD}: {CHOICES[1]}. You said: {CHOICES[0]}, wrong.")
    shown(page, HIDDEN[1])
    assert rows(page)[:2] == [[NUMBER, "35", "68.3", "off by 33.3"], [WORD, CHOICES[0], CHOICES[1], "wrong"]]
    expect(page.locator(".dckit-guesses")).to_contain_text(
        "You made 3 of 5 predictions. Predictions in words: 0 of 1 right."
    )


def test_two_questions_of_a_cell_are_both_answered_first(lesson, page):
    page.goto(lesson.as_uri())
    predict(page, 2, "−3")
    expect(form(page, 2).locator("p")).to_have_text("the first: -2. You said: -3, off by 1.")
    shown(page, ["both"], visible=False)
    form(page, 3).get_by_role("button", name="Show without a guess").press("Enter")
    expect(form(page, 3)).to_have_text("the second: 1,234. You said: nothing.Guess anyway")
    assert focused(page) == "the second: 1,234. You said: nothing."
    shown(page, ["both"])
    shown(page, HIDDEN[0], visible=False)


@pytest.mark.parametrize("reload", [False, True])
def test_a_prediction_after_the_measurement_is_marked_as_late(lesson, page, tmp_path, reload):
    page.goto(lesson.as_uri())
    for number in (0, 1):
        form(page, number).get_by_role("button", name="Show without a guess").click()
    if reload:
        page.reload()
    for number in (0, 1):
        form(page, number).get_by_role("button", name="Guess anyway").click()
    shown(page, [*HIDDEN[0], *HIDDEN[1]])
    form(page, 1).get_by_role("button", name="Go back").click()
    expect(form(page, 1).locator("p")).to_have_text(f"{WORD}: {CHOICES[1]}. You said: nothing.")
    expect(form(page, 0)).to_contain_text("You have seen the measurement, so your prediction is marked")
    box = predict(page, 0, "35")
    said = f"{NUMBER}: 68.3. You said: 35 (after the measurement), off by 33.3."
    expect(box.locator("p")).to_have_text(said)
    assert focused(page) == said
    assert rows(page)[0] == [NUMBER, "35", "68.3", "off by 33.3, said after the measurement"]
    assert rows(page)[1] == [WORD, "–", CHOICES[1], ""]
    predict(page, 2, "-1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all predictions as a file").click()
    download.value.save_as(tmp_path / "saved.json")
    saved = guess_file.read(tmp_path / "saved.json")["guesses"]
    assert {r["question"]: (r["guess"], r["late"]) for r in saved} == {
        NUMBER: (35, True), WORD: (None, False), "the first": (-1, False),
    }  # fmt: skip
    page.reload()
    expect(form(page, 0).locator("p")).to_contain_text(": 35 (after the measurement), off by 33.3.")
    expect(form(page, 0).get_by_role("button")).to_have_count(0)


def test_a_number_and_its_measurement_are_marks_on_a_line(lesson, page):
    page.goto(lesson.as_uri())
    for number, typed, words in (
        (0, "35", "Line from 0 to 100: you said 35, measured 68.3"),
        (2, "1e6", "Line from -5 to 1,000,000: you said 1,000,000, measured -2"),
    ):
        line = predict(page, number, typed).get_by_role("img")
        expect(line).to_have_accessible_name(words)
        expect(form(page, number)).to_contain_text("○ you said, ◆ measured")
        box = line.bounding_box()
        marks = [mark.bounding_box() for mark in line.locator("span").all()]
        at = [(mark["x"] + mark["width"] / 2 - box["x"]) / box["width"] for mark in marks]
        assert at == pytest.approx([0.35, 0.6834] if number == 0 else [1, 3e-6], abs=0.01)
    predict(page, 3, "1000")  # it has no range
    expect(form(page, 3).locator("p")).to_contain_text("You said: 1,000")
    expect(form(page, 3).get_by_role("img")).to_have_count(0)


def test_what_was_said_is_kept_until_it_is_deleted(lesson, page):
    page.goto(lesson.as_uri())
    predict(page, 0, "35")
    form(page, 1).get_by_role("button", name="Show without a guess").click()
    page.reload()
    expect(form(page, 0)).to_contain_text("You said on ")
    expect(form(page, 0)).to_contain_text(": 35, off by 33.3.")
    expect(form(page, 1).locator("p")).to_have_text(f"{WORD}: {CHOICES[1]}. You said: nothing.")
    shown(page, [*HIDDEN[0], *HIDDEN[1]])
    page.evaluate("localStorage.setItem('another', 'stays')")
    page.get_by_role("button", name="Delete this lesson's predictions").click()
    expect(form(page, 0).get_by_role("textbox")).to_be_visible()
    shown(page, HIDDEN[0], visible=False)
    assert page.evaluate("Object.keys(localStorage)") == ["another"]


def test_the_kit_reads_what_the_browser_saved(lesson, page, tmp_path, monkeypatch):
    page.goto(lesson.as_uri())
    predict(page, 0, "35,5")
    form(page, 1).get_by_role("combobox").select_option(CHOICES[1])
    form(page, 1).get_by_role("button", name="Compare").click()
    form(page, 2).get_by_role("button", name="Show without a guess").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all predictions as a file").click()
    assert download.value.suggested_filename == "dckit-guesses.json"
    expect(page.locator(".dckit-guesses [aria-live=polite]")).to_contain_text("3 answered questions")
    download.value.save_as(tmp_path / "saved.json")
    saved = guess_file.read(tmp_path / "saved.json")
    assert sorted((r["question"], r["guess"], r["measured"]) for r in saved["guesses"]) == [
        (NUMBER, 35.5, 68.34), ("the first", None, -2), (WORD, CHOICES[1], CHOICES[1]),
    ]  # fmt: skip
    assert {(r["lesson"], r["late"]) for r in saved["guesses"]} == {("00_a_lesson", False)}
    assert all(guess_file.datetime.fromisoformat(r["date"]).tzinfo for r in saved["guesses"])
    monkeypatch.setenv(kept.HEADLESS, "")
    check.import_guesses(tmp_path / "saved.json", tmp_path / "outputs")
    assert check.Guesses("00_a_lesson", tmp_path / "outputs").add(NUMBER, None, 68.34) == 35.5


def test_without_storage_a_prediction_lasts_as_long_as_the_page(pages, page):  # the book's theme needs storage
    lesson = pages["page"]
    refuse = "() => { throw new DOMException('refused', 'SecurityError'); }"
    page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{get: {refuse}}})")
    page.goto(lesson.as_uri())
    predict(page, 0, "35")
    shown(page, HIDDEN[0])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all predictions as a file").click()
    (record,) = json.loads(download.value.path().read_text())["guesses"]
    assert record["guess"] == 35
    page.reload()
    shown(page, HIDDEN[0], visible=False)


TYPED = [
    "",
    "  ",
    "abc",
    "LeNet5",
    "35",
    "35 %",
    "35,5",
    "35.5",
    ".5",
    "1,000",
    "about 35",
    "3 or 4",
    "-3",
    "−3",
    "120",
]
TYPED += ["1e400", "0", "100", "1e1"]


def test_numbers_are_read_as_in_a_notebook(pages, page):
    page.goto(pages["page"].as_uri())
    script = """typed => dckitGuessWords.understood(typed.trim(), {choices: [], within: [0, 100], measured: 1})"""
    for typed in TYPED:
        number, note = understood(typed, 1.0, within=(0, 100))
        found, why = page.evaluate(script, typed)
        assert found == number, typed
        if number is None and typed.strip():
            quoted = why.replace("“", '"').replace("”", '"')
            assert quoted == note.replace(" in place of it", "").replace(", so it does not count", ""), typed


def test_numbers_are_written_as_in_a_notebook(pages, page):
    page.goto(pages["page"].as_uri())
    for value in (68.34, 12.25, 68.25, 68.35, -2.0, 0.0, 35, 0.00125, 123.5, 1234.5, 1e6, -1e6, "a word", None):
        assert page.evaluate("value => dckitGuessWords.text(value)", value) == text(value)


def test_a_wrong_answer_is_told_kindly(lesson, page):
    page.goto(lesson.as_uri())
    field = form(page, 0).get_by_label(f"Your prediction: {NUMBER}, from 0 to 100")
    for typed, says in {
        "": "Write a number, such as 35.",
        "<i>": "“<i>” is not a number. Write a number, such as 35.",
        "120": "120 is not between 0 and 100. Write a number, such as 35.",
    }.items():
        field.fill(typed)
        form(page, 0).get_by_role("button", name="Compare").click()
        expect(form(page, 0).get_by_role("alert")).to_have_text(says)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(says)
    form(page, 1).get_by_role("button", name="Compare").click()
    expect(form(page, 1).get_by_role("alert")).to_have_text("Choose one of the words first.")
    shown(page, [*HIDDEN[0], *HIDDEN[1]], visible=False)
    assert not page.evaluate("localStorage.length")


def test_axe_finds_nothing_and_nothing_is_too_wide(lesson, page):
    page.goto(lesson.as_uri())
    page.evaluate(AXE)
    predict(page, 0, "abc")
    for step in ("asked", "answered"):
        for device, size in {"laptop": LAPTOP, "phone": PHONE}.items():
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            for part in page.locator(".dckit-guess, .dckit-guess *, .dckit-guesses > *").all():
                box = part.bounding_box()
                assert not box or box["x"] + box["width"] <= size["width"]
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                for place, of in {"question": form(page, 0), "table": page.locator(".dckit-guesses")}.items():
                    of.scroll_into_view_if_needed()
                    screenshot(page, f"guesses-{lesson.parent.parent.name}-{step}-{place}-{device}-{scheme}")
                found = page.evaluate(RUN)["violations"]
                assert not [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in found]
        if step == "asked":
            predict(page, 0, "35")
            form(page, 1).get_by_role("button", name="Show without a guess").click()


def test_colours_are_those_of_the_page(pages, page):
    page.goto(pages["book"].as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = "field => [field, document.body].map(element => getComputedStyle(element).color)"
        one, other = form(page, 0).get_by_role("textbox").evaluate(colours)
        assert one == other


def test_details_open_from_the_keyboard(lesson, page):
    page.goto(lesson.as_uri())
    summary = page.locator("summary", has_text="Is it so?")
    summary.focus()
    for key, visible in (("Enter", True), ("Space", False)):
        page.keyboard.press(key)
        shown(page, ["It is."], visible=visible)


def test_without_javascript_everything_is_visible(lesson, chromium):
    context = chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(lesson.as_uri())
    shown(page, [*OPEN, *HIDDEN[0], *HIDDEN[1], "both"])
    expect(form(page, 0)).to_have_text(f"{NUMBER}: 68.3. You said: nothing.")
    expect(form(page, 1)).to_have_text(f"{WORD}: {CHOICES[1]}. You said: nothing.")
    expect(page.get_by_text("You said: nothing.")).to_have_count(4)  # each is said once
    assert rows(page)[0][1:] == ["–", "68.3", ""]
    expect(page.locator(".dckit-guesses")).to_contain_text("You wrote down 1 of 5 predictions.")
    context.close()


def test_on_paper_everything_is_there(lesson, page):
    page.goto(lesson.as_uri())
    page.emulate_media(media="print")
    shown(page, HIDDEN[0])


def test_where_a_kernel_runs_nothing_is_hidden(pages, page, tmp_path):
    """JupyterLab has the elements of nbconvert's page, but says nowhere that it is one."""
    live = pages["page"].read_text().replace('<meta content="lesson" name="dckit-page"/>', "")
    live = live.replace('<meta name="dckit-page" content="lesson">', "")
    assert '"dckit-page"' not in live
    (tmp_path / "live.html").write_text(live)
    page.goto((tmp_path / "live.html").as_uri())
    assert page.evaluate("typeof dckitGuessWords") == "object"  # the scripts ran
    shown(page, [*OPEN, *HIDDEN[0], *HIDDEN[1], "both"])
    expect(form(page, 0)).to_have_text(f"{NUMBER}: 68.3. You said: nothing.")
    assert not page.locator("form").count()
