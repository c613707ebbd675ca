"""What widgets show, without widgets: held against from-scratch gradients, brute force, and the tables' own numbers."""

import math
import re
import shlex
from dataclasses import asdict
from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

import dckit
from dckit import Recipe
from dckit.batch import lessons
from dckit.engine import json_or_text, seeded
from dckit.method import Scores
from dckit.method.checkpoint import save_checkpoint
from dckit.results import METHODS, NETWORKS, Result, Run, Sample, figures, runs, setting, table_1, table_2, table_3
from dckit.results.recipe_words import protocol_recipe
from dckit.show import Picture, Table, progress
from dckit.widgets import distance_lab, live_run, set_explorer
from dckit.widgets import protocol_switches as switches


@pytest.fixture(scope="module")
def history(digits):
    """Three iterations of two runs, and random images."""
    recipe = Recipe.published().but(iterations=3, real_batch=8, width=8)
    starts = {"noise": recipe, "real start": recipe.but(init="real")}
    runs = {name: [s.condensed for s in dckit.condensing(digits, r)] for name, r in starts.items()}
    return runs | {"random": [dckit.random_images(digits, 1, 0)]}


def result(protocol, accuracies=(90.0, 92.0), seed=0, budget="lesson", **cell):
    run = Run("mnist", "dc", protocol_recipe(protocol, 1, budget, **cell), seed)
    return Result(run, Scores(tuple(accuracies), 1.0, {"recipe": asdict(run.recipe), "set": {"method": "dc"}}))


# the distance lab


@pytest.mark.parametrize("metric", ["layerwise", "mse", "cos"])
@pytest.mark.parametrize("blend", [0.0, 0.35, 1.0])
def test_the_lab_measures_what_its_image_pulls(digits, metric, blend):
    found = distance_lab.blended(digits, blend, "LeNet", metric, label=3, seed=1)
    with seeded(1):
        network = dckit.build("LeNet", digits.shape, 10)
        images, labels = digits.train.sample(3, distance_lab.IMAGES)
    sides = []
    for x, y in ((images, labels), (found.image, torch.tensor([3]))):
        sides.append(torch.autograd.grad(F.cross_entropy(network(x), y), list(network.parameters())))
    assert found.distance == pytest.approx(float(dckit.gradient_distance(sides[1], sides[0], metric)))
    pairs = [(a.flatten(), b.flatten()) for a, b in zip(*sides, strict=True) if a.ndim > 1]
    for (a, b), (real, synthetic, angle) in zip(pairs, found.pulls.values(), strict=True):
        assert (real, synthetic) == pytest.approx((float(a.norm()), float(b.norm())))
        assert math.cos(math.radians(angle)) == pytest.approx(float(F.cosine_similarity(a, b, dim=0)), abs=1e-5)


def test_the_blend_leads_from_noise_to_a_real_image_and_lies_on_the_curve(digits):
    noise, middle, image = (distance_lab.blended(digits, b, "MLP", "cos", 3, 0) for b in (0.0, 0.5, 1.0))
    members = digits.train[digits.train.by_class[3]][0]
    assert min((members - image.image).abs().amax((1, 2, 3))) == 0
    assert abs(float(noise.image.std()) - 1) < 0.1
    assert torch.allclose(middle.image, (noise.image + image.image) / 2)
    assert noise.path == middle.path == image.path
    assert [noise.distance, middle.distance, image.distance] == [noise.path[0], noise.path[5], noise.path[10]]


@pytest.mark.parametrize("network", ["ConvNet", "ResNet18"])
def test_the_lab_draws_every_network_and_says_its_numbers(digits, network):
    picture = distance_lab.shown(digits, 0.25, network, label=7)
    found = distance_lab.blended(digits, 0.25, network, "layerwise", 7, 0)
    assert f"25% of a real 7, the rest noise, {network}: layerwise distance {found.distance:.4g}," in picture.alt
    assert len(re.findall(r"(conv|linear) \d+ \d+°", picture.alt)) == len(found.pulls)
    assert picture.png.startswith(b"\x89PNG")


def test_a_gradient_without_length_has_no_angle():
    zero, one = torch.zeros(2, 2), torch.ones(2, 2)
    assert distance_lab._pulls([one, one[0]], [zero, one[0]])["linear 1"] == (
        2.0,
        0.0,
        pytest.approx(math.nan, nan_ok=True),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"blend": 1.5}, r"blend 1.5: expected 0 \(noise\) to 1"),
        ({"blend": math.nan}, "blend nan"),
        ({"network": "VGG"}, "unknown network 'VGG'"),
        ({"metric": "l2"}, "unknown metric 'l2'"),
        ({"label": 10}, "label 10: expected 0 to 9"),
        ({"label": -1}, "label -1: expected 0 to 9"),
        ({"seed": -1}, "seed -1 is negative"),
    ],
)
def test_the_lab_refuses_what_cannot_be_meant(digits, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        distance_lab.shown(digits, **({"blend": 0.5} | change))


# a run as it forms


def test_a_run_is_drawn_with_its_iteration_distance_and_seconds(history):
    condensed = history["noise"][1]
    losses, seconds = condensed.card["losses"], condensed.card["seconds"]
    said = f"iteration 2 of 3, distance {losses[1]:.3g}, {seconds / 2:.2g} s per iteration"
    assert said in live_run.shown(condensed).alt


def test_a_run_is_watched_with_the_picture_asked_for(digits, monkeypatch):
    shown = []
    monkeypatch.setattr(progress, "get_ipython", lambda: "a notebook's")
    monkeypatch.setattr(progress, "SECONDS_LIVE", 1e-9)
    monkeypatch.setattr(progress, "_put", lambda what, where: shown.append(what))
    states = dckit.condensing(digits, Recipe.published().but(iterations=2, real_batch=2, width=4))
    *_, end = progress.watch(states, draw=live_run.shown)
    assert end.iteration == 2
    assert [p for p in shown if isinstance(p, Picture)][-1].alt == live_run.shown(end.condensed).alt


def test_a_plan_says_what_differs_and_how_far_the_run_is(digits, tmp_path):
    recipe = Recipe.published().but(iterations=3, real_batch=8, width=8, image_momentum=0.0)
    file = tmp_path / "run.safetensors"
    (table,) = live_run.plan(recipe, file)
    assert ("momentum of the images", "0.0", "0.5") in table.rows
    assert table.note.startswith("Run the next cell: it begins")
    assert "no network is trained" in table.note
    assert "no network is trained" not in live_run.plan(Recipe.published(ipc=2), file)[0].note
    states = dckit.condensing(digits, recipe, checkpoint=file)
    assert "Stopped at iteration 0 of 3" in live_run.plan(recipe, file)[-1].note
    next(states), next(states)
    states.close()
    picture, table = live_run.plan(recipe, file)
    assert "iteration 2 of 3" in picture.alt
    assert table.note.startswith("Stopped at iteration 2 of 3: run the next cell to continue.")
    *_, last = dckit.condensing(digits, recipe, checkpoint=file)
    save_checkpoint(file, last)
    assert live_run.plan(recipe, file)[-1].note.startswith("Finished.")


# the set explorer


def test_the_nearest_real_images_are_those_of_brute_force(digits):
    image = torch.randn(digits.shape)
    index, away = set_explorer.nearest(image, digits.train, 4)
    everyone = [
        (((x - image) ** 2).sum().sqrt().item(), i)
        for i, (x, y) in enumerate(zip(*digits.train[:], strict=True))
        if y == 4
    ]
    assert index.tolist() == [i for _, i in sorted(everyone)[: set_explorer.NEIGHBOURS]]
    assert away.tolist() == pytest.approx([d for d, _ in sorted(everyone)[: set_explorer.NEIGHBOURS]], rel=1e-5)


def test_a_real_image_is_its_own_neighbour(digits, history):
    random = history["random"][0]
    index, away = set_explorer.nearest(random.images[6], digits.train, 6)
    assert torch.equal(digits.train[index[:1]][0][0], random.images[6])
    assert away[0] == 0 < away[1]
    assert (
        "random: the real images nearest to its 6 are 0.0, "
        in set_explorer.shown(digits, history, ["random"], 3, 6).alt
    )


def test_scrubbing_shows_the_run_where_it_was(digits, history):
    noise, random = history["noise"], history["random"]
    assert [set_explorer.at(noise, i) for i in (0, 1, 2, 3, 9)] == [noise[0], noise[0], noise[1], noise[2], noise[2]]
    assert set_explorer.at(random, 2) is random[0]
    alts = [set_explorer.shown(digits, history, ["noise"], i, 3).alt for i in (1, 3)]
    _, away = set_explorer.nearest(noise[0].images[3], digits.train, 3)
    assert alts[0].startswith("noise, iteration 1: the real images nearest to its 3 are " + f"{away[0]:.1f}, ")
    assert alts[1].startswith("noise, iteration 3: ")


def test_two_sets_stand_below_one_another(digits, history):
    alt = set_explorer.shown(digits, history, ["noise", "real start"], 2, 8).alt
    assert re.findall(r"(?:^|\. )([\w ]+), iteration 2: the real images nearest to its 8", alt) == [
        "noise",
        "real start",
    ]


def test_each_image_of_a_class_can_be_chosen(digits):
    two = dckit.random_images(digits, 2, 0)
    for number in (0, 1):
        _, away = set_explorer.nearest(two.images[2 * 5 + number], digits.train, 5)
        said = ", ".join(f"{d:.1f}" for d in away.tolist())
        assert said in set_explorer.shown(digits, {"two": [two]}, ["two"], 0, 5, number).alt


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"names": ["nose"]}, "unknown run 'nose': expected one of noise, real start, random"),
        ({"label": 10}, "label 10"),
        ({"number": 1}, "image 1 of 'noise': it has 1 of each class, counted from 0"),
    ],
)
def test_the_explorer_refuses_what_is_not_there(digits, history, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        set_explorer.shown(digits, history, **({"names": ["noise"], "iteration": 1} | change))


def test_the_explorer_refuses_a_set_of_other_images(digits, history):
    foreign = history["random"][0]
    card = foreign.card | {"classes": list("abcdefghij"), "dataset": "letters"}
    other = {"other": [dckit.CondensedSet(foreign.images, foreign.labels, card)]}
    with pytest.raises(ValueError, match="'other' is a set of letters: its images are not like digits's"):
        set_explorer.shown(digits, other, ["other"], 0)


# protocol switches


def test_every_combination_is_looked_up_by_its_recipe_whatever_the_order():
    names = list(switches.HIDDEN)
    assert names == ["optimiser", "augmentation", "epochs", "image momentum", "padding", "normalisation"]
    subsets = [on for n in range(7) for on in combinations(names, n)]
    found = {Run("mnist", "dc", protocol_recipe(switches.protocol_of(on))).name for on in subsets}
    assert len(found) == 64
    assert switches.protocol_of(["epochs", "optimiser"]) == switches.protocol_of(["optimiser", "epochs"])
    assert (
        Run("mnist", "dc", protocol_recipe(switches.protocol_of(names))).name
        == Run("mnist", "dc", Recipe.published()).name
    )
    with pytest.raises(ValueError, match="unknown detail 'momentum': expected optimiser, "):
        switches.protocol_of(["momentum"])


def test_switches_show_what_was_measured_for_them_and_nothing_else():
    saved = [
        result("report", (80, 82)),
        result("report + epochs", (84, 86)),
        result("report + epochs", (88, 90), seed=1),
        result("published", (90, 92), budget="smoke"),
    ]
    picture, table = switches.shown(saved, ["epochs"])
    assert "report, as printed: 87.1 ± 0.5  (1 × 20)" in picture.alt
    assert "paper, as printed: 91.7 ± 0.5  (5 × 20)" in picture.alt
    assert "kit, report's recipe: 81.0 ± 1.0  (1 × 2)" in picture.alt
    assert "kit, these switches: 87.0 ± 2.2  (2 × 2)" in picture.alt
    assert "kit, published recipe: not measured yet" in picture.alt  # at this budget
    assert "Not measured" not in table.note
    rows = dict((row[0], row[1:]) for row in table.rows)
    assert rows["epochs"] == ("published code", switches.HIDDEN["epochs"].code)
    assert rows["padding"] == ("report", switches.HIDDEN["padding"].report)
    assert "kit, these switches: 81.0 ± 1.0" in switches.shown(saved, [])[0].alt


@pytest.mark.parametrize("on", [(), ("padding",), ("epochs", "image momentum"), tuple(switches.HIDDEN)])
def test_the_command_measures_what_was_not_measured(on):
    picture, table = switches.shown([], on)
    assert "kit, these switches: not measured yet" in picture.alt
    (command,) = re.findall(r"`(python .*)`", table.note)
    python, _, kit, name, *arguments = shlex.split(command)
    assert (python, kit, name) == ("python", "dckit", "lessons")
    args = lessons._parser().parse_args(arguments)
    given = {name: json_or_text(text) for name, text in args.parameter}
    assert lessons.parameters_for(args.notebook[0], given) == given
    assert given.pop("questions") is False
    (run,) = runs(**given)
    measured = [Result(run, result("report").scores)]
    assert "kit, these switches: 91.0 ± 1.0" in switches.shown(measured, on)[0].alt


def test_a_sample_that_is_missing_is_said_so():
    picture = figures.samples({"a": Sample(90.0, 1.0, 2, 3), "b": None}, "Two rows")
    assert picture.alt == "Two rows. a: 90.0 ± 1.0  (2 × 3); b: not measured yet"
    assert figures.samples({"b": None}, "None").png


# the table explorer


def rows_of(table, keys):
    return {row[:keys]: row[keys:] for row in table.rows}


@pytest.mark.parametrize(("dataset", "name"), [("mnist", "MNIST"), ("svhn", "SVHN")])
@pytest.mark.parametrize("ipc", [1, 10, 50])
def test_a_setting_with_convnet_is_its_part_of_table_1(dataset, name, ipc):
    saved = [result("published")]
    whole = rows_of(table_1(saved), 3)
    found = rows_of(setting(saved, dataset, ipc), 1)
    assert len(found) == 6
    for (method,), texts in found.items():
        theirs = whole[name, "all" if method == METHODS["whole"] else str(ipc), method]
        assert texts[:2] == theirs[:2]
        assert texts[2] == theirs[2] or texts[2].startswith("no run") is theirs[2].startswith("no run") is True


@pytest.mark.parametrize(
    ("protocol", "network", "table"),
    [
        ("published", "LeNet", table_2),
        ("report", "MLP", lambda r: table_2(r, "report")),
        ("report + networks", "LeNet", table_3),
    ],
)
def test_a_setting_of_other_networks_is_a_row_of_table_2_or_3(protocol, network, table):
    saved = [result(protocol, network=network, trained="MLP")]
    trained = NETWORKS if protocol == "published" else NETWORKS[:4]
    whole, found = rows_of(table(saved), 2), rows_of(setting(saved, "mnist", 1, network, trained, protocol), 2)
    assert list(found) == [(network, t) for t in trained]
    for pair, texts in found.items():
        assert texts[:2] == whole[pair][:2]
    here, there = ([text.partition(" [")[0] for text in rows[network, "MLP"]] for rows in (found, whole))
    assert here == there  # but for the number of the command below the table


def test_table_2_holds_one_image_per_class_of_mnist_alone():
    for dataset, ipc in (("mnist", 10), ("svhn", 1), ("digits", 1)):
        (texts,) = rows_of(setting([], dataset, ipc, "LeNet", ("MLP",)), 2).values()
        assert texts[:2] == ("–", "–")


def test_a_table_as_tags_holds_every_text_escaped():
    table = Table(("a <b>", "c"), (("1 & 2", "3"),), "first\n\nrun `x -p y`")
    tags = table.html
    assert re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", tags) == ["a &lt;b&gt;", "c"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", tags) == ["1 &amp; 2", "3"]
    assert tags.endswith("<p>first</p><p>run <code>x -p y</code></p>")
    assert Table(("a",), ()).html.endswith("</table>")
