import json
import math
import shutil
from collections import defaultdict
from dataclasses import fields, replace

import pytest
import torch
from runs import last

from dckit import CondensedSet, Recipe, condensing, evaluate, random_images
from dckit.method import CHOSEN, PARTS, Scores
from dckit.method import random_images as draw
from dckit.method.baselines import Ranking
from dckit.method.train import fresh_network
from dckit.results import Result, Run, condensed_images, measure, read, runs, saved_sets, with_shipped
from dckit.results.paper_tables import OF_TABLE_1
from dckit.results.recipe_words import protocol_recipe
from dckit.results.store import SHIPPED, read_all, save
from dckit.show import watched
from dckit.show.progress import watch

PUBLISHED, REPORT = Recipe.published(), Recipe.report()


def scores_of(run, **changes):
    """Scores as `evaluate` gives them for a run, though nobody trained anything."""
    recipe = run.recipe
    networks = recipe.testing.whole_networks if run.method == "whole" else recipe.testing.networks
    made = {"method": run.method} if run.method == "whole" else {"method": run.method, "ipc": run.recipe.ipc}
    if run.method == "dc":
        made |= {"recipe": recipe.as_json(), "seed": run.seed, "iteration": recipe.condensing.iterations}
        made |= {"seconds": 12.3}
    elif run.method != "whole":
        made |= {"seed": run.seed}
    card = {"dataset": run.dataset, "recipe": recipe.as_json(), "seed": run.seed, "networks": networks, "set": made}
    card |= {"versions": {"torch": "2"}, "device": "cpu, 1 threads"}
    return Scores(tuple(90 + i / 7 for i in range(networks)), 1.234567, card | changes)


def one_sentence(error):
    assert "\n" not in str(error.value)
    assert str(error.value)
    return str(error.value)


# Names


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (Run("mnist", "dc", PUBLISHED), "mnist-1-dc-ConvNet-ConvNet-published-full-0"),
        (Run("cifar10", "dc", Recipe.published(50), 4), "cifar10-50-dc-ConvNet-ConvNet-published-full-4"),
        (Run("digits", "dc", Recipe.published(10, "smoke")), "digits-10-dc-ConvNet-ConvNet-published-smoke-0"),
        (Run("mnist", "dc", Recipe.published(network="VGG11")), "mnist-1-dc-VGG11BN-VGG11-published-full-0"),
        (Run("mnist", "dc", PUBLISHED.but(testing={"network": "MLP"})), "mnist-1-dc-ConvNet-MLP-published-full-0"),
        (Run("mnist", "random", Recipe.published(10, "lesson")), "mnist-10-random-ConvNet-published-lesson-0"),
        (
            Run("mnist", "k_center", PUBLISHED.but(testing={"network": "LeNet"}), 2),
            "mnist-1-k_center-LeNet-published-full-2",
        ),
        (Run("mnist", "whole", Recipe.published(10)), "mnist-all-whole-ConvNet-published-full-0"),
        (Run("My Flowers/2", "dc", PUBLISHED), "My%20Flowers%2f2-1-dc-ConvNet-ConvNet-published-full-0"),
        (
            Run("mnist", "dc", Recipe.published(1, "lesson").but(init="real")),
            "mnist-1-dc-ConvNet-ConvNet-published-lesson-init=real-0",
        ),
        (
            Run("mnist", "dc", PUBLISHED.but(image_lr=0.5, test_images=None, width=64)),
            "mnist-1-dc-ConvNet-ConvNet-published-full-width=64-image_lr=0.5-0",
        ),
        (
            Run("mnist", "dc", PUBLISHED.but(condensing={"width": 64})),
            "mnist-1-dc-ConvNet-ConvNet-published-full-condensing.width=64-0",
        ),
        (
            Run("mnist", "dc", Recipe.published(network="LeNet").but(testing={"version": "report with ReLU"})),
            "mnist-1-dc-LeNet-LeNet-published-full-testing.version=report%20with%20ReLU-0",
        ),
        (
            Run("mnist", "random", PUBLISHED.but(width=64, image_lr=0.5)),
            "mnist-1-random-ConvNet-published-full-width=64-0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_has_a_name_that_can_be_read(run, name):
    assert run.name == name
    assert run.result_file("there").as_posix() == f"there/results/{name}.json"


def test_a_digest_stands_for_more_than_two_changes():
    changed = PUBLISHED.but(image_lr=0.5, init="real", lr=0.1)
    name = Run("mnist", "dc", changed).name
    start, budget, digest, seed = name.rsplit("-", 3)
    assert (start, budget, seed) == ("mnist-1-dc-ConvNet-ConvNet", "full", "0")
    assert len(digest) == 8
    assert int(digest, 16) >= 0
    assert name == Run("mnist", "dc", PUBLISHED.but(lr=0.1, init="real", image_lr=0.5)).name
    assert name != Run("mnist", "dc", changed.but(lr=0.2)).name
    assert Run("mnist", "dc", REPORT).name == "mnist-1-dc-ConvNet-ConvNet-full-a1c561cf-0"  # for good


def test_a_name_goes_by_choices_and_not_by_how_they_were_made():
    same = PUBLISHED.but(testing={"network": "ConvNet", "version": "published"}, lr=0.5).but(lr=0.01)
    assert Run("mnist", "dc", same).name == Run("mnist", "dc", PUBLISHED).name
    relabelled = replace(REPORT, protocol="published")
    assert Run("mnist", "dc", relabelled).name == Run("mnist", "dc", REPORT).name


def test_what_makes_no_difference_is_in_no_name():
    untrained = PUBLISHED.but(network_lr=1.0, network_steps=9)  # a network that is matched once
    assert Run("mnist", "dc", untrained).name == Run("mnist", "dc", PUBLISHED).name
    mlp = Recipe.published(network="MLP")
    assert Run("mnist", "dc", mlp.but(version="report")).name == Run("mnist", "dc", mlp).name


STAGE_C = [
    dict(image_lr=0.3),
    dict(iterations=7),
    dict(init="real"),
    dict(condensing={"width": 64}),
    dict(metric="cos"),
    dict(by_class=False),
]


@pytest.mark.parametrize("method", [m for m in OF_TABLE_1 if m != "dc"])
@pytest.mark.parametrize("changes", STAGE_C, ids=str)
def test_where_there_is_no_stage_c_its_choices_change_no_name(method, changes):
    run, changed = (Run("mnist", method, recipe) for recipe in (PUBLISHED, PUBLISHED.but(**changes)))
    assert run.name == changed.name
    assert run.set_file("o") == changed.set_file("o")
    assert Run("mnist", "dc", run.recipe).name != Run("mnist", "dc", changed.recipe).name


@pytest.mark.parametrize("protocol", ["published", "report"])
def test_the_whole_dataset_has_no_number_of_images_per_class(protocol):
    fill = getattr(Recipe, protocol)
    assert len({Run("mnist", "whole", fill(ipc)).name for ipc in (1, 7, 10, 50)}) == 1
    for method in ("random", "herding", "dc"):
        assert len({Run("mnist", method, fill(ipc)).name for ipc in (1, 7, 10, 50)}) == 4


VALUES = {  # values to change to, beside those that the type suggests
    "precision": ["tf32", "bfloat16"],
    "network": ["LeNet", "AlexNet", "MLP"],
    "version": ["report"],
    "width": [64, 77],
    "metric": ["mse", "cos"],
    "normalisation": ["report"],
    "init": ["real"],
    "augmentation": ["none", "crop_scale_rotate", "crop_noise"],
    "by_class": [False],
    "network_batch": [None, 1, 255],
    "test_images": [1, 100],
    **{name: [0.1, 0.2, 0.99] for name in ("image_momentum", "network_momentum", "momentum")},
}


def neighbours(recipe):
    """The recipe with one field changed, for all fields that are choices, of one stage and of both, and with two."""
    found = [recipe, recipe.but(ipc=recipe.ipc + 1), recipe.but(ipc=77)]
    for part in PARTS:
        for field in (f.name for f in fields(getattr(recipe, part))):
            value = getattr(getattr(recipe, part), field)
            others = VALUES.get(field) or [value + 1, value + 2, value * 3 + 0.5 if isinstance(value, float) else 77]
            for other in others:
                found += [recipe.but(**{part: {field: other}}), recipe.but(**{field: other})]
    return [*found, *(r.but(lr=0.2) for r in found), *(r.but(image_lr=0.7) for r in found)]


def choices(recipe, *parts):
    return json.dumps([recipe.ipc, *(getattr(recipe, part).decisive for part in parts)], sort_keys=True)


def test_recipes_with_different_choices_never_share_a_name():
    by_name = defaultdict(set)
    starts = [PUBLISHED, Recipe.published(10, "lesson"), Recipe.report(10, "smoke"), REPORT]
    for recipe in (r for start in starts for r in neighbours(start)):
        run = Run("mnist", "dc", recipe)
        by_name[run.name].add(choices(recipe, *PARTS))
        by_name["of the set", run.set_file("o").name].add(choices(recipe, "condensing"))
        by_name[Run("mnist", "random", recipe).name].add(choices(recipe, "testing"))
    assert len(by_name) > 900
    assert all(len(different) == 1 for different in by_name.values())


def test_runs_that_differ_in_anything_but_their_recipe_have_other_names():
    of = [Run(d, m, PUBLISHED, s) for d in ("mnist", "digits", "my-mnist") for m in OF_TABLE_1 for s in (0, 1, 10)]
    assert len({run.name for run in of}) == len(of)
    assert len({run.result_file("o") for run in of}) == len(of)


STAGE_T = [
    *(dict(testing=changed) for changed in (dict(network="MLP"), dict(version="report"), dict(width=64))),
    *(dict(lr=0.3), dict(networks=1), dict(epochs=5)),
]


@pytest.mark.parametrize("changes", STAGE_T, ids=str)
def test_condensed_sets_are_shared_by_runs_that_differ_in_their_test_alone(changes):
    recipe = Recipe.published(10, "smoke")
    run, other = Run("mnist", "dc", recipe, 3), Run("mnist", "dc", recipe.but(**changes), 3)
    assert run.set_file("o").as_posix() == "o/sets/mnist-10-dc-ConvNet-published-smoke-3.safetensors"
    assert other.set_file("o") == run.set_file("o")
    assert other.name != run.name


@pytest.mark.parametrize("changes", STAGE_C, ids=str)
def test_condensed_sets_are_not_shared_by_runs_that_differ_in_stage_c(changes):
    assert Run("mnist", "dc", PUBLISHED.but(**changes)).set_file("o") != Run("mnist", "dc", PUBLISHED).set_file("o")


def test_one_order_serves_all_methods_and_every_number_of_images_and_networks():
    changed = dict(networks=2, epochs=9, epochs_augmented=9, augmentation="dsa", test_images=9, whole_networks=2)
    recipes = (Recipe.published(ipc).but(**its) for ipc in (1, 10, 50) for its in ({}, changed))
    files = {Run("mnist", m, recipe, 1).set_file("o") for recipe in recipes for m in CHOSEN}
    assert [f.as_posix() for f in files] == ["o/sets/mnist-order-ConvNet-published-full-1.safetensors"]
    for its in (dict(testing={"network": "LeNet"}), dict(whole_epochs=9), dict(lr=0.3), dict(testing={"width": 64})):
        assert Run("mnist", "herding", Recipe.published(10).but(**its), 1).set_file("o") not in files
    assert Run("mnist", "herding", Recipe.published(10), 2).set_file("o") not in files


# Protocols


def parameters(digits, choices):
    return sum(p.numel() for p in fresh_network(digits, choices).parameters())


@pytest.mark.parametrize(
    ("protocol", "network", "condensed_with", "tested_with"),
    [
        ("published", "ConvNet", 317_706, 317_706),
        ("published", "LeNet", 61_706, 61_706),
        ("published", "VGG11", 9_229_962, 9_229_962),
        ("report", "ConvNet", 308_746, 308_746),
        ("report", "LeNet", 44_426, 44_426),
        ("report + networks", "ConvNet", 308_746, 308_746),
        ("report + networks", "LeNet", 61_706, 61_706),
        ("report + networks", "AlexNet", 1_865_802, 1_865_802),
        ("report + networks", "MLP", 118_282, 118_282),
    ],
)
def test_a_protocols_networks_are_these_in_both_stages(digits, protocol, network, condensed_with, tested_with):
    recipe = protocol_recipe(protocol, 1, "full", network, network)
    assert parameters(digits, recipe.condensing) == condensed_with
    assert parameters(digits, recipe.testing) == tested_with
    assert recipe.testing.network == network


@pytest.mark.parametrize("network", ["ConvNet", "LeNet", "AlexNet"])
@pytest.mark.parametrize("trained", ["ConvNet", "LeNet", "AlexNet"])
def test_each_stage_has_its_own_version_of_a_network(network, trained):
    recipe = protocol_recipe("report + networks", 10, "full", network, trained)
    version = {"ConvNet": "report", "LeNet": "published", "AlexNet": "published"}
    assert (recipe.condensing.network, recipe.condensing.version) == (network, version[network])
    assert (recipe.testing.network, recipe.testing.version) == (trained, version[trained])
    versions = {part: {"version": getattr(recipe, part).version} for part in PARTS}
    plain = Recipe.report(10, "full", network).but(testing={"network": trained})
    assert recipe == plain.but(**versions)  # in the rest they are alike


def test_the_reports_own_networks_go_by_another_name_than_the_published_ones():
    def name(protocol, network, trained):
        return Run("mnist", "dc", protocol_recipe(protocol, 1, "full", network, trained)).name

    for cell in (("LeNet", "LeNet"), ("LeNet", "ConvNet"), ("ConvNet", "LeNet")):
        assert len({name(protocol, *cell) for protocol in ("published", "report", "report + networks")}) == 3
    # with the ConvNet in both stages the two are one and the same
    assert name("report + networks", "ConvNet", "ConvNet") == name("report", "ConvNet", "ConvNet")


# The runs that parameters ask for


def cells(found):
    return [(run.method, run.recipe.condensing.network, run.recipe.testing.network) for run in found]


def test_one_run_is_the_simplest():
    (run,) = runs("MNIST", ipc=10, budget="smoke", seed=7, protocol="report")
    assert (run.dataset, run.method, run.seed, run.recipe) == (
        *("mnist", "dc", 7),
        Recipe.report(10, "smoke"),
    )


def test_words_are_combined_each_with_each():
    found = runs("digits", methods=" dc ", networks="ConvNet LeNet", trained="MLP  ConvNet")
    assert cells(found) == [("dc", a, b) for a in ("ConvNet", "LeNet") for b in ("MLP", "ConvNet")]
    assert cells(runs("digits", networks="LeNet")) == [("dc", "LeNet", "LeNet")]
    square = runs("digits", networks="ConvNet LeNet")
    assert cells(square) == [("dc", a, b) for a in ("ConvNet", "LeNet") for b in ("ConvNet", "LeNet")]
    assert [r.method for r in runs("digits", methods="random herding k_center forgetting dc whole")] == list(OF_TABLE_1)
    assert all(run.recipe.ipc == 10 for run in runs("digits", 10, methods="random dc"))


def test_no_run_is_asked_for_twice():
    found = runs("digits", methods="random whole dc", networks="ConvNet LeNet")
    assert len({run.name for run in found}) == len(found) == 2 + 2 + 4


def test_networks_condensed_with_batch_norm_are_asked_for_by_their_common_name():
    (run,) = runs("digits", networks="VGG11")
    assert run.recipe.condensing.network == "VGG11BN"
    assert (run.recipe.testing.network, run.recipe.testing.version) == ("VGG11", "published")


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (dict(dataset="cats"), "unknown dataset 'cats': expected one of digits, mnist"),
        (dict(methods="dc magic"), "unknown method 'magic': expected one of random"),
        (dict(networks="ConvNet Convnet"), "unknown network 'Convnet': expected one of MLP, ConvNet"),
        (dict(trained="Lenet"), "unknown network 'Lenet': expected one of MLP, ConvNet"),
        (dict(methods="random", trained="Lenet"), "unknown network 'Lenet'"),
        (dict(networks="VGG11", protocol="report"), "there is no report version of VGG11, only published"),
        (dict(protocol="paper"), "unknown protocol 'paper': expected published or report, "),
        (dict(budget="tiny"), "unknown budget 'tiny': expected one of full, lesson, smoke"),
        (dict(ipc=0), "ipc 0: expected more than 0"),
        (dict(ipc=-1), "ipc -1: expected more than 0"),
        (dict(ipc=2.5), "ipc 2.5: expected int"),
        (dict(methods=""), "methods '', networks 'ConvNet': expected at least one of each"),
        (dict(networks=" "), "expected at least one of each"),
    ],
)
@pytest.mark.parametrize("protocol", ["published", "report", "report + networks"])
def test_runs_that_cannot_be_meant_are_refused_in_one_sentence(parameters, says, protocol):
    with pytest.raises(ValueError, match=says) as error:
        runs(**{"dataset": "digits", "protocol": protocol} | parameters)
    one_sentence(error)


def test_a_negative_seed_is_refused_before_any_work():
    for method in OF_TABLE_1:
        with pytest.raises(ValueError, match="seed -1 is negative"):
            runs("digits", budget="smoke", seed=-1, methods=method)


# Save and read


RUNS = [
    Run("mnist", "dc", PUBLISHED),
    Run("My Flowers", "dc", Recipe.report(10, "smoke").but(lr=0.3, testing={"version": "published"}), 5),
    Run("digits", "random", Recipe.published(50, "lesson"), 1),
    Run("digits", "herding", PUBLISHED),
    Run("svhn", "whole", Recipe.report()),
]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_result_comes_back_from_its_file_as_it_was(run, tmp_path):
    scores = scores_of(run)
    path = save(run, scores, tmp_path / "new")
    assert path == run.result_file(tmp_path / "new")
    result = read(str(path))
    assert result.run == run
    assert result.scores.accuracies == scores.accuracies
    assert result.scores.seconds == pytest.approx(scores.seconds, abs=0.01)
    assert (result.scores.mean, result.scores.std, result.scores.done) == (scores.mean, scores.std, scores.done)
    card = result.scores.card
    assert {k: card[k] for k in ("dataset", "seed", "recipe", "networks", "versions", "device")} == {
        k: scores.card[k] for k in ("dataset", "seed", "recipe", "networks", "versions", "device")
    }
    assert card["set"]["method"] == run.method
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert read_all(tmp_path / "new") == ([result], [])


def test_scores_that_were_measured_can_be_saved(digits, quick, tmp_path):
    recipe = quick.but(networks=2, epochs_augmented=1, iterations=1)
    for method, data in (
        ("random", random_images(digits, seed=3)),
        ("whole", digits.train),
        ("dc", last(condensing(digits, recipe, seed=3, device="cpu")).condensed),
    ):
        scores = evaluate(data, digits, recipe, seed=3, device="cpu")
        run = Run("digits", method, recipe, 3)
        assert read(save(run, scores, tmp_path)).scores.accuracies == scores.accuracies


def test_a_result_is_not_overwritten(tmp_path):
    run = RUNS[0]
    path = save(run, scores_of(run), tmp_path)
    before = path.read_bytes()
    better = replace(scores_of(run), accuracies=(99.0,) * 20)
    with pytest.raises(FileExistsError, match=r"-full-0\.json is there already: delete it to measure anew") as error:
        save(run, better, tmp_path)
    one_sentence(error)
    assert path.read_bytes() == before


def set_of(run, **changes):
    return {"set": scores_of(run).card["set"] | changes}


DC, RANDOM = RUNS[0], RUNS[2]


@pytest.mark.parametrize(
    ("run", "changes", "says"),
    [
        (DC, dict(dataset="fashionmnist"), "with dataset 'fashionmnist', the run has 'mnist'"),
        (DC, dict(seed=1), "with seed 1, the run has 0"),
        (DC, dict(recipe=PUBLISHED.but(lr=0.5).as_json()), "with lr 0.5, the run has 0.01"),
        (DC, dict(recipe=PUBLISHED.but(testing={"network": "MLP"}).as_json()), "with network 'MLP', the run has 'Conv"),
        (DC, dict(recipe=PUBLISHED.but(version="report").as_json()), "with version 'report', the run has 'published'"),
        (DC, dict(recipe=PUBLISHED.but(networks=3).as_json(), networks=20), "with networks 3, the run has 20"),
        (DC, set_of(DC, method="random"), "with method 'random', the run has 'dc'"),
        (DC, set_of(DC, recipe=PUBLISHED.but(image_lr=1).as_json()), "with image_lr 1.0, the run has 0.1"),
        (DC, set_of(DC, ipc=10), "with images per class 10, the run has 1"),
        (DC, set_of(DC, recipe=Recipe.published(10).as_json()), "with matching_steps 10, the run has 1"),
        (DC, set_of(DC, seed=4), "with seed of the set 4, the run has 0"),
        (DC, set_of(DC, iteration=999), "with iterations 999, the run has 1000"),
        (DC, dict(networks=21), "only 20 of 21 networks were tested"),
        (RANDOM, set_of(RANDOM, method="herding"), "with method 'herding', the run has 'random'"),
        (RANDOM, set_of(RANDOM, seed=9), "with seed of the set 9, the run has 1"),
        (RANDOM, dict(set={}), "with method None, the run has 'random'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_scores_of_another_run_are_refused_and_nothing_is_written(run, changes, says, tmp_path):
    with pytest.raises(ValueError, match=says) as error:
        save(run, scores_of(run, **changes), tmp_path)
    one_sentence(error)
    assert not list(tmp_path.iterdir())


def test_a_set_of_the_published_code_can_be_measured(digits, quick, tmp_path):
    condensed = random_images(digits)
    torch.save({"data": [[condensed.images, condensed.labels]]}, tmp_path / "res.pt")
    imported = CondensedSet.from_published(tmp_path / "res.pt", digits)
    run = Run("digits", "dc", quick)
    path = save(run, evaluate(imported, digits, quick, device="cpu"), tmp_path)
    made = {"ipc": 1, "method": "dc", "source": "published code, res.pt, experiment 0", "digest": digits.digest}
    assert read(path).scores.card["set"] == made


# Files that are no results


@pytest.fixture
def saved(tmp_path):
    return save(DC, scores_of(DC), tmp_path)


def rewrite(path, **changes):
    card = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in (card | changes).items() if v != "GONE"}))


def assert_refused(path, says=""):
    with pytest.raises(ValueError, match=says) as error:
        read(path)
    assert str(path) in one_sentence(error)
    results, skipped = read_all(path.parent.parent)
    assert results == []
    assert skipped == [str(error.value)]


def test_a_missing_result_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*a\.json"):
        read(tmp_path / "a.json")
    assert read_all(tmp_path / "nowhere") == ([], [])


@pytest.mark.parametrize("kept", [0, 1, 2, 0.1, 0.5, 0.9, -3])
def test_a_truncated_result_is_refused(saved, kept):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    assert_refused(saved, "is damaged or no result of this kit .*: delete it and run again")


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b"5", b"null", b'"a"', b"[1, 2]", b'{"a": 1}', b"\xff\xfe", b"<html>"]
)
def test_foreign_json_is_refused(saved, content):
    saved.write_bytes(content)
    assert_refused(saved, "is damaged or no result of this kit")


@pytest.mark.parametrize(
    "changes",
    [
        *(dict({key: "GONE"}) for key in ("dataset", "method", "recipe", "seed", "accuracies", "seconds")),
        *(dict(dataset=value) for value in (5, None, ["mnist"], {})),
        *(dict(method=value) for value in ("magic", 5, None, [])),
        *(
            dict(recipe=value)
            for value in (5, None, [], "published", {"colour": 1}, {"ipc": 0}, {"network": "Convnet"})
        ),
        *(dict(accuracies=value) for value in (5, None, ["high"], [None] * 20, [[90]] * 20)),
        *(dict(seconds=value) for value in ("long", None)),
    ],
    ids=str,
)
def test_a_result_whose_fields_are_damaged_is_refused(saved, changes):
    rewrite(saved, **changes)
    assert_refused(saved, "is damaged or no result of this kit")


@pytest.mark.parametrize(
    "accuracies",
    [
        [],
        [90.0] * 19,
        [90.0] * 21,
        [90.0] * 19 + [math.nan],
        [90.0] * 19 + [math.inf],
        [90.0] * 19 + [120.0],
        [90.0] * 19 + [-0.1],
    ],
    ids=lambda a: f"{len(a)} {a[-1:]}",
)
def test_accuracies_that_cannot_be_are_refused(saved, accuracies):
    rewrite(saved, accuracies=accuracies)
    assert_refused(saved, "does not hold 20 accuracies between 0 and 100 %: delete it and run again")


def test_no_accuracies_of_no_networks_are_no_result(saved):
    rewrite(saved, accuracies=[], networks=0)
    assert_refused(saved, "does not hold 20 accuracies")


def test_a_renamed_copy_is_refused(saved):
    saved.rename(copy := saved.with_name(saved.name.replace("mnist", "fashionmnist")))
    assert_refused(copy, "holds the result of mnist-1-dc-.*, which is not its name: a renamed copy")


@pytest.mark.parametrize("changes", [dict(dataset="digits"), dict(method="whole"), dict(seed=1)], ids=str)
def test_a_result_that_was_relabelled_is_refused(saved, changes):
    rewrite(saved, **changes)
    assert_refused(saved, "which is not its name: a renamed copy")


@pytest.mark.parametrize("changes", [dict(lr=0.5), dict(iterations=3), dict(testing={"network": "MLP"})], ids=str)
def test_a_result_whose_recipe_was_changed_is_refused(saved, changes):
    rewrite(saved, recipe=PUBLISHED.but(**changes).as_json())
    assert_refused(saved, "which is not its name: a renamed copy")


# Version 0.1 wrote flat recipes, under other names


@pytest.fixture
def flat(saved):
    """A result of the published recipe as version 0.1 wrote it."""
    choices = PUBLISHED.as_json()
    both = choices["condensing"] | choices["testing"]
    gone = dict(sets=5, last_network_update=False, test_network="MLP", test_version=None, test_width=None)
    rewrite(saved, recipe=dict(ipc=1, protocol="published", budget="full") | both | gone)
    return saved


@pytest.mark.parametrize("name", ["mnist-1-dc-ConvNet-MLP-published-full-0", "mnist-1-dc-ConvNet-MLP-full-00000000-0"])
def test_a_result_of_version_0_1_is_read_whatever_its_name(flat, name):
    kept = flat.rename(flat.with_name(f"{name}.json"))
    result = read(kept)
    assert result.run == Run("mnist", "dc", PUBLISHED.but(testing={"network": "MLP"}))
    assert result.scores.accuracies == scores_of(DC).accuracies
    assert read_all(kept.parent.parent) == ([result], [])


@pytest.mark.parametrize("changes", [dict(last_network_update=True), dict(colour=1), dict(ipc=0)], ids=str)
def test_a_result_of_version_0_1_that_means_nothing_here_is_refused(flat, changes):
    rewrite(flat, recipe=json.loads(flat.read_text())["recipe"] | changes)
    assert_refused(flat, "is damaged or no result of this kit")


def test_scores_whose_card_has_a_recipe_of_version_0_1_can_be_saved(flat, tmp_path):
    recipe = json.loads(flat.read_text())["recipe"]
    run = Run("mnist", "dc", Recipe.read(recipe))
    path = save(run, scores_of(run, recipe=recipe, **set_of(run, recipe=recipe)), tmp_path / "new")
    assert read(path).run == run


def test_files_that_are_no_results_are_named_and_the_others_read(tmp_path):
    for run in RUNS:
        save(run, scores_of(run), tmp_path)
    folder = tmp_path / "results"
    shutil.copy(RUNS[0].result_file(tmp_path), folder / "copy.json")
    (folder / "empty.json").touch()
    (folder / "folder.json").mkdir()
    (folder / "gone.json").symlink_to(folder / "nowhere")
    (folder / "notes.txt").write_text("not read at all")
    results, skipped = read_all(tmp_path)
    assert {result.run.name for result in results} == {run.name for run in RUNS}
    assert len(skipped) == 4
    for name, sentence in zip(("copy", "empty", "folder", "gone"), skipped, strict=True):
        assert f"{name}.json" in sentence
        assert "\n" not in sentence


def test_what_a_killed_writer_leaves_is_not_read(tmp_path, monkeypatch):
    save(DC, scores_of(DC), tmp_path)
    with monkeypatch.context() as patch:  # killed: nobody cleans up, nothing takes its place
        patch.setattr("pathlib.Path.unlink", lambda *args, **kwargs: None)
        patch.setattr("pathlib.Path.replace", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            save(RUNS[1], scores_of(RUNS[1]), tmp_path)
    assert len(list((tmp_path / "results").iterdir())) == 2
    results, skipped = read_all(tmp_path)
    assert ([result.run for result in results], skipped) == ([DC], [])


def test_results_of_two_machines_are_merged_by_copying(tmp_path):
    for machine, run in (("a", RUNS[0]), ("b", RUNS[2])):
        save(run, scores_of(run), tmp_path / machine)
    shutil.copytree(tmp_path / "b", tmp_path / "a", dirs_exist_ok=True)
    results, skipped = read_all(tmp_path / "a")
    assert {result.run for result in results} == {RUNS[0], RUNS[2]}
    assert skipped == []


# Measuring


@pytest.fixture
def tiny(quick):
    return quick.but(iterations=2, epochs_augmented=2, networks=2, test_images=50, testing={"network": "MLP"})


def never(*args, **kwargs):
    raise AssertionError("was measured")


@pytest.mark.parametrize("method", OF_TABLE_1)
def test_nothing_is_measured_twice(digits, tiny, tmp_path, monkeypatch, method):
    run = Run("digits", method, tiny, 2)
    first = measure(run, digits, tmp_path, "cpu")
    assert first.done == ((1, 1) if method == "whole" else (2, 2))
    path = run.result_file(tmp_path)
    before = path.read_bytes()
    for stage in ("evaluating", "condensing", "ranking", "random_images"):
        monkeypatch.setattr(f"dckit.results.measuring.{stage}", never)
    assert measure(run, digits, tmp_path, "cpu").accuracies == first.accuracies
    assert path.read_bytes() == before
    with pytest.raises(AssertionError, match="was measured"):
        measure(replace(run, seed=3), digits, tmp_path, "cpu")


def test_a_measured_run_is_that_of_its_stages(digits, tiny, tmp_path):
    run = Run("digits", "dc", tiny, 4)
    condensed = last(condensing(digits, tiny, seed=4, device="cpu")).condensed
    expected = evaluate(condensed, digits, tiny, seed=4, device="cpu")
    assert measure(run, digits, tmp_path, "cpu").accuracies == expected.accuracies
    assert torch.equal(CondensedSet.load(run.set_file(tmp_path)).images, condensed.images)
    run = Run("digits", "random", tiny.but(ipc=3), 4)
    expected = evaluate(draw(digits, 3, 4), digits, run.recipe, seed=4, device="cpu")
    assert measure(run, digits, tmp_path, "cpu").accuracies == expected.accuracies
    run = Run("digits", "whole", tiny, 4)
    expected = evaluate(digits.train, digits, tiny, seed=4, device="cpu")
    assert measure(run, digits, tmp_path, "cpu").accuracies == expected.accuracies


def test_the_first_result_is_kept_if_another_process_was_faster(digits, tiny, tmp_path, monkeypatch):
    run = Run("digits", "random", tiny)
    first = replace(scores_of(run), accuracies=(12.0, 34.0))

    def slow(*args):
        save(run, first, tmp_path)
        return iter([scores_of(run)])

    monkeypatch.setattr("dckit.results.measuring.evaluating", slow)
    assert measure(run, digits, tmp_path, "cpu").accuracies == (12.0, 34.0)
    assert read(run.result_file(tmp_path)).scores.accuracies == (12.0, 34.0)


def test_measuring_goes_on_from_the_checkpoint_of_stage_c(digits, tiny, tmp_path, monkeypatch):
    recipe = tiny.but(iterations=4)
    run, other = Run("digits", "dc", recipe), Run("digits", "dc", recipe.but(testing={"network": "LeNet"}))
    whole = last(condensing(digits, recipe, device="cpu")).condensed
    states = condensing(digits, recipe, device="cpu", checkpoint=run.set_file(tmp_path))
    assert [next(states).iteration, next(states).iteration] == [1, 2]
    states.close()
    assert list(saved_sets(tmp_path)) == []
    seen = []

    def look(*args):
        for state in condensing(*args):
            seen.append(state.iteration)
            yield state

    monkeypatch.setattr("dckit.results.measuring.condensing", look)
    assert torch.equal(condensed_images(run, digits, tmp_path, "cpu").images, whole.images)
    assert seen == [3, 4]
    measure(run, digits, tmp_path, "cpu")
    scores = measure(other, digits, tmp_path, "cpu")  # the same images in another test
    assert seen == [3, 4, 4, 4]
    assert scores.card["set"]["iteration"] == 4
    (found,) = saved_sets(tmp_path)
    assert torch.equal(found.images, whole.images)


def test_one_order_is_trained_for_all_methods_that_choose(digits, tiny, tmp_path, monkeypatch):
    chosen = {"herding": condensed_images(Run("digits", "herding", tiny.but(ipc=2)), digits, tmp_path, "cpu")}
    monkeypatch.setattr("dckit.method.baselines.training", never)
    for method in CHOSEN[1:]:
        chosen[method] = condensed_images(Run("digits", method, tiny.but(ipc=2)), digits, tmp_path, "cpu")
    assert len({images.images.numpy().tobytes() for images in chosen.values()}) == 4
    assert {m: (c.card["method"], c.ipc) for m, c in chosen.items()} == {m: (m, 2) for m in CHOSEN}
    assert list(saved_sets(tmp_path)) == []  # an order is no condensed set


def test_a_run_is_measured_under_its_own_normalisation(digits, tiny, tmp_path):
    recipe = tiny.but(normalisation="report", iterations=1)
    for method in OF_TABLE_1:
        measure(Run("digits", method, recipe), digits, tmp_path, "cpu")
    assert condensed_images(Run("digits", "herding", recipe), digits, tmp_path).card["normalisation"] == "report"


def test_a_damaged_result_is_refused_rather_than_measured_again(digits, tiny, tmp_path, monkeypatch):
    run = Run("digits", "random", tiny)
    path = save(run, scores_of(run), tmp_path)
    path.write_text("{")
    monkeypatch.setattr("dckit.results.measuring.evaluating", never)
    with pytest.raises(ValueError, match="is damaged or no result of this kit"):
        measure(run, digits, tmp_path, "cpu")
    assert path.read_text() == "{"


def test_images_of_another_dataset_are_refused_before_any_work(digits, tiny, tmp_path):
    with pytest.raises(ValueError, match="the run is of dataset 'mnist', the images are of 'digits'") as error:
        measure(Run("mnist", "dc", tiny), digits, tmp_path, "cpu")
    one_sentence(error)
    assert not list(tmp_path.iterdir())


# Watching


def test_anything_that_knows_how_far_it_is_can_be_watched(capsys, monkeypatch):
    monkeypatch.setattr("dckit.show.progress.SECONDS_LOG", 0.0)
    states = [Ranking(n, 3, 10.0 * n, {}) for n in (1, 2, 3)]
    assert list(watch(states)) == states
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == [str(s) for s in (*states, states[-1])]
    assert lines[0].startswith("whole training set: epoch 1 of 3, 10.0 % right (0 s, about ")
    assert lines[0].endswith(" s to go)")
    assert lines[-1].endswith("(0 s)")


def test_watched_gives_the_last_state(capsys):
    closed = []

    def states():
        try:
            yield from (Ranking(n, 3, float("nan"), {}) for n in (1, 2, 3))
        finally:
            closed.append(True)

    assert watched(states()).done == (3, 3)
    assert closed == [True]
    assert capsys.readouterr().out.splitlines()[0].startswith("the training images were ranked before (")


def test_an_error_in_what_is_watched_goes_through(capsys):
    def states():
        yield Ranking(1, 3, 50.0, {})
        raise FloatingPointError("diverged")

    with pytest.raises(FloatingPointError, match="diverged"):
        watched(states())
    assert "epoch 1 of 3" in capsys.readouterr().out


# The kit's own results


def test_the_kits_own_results_are_whole_and_say_what_made_them():
    shipped = with_shipped([])
    assert {r.run.name for r in shipped} == {path.stem for path in SHIPPED.glob("*.json")}
    assert shipped
    for r in shipped:
        assert r.run.dataset != "digits"  # everybody has these at once
        assert {"versions", "device", "set"} <= set(r.scores.card)
        assert 0 < r.scores.mean < 100


def test_your_own_results_take_the_place_of_the_kits():
    (first, *_) = with_shipped([])
    mine = Result(first.run, Scores((1.0,), 1.0, {}))
    other = Result(Run("digits", "dc", first.run.recipe), Scores((2.0,), 1.0, {}))
    both = with_shipped([mine, other])
    assert mine in both
    assert other in both
    assert first not in both
    assert len(both) == len(with_shipped([])) + 1
