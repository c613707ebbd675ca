"""Widgets as a front end meets them: values set, pictures that follow, and what is left where nobody listens."""

import ast
import re
from pathlib import Path

import ipywidgets
import nbformat
import pytest

import dckit
from dckit import plots, widgets
from dckit.batch import headless
from dckit.results import METHODS, NETWORKS, Run
from dckit.show import Table

ROOT = Path(__file__).parents[1]
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def number(n=1, word="a"):
    """Drawn by the panels below: a table that says its arguments, and refuses 13."""
    if n == 13:
        raise ValueError("n 13: expected another <number>")
    return Table((word,), ((str(100 // n),),))


def panel(draw=number):
    return widgets.Panel(draw, n=ipywidgets.IntSlider(value=1), word=ipywidgets.Dropdown(options=["a", "b"]))


def alt(shown):
    return re.search(r'alt="([^"]*)"', shown.html)[1]


def test_a_panel_shows_what_its_function_makes_of_its_values():
    shown = panel()
    assert number().html in shown.html
    shown.controls["n"].value = 4
    assert shown.values == {"n": 4, "word": "a"}
    assert number(4).html in shown.html
    shown.controls["word"].value = "b"
    assert number(4, "b").html in shown.html


def test_many_changes_end_in_the_last():
    calls = []
    shown = panel(lambda n, word: calls.append(n) or number(n, word))
    for n in range(1, 22):
        shown.controls["n"].value = n if n != 21 else 50
    assert number(50).html in shown.html
    assert calls[-1] == 50


def test_an_error_is_a_sentence_in_the_panel_and_the_next_value_works():
    shown = panel()
    shown.controls["n"].value = 13
    assert 'role="alert"' in shown.html
    assert "n 13: expected another &lt;number&gt;" in shown.html
    assert "Traceback" not in shown.html
    shown.controls["n"].value = 0  # a fault of ours, not a value refused: its kind is said, too
    assert "ZeroDivisionError" in shown.html
    shown.controls["n"].value = 2
    assert number(2).html in shown.html
    assert "alert" not in shown.html


def test_an_error_in_the_first_picture_stops_the_cell():
    with pytest.raises(ValueError, match="n 13"):
        widgets.Panel(number, n=ipywidgets.IntSlider(value=13))


def test_an_interrupt_is_no_error_of_the_panel():
    def stop(n, word):
        if n > 1:
            raise KeyboardInterrupt
        return number()

    shown = panel(stop)
    with pytest.raises(KeyboardInterrupt):
        shown.controls["n"].value = 2


def test_the_bundle_holds_the_widget_and_for_others_tags_that_begin_with_what_it_shows_now():
    shown = panel()
    shown.controls["n"].value = 4
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert bundle[VIEW] == {"version_major": 2, "version_minor": 0, "model_id": shown._box.model_id}
    assert bundle["text/html"] == shown.played
    assert bundle["text/html"].count(shown.html) == shown.html.count(number(4).html) == 1
    parts = {"shown": shown._shown, **shown.controls}
    assert set(parts.values()) == {shown._shown, *shown._box.children[0].children}  # one box holds them all


def test_a_panel_may_show_several_things():
    shown = panel(lambda n, word: (number(n), plots.bars({word: n}, "x", f"bar of {n}")))
    shown.controls["n"].value = 3
    assert number(3).html in shown.html
    assert alt(shown) == "bar of 3"


@pytest.fixture(scope="module")
def all_five(digits, tmp_path_factory):
    sets = [dckit.random_images(digits, 2, seed) for seed in (0, 1)]
    return {
        "distance": widgets.distance(digits, label=3),
        "live": widgets.Live("digits", dckit.Recipe.published(), outputs=tmp_path_factory.mktemp("outputs")),
        "explore": widgets.explore(digits, {"one": sets[:1], "other": sets[1:]}),
        "switches": widgets.switches([]),
        "tables": widgets.tables([]),
    }


def test_controls_are_core_named_and_wait_for_the_hand(all_five):
    for name, shown in all_five.items():
        for control in shown.controls.values():
            assert type(control).__module__.startswith("ipywidgets.widgets."), name
            assert control.description, name
            assert not getattr(control, "continuous_update", False), name


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("distance", {"blend": 1.0}, "100% of a real 3"),
        ("distance", {"network": "LeNet", "metric": "cos", "label": 7}, "real 7, the rest noise, LeNet: cos distance"),
        ("explore", {"run": "other"}, "^other: the real images nearest to its 0"),
        ("explore", {"beside": "one", "label": 4}, r"^other: .* its 4 .*\. one: .* its 4"),
        ("explore", {"number": 1, "beside": ""}, "^other: .* its 4 are 0.0, [^:]*$"),
        ("switches", {"epochs": True, "padding": True}, r"report \+ epochs \+ padding\."),
        ("switches", {"epochs": False}, r"report \+ padding\."),
    ],
)
def test_a_picture_follows_its_controls(all_five, name, changes, said):
    shown = all_five[name]
    for control, value in changes.items():
        shown.controls[control].value = value
    assert re.search(said, alt(shown))


def test_the_table_follows_its_controls():
    shown = widgets.tables([])
    assert METHODS["herding"] in shown.html
    assert "91.7 ± 0.5" in shown.html
    shown.controls["dataset"].value = "cifar10"
    assert "28.3 ± 0.5" in shown.html
    shown.controls["dataset"].value = "mnist"
    shown.controls["network"].value = "LeNet"
    shown.controls["trained"].value = NETWORKS
    assert "85.0 ± 1.7" in shown.html
    shown.controls["protocol"].value = "report"
    assert "AlexNet" in shown.html
    assert "VGG11" not in shown.html  # the report built four
    shown.controls["trained"].value = ("VGG11",)
    assert "there is no report version of VGG11" in shown.html


def test_live_chooses_a_recipe_and_the_file_of_its_run(tmp_path):
    plain = dckit.Recipe.published(budget="smoke")
    shown = widgets.Live("digits", plain, seed=1, outputs=tmp_path)
    assert shown.recipe == plain
    assert shown.file == Run("digits", "dc", plain, 1).set_file(tmp_path)
    assert shown.real.name == "digits"
    for name, value in {"image_lr": 0.3, "image_momentum": 0.0, "init": "real", "metric": "cos"}.items():
        shown.controls[name].value = value
    assert shown.recipe == plain.but(image_lr=0.3, image_momentum=0.0, init="real", metric="cos")
    shown.controls["ipc"].value = 10
    assert shown.recipe.condensing.matching_steps == 10  # T follows from it
    assert shown.file == Run("digits", "dc", shown.recipe, 1).set_file(tmp_path)
    shown.controls["dataset"].value = "mnist"
    assert shown.file.name.startswith("mnist-10-")


def test_live_goes_on_where_it_was_stopped(tmp_path):
    shown = widgets.Live("digits", dckit.Recipe.published(budget="smoke"), outputs=tmp_path)
    assert "it begins" in shown.html
    run = dckit.condensing(shown.real, shown.recipe, checkpoint=shown.file)
    next(run), run.close()  # an interrupt
    shown.controls["image_lr"].value = 0.3
    assert "it begins" in shown.html
    shown.controls["image_lr"].value = 0.1
    assert "Stopped at iteration 1 of 200" in shown.html
    assert "iteration 1 of 200" in alt(shown)
    assert next(dckit.condensing(shown.real, shown.recipe, checkpoint=shown.file)).iteration == 2


def test_only_widgets_imports_ipywidgets():
    for path in (ROOT / "dckit").rglob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        }
        assert "ipywidgets" not in names or path.parent.name == "widgets", path.name


def test_headless_leaves_what_needs_no_kernel(tmp_path):
    shown = panel(lambda n, word: plots.bars({word: n}, "x", f"bar of {n}"))
    output = nbformat.v4.new_output("execute_result", shown._repr_mimebundle_())
    cells = [nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("shown", outputs=[output])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["widgets"] = {STATE: ipywidgets.Widget.get_manager_state()}  # as papermill leaves it
    path = tmp_path / "panel.ipynb"
    nbformat.write(notebook, path)
    assert "widget-view" in headless.page(path)  # which would be drawn by a script from afar
    headless.drop_widgets(path)
    executed = nbformat.read(path, as_version=4)
    assert "widgets" not in executed.metadata
    assert set(executed.cells[1].outputs[0].data) == {"text/html", "text/plain"}
    page = headless.page(path)
    assert re.findall(r'<img alt="([^"]*)"', page) == ["bar of 1"]
    assert page.count("window.dckitPlayed();") == 1
    assert "widget-view" not in page
