import json
from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from dckit import Recipe
from dckit.recipes import BUDGETS, LOOPS, loops

NETWORKS = ["MLP", "ConvNet", "LeNet", "AlexNet", "VGG11", "ResNet18"]
AMOUNTS = {
    *("iterations", "real_batch", "width", "sets", "networks", "epochs", "epochs_augmented"),
    *("test_images", "whole_networks", "whole_epochs"),
}

PUBLISHED = dict(  # the newest published code at 1 image/class, read from its description
    **dict(ipc=1, protocol="published", budget="full", network="ConvNet", version="published", width=128),
    **dict(precision="float32"),
    **dict(metric="layerwise", by_class=True, real_batch=256, norm_images=16, normalisation="published"),
    **dict(init="noise", image_lr=0.1, image_momentum=0.5),
    **dict(iterations=1000, matching_steps=1, network_steps=1, last_network_update=False),
    **dict(network_lr=0.01, network_momentum=0.0, network_batch=256, sets=5),
    **dict(test_network=None, test_version=None, test_width=None, networks=20, epochs=301, epochs_augmented=1001),
    **dict(lr=0.01, momentum=0.9, weight_decay=0.0005, lr_drop=0.1, batch=256),
    **dict(augmentation="published", test_images=None, whole_networks=5, whole_epochs=100),
)

REPORT = dict(  # where the students' notebook differs
    **dict(protocol="report", version="original", normalisation="report"),
    **dict(image_momentum=0.0, network_batch=None, sets=1),
    **dict(epochs=300, epochs_augmented=300, momentum=0.0, weight_decay=0.0, lr_drop=1.0, augmentation="none"),
)


def difference(a, b):
    """The fields of ``b`` in which it is not ``a``."""
    return {k: v for k, v in asdict(b).items() if v != getattr(a, k)}


def test_published_is_what_the_published_code_does():
    assert asdict(Recipe.published()) == PUBLISHED


@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", ["ConvNet", "LeNet", "AlexNet"])
def test_the_report_differs_from_the_published_code_in_these_fields_and_no_other(ipc, network):
    assert difference(Recipe.published(ipc, network=network), Recipe.report(ipc, network=network)) == REPORT


def test_the_report_also_missed_the_rate_that_the_readme_names_for_mlp():
    found = difference(Recipe.published(network="MLP"), Recipe.report(network="MLP"))
    assert found == REPORT | dict(image_lr=0.1)
    assert Recipe.published(network="MLP").image_lr == 0.01


@pytest.mark.parametrize("ipc", [1, 7, 10, 20, 30, 40, 50])
def test_the_report_takes_as_many_matching_steps_as_there_are_images(ipc):
    assert Recipe.report(ipc).matching_steps == ipc


@pytest.mark.parametrize("fill", [Recipe.published, Recipe.report])
@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_full_budget_takes_nothing_away(fill, ipc, network):
    full = fill(ipc, "full", network)
    assert full == fill(ipc, network=network)
    protocol = PUBLISHED if full.protocol == "published" else PUBLISHED | REPORT
    assert {k: getattr(full, k) for k in AMOUNTS} == {k: protocol[k] for k in AMOUNTS}


@pytest.mark.parametrize("fill", [Recipe.published, Recipe.report])
@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("budget", ["lesson", "smoke"])
def test_a_budget_changes_amounts_alone_and_only_downwards(fill, ipc, network, budget):
    full, less = fill(ipc, "full", network), fill(ipc, budget, network)
    changed = difference(full, less)
    assert changed.pop("budget") == budget
    assert set(changed) <= AMOUNTS
    assert "iterations" in changed or network == "MLP"  # whose small image_lr needs all of them
    for field, value in changed.items():
        assert getattr(full, field) is None or 0 < value < getattr(full, field)


@pytest.mark.parametrize(
    ("budget", "amounts"),
    [
        ("full", dict(iterations=1000, networks=20, whole_networks=5, whole_epochs=100)),
        ("lesson", dict(iterations=240, networks=3, whole_networks=1, whole_epochs=3)),
        ("smoke", dict(iterations=200, networks=6, whole_networks=1, whole_epochs=5)),
    ],
)
def test_amounts_that_texts_and_results_name(budget, amounts):
    assert {k: getattr(Recipe.published(budget=budget), k) for k in amounts} == amounts


def test_budgets_name_nothing_but_amounts():
    assert set(BUDGETS) == {"full", "lesson", "smoke"}
    assert BUDGETS["full"] == {}
    assert all(set(amounts) <= AMOUNTS for amounts in BUDGETS.values())


@pytest.mark.parametrize("budget", ["lesson", "smoke"])
@pytest.mark.parametrize("ipc", [1, 10, 50])
def test_a_reduced_budget_counts_matching_steps_rather_than_draws(ipc, budget):
    steps = BUDGETS[budget]["iterations"]
    recipe = Recipe.published(ipc, budget)
    assert recipe.matching_steps == ipc
    assert recipe.iterations == max(5, steps // ipc)


def test_an_unknown_budget_is_refused():
    with pytest.raises(ValueError, match="unknown budget 'tiny': expected one of smoke, lesson, full"):
        Recipe.published(budget="tiny")
    with pytest.raises(ValueError, match="unknown budget 'tiny'"):
        Recipe.report(budget="tiny")


def test_loops_are_the_published_table():
    published = {1: (1, 1), 10: (10, 50), 20: (20, 25), 30: (30, 20), 40: (40, 15), 50: (50, 10)}
    assert published == LOOPS
    for ipc, expected in published.items():
        assert loops(ipc) == expected
        recipe = Recipe.published(ipc)
        assert (recipe.matching_steps, recipe.network_steps) == expected


@pytest.mark.parametrize(
    ("ipc", "expected"),
    [(2, (2, 50)), (5, (5, 50)), (15, (15, 33)), (25, (25, 20)), (49, (49, 10)), (51, (50, 10)), (500, (50, 10))],
)
def test_other_numbers_of_images_take_as_many_steps_up_to_50(ipc, expected):
    assert loops(ipc) == expected
    assert (Recipe.published(ipc).matching_steps, Recipe.published(ipc).network_steps) == expected


@pytest.mark.parametrize(
    ("network", "condensed_with", "tested_with"),
    [
        ("MLP", "MLP", "MLP"),
        ("ConvNet", "ConvNet", "ConvNet"),
        ("LeNet", "LeNet", "LeNet"),
        ("AlexNet", "AlexNet", "AlexNet"),
        ("VGG11", "VGG11BN", "VGG11"),
        ("ResNet18", "ResNet18BN_AP", "ResNet18"),
    ],
)
def test_deep_networks_condense_with_batch_norm_and_are_tested_without(network, condensed_with, tested_with):
    recipe = Recipe.published(network=network)
    assert (recipe.network, recipe.tested_with) == (condensed_with, tested_with)
    assert recipe.but(test_network="MLP").tested_with == "MLP"
    assert Recipe.report(network=network).network == network


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (Recipe.published(), "published, full budget"),
        (Recipe.report(10, "lesson"), "report, lesson budget"),
        (Recipe.published(network="MLP"), "published, full budget"),
        (Recipe.published(network="ResNet18"), "published, full budget"),
        (Recipe.published(10, "smoke", "VGG11"), "published, smoke budget"),
        (
            Recipe.published(budget="smoke").but(image_momentum=0.0, metric="cos"),
            "published, smoke budget, with metric=cos, image_momentum=0.0",
        ),
        (Recipe.published().but(iterations=50), "published, full budget, with iterations=50"),
        (Recipe.published().but(image_lr=0.1), "published, full budget"),
    ],
)
def test_the_name_tells_protocol_budget_and_every_change(recipe, name):
    assert recipe.name == name


def test_a_reduced_recipe_cannot_pass_for_the_full_one():
    for label in (dict(budget="full"), dict(protocol="report")):
        with pytest.raises(ValueError, match="protocol and budget are chosen by"):
            Recipe.published(budget="smoke").but(**label)
    assert "iterations=10" in Recipe.published().but(iterations=10).name


def test_but_leaves_the_recipe_as_it_was_and_nothing_can_be_assigned():
    recipe = Recipe.published()
    changed = recipe.but(width=8, init="real")
    assert difference(recipe, changed) == dict(width=8, init="real")
    assert recipe == Recipe.published()
    with pytest.raises(FrozenInstanceError):
        recipe.width = 8


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("ipc", 0, "ipc 0: expected more than 0"),
        ("ipc", -1, "ipc -1: expected more than 0"),
        ("ipc", 1.5, "ipc 1.5: expected int"),
        ("ipc", "10", "ipc '10': expected int"),
        ("ipc", True, "ipc True: expected int"),
        ("ipc", None, "ipc None: expected int"),
        ("iterations", 0, "iterations 0: expected more than 0"),
        ("matching_steps", 0, "matching_steps 0: expected more than 0"),
        ("network_steps", -1, "network_steps -1: expected 0 or more"),
        ("image_lr", 0, "image_lr 0: expected more than 0"),
        ("image_lr", -0.1, "image_lr -0.1: expected more than 0"),
        ("image_lr", float("nan"), "image_lr nan: expected more than 0"),
        ("image_lr", "fast", "image_lr 'fast': expected a number"),
        ("image_lr", True, "image_lr True: expected a number"),
        ("image_momentum", -0.5, "image_momentum -0.5: expected 0 or more"),
        ("weight_decay", -1, "weight_decay -1: expected 0 or more"),
        ("network_batch", 0, "network_batch 0: expected more than 0"),
        ("network_batch", 2.5, "network_batch 2.5: expected int"),
        ("test_images", 0, "test_images 0: expected more than 0"),
        ("by_class", 1, "by_class 1: expected bool"),
        ("by_class", "yes", "by_class 'yes': expected bool"),
        ("network", 5, "network 5: expected str"),
        ("test_network", 5, "test_network 5: expected str"),
        ("metric", "l2", "unknown metric 'l2': expected one of layerwise, mse, cos"),
        ("init", "zeros", "unknown init 'zeros': expected one of noise, real"),
        ("whole_networks", 0, "whole_networks 0: expected more than 0"),
        ("test_version", "newest", "unknown test_version 'newest': expected one of published, original"),
        ("version", "newest", "unknown version 'newest': expected one of published, original"),
        ("normalisation", "none", "unknown normalisation 'none': expected one of published, report"),
        ("augmentation", "flip", "unknown augmentation 'flip': expected one of published, none, crop_scale_rotate"),
        ("augmentation", None, "unknown augmentation None: expected one of published, none"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(field, value, says):
    with pytest.raises(ValueError, match=says):
        Recipe.published().but(**{field: value})
    with pytest.raises(ValueError, match=says):
        Recipe(**{field: value})


@pytest.mark.parametrize("field", ["image_momentum", "network_momentum", "network_steps", "momentum", "weight_decay"])
def test_zero_is_allowed_where_it_means_none(field):
    assert getattr(Recipe.published().but(**{field: 0}), field) == 0


@pytest.mark.parametrize("field", ["network_batch", "test_network", "test_version", "test_width", "test_images"])
def test_none_is_allowed_where_it_means_all_or_the_same(field):
    assert getattr(Recipe.published(budget="smoke").but(**{field: None}), field) is None


def test_an_unknown_field_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="a recipe has no field 'learning_rate': it has ipc, protocol, budget"):
        Recipe.published().but(width=8, learning_rate=0.1)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe.published(),
        Recipe.published(50, "smoke", "ResNet18").but(test_network="MLP", image_lr=1e-7),
        Recipe.report(10, "lesson"),
        Recipe.report().but(by_class=False, test_images=17),
    ],
    ids=lambda recipe: recipe.name,
)
def test_a_recipe_survives_json(recipe):
    assert Recipe(**json.loads(json.dumps(asdict(recipe)))) == recipe


def test_recipes_are_equal_when_all_of_their_fields_are():
    assert len({Recipe.published(), Recipe.published(), Recipe.report()}) == 2
    assert {f.name for f in fields(Recipe)} == set(PUBLISHED)


def test_a_rate_that_float32_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"image_lr 1e\+300: expected more than 0, and less than 1e\+38"):
        Recipe.published().but(image_lr=1e300)


# What belongs to which stage

UNSEEN = {"protocol", "budget", "sets"}  # labels, and how often it is all repeated
BOTH = {"normalisation", "width", "precision"}
STAGE_T = {
    *("test_network", "test_version", "networks", "epochs", "epochs_augmented", "lr", "momentum", "weight_decay"),
    *("lr_drop", "batch", "augmentation", "test_images", "whole_networks", "whole_epochs", "test_width"),
}


def test_every_choice_belongs_to_stage_c_to_stage_t_or_to_both():
    recipe, every = Recipe.published(10).but(precision="tf32"), {f.name for f in fields(Recipe)}
    assert set(recipe.stage_t) == STAGE_T - {"test_width"} | BOTH  # as width
    assert set(recipe.stage_c) == every - STAGE_T - UNSEEN
    assert set(recipe.stage_c) & set(recipe.stage_t) == BOTH


def test_how_a_network_is_trained_that_is_never_trained_is_no_choice():
    changes = dict(network_batch=None, network_lr=1.0, network_steps=9, network_momentum=0.5)
    assert Recipe.published(1).but(**changes).stage_c == Recipe.published(1).stage_c
    for trained in (dict(matching_steps=2), dict(last_network_update=True)):
        recipe = Recipe.published(1).but(**trained)
        assert all(recipe.but(**{k: v}).stage_c != recipe.stage_c for k, v in changes.items())
        assert recipe.stage_c != Recipe.published(1).stage_c


def test_the_version_of_a_network_that_has_but_one_is_no_choice():
    assert Recipe.report(network="MLP").stage_c["version"] == Recipe.report(network="MLP").stage_t["test_version"]
    assert Recipe.published(network="MLP").but(version="original").stage_c == Recipe.published(network="MLP").stage_c
    assert Recipe.report(network="LeNet").stage_c["version"] == "original"


def test_the_network_of_stage_t_may_be_wider_than_stage_cs():
    recipe = Recipe.published().but(width=64, test_width=128)
    assert (recipe.stage_c["width"], recipe.stage_t["width"], recipe.tested.width) == (64, 128, 128)
    assert recipe.stage_t == Recipe.published().stage_t


def test_the_network_of_stage_t_is_written_out_with_its_version():
    recipe = Recipe.report(network="LeNet")
    assert recipe.test_build == ("LeNet", "original")
    assert (recipe.stage_t["test_network"], recipe.stage_t["test_version"]) == recipe.test_build
    assert recipe.stage_t == recipe.but(test_network="LeNet", test_version="original").stage_t
    assert recipe.but(test_version="published").test_build == ("LeNet", "published")
    assert recipe.but(test_network="ConvNet", test_version="published").test_build == ("ConvNet", "published")
    assert recipe.but(test_version="published").version == "original"
    assert Recipe.published(network="VGG11").test_build == ("VGG11", "published")


def test_float32_has_no_name_so_that_results_from_before_there_was_a_choice_keep_theirs():
    recipe = Recipe.published()
    assert not {"precision"} & {*recipe.stage_c, *recipe.stage_t}
    assert recipe.but(precision="bfloat16").stage_c["precision"] == "bfloat16"
    assert recipe.but(precision="bfloat16").stage_t["precision"] == "bfloat16"
