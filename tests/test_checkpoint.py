import itertools
from dataclasses import replace

import pytest
import torch
from runs import assert_same_run, last

from dckit import CondensedSet, Recipe, condensing, random_images
from dckit.engine import read_tensors, write_tensors
from dckit.method import matching_step

SEVERAL = dict(ipc=3, matching_steps=2, network_steps=2)
STOPPED = [
    dict(iterations=5),
    dict(iterations=5, image_momentum=0.0),
    SEVERAL | dict(iterations=5, network_momentum=0.5),
]


def raise_on_call(n, error, function):
    """``function``, but its n-th call raises."""
    calls = itertools.count(1)

    def call(*args):
        if next(calls) == n:
            raise error
        return function(*args)

    return call


@pytest.mark.parametrize("changes", STOPPED, ids=str)
@pytest.mark.parametrize("stops", [[1], [2, 4]], ids=str)
def test_a_run_stopped_and_resumed_ends_as_one_that_never_was(digits, quick, tmp_path, changes, stops):
    recipe, path = quick.but(**changes), tmp_path / "run" / "c.safetensors"
    whole = last(condensing(digits, recipe, seed=2, device="cpu"))
    for stop in stops:
        states = condensing(digits, recipe, seed=2, device="cpu", checkpoint=path)
        for state in states:
            if state.iteration == stop:
                break
        states.close()
        assert CondensedSet.load(path).card["iteration"] == stop
    assert_same_run(whole, last(condensing(digits, recipe, seed=2, device="cpu", checkpoint=path)))
    assert_same_run(whole, last(condensing(digits, recipe, seed=2, device="cpu", checkpoint=path)))


@pytest.mark.parametrize("changes", STOPPED, ids=str)
def test_a_run_interrupted_in_the_middle_of_an_iteration_can_be_resumed(digits, quick, tmp_path, monkeypatch, changes):
    recipe, path = quick.but(**changes), tmp_path / "c.safetensors"
    whole = last(condensing(digits, recipe, device="cpu"))
    n = 3 * recipe.condensing.matching_steps  # the last matching step of the third draw
    with monkeypatch.context() as patch:
        patch.setattr("dckit.method.dc.matching_step", raise_on_call(n, KeyboardInterrupt(), matching_step))
        with pytest.raises(KeyboardInterrupt):
            last(condensing(digits, recipe, device="cpu", checkpoint=path))
    assert CondensedSet.load(path).card["iteration"] == 2
    states = list(condensing(digits, recipe, device="cpu", checkpoint=path))
    assert [state.iteration for state in states] == [3, 4, 5]
    assert_same_run(whole, states[-1])


def test_a_checkpoint_is_written_as_the_run_goes_on(digits, quick, tmp_path, monkeypatch):
    monkeypatch.setattr("dckit.method.stage_c.CHECKPOINT_SECONDS", -1)
    path = tmp_path / "c.safetensors"
    written = []
    for state in condensing(digits, quick, device="cpu", checkpoint=path):
        saved = CondensedSet.load(path)
        assert torch.equal(saved.images, state.images)
        written.append(saved.card["iteration"])
    assert written == [1, 2, 3]


def test_a_finished_checkpoint_yields_its_last_state_and_is_not_touched(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    finished = last(condensing(digits, quick, device="cpu", checkpoint=path))
    before = path.read_bytes()
    (again,) = condensing(digits, quick, device="cpu", checkpoint=path)
    assert_same_run(finished, again)
    assert again.seconds == pytest.approx(finished.seconds, abs=0.01)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_checkpoint_is_a_condensed_set(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    state = last(condensing(digits, quick, device="cpu", checkpoint=path))
    loaded = CondensedSet.load(path)
    assert torch.equal(loaded.images, state.images)
    assert loaded.card == state.condensed.card


@pytest.mark.parametrize(
    ("changes", "seed", "says"),
    [
        (dict(image_lr=0.2), 0, "recipe image_lr is 0.1 there, 0.2 here"),
        (dict(iterations=4), 0, "recipe iterations is 3 there, 4 here"),
        (dict(testing={"network": "MLP"}, image_lr=0.2), 0, "recipe image_lr is 0.1 there, 0.2 here"),
        (dict(), 1, "seed is 0 there, 1 here"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(digits, quick, tmp_path, changes, seed, says):
    path = tmp_path / "c.safetensors"
    last(condensing(digits, quick, device="cpu", checkpoint=path))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=says):
        condensing(digits, quick.but(**changes), seed=seed, device="cpu", checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        dict(testing={"network": "MLP", "width": 4}, lr=0.5, networks=7, test_images=None),
        dict(testing={"version": "report"}, epochs=5, whole_networks=2, whole_epochs=9, augmentation="none"),
    ],
    ids=str,
)
def test_recipes_that_differ_in_stage_t_alone_share_a_checkpoint(digits, quick, tmp_path, changes):
    path, recipe = tmp_path / "c.safetensors", quick.but(**changes)
    whole = last(condensing(digits, quick, device="cpu"))
    next(states := condensing(digits, quick, device="cpu", checkpoint=path))
    states.close()
    states = list(condensing(digits, recipe, device="cpu", checkpoint=path))
    assert [state.iteration for state in states] == [2, 3]
    assert_same_run(whole, states[-1])
    assert Recipe.read(states[-1].condensed.card["recipe"]) == recipe
    (again,) = condensing(digits, quick, device="cpu", checkpoint=path)
    assert_same_run(whole, again)


def test_protocol_and_budget_are_labels_a_checkpoint_depends_on_the_choices(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    finished = last(condensing(digits, quick, device="cpu", checkpoint=path))
    relabelled = replace(quick, protocol="report", budget="smoke")
    (again,) = condensing(digits, relabelled, device="cpu", checkpoint=path)
    assert_same_run(finished, again)


@pytest.mark.parametrize("recipe", [None, 5, [], "published"], ids=str)
def test_a_checkpoint_whose_recipe_is_none_is_refused(digits, quick, tmp_path, recipe):
    path = tmp_path / "c.safetensors"
    condensed = last(condensing(digits, quick, device="cpu")).condensed
    replace(condensed, card=condensed.card | {"recipe": recipe}).save(path)
    with pytest.raises(ValueError, match="holds another run: recipe is"):
        condensing(digits, quick, device="cpu", checkpoint=path)


def test_a_checkpoint_of_another_dataset_is_refused(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    last(condensing(digits, quick, device="cpu", checkpoint=path))
    with pytest.raises(ValueError, match="dataset is 'digits' there, 'figures' here"):
        condensing(replace(digits, name="figures"), quick, device="cpu", checkpoint=path)


def test_random_images_are_no_checkpoint(digits, quick, tmp_path):
    path = tmp_path / "random.safetensors"
    random_images(digits).save(path)
    with pytest.raises(ValueError, match="holds another run"):
        condensing(digits, quick, device="cpu", checkpoint=path)


def test_a_set_saved_halfway_is_no_checkpoint_since_it_has_no_momentum(digits, quick, tmp_path):
    path = tmp_path / "images.safetensors"
    next(condensing(digits, quick, device="cpu")).condensed.save(path)
    with pytest.raises(
        ValueError, match="holds images without their velocity: a set that was saved, and no checkpoint"
    ):
        condensing(digits, quick, device="cpu", checkpoint=path)


@pytest.mark.parametrize("part", ["condensing", "testing"])
def test_a_checkpoint_with_a_field_that_this_version_lacks_is_refused(digits, quick, tmp_path, part):
    path = tmp_path / "c.safetensors"
    condensed = last(condensing(digits, quick, device="cpu")).condensed
    recipe = condensed.card["recipe"]
    stranger = recipe | {part: recipe[part] | {"colour": 1}}
    replace(condensed, card=condensed.card | {"recipe": stranger}).save(path)
    with pytest.raises(ValueError, match="holds another run"):
        condensing(digits, quick, device="cpu", checkpoint=path)


@pytest.mark.parametrize(
    "changes", [dict(network_steps=7, network_lr=0.5, network_batch=None), dict(network_momentum=0.5)], ids=str
)
def test_choices_that_make_no_difference_make_no_other_run(digits, quick, tmp_path, changes):
    path = tmp_path / "c.safetensors"
    finished = last(condensing(digits, quick, device="cpu", checkpoint=path))
    (again,) = condensing(digits, quick.but(**changes), device="cpu", checkpoint=path)  # its θ is never trained
    assert_same_run(finished, again)
    with pytest.raises(ValueError, match="recipe matching_steps is 1 there, 2 here"):
        condensing(digits, quick.but(matching_steps=2, **changes), device="cpu", checkpoint=path)


# Checkpoints of version 0.1, whose recipes were flat


def flat(recipe, **fields):
    """A recipe as version 0.1 wrote it: the fields of both stages in one list, and two that are gone."""
    card = recipe.as_json()
    both = card["testing"] | card["condensing"]
    tested = {f"test_{name}": None for name in ("network", "version", "width")}
    labels = {name: card[name] for name in ("ipc", "protocol", "budget")}
    return labels | both | tested | dict(sets=5, last_network_update=False) | fields


def written_by_version_0_1(path, **fields):
    tensors, card = read_tensors(path)
    path.unlink()
    write_tensors(path, tensors, card | {"recipe": flat(Recipe.read(card["recipe"]), **fields)})


@pytest.mark.parametrize("changes", STOPPED, ids=str)
def test_a_run_that_version_0_1_began_goes_on(digits, quick, tmp_path, changes):
    recipe, path = quick.but(**changes), tmp_path / "c.safetensors"
    whole = last(condensing(digits, recipe, device="cpu"))
    next(states := condensing(digits, recipe, device="cpu", checkpoint=path))
    states.close()
    written_by_version_0_1(path, test_network="MLP")  # stage T makes no other run
    states = list(condensing(digits, recipe, device="cpu", checkpoint=path))
    assert [state.iteration for state in states] == [2, 3, 4, 5]
    assert_same_run(whole, states[-1])


@pytest.mark.parametrize("version", ["original", "report"])
def test_the_reports_networks_had_another_name_in_version_0_1(digits, quick, tmp_path, version):
    path, recipe = tmp_path / "c.safetensors", quick.but(version="report")
    finished = last(condensing(digits, recipe, device="cpu", checkpoint=path))
    written_by_version_0_1(path, version=version)
    (again,) = condensing(digits, recipe, device="cpu", checkpoint=path)
    assert_same_run(finished, again)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (dict(image_lr=0.3), "recipe image_lr is 0.3 there, 0.1 here"),
        (dict(version="original"), "recipe version is 'report' there, 'published' here"),
        (dict(last_network_update=True), "holds another run: recipe"),
        (dict(colour=1), "holds another run: recipe"),
    ],
    ids=str,
)
def test_another_run_of_version_0_1_is_refused(digits, quick, tmp_path, fields, says):
    path = tmp_path / "c.safetensors"
    last(condensing(digits, quick, device="cpu", checkpoint=path))
    written_by_version_0_1(path, **fields)
    with pytest.raises(ValueError, match=says):
        condensing(digits, quick, device="cpu", checkpoint=path)


def test_a_damaged_checkpoint_is_refused_and_kept(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    last(condensing(digits, quick, device="cpu", checkpoint=path))
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        condensing(digits, quick, device="cpu", checkpoint=path)
    assert path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_written_is_refused_before_any_work(digits, quick, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match=r"cannot write .*c\.safetensors: .*; choose another folder"):
        condensing(digits, quick, device="cpu", checkpoint=tmp_path / "file" / "c.safetensors")


def test_without_a_checkpoint_nothing_is_written(digits, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    last(condensing(digits, quick, device="cpu"))
    assert not list(tmp_path.iterdir())
