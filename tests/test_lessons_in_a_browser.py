"""Every lesson as a learner runs it, in JupyterLab, in Notebook 7 and by nbclient; every control of every widget."""

import re
import shutil
import subprocess
import sys

import browsers
import pytest
from playwright.sync_api import expect

NOTEBOOKS = browsers.ROOT / "notebooks"
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
QUICK = 20  # presses in a row, faster than pictures are drawn


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """One folder for all lessons, as a learner has it: what one lesson makes is there for the next."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module", params=browsers.APPS, ids=["jupyterlab", "notebook7"])
def server(request, work):
    with browsers.jupyter(request.param, work) as address:
        yield request.param, address


@pytest.fixture
def lesson(chromium, server, work, name):
    app, address = server
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", work)
    notebook = browsers.Notebook(chromium, address, app, name)
    yield notebook
    notebook.shot("end")
    notebook.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs_and_its_widgets_turn(lesson, server, name):
    lesson.run_all()
    nothing_is_wrong(lesson)
    drawn = lesson.page.locator(".jp-OutputArea-output .widget-vbox")
    assert drawn.count() == len(re.findall(r"widgets\.\w+\(", (NOTEBOOKS / f"{name}.ipynb").read_text()))
    if server[0] == "jupyterlab":  # once is enough: both front ends have the same widgets
        for turn in TURNS.get(name, ()):
            turn(lesson)
        nothing_is_wrong(lesson)


def nothing_is_wrong(lesson):
    """No error or warning below a cell or in the console, and words for every picture."""
    said = lesson.page.locator(browsers.ERROR).all_text_contents()
    assert not said
    alts = [img.get_attribute("alt") for img in lesson.page.locator(".jp-OutputArea-output img").all()]
    assert not {None, "", "Image"} & set(alts)  # JupyterLab itself calls an image without words "Image"
    assert not lesson.errors


def distance_lab(lesson):
    cell = lesson.cell("widgets.distance(")
    turn_every_control(lesson, cell)
    cell.locator(".noUi-handle").focus()
    for key, end in (("ArrowRight", "100%"), ("ArrowLeft", "0%")):
        for _ in range(QUICK):
            lesson.page.keyboard.press(key)
        shows(lesson, cell, f"^{end} of a real 3")
    network, metric, label = cell.locator("select").all()
    metric.select_option("cos")
    label.select_option("7")
    for i in range(QUICK):
        network.select_option(("MLP", "LeNet", "ConvNet")[i % 3])
    shows(lesson, cell, "^0% of a real 7, the rest noise, LeNet: cos distance")
    lesson.shot("distance-lab", cell)


def explorer(lesson):
    cell = lesson.cell("widgets.explore(")
    turn_every_control(lesson, cell)
    for i in range(QUICK):
        cell.get_by_role("button", name=str(i % 10), exact=True).click()
    shows(lesson, cell, "^as published, iteration 30: the real images nearest to its 9 are")
    cell.get_by_role("button", name="4", exact=True).press("Enter")
    for _ in range(2):  # from the finished set, which has the last iteration
        cell.locator(".noUi-handle").press("ArrowLeft")
    cell.locator("select").nth(1).select_option("real start")
    shows(lesson, cell, r"iteration 29: .* its 4 .*\. real start, iteration 29: .* its 4")
    lesson.shot("explorer", cell)


def live(lesson):
    form, runner = lesson.cell("widgets.Live("), lesson.cell("mine = dckit.condense")
    turn_every_control(lesson, form)
    form.locator("select").nth(5).select_option("real")
    momentum = form.locator("select").nth(4)
    for i in range(QUICK):
        momentum.select_option(("0.0", "0.9")[i % 2])
    lesson.settle()
    expect(form.get_by_role("row", name=re.compile("^momentum"))).to_contain_text("0.9")
    lesson.run(runner)
    shows(lesson, runner, r"iteration ([4-9]|\d\d) of 200", settle=False)
    lesson.interrupt()
    lesson.shot("interrupted", runner)
    stopped = reached(runner)
    momentum.select_option("0.0")
    momentum.select_option("0.9")
    expect(form).to_contain_text(f"Stopped at iteration {stopped} of 200")
    lesson.shot("live", form)
    lesson.run(runner)
    shows(lesson, runner, r"iteration \d+ of 200", settle=False)
    assert stopped < reached(runner)
    shows(lesson, runner, "iteration 200 of 200")


def switches(lesson):
    cell = lesson.cell("widgets.switches(")
    turn_every_control(lesson, cell)
    boxes = cell.get_by_role("checkbox").all()
    for _ in range(QUICK + 1):
        boxes[0].click()
    shows(lesson, cell, r"report \+ optimiser\.")
    for box in boxes[1:]:
        box.press("Space")
    shows(lesson, cell, r"optimiser \+ .*normalisation\.")
    lesson.shot("switches", cell)


def tables(lesson):
    cell = lesson.cell("widgets.tables(")
    turn_every_control(lesson, cell)
    dataset, ipc, network, trained, recipe = cell.locator("select").all()
    dataset.select_option("fashionmnist")
    for i in range(QUICK):
        ipc.select_option(("50", "10", "1")[i % 3])
    lesson.settle()
    expect(cell).to_contain_text("82.3")  # the paper's, FashionMNIST with ten images per class
    lesson.shot("tables", cell)
    network.select_option("LeNet")
    trained.select_option("each of them")
    recipe.select_option("report")
    lesson.settle()
    assert cell.get_by_role("row").count() == 5  # the header, and the four that the report built
    trained.select_option("VGG11")
    expect(cell.get_by_role("alert")).to_contain_text("there is no report version of VGG11")
    lesson.shot("refused", cell)
    recipe.select_option("published")
    expect(cell.get_by_role("alert")).to_have_count(0)


def feature_space(lesson):
    cell = lesson.cell("widgets.feature_space(")
    first, second, network = cell.locator("select").all()
    network.select_option("2")
    first.select_option("4")
    cell.locator(".noUi-handle").press("ArrowLeft")
    shows(lesson, cell, "classes 4 and 9 in the features of random network 2: iteration 99, squared distance")
    second.select_option("4")
    expect(cell.get_by_role("alert")).to_contain_text("expected two different classes")
    second.select_option("3")
    shows(lesson, cell, "classes 4 and 3 in")


def whatever_turns(call):
    """Turn every control of the widget that a lesson makes with this call."""
    return lambda lesson: turn_every_control(lesson, lesson.cell(call))


TURNS = {
    "00_start_here": [whatever_turns("widgets.growth(")],
    "01_matching_gradients": [distance_lab],
    "02_stage_c": [explorer, live],
    "03_stage_t": [whatever_turns("widgets.spread(")],
    "04_table_1": [whatever_turns("widgets.interval(")],
    "05_tables_2_and_3": [tables],
    "06_hidden_details": [switches],
    "09_augment_both": [whatever_turns("widgets.siamese(")],
    "10_match_features": [feature_space],
    "11_distil_through_training": [whatever_turns("widgets.initialisation(")],
    "12_what_they_are_good_for": [whatever_turns("widgets.memory(")],
    "13_your_own_images": [whatever_turns("widgets.explore(")],
}


def turn_every_control(lesson, cell):
    """Choose every option, tick every box, press every button, move every slider; nothing may be refused."""
    out = cell.locator(".jp-OutputArea-output")

    def turned():
        lesson.settle()
        assert not out.get_by_role("alert").count(), out.get_by_role("alert").text_content()
        assert out.locator("img, table").count()

    for select in out.locator("select").all():
        first = select.evaluate("select => select.selectedIndex")
        for index in [*range(select.locator("option").count()), first]:
            select.select_option(index=index)
            turned()
    for button in out.locator("button, input[type=checkbox]").all():
        button.click()
        turned()
    for box in out.locator("input[type=checkbox]").all():
        box.click()
        turned()
    for handle in out.locator(".noUi-handle").all():
        for key in ("ArrowLeft", "ArrowRight"):
            handle.press(key)
            turned()


def shows(lesson, cell, words, settle=True):
    """The first picture of a cell comes to say ``words``, and so it does when the kernel rests."""
    picture = cell.locator(".jp-OutputArea-output img").first
    expect(picture).to_have_attribute("alt", re.compile(words))
    if settle:
        lesson.settle()
        expect(picture).to_have_attribute(
            "alt", re.compile(words)
        )  # a busy machine still draws what was clicked before


def reached(cell):
    """The iteration that a live picture tells."""
    alt = cell.locator(".jp-OutputArea-output img").first.get_attribute("alt")
    return int(re.search(r"iteration (\d+) of", alt)[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs_by_nbclient_alone(work, name):
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", work)
    subprocess.run([sys.executable, "-m", "jupyter", "execute", f"{name}.ipynb"], cwd=work, check=True)
