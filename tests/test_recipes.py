import json
from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from dckit import Recipe
from dckit.method import BUDGETS, DC, PARTS, Choices, recipes
from dckit.method.dc import LOOPS, loops
from dckit.results import words_of

NETWORKS = ["MLP", "ConvNet", "LeNet", "AlexNet", "VGG11", "ResNet18"]
AMOUNTS = {
    "condensing": {"iterations", "real_batch", "width"},
    "testing": {
        *("width", "networks", "epochs", "epochs_augmented"),
        *("test_images", "whole_networks", "whole_epochs"),
    },
}

SHARED = dict(network="ConvNet", version="published", width=128, precision="float32", normalisation="published")
PUBLISHED = dict(  # the newest published code at 1 image/class, read from its description
    **dict(ipc=1, protocol="published", budget="full", method="dc"),
    condensing=dict(
        **SHARED,
        **dict(metric="layerwise", by_class=True, real_batch=256, norm_images=16),
        **dict(init="noise", image_lr=0.1, image_momentum=0.5),
        **dict(iterations=1000, matching_steps=1, network_steps=1),
        **dict(network_lr=0.01, network_momentum=0.0, network_batch=256),
    ),
    testing=dict(
        **SHARED,
        **dict(networks=20, epochs=301, epochs_augmented=1001),
        **dict(lr=0.01, momentum=0.9, weight_decay=0.0005, lr_drop=0.1, batch=256),
        **dict(augmentation="published", test_images=None, whole_networks=5, whole_epochs=100),
    ),
)

REPORT = dict(  # where the students' notebook differs
    protocol="report",
    condensing=dict(version="report", normalisation="report", image_momentum=0.0, network_batch=None),
    testing=dict(
        **dict(version="report", normalisation="report"),
        **dict(epochs=300, epochs_augmented=300, momentum=0.0, weight_decay=0.0, lr_drop=1.0, augmentation="none"),
    ),
)


def difference(a, b):
    """The fields of ``b`` in which it is not ``a``: of either part, whatever the field, and of the recipe itself."""
    a, b = a.as_json(), b.as_json()
    found = {k: v for k, v in b.items() if k not in PARTS and v != a[k]}
    parts = {part: {k: v for k, v in b[part].items() if v != a[part][k]} for part in PARTS}
    return found | {part: changed for part, changed in parts.items() if changed}


def test_published_is_what_the_published_code_does():
    assert Recipe.published().as_json() == PUBLISHED
    assert Recipe() == Recipe.published()


@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", ["ConvNet", "LeNet", "AlexNet"])
def test_the_report_differs_from_the_published_code_in_these_fields_and_no_other(ipc, network):
    assert difference(Recipe.published(ipc, network=network), Recipe.report(ipc, network=network)) == REPORT


def test_the_report_also_missed_the_rate_that_the_readme_names_for_mlp():
    found = difference(Recipe.published(network="MLP"), Recipe.report(network="MLP"))
    assert found == REPORT | {"condensing": REPORT["condensing"] | dict(image_lr=0.1)}
    assert Recipe.published(network="MLP").condensing.image_lr == 0.01


@pytest.mark.parametrize("ipc", [1, 7, 10, 20, 30, 40, 50])
def test_the_report_takes_as_many_matching_steps_as_there_are_images(ipc):
    assert Recipe.report(ipc).condensing.matching_steps == ipc


@pytest.mark.parametrize("fill", [Recipe.published, Recipe.report])
@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_full_budget_takes_nothing_away(fill, ipc, network):
    full = fill(ipc, "full", network)
    assert full == fill(ipc, network=network)
    for part, amounts in AMOUNTS.items():
        protocol = PUBLISHED[part] if full.protocol == "published" else PUBLISHED[part] | REPORT[part]
        assert {k: getattr(getattr(full, part), k) for k in amounts} == {k: protocol[k] for k in amounts}


@pytest.mark.parametrize("fill", [Recipe.published, Recipe.report])
@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("budget", ["lesson", "smoke"])
def test_a_budget_changes_amounts_alone_and_only_downwards(fill, ipc, network, budget):
    full, less = fill(ipc, "full", network), fill(ipc, budget, network)
    changed = difference(full, less)
    assert changed.pop("budget") == budget
    assert set(changed) == set(PARTS)
    assert "iterations" in changed["condensing"] or network == "MLP"  # whose small image_lr needs all of them
    for part, amounts in AMOUNTS.items():
        assert set(changed[part]) <= amounts
        for field, value in changed[part].items():
            before = getattr(getattr(full, part), field)
            assert before is None or 0 < value < before


@pytest.mark.parametrize(
    ("budget", "amounts"),
    [
        ("full", dict(iterations=1000, networks=20, whole_networks=5, whole_epochs=100)),
        ("lesson", dict(iterations=240, networks=3, whole_networks=1, whole_epochs=3)),
        ("smoke", dict(iterations=200, networks=6, whole_networks=1, whole_epochs=5)),
    ],
)
def test_amounts_that_texts_and_results_name(budget, amounts):
    recipe = Recipe.published(budget=budget)
    assert {k: (asdict(recipe.condensing) | asdict(recipe.testing))[k] for k in amounts} == amounts


def test_budgets_name_nothing_but_amounts():
    for part, choices in (("condensing", DC), ("testing", recipes.Testing)):
        assert set(BUDGETS) == set(choices.AMOUNTS) == {"full", "lesson", "smoke"}
        assert choices.AMOUNTS["full"] == {}
        assert all(set(amounts) <= AMOUNTS[part] for amounts in choices.AMOUNTS.values())


@pytest.mark.parametrize("budget", ["lesson", "smoke"])
@pytest.mark.parametrize("ipc", [1, 10, 50])
def test_a_reduced_budget_counts_matching_steps_rather_than_draws(ipc, budget):
    steps = DC.AMOUNTS[budget]["iterations"]
    choices = Recipe.published(ipc, budget).condensing
    assert choices.matching_steps == ipc
    assert choices.iterations == max(5, steps // ipc)


def test_an_unknown_budget_is_refused():
    with pytest.raises(ValueError, match="unknown budget 'tiny': expected one of full, lesson, smoke"):
        Recipe.published(budget="tiny")
    with pytest.raises(ValueError, match="unknown budget 'tiny'"):
        Recipe.report(budget="tiny")


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="unknown method 'magic': expected one of dc"):
        Recipe.published(method="magic")
    assert Recipe.published(method="dc").method == Recipe.report().method == "dc"


def test_loops_are_the_published_table():
    published = {1: (1, 1), 10: (10, 50), 20: (20, 25), 30: (30, 20), 40: (40, 15), 50: (50, 10)}
    assert published == LOOPS
    for ipc, expected in published.items():
        assert loops(ipc) == expected
        choices = Recipe.published(ipc).condensing
        assert (choices.matching_steps, choices.network_steps) == expected


@pytest.mark.parametrize(
    ("ipc", "expected"),
    [(2, (2, 50)), (5, (5, 50)), (15, (15, 33)), (25, (25, 20)), (49, (49, 10)), (51, (50, 10)), (500, (50, 10))],
)
def test_other_numbers_of_images_take_as_many_steps_up_to_50(ipc, expected):
    assert loops(ipc) == expected
    choices = Recipe.published(ipc).condensing
    assert (choices.matching_steps, choices.network_steps) == expected


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
    assert (recipe.condensing.network, recipe.testing.network) == (condensed_with, tested_with)
    assert recipe.but(testing={"network": "MLP"}).testing.network == "MLP"
    assert recipe.but(testing={"network": "MLP"}).condensing.network == condensed_with
    named = Recipe.published().but(network=condensed_with)
    assert (named.condensing.network, named.testing.network) == (condensed_with, tested_with)
    report = Recipe.report(network=network)
    assert (report.condensing.network, report.testing.network) == (network, tested_with)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe.published(), "published"),
        (Recipe.report(10, "lesson"), "report"),
        (Recipe.published(network="MLP"), "published"),
        (Recipe.published(network="ResNet18"), "published"),
        (Recipe.published(10, "smoke", "VGG11"), "published"),
        (
            Recipe.published(budget="smoke").but(image_momentum=0.0, metric="cos"),
            "published + metric=cos + image_momentum=0.0",
        ),
        (Recipe.published().but(iterations=50), "published + iterations=50"),
        (Recipe.published().but(image_lr=0.1), "published"),
        (Recipe.published().but(width=64), "published + width=64"),
        (Recipe.published().but(condensing={"width": 64}), "published + condensing.width=64"),
        (Recipe.report().but(testing={"version": "published"}), "report + testing.version=published"),
    ],
)
def test_the_words_tell_protocol_and_every_change(recipe, words):
    assert words_of(recipe) == words


def test_a_recipe_is_a_variation_of_the_one_that_a_protocol_fills_in_for_its_size_budget_and_networks():
    recipe = Recipe.report(10, "lesson", "LeNet").but(lr=0.5, testing={"network": "AlexNet"})
    assert recipe.filled("report") == Recipe.report(10, "lesson", "LeNet").but(testing={"network": "AlexNet"})
    assert recipe.filled("published") == Recipe.published(10, "lesson", "LeNet").but(testing={"network": "AlexNet"})
    assert Recipe.published(network="VGG11").filled("published") == Recipe.published(network="VGG11")
    assert Recipe.report(network="VGG11").filled("published").condensing.network == "VGG11"


def test_differences_are_named_alone_where_both_stages_have_them_alike():
    base = Recipe.published()
    assert base.differences(base) == {}
    assert base.but(width=64, lr=0.5).differences(base) == dict(width=64, lr=0.5)
    mixed = base.but(width=64, testing={"width": 32}).differences(base)
    assert mixed == {"condensing.width": 64, "testing.width": 32}
    assert base.but(testing={"width": 32}).differences(base) == {"testing.width": 32}
    assert base.but(testing={"width": 32}).differences(base, ("condensing",)) == {}
    assert base.but(testing={"width": 32}).differences(base, ("testing",)) == {"width": 32}
    assert base.but(network_lr=1.0).differences(base) == {}  # a network that is matched once is never trained
    trained = base.but(network_lr=1.0, matching_steps=2)
    assert trained.differences(base) == dict(network_lr=1.0, matching_steps=2)


def test_a_reduced_recipe_cannot_pass_for_the_full_one():
    for label in (dict(budget="full"), dict(protocol="report"), dict(method="dc")):
        with pytest.raises(ValueError, match="protocol, budget and method are chosen by"):
            Recipe.published(budget="smoke").but(**label)
    assert "iterations=10" in words_of(Recipe.published().but(iterations=10))


def test_but_leaves_the_recipe_as_it_was_and_nothing_can_be_assigned():
    recipe = Recipe.published()
    changed = recipe.but(width=8, init="real")
    assert difference(recipe, changed) == dict(condensing=dict(width=8, init="real"), testing=dict(width=8))
    assert recipe == Recipe.published()
    for frozen, field in ((recipe, "ipc"), (recipe.condensing, "width"), (recipe.testing, "width")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, field, 8)


def test_a_field_of_both_stages_can_be_set_for_one():
    recipe = Recipe.published()
    assert difference(recipe, recipe.but(testing={"width": 8})) == dict(testing=dict(width=8))
    assert difference(recipe, recipe.but(condensing={"width": 8})) == dict(condensing=dict(width=8))
    both = recipe.but(width=8, testing={"width": 16, "lr": 1.0})
    assert (both.condensing.width, both.testing.width, both.testing.lr) == (8, 16, 1.0)


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
        ("metric", "l2", "unknown metric 'l2': expected one of layerwise, mse, cos"),
        ("init", "zeros", "unknown init 'zeros': expected one of noise, real"),
        ("whole_networks", 0, "whole_networks 0: expected more than 0"),
        ("version", "newest", "unknown version 'newest': expected one of published, report"),
        ("version", None, "unknown version None: expected one of published, report"),
        ("normalisation", "none", "unknown normalisation 'none': expected one of published, report"),
        ("augmentation", "flip", "unknown augmentation 'flip': expected one of published, none, crop_scale_rotate"),
        ("augmentation", None, "unknown augmentation None: expected one of published, none"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(field, value, says):
    recipe = Recipe.published()
    with pytest.raises(ValueError, match=says):
        recipe.but(**{field: value})
    for part in PARTS if field != "ipc" else ():
        if hasattr(getattr(recipe, part), field):
            with pytest.raises(ValueError, match=says):
                recipe.but(**{part: {field: value}})
            with pytest.raises(ValueError, match=says):
                type(getattr(recipe, part))(**{field: value})


def test_a_size_or_a_label_that_cannot_be_meant_is_refused_when_a_recipe_is_made():
    with pytest.raises(ValueError, match="ipc 0: expected more than 0"):
        Recipe(ipc=0)
    with pytest.raises(ValueError, match="unknown budget 'tiny': expected one of full, lesson, smoke"):
        Recipe(budget="tiny")
    with pytest.raises(ValueError, match="unknown protocol 'paper': expected one of published, report"):
        Recipe(protocol="paper")


def field_of(recipe, field):
    return (asdict(recipe.condensing) | asdict(recipe.testing))[field]


@pytest.mark.parametrize("field", ["image_momentum", "network_momentum", "network_steps", "momentum", "weight_decay"])
def test_zero_is_allowed_where_it_means_none(field):
    assert field_of(Recipe.published().but(**{field: 0}), field) == 0


@pytest.mark.parametrize("field", ["network_batch", "test_images"])
def test_none_is_allowed_where_it_means_all(field):
    assert field_of(Recipe.published(budget="smoke").but(**{field: None}), field) is None


def test_an_unknown_field_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="a recipe has no field 'learning_rate': it has ipc, network, version"):
        Recipe.published().but(width=8, learning_rate=0.1)


@pytest.mark.parametrize(
    ("part", "field"),
    [("testing", "colour"), ("testing", "image_lr"), ("testing", "ipc"), ("condensing", "lr"), ("condensing", "ipc")],
)
def test_a_field_that_a_stage_does_not_have_is_refused(part, field):
    with pytest.raises(ValueError, match=field):
        Recipe.published().but(**{part: {field: 1}})


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe.published(),
        Recipe.published(50, "smoke", "ResNet18").but(testing={"network": "MLP"}, image_lr=1e-7),
        Recipe.report(10, "lesson"),
        Recipe.report().but(by_class=False, test_images=17),
    ],
    ids=words_of,
)
def test_a_recipe_survives_json(recipe):
    assert Recipe.read(json.loads(json.dumps(recipe.as_json()))) == recipe


def test_recipes_are_equal_when_all_of_their_fields_are():
    assert len({Recipe.published(), Recipe.published(), Recipe.report()}) == 2
    assert [f.name for f in fields(Recipe)] == ["ipc", "protocol", "budget", *PARTS]
    for part in PARTS:
        assert {f.name for f in fields(getattr(Recipe(), part))} == set(PUBLISHED[part])


@pytest.mark.parametrize(
    "card",
    [
        *({}, [], 5, None, "published", {"ipc": 1}, {"condensing": {}}, {"condensing": 5}),
        {k: v for k, v in PUBLISHED.items() if k != "testing"},
        PUBLISHED | {"method": "magic"},
        PUBLISHED | {"protocol": "paper"},
        PUBLISHED | {"budget": "tiny"},
        PUBLISHED | {"ipc": 0},
        PUBLISHED | {"testing": None},
        PUBLISHED | {"condensing": PUBLISHED["condensing"] | {"colour": 1}},
        PUBLISHED | {"testing": PUBLISHED["testing"] | {"width": "wide"}},
    ],
)
def test_what_is_no_recipe_is_not_read(card):
    with pytest.raises(ValueError, match=r"\S"):
        Recipe.read(card)


# Recipes of version 0.1, which were flat

FLAT = dict(  # the published one at 1 image/class, as version 0.1 wrote it
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
FLAT_REPORT = FLAT | dict(
    **dict(protocol="report", version="original", normalisation="report"),
    **dict(image_momentum=0.0, network_batch=None, sets=1),
    **dict(epochs=300, epochs_augmented=300, momentum=0.0, weight_decay=0.0, lr_drop=1.0, augmentation="none"),
)


@pytest.mark.parametrize(
    ("card", "recipe"),
    [
        (FLAT, Recipe.published()),
        (FLAT_REPORT, Recipe.report()),
        (FLAT | dict(sets=1), Recipe.published()),
        (FLAT | dict(network="VGG11BN"), Recipe.published(network="VGG11")),
        (FLAT | dict(network="ResNet18BN_AP"), Recipe.published(network="ResNet18")),
        (FLAT | dict(test_network="MLP"), Recipe.published().but(testing={"network": "MLP"})),
        (FLAT | dict(test_network="VGG11BN"), Recipe.published().but(testing={"network": "VGG11BN"})),
        (FLAT | dict(width=64), Recipe.published().but(width=64)),
        (FLAT | dict(width=64, test_width=128), Recipe.published().but(condensing={"width": 64})),
        (FLAT | dict(precision="bfloat16"), Recipe.published().but(precision="bfloat16")),
        (FLAT_REPORT | dict(test_version="published"), Recipe.report().but(testing={"version": "published"})),
        (
            FLAT_REPORT | dict(network="LeNet", test_version="original with ReLU"),
            Recipe.report(network="LeNet").but(testing={"version": "report with ReLU"}),
        ),
        # files from before there was a choice
        ({k: v for k, v in FLAT.items() if k not in ("precision", "test_width")}, Recipe.published()),
    ],
)
def test_a_recipe_of_version_0_1_is_read_as_what_it_meant(card, recipe):
    assert Recipe.read(json.loads(json.dumps(card))) == recipe


def test_a_number_that_version_0_1_wrote_as_another_type_is_the_same_choice():
    assert Recipe.read(FLAT | dict(momentum=0, image_lr=1)) == Recipe.published().but(momentum=0.0, image_lr=1.0)


@pytest.mark.parametrize(
    "card",
    [
        FLAT | dict(last_network_update=True),  # there is no such choice any more
        FLAT | dict(colour=1),
        FLAT | dict(version="newest"),
        FLAT | dict(test_version="newest"),
        FLAT | dict(ipc=0),
        FLAT | dict(protocol="paper"),
        FLAT | dict(network=5),
        {k: v for k, v in FLAT.items() if k != "network"},
        {k: v for k, v in FLAT.items() if k != "ipc"},
    ],
)
def test_a_recipe_of_version_0_1_that_means_nothing_here_is_refused(card):
    with pytest.raises(ValueError, match=r"\S"):
        Recipe.read(card)


def test_the_word_of_version_0_1_for_the_reports_networks_is_still_understood():
    assert Recipe.report().but(version="original") == Recipe.report()
    assert recipes.Testing(version="original without softmax").version == "report without softmax"


def test_a_rate_that_float32_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"image_lr 1e\+300: expected more than 0, and less than 1e\+38"):
        Recipe.published().but(image_lr=1e300)


# What belongs to which stage


def test_every_choice_belongs_to_stage_c_to_stage_t_or_to_both():
    recipe = Recipe.published(10).but(precision="tf32")
    assert recipe.condensing.decisive == asdict(recipe.condensing)
    assert recipe.testing.decisive == asdict(recipe.testing)
    both = set(recipe.condensing.decisive) & set(recipe.testing.decisive)
    assert both == {f.name for f in fields(Choices)} == set(SHARED)


def test_how_a_network_is_trained_that_is_never_trained_is_no_choice():
    changes = dict(network_batch=None, network_lr=1.0, network_steps=9, network_momentum=0.5)
    once = Recipe.published(1)
    assert once.but(**changes).condensing.decisive == once.condensing.decisive
    assert once.but(**changes).condensing != once.condensing
    recipe = once.but(matching_steps=2)
    assert all(recipe.but(**{k: v}).condensing.decisive != recipe.condensing.decisive for k, v in changes.items())
    assert recipe.condensing.decisive != once.condensing.decisive


def test_the_version_of_a_network_that_has_but_one_is_no_choice():
    mlp = Recipe.report(network="MLP")
    assert (mlp.condensing.version, mlp.testing.version) == ("report", "report")
    assert mlp.condensing.decisive["version"] == mlp.testing.decisive["version"] == "published"
    published = Recipe.published(network="MLP")
    assert published.but(version="report").condensing.decisive == published.condensing.decisive
    assert published.but(version="report").testing.decisive == published.testing.decisive
    assert Recipe.report(network="LeNet").condensing.decisive["version"] == "report"


def test_the_network_of_stage_t_may_be_wider_than_stage_cs():
    recipe = Recipe.published().but(width=64, testing={"width": 128})
    assert (recipe.condensing.decisive["width"], recipe.testing.decisive["width"]) == (64, 128)
    assert recipe.testing == Recipe.published().testing


def test_the_network_of_stage_t_has_its_own_version():
    recipe = Recipe.report(network="LeNet")
    assert (recipe.testing.network, recipe.testing.version) == ("LeNet", "report")
    assert recipe.testing == recipe.but(testing={"network": "LeNet", "version": "report"}).testing
    other = recipe.but(testing={"version": "published"})
    assert (other.testing.network, other.testing.version) == ("LeNet", "published")
    other = recipe.but(testing={"network": "ConvNet", "version": "published"})
    assert (other.testing.network, other.testing.version) == ("ConvNet", "published")
    assert (other.condensing.network, other.condensing.version) == ("LeNet", "report")
    recipe = Recipe.published(network="VGG11")
    assert (recipe.testing.network, recipe.testing.version) == ("VGG11", "published")


def test_numbers_are_multiplied_alike_in_both_stages_unless_one_is_named():
    recipe = Recipe.published().but(precision="bfloat16")
    assert recipe.condensing.decisive["precision"] == recipe.testing.decisive["precision"] == "bfloat16"
    recipe = Recipe.published().but(condensing={"precision": "bfloat16"})
    assert (recipe.condensing.precision, recipe.testing.precision) == ("bfloat16", "float32")
