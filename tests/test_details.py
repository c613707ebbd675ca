"""Differences between recipes by name, the ladders between them, and what a step of one is worth."""

import pytest
from scipy import stats

from dckit import Recipe
from dckit.method import Scores
from dckit.method.dc import LOOPS
from dckit.results import Measured, Result, Run, alone_and_last, difference, rungs, waterfall, with_shipped, words_of
from dckit.results.details import DETAILS, switched
from dckit.results.ladders import effect
from dckit.results.recipe_words import protocol_recipe

NETWORKS = ("MLP", "ConvNet", "LeNet", "AlexNet")
REPORT, PUBLISHED = Recipe.report(), Recipe.published()


def pair(network="ConvNet", trained="ConvNet", ipc=1, budget="full"):
    return [fill(ipc, budget, network).but(testing={"network": trained}) for fill in (Recipe.report, Recipe.published)]


def ladder(start, end, details):
    return [switched(start, details[:n], end) for n in range(len(details) + 1)]


def choices(recipe):
    return recipe.condensing.decisive, recipe.testing.decisive


def test_the_details_between_the_two_protocols_on_mnist():
    names = ["optimiser", "augmentation", "epochs", "image momentum", "padding", "normalisation"]
    assert [d.name for d in difference(REPORT, PUBLISHED)] == names
    assert [d.name for d in difference(PUBLISHED, REPORT)] == names
    assert difference(REPORT, REPORT) == []
    admitted = {d.name for d in difference(*pair("LeNet", "AlexNet")) if d.admitted}
    assert admitted == {"optimiser", "augmentation", "networks"}  # what the report's section 4 tells


@pytest.mark.parametrize("ipc", LOOPS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("trained", NETWORKS)
def test_every_difference_of_the_two_protocols_has_a_name_and_words(network, trained, ipc):
    details = difference(*pair(network, trained, ipc))
    assert all(detail in DETAILS for detail in details)
    for detail in details:
        assert all((detail.what, detail.paper, detail.code, detail.report))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("trained", NETWORKS)
@pytest.mark.parametrize("budget", ["full", "lesson"])
def test_a_ladder_leads_from_one_recipe_to_the_other_and_every_rung_changes_something(network, trained, budget):
    start, end = pair(network, trained, budget=budget)
    details = difference(start, end)
    rungs = ladder(start, end, details)
    assert choices(rungs[0]) == choices(start)
    assert choices(rungs[-1]) == choices(end)
    for detail, before, after in zip(details, rungs[:-1], rungs[1:], strict=True):
        assert choices(before) != choices(after), detail.name
        assert difference(before, after) == [detail]
    ends = {Run("mnist", "dc", rung).name for rung in (rungs[0], rungs[-1])}
    assert ends == {Run("mnist", "dc", r).name for r in (start, end)}


def test_padding_is_convnets_and_networks_are_the_others():
    start, end = pair("LeNet", "ConvNet")
    by_name = {d.name: d for d in difference(start, end)}
    padded = switched(start, [by_name["padding"]], end)
    assert (padded.condensing.version, padded.testing.version) == ("report", "published")
    rebuilt = switched(start, [by_name["networks"]], end)
    assert (rebuilt.condensing.version, rebuilt.testing.version) == ("published", "report")


def test_each_alone_and_all_but_one():
    details = difference(REPORT, PUBLISHED)
    for detail in details:
        one, rest = switched(REPORT, [detail], PUBLISHED), switched(PUBLISHED, [detail], REPORT)
        assert difference(REPORT, one) == [detail]
        assert difference(rest, PUBLISHED) == [detail]
        assert {d.name for d in difference(one, rest)} == {d.name for d in details}


def test_a_choice_without_a_name_names_itself():
    (detail,) = difference(PUBLISHED, PUBLISHED.but(init="real"))
    assert (detail.name, detail.fields, detail.code, detail.report) == ("init", ["init"], "real", "noise")
    (detail,) = difference(PUBLISHED, PUBLISHED.but(testing={"width": 64}))
    assert (detail.name, detail.fields, detail.code, detail.report) == ("width", ["width"], "64", "128")


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (Recipe.published(10), "ipc"),
        (Recipe.published(1, "lesson"), "budget"),
        (Recipe.published(network="MLP"), "condensing.network"),
        (PUBLISHED.but(testing={"network": "MLP"}), "testing.network"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_experiments_are_no_details(other, field):
    with pytest.raises(ValueError, match=rf"the recipes differ in {field}, .*: expected one experiment"):
        difference(PUBLISHED, other)


# A recipe in a line of words


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("trained", NETWORKS)
def test_a_line_of_words_climbs_the_ladder_and_goes_back(network, trained):
    start, end = pair(network, trained)
    details = difference(start, end)
    for n, (up, down) in enumerate(zip(ladder(start, end, details), ladder(end, start, details), strict=True)):
        names = [d.name for d in details[:n]]
        assert choices(protocol_recipe(" + ".join(["report", *names]), 1, "full", network, trained)) == choices(up)
        assert choices(protocol_recipe(" - ".join(["published", *names]), 1, "full", network, trained)) == choices(down)


def test_a_line_of_words_sets_fields_too():
    recipe = protocol_recipe("report + optimiser + test_version=report with ReLU + image_lr=1", 10, "lesson", "MLP")
    expected = Recipe.report(10, "lesson", "MLP").but(testing={"network": "ConvNet"}, image_lr=1.0)
    assert recipe == expected.but(
        momentum=0.9, weight_decay=5e-4, lr_drop=0.1, testing={"version": "report with ReLU"}, version="report"
    )
    assert protocol_recipe("published + network_batch=null").condensing.network_batch is None


def test_a_field_of_both_stages_is_set_in_both_unless_the_words_name_one():
    assert protocol_recipe("published + width=64") == PUBLISHED.but(width=64)
    assert protocol_recipe("published + testing.width=64") == PUBLISHED.but(testing={"width": 64})
    assert protocol_recipe("published + condensing.width=64") == PUBLISHED.but(condensing={"width": 64})
    assert protocol_recipe("published + width=64 + testing.width=32") == PUBLISHED.but(width=64, testing={"width": 32})


@pytest.mark.parametrize(
    ("words", "now"),
    [
        ("published + test_width=64", "published + testing.width=64"),
        ("published + test_network=MLP", "published + testing.network=MLP"),
        ("report + test_version=published", "report + testing.version=published"),
        ("report + test_version=original without softmax", "report + testing.version=report without softmax"),
        ("published + version=original", "published + version=report"),
    ],
)
def test_words_of_version_0_1_are_still_understood(words, now):
    assert protocol_recipe(words) == protocol_recipe(now)


def test_the_words_that_are_written_are_those_of_this_version():
    recipe = protocol_recipe("report + test_version=original with ReLU + test_width=64", 1, "full", "LeNet", "LeNet")
    assert words_of(recipe) == "report + testing.version=report with ReLU + testing.width=64"


def test_a_detail_that_does_not_concern_the_networks_changes_nothing():
    assert choices(protocol_recipe("report + networks")) == choices(REPORT)
    assert choices(protocol_recipe("published - image rate")) == choices(PUBLISHED)


@pytest.mark.parametrize(
    ("protocol", "says"),
    [
        ("reported", "unknown protocol 'reported': expected published or report"),
        ("", "unknown protocol ''"),
        ("report+optimiser", r"unknown protocol 'report\+optimiser'"),
        ("report + optimizer", r"\+ optimizer in protocol 'report \+ optimizer': expected \+ and one of optimiser, "),
        ("report - optimiser", r"- optimiser in protocol .*: expected \+"),
        ("published + optimiser", r"\+ optimiser in protocol .*: expected -"),
        ("published - init=real", "- init=real in protocol"),
        ("published + inti=real", "a recipe has no field 'inti'"),
        ("published + testing.inti=real", "testing has no field 'inti'"),
        ("published + training.lr=1", "a recipe has no field 'training'"),
        ("published + testing.image_lr=1", "image_lr"),
        ("published + testing=1", "testing"),
        ("published + network=5", "network 5: expected str"),
        ("published + init=noisy", "unknown init 'noisy': expected one of noise, real"),
        ("published + momentum=much", "momentum 'much': expected a number"),
    ],
)
def test_words_that_mean_nothing_are_refused(protocol, says):
    with pytest.raises(ValueError, match=says):
        protocol_recipe(protocol)


def test_one_choice_has_one_name_however_it_was_typed():
    assert len({Run("mnist", "dc", protocol_recipe(f"published + momentum={zero}")).name for zero in ("0", "0.0")}) == 1


# What a step is worth


def results(*by_seed):
    run = {"dataset": "mnist", "recipe": PUBLISHED.as_json()}
    return [Result(Run("mnist", "dc", PUBLISHED, seed), Scores(tuple(a), 1.0, run)) for seed, a in by_seed]


def test_an_effect_is_paired_by_seed_and_its_interval_students():
    before = results((0, (80, 82)), (1, (90, 92)), (2, (70, 72)), (9, (1, 1)))
    after = results((2, (73, 75)), (0, (81, 83)), (1, (92, 94)))
    found = effect(before, after)
    low, high = stats.t.interval(0.95, 2, loc=2, scale=stats.sem([1, 2, 3]))
    assert (found.difference, found.low, found.high, found.sets) == (2, pytest.approx(low), pytest.approx(high), 3)
    assert str(found) == "+2.0 (−0.5 to +4.5)"


def test_the_effect_on_one_set_is_paired_by_network():
    found = effect(results((0, (80, 82, 90))), results((0, (81, 84, 93))))
    low, high = stats.t.interval(0.95, 2, loc=2, scale=stats.sem([1, 2, 3]))
    assert (found.low, found.high, found.sets) == (pytest.approx(low), pytest.approx(high), 1)


def test_recipes_without_a_common_seed_cannot_be_compared():
    with pytest.raises(ValueError, match=r"seeds \[0\] and \[1\] have none in common"):
        effect(results((0, (80,))), results((1, (80,))))


def test_a_waterfall_says_where_it_starts_each_step_and_where_it_ends():
    steps = {
        "one": effect(results((0, (80, 82))), results((0, (83, 86)))),
        "two": effect(results((0, (83, 86))), results((0, (80, 80)))),
    }
    picture = waterfall(("report", 81.0), steps, "published")
    assert picture.alt.startswith("From report, 81.0 %, to published, 80.0 %, in points. one: +3.5")
    assert "two: −4.5" in picture.alt


# Ladders of what was measured

KNOWN = Measured(with_shipped([]))
NAMES = [detail.name for detail in difference(REPORT, PUBLISHED)]


@pytest.mark.parametrize(("start", "other"), [("report", "published"), ("published", "report")])
def test_rungs_lead_from_one_recipe_to_the_other(start, other):
    found = rungs(KNOWN, start, NAMES)
    ends = [{r.run.name for r in rungs(KNOWN, recipe, [])[0]} for recipe in (start, other)]
    assert [{r.run.name for r in rung} for rung in (found[0], found[-1])] == ends
    assert len(found) == len(NAMES) + 1
    for name, before, after in zip(NAMES, found, found[1:], strict=False):
        assert [d.name for d in difference(before[0].run.recipe, after[0].run.recipe)] == [name]


def test_a_rung_that_nobody_measured_is_empty_and_another_start_is_refused():
    assert rungs(Measured([]), "report", NAMES[:1]) == [[], []]
    with pytest.raises(ValueError, match="a ladder cannot start at 'paper': expected report or published"):
        rungs(KNOWN, "paper", NAMES)


def test_alone_is_in_the_reports_recipe_and_last_in_the_published_one():
    effects = alone_and_last(KNOWN, NAMES)
    up, down = rungs(KNOWN, "report", NAMES), rungs(KNOWN, "published", NAMES)
    assert effects[NAMES[0]]["alone"] == effect(up[0], up[1])
    assert effects[NAMES[0]]["last"] == effect(down[1], down[0])
    assert effects[NAMES[-1]]["last"] == effect(up[-2], up[-1])
    assert list(effects) == NAMES
