"""What a widget leaves on a page without a kernel, held against the plain function that draws it."""

import base64
import io
import json
import math
import re
from html.parser import HTMLParser
from itertools import product

import ipywidgets as ui
import numpy as np
import pytest
from PIL import Image

import dckit
from dckit import plots, widgets
from dckit.results import NETWORKS, setting, with_shipped
from dckit.show import Picture, Table
from dckit.widgets import distance_lab, live_run, played, protocol_switches, set_explorer
from dckit.widgets.dials import STATES, dials_of

HOSTILE = ('</script><script>alert("a")</script>', "<img src=x onerror=alert(1)>", "\"quo'te & <!-- `${1}`")


def shown(name="a", size=1, double=False, colour="red"):
    """Drawn by the panels below: a picture, and a table below it."""
    if size == 3:
        raise ValueError(f"size 3 of {name}: expected another")
    height = size * (1 + double)
    return plots.bars({name: height}, colour, f"{name}: {height}, {colour}"), Table((colour,), ((str(height),),))


def controls():
    return {
        "name": ui.Dropdown(options=["a", "b"], description="the name"),
        "size": ui.IntSlider(value=2, min=1, max=4, description="the size"),
        "double": ui.Checkbox(value=True, description="twice"),
        "colour": ui.ToggleButtons(options=[("Red", "red"), ("Blue", "blue")], value="blue", description="the colour"),
    }


class Parsed(HTMLParser):
    """The tags of a fragment with their attributes, and the texts of its scripts and paragraphs."""

    def __init__(self, tags):
        super().__init__()
        self.tags, self.texts, self._open = [], {"script": [], "p": [], "td": []}, None
        self.feed(tags)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, text):
        if self._open in self.texts:
            self.texts[self._open][-1] += text

    @property
    def data(self):
        """What the script reads."""
        return json.loads(self.texts["script"][0])


def states(tags):
    """The parts of every state by the words of its values: the way that the script goes."""
    data = Parsed(tags).data
    words = product(*(dial["words"] for dial in data["dials"]))
    found = {}
    for key, state in zip(words, data["states"], strict=True):
        found[key] = [
            Picture(base64.b64decode(data["pictures"][part["picture"]]), part["words"])
            if "picture" in part
            else data["tags"][part["tags"]]
            for part in state["parts"]
        ]
    return found


def is_same(picture, plain):
    """Whether one is the other, but for a palette that the eye does not miss."""
    one, other = (np.asarray(Image.open(io.BytesIO(p.png)).convert("RGB"), float) for p in (picture, plain))
    return picture.alt == plain.alt and one.shape == other.shape and abs(one - other).max() < 64


def test_every_state_is_what_the_plain_function_gives():
    found = states(widgets.Panel(shown, **controls()).played)
    colours, doubles = {"Red": "red", "Blue": "blue"}, {"off": False, "on": True}
    assert len(found) == 2 * 4 * 2 * 2
    for (name, size, double, colour), parts in found.items():
        if size == "3":
            (said,) = parts
            assert said == f'<p role="alert"><b>This does not work:</b> size 3 of {name}: expected another</p>'
        else:
            picture, table = shown(name, int(size), doubles[double], colours[colour])
            assert is_same(parts[0], picture)
            assert parts[1] == table.html


def test_other_pictures_are_told_apart():
    one, other = shown("a", 1)[0], shown("b", 1)[0]
    assert not is_same(Picture(one.png, other.alt), other)


def test_a_page_starts_where_the_panel_is_and_has_a_control_of_each_kind():
    panel = widgets.Panel(shown, **controls())
    panel.controls["name"].value = "b"
    page = Parsed(panel.played)
    dials = {dial["label"]: (dial["kind"], dial["words"][dial["start"]]) for dial in page.data["dials"]}
    assert dials == {
        "the name": ("select", "b"),
        "the size": ("range", "2"),
        "twice": ("checkbox", "on"),
        "the colour": ("radio", "Blue"),
    }
    assert [a["alt"] for tag, a in page.tags if tag == "img"] == ["b: 4, blue"]
    assert "select" not in dict(page.tags)  # the script makes the controls: where it does not run, there are none
    assert page.texts["p"] == ["The controls need JavaScript."]  # nothing is left out, so that nothing is to say


def test_the_table_without_javascript_has_a_row_for_each_state():
    panel = widgets.Panel(lambda n: Table(("n",), (("x" * 150 + str(n), "y" * 100),)), n=ui.IntSlider(min=1, max=3))
    rows = re.findall(r"<tr>(.*?)</tr>", panel.played.split("<details>")[1].split("</details>")[0])
    assert len(rows) == 1 + 3
    assert ">2</td>" in rows[2]
    assert f">{'x' * 150}2, {'y' * 47}</td>" in rows[2]  # 200 characters


def test_equal_pictures_and_tables_are_there_once():
    panel = widgets.Panel(lambda n: (shown()[0], Table(("n",), ((str(n // 5),),))), n=ui.IntSlider(min=0, max=9))
    data = Parsed(panel.played).data
    assert [len(data[name]) for name in ("states", "pictures", "tags")] == [10, 1, 2]


def test_a_picture_gets_smaller_and_never_larger():
    plain = shown()[0]
    assert len(played._smaller(plain).png) < 0.6 * len(plain.png)
    assert {Image.open(io.BytesIO(p.png)).convert("RGB").getpixel((0, 0)) for p in (plain, played._smaller(plain))} == {
        (255, 255, 255)  # the page shows through no frame
    }
    tiny = io.BytesIO()
    Image.new("1", (1, 1)).save(tiny, "png")
    assert played._smaller(Picture(tiny.getvalue(), "")).png == tiny.getvalue()


# which values


def test_only_the_values_named_are_drawn_and_the_page_says_so():
    calls = []
    draw = lambda **values: calls.append(values) or Table(("n",), ())  # noqa: E731
    panel = widgets.Panel(draw, {"size": [4, 2], "name": ["a", "b"]}, **controls())
    calls.clear()
    page = Parsed(panel.played)
    rest = {"double": True, "colour": "blue"}
    assert calls == [{"name": name, "size": size, **rest} for name in "ab" for size in (2, 4)]
    assert page.texts["p"][0] == (
        "Here you can change “the name” and “the size” (2 of its 4 values). "
        "To change “twice” and “the colour”, you need a running kernel."
    )


def test_nothing_is_drawn_for_the_page_before_the_panel_is_displayed():
    calls = []
    widgets.Panel(lambda **values: calls.append(values) or Table(("n",), ()), **controls())
    assert len(calls) == 1


def test_without_names_all_controls_are_played_the_longest_with_fewer_values():
    many = {name: ui.IntSlider(min=1, max=n, description=name) for name, n in {"a": 10, "b": 20, "c": 2}.items()}
    assert [(d.name, len(d.values)) for d in dials_of(many, None)] == [("a", 10), ("b", 10), ("c", 2)]
    page = Parsed(widgets.Panel(lambda **values: Table(("n",), ()), **many).played)
    assert len(page.data["states"]) == STATES
    assert page.texts["p"][0] == "Here you can change “a”, “b” (10 of its 20 values) and “c”."


@pytest.mark.parametrize("value", [0, 3, 19])
def test_too_many_named_states_are_thinned_out(value):
    many = {"a": ui.IntSlider(value=value, min=0, max=19), "b": ui.IntSlider(max=14), "c": ui.Checkbox()}
    dials = dials_of(many, {"c": [False, True], "a": range(20), "b": range(15)})
    assert [d.name for d in dials] == ["a", "b", "c"]  # as in the panel
    assert 100 <= math.prod(len(d.values) for d in dials) <= STATES
    assert [d.values[d.start] for d in dials] == [value, 0, False]


def noise(**values):
    pixels = np.random.default_rng(abs(hash(tuple(values.items())))).integers(0, 255, (40, 40), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return Picture(buffer.getvalue(), str(values))


@pytest.mark.parametrize(("limit", "left"), [(20_000, 1), (35_000, 2), (10**6, 8)])
def test_too_many_bytes_are_thinned_out_and_the_page_says_so(monkeypatch, limit, left):
    monkeypatch.setattr(played, "BYTES", limit)
    many = {"n": ui.IntSlider(value=5, min=0, max=7, description="n"), "c": ui.Checkbox(value=True, description="c")}
    panel = widgets.Panel(noise, **many)
    assert len(panel.played.encode()) <= limit
    found = states(panel.played)
    assert len({key[0] for key in found}) >= left
    assert ("of its 8 values" in panel.played) == (left < 8)
    for key, parts in found.items():
        n, c = (int(key[0]), key[1:] != ("off",))
        assert is_same(parts[0], noise(n=n, c=c))
    assert is_same(next(iter(states(panel.played)[("5", *key[1:])])), noise(n=5, c=key[1:] != ("off",)))


def test_one_state_that_is_too_large_stays(monkeypatch):
    monkeypatch.setattr(played, "BYTES", 1000)
    panel = widgets.Panel(noise, n=ui.Checkbox(value=True, description="n"), m=ui.Checkbox(description="m"))
    page = Parsed(panel.played)
    assert [a["alt"] for tag, a in page.tags if tag == "img"] == [noise(n=True, m=False).alt]
    assert page.texts["p"] == ["To change “n” and “m”, you need a running kernel."]
    assert not page.texts["script"]


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (ui.FloatSlider(value=0.3, min=0, max=1, step=0.1), "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        (ui.SelectionSlider(options=[1, 10, 100], value=10), "1 10 100"),
        (ui.RadioButtons(options=["x", "y"]), "x y"),
    ],
)
def test_the_values_of_every_kind_of_control(control, words):
    (dial,) = dials_of({"n": control}, None)
    assert " ".join(dial.words) == words
    assert dial.values[dial.start] == pytest.approx(control.value)


def test_a_text_waits_for_a_kernel_and_a_single_choice_for_nothing():
    draw = lambda **values: Table(("n",), ())  # noqa: E731
    text, one = ui.Text(value="a", description="the text"), ui.Dropdown(options=["x"], description="the only one")
    assert Parsed(widgets.Panel(draw, text=text, one=one).played).texts["p"] == [
        "To change “the text”, you need a running kernel."
    ]
    assert "<p>" not in widgets.Panel(draw, one=one).played


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sise": [1]}, "unknown control 'sise', expected name, size, double, colour"),
        ({"size": [1, 5]}, "control 'size' has no value 5"),
        ({"colour": ["green"]}, "control 'colour' has no value 'green'"),
    ],
)
def test_what_no_control_has_is_refused_when_the_panel_is_made(values, sentence):
    with pytest.raises(ValueError, match=f"played: {sentence}"):
        widgets.Panel(shown, values, **controls())


# what may stand in it


def test_hostile_names_stay_words():
    def draw(name):
        return shown(name)[0], Table((name,), ((name,),), name)

    panel = widgets.Panel(draw, name=ui.Dropdown(options=HOSTILE, description=HOSTILE[0]))
    page = Parsed(panel.played)
    kinds = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert kinds == ["application/json", None]
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert tuple(page.data["dials"][0]["words"]) == HOSTILE
    assert page.data["dials"][0]["label"] == HOSTILE[0]
    for (name,), parts in states(panel.played).items():
        assert parts[0].alt == f"{name}: 1, red"
        assert parts[1] == Table((name,), ((name,),), name).html
    assert not re.search("[<>&]", page.texts["script"][0])


def test_an_error_of_any_kind_is_a_sentence_in_its_state_and_an_interrupt_is_none():
    def draw(n):
        if n == 2:
            raise KeyError("<a>")
        if n == 3:
            raise KeyboardInterrupt
        return Table(("n",), ())

    assert "KeyError: &#x27;&lt;a&gt;" in states(widgets.Panel(draw, n=ui.IntSlider(min=1, max=2)).played)[("2",)][0]
    with pytest.raises(KeyboardInterrupt):
        widgets.Panel(draw, n=ui.IntSlider(min=1, max=3)).played  # noqa: B018


def test_the_script_asks_no_one_for_anything():
    script = played.SCRIPT.read_text()
    assert len(script.splitlines()) <= 200
    assert not re.search(r"https?:|//\w+\.|fetch|import|XMLHttp|WebSocket|eval|Function\(|\.on\w+ *=|</|<!--", script)
    assert script.count("innerHTML") == 1  # of a template, for tables that were escaped where they were made
    page = Parsed(widgets.Panel(shown, **controls()).played)
    assert page.texts["script"][1] == script
    for _, attributes in page.tags:
        assert attributes.get("src", "data:").startswith("data:")
        assert "href" not in attributes


# the kit's widgets


def played_states(panel):
    assert len(panel.played.encode()) <= played.BYTES
    return states(panel.played)


def test_the_distance_lab_plays_every_metric(digits):
    found = played_states(widgets.distance(digits, label=3))
    assert len(found) == 3 * len(distance_lab.PLAYED)
    assert is_same(found[("0.2", "cos")][0], distance_lab.shown(digits, 0.2, metric="cos", label=3))


def test_the_explorer_plays_classes_at_three_iterations(digits, quick):
    runs = {"run": [s.condensed for s in dckit.condensing(digits, quick.but(iterations=5))]}
    found = played_states(widgets.explore(digits, runs))
    assert {key[0] for key in found} == {"1", "3", "5"}
    assert {key[1] for key in found} == set(digits.classes)
    assert is_same(found[("3", "7")][0], set_explorer.shown(digits, runs, ["run"], 3, 7))


def test_the_switches_play_every_combination():
    known = with_shipped([])
    found = played_states(widgets.switches(known))
    assert len(found) == 64
    for on in ((), ("epochs", "padding"), tuple(protocol_switches.HIDDEN)):
        parts = found[tuple("on" if name in on else "off" for name in protocol_switches.HIDDEN)]
        picture, table = protocol_switches.shown(known, on)
        assert is_same(parts[0], picture)
        assert parts[1] == table.html


def test_the_tables_play_table_1_and_table_2():
    found = played_states(widgets.tables([]))
    assert found[("cifar10", "10", "ConvNet", "ConvNet")] == [setting([], "cifar10", 10).html]
    each = setting([], "mnist", 1, "LeNet", NETWORKS, "published")
    assert found[("mnist", "1", "LeNet", "each of them")] == [each.html]


def test_a_live_run_without_a_recorded_one_says_that_it_needs_a_kernel(tmp_path):
    live = widgets.Live("digits", dckit.Recipe.published(), outputs=tmp_path)
    assert live.played.startswith(f"{live.html}<p>To change “dataset”, “images per class”, ")
    assert live.played.endswith(" and “metric”, you need a running kernel.</p>")


@pytest.mark.parametrize(("count", "kept"), [(1, [1]), (2, [1, 2]), (14, [1, 3, 5, 7, 10, 12, 14])])
def test_a_live_run_plays_one_that_was_recorded(digits, quick, tmp_path, count, kept):
    sets = [s.condensed for s in dckit.condensing(digits, quick.but(iterations=count))]
    live = widgets.Live("digits", quick, outputs=tmp_path, recorded=sets)
    assert Parsed(live.played).texts["p"][0].startswith("Condensing live needs a running kernel. Here is a recorded")
    assert live_run.plan(live.recipe, live.file)[0].html in live.html  # the plan, with a kernel
    if count == 1:
        assert live_run.shown(sets[0]).alt in live.played
        return
    found = played_states(live)
    assert list(found) == [(str(iteration),) for iteration in kept]
    for iteration in kept:
        assert is_same(found[(str(iteration),)][0], live_run.shown(sets[iteration - 1]))
    assert Parsed(live.played).data["dials"][0]["start"] == len(kept) - 1
