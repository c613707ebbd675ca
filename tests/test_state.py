import itertools
from dataclasses import asdict, replace

import pytest
import torch
from runs import assert_same_run, last

from dckit import CondensedSet, Recipe, condense, random_images
from dckit.stage_c import matching_step

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
    whole = last(condense(digits, recipe, seed=2, device="cpu"))
    for stop in stops:
        states = condense(digits, recipe, seed=2, device="cpu", checkpoint=path)
        for state in states:
            if state.iteration == stop:
                break
        states.close()
        assert CondensedSet.load(path).card["iteration"] == stop
    assert_same_run(whole, last(condense(digits, recipe, seed=2, device="cpu", checkpoint=path)))
    assert_same_run(whole, last(condense(digits, recipe, seed=2, device="cpu", checkpoint=path)))


@pytest.mark.parametrize("changes", STOPPED, ids=str)
def test_a_run_interrupted_in_the_middle_of_an_iteration_can_be_resumed(digits, quick, tmp_path, monkeypatch, changes):
    recipe, path = quick.but(**changes), tmp_path / "c.safetensors"
    whole = last(condense(digits, recipe, device="cpu"))
    n = 2 * recipe.matching_steps + recipe.matching_steps  # the last matching step of the third draw
    with monkeypatch.context() as patch:
        patch.setattr("dckit.stage_c.matching_step", raise_on_call(n, KeyboardInterrupt(), matching_step))
        with pytest.raises(KeyboardInterrupt):
            last(condense(digits, recipe, device="cpu", checkpoint=path))
    assert CondensedSet.load(path).card["iteration"] == 2
    states = list(condense(digits, recipe, device="cpu", checkpoint=path))
    assert [state.iteration for state in states] == [3, 4, 5]
    assert_same_run(whole, states[-1])


def test_a_checkpoint_is_written_as_the_run_goes_on(digits, quick, tmp_path, monkeypatch):
    monkeypatch.setattr("dckit.stage_c.CHECKPOINT_SECONDS", -1)
    path = tmp_path / "c.safetensors"
    written = []
    for state in condense(digits, quick, device="cpu", checkpoint=path):
        saved = CondensedSet.load(path)
        assert torch.equal(saved.images, state.images)
        written.append(saved.card["iteration"])
    assert written == [1, 2, 3]


def test_a_finished_checkpoint_yields_its_last_state_and_is_not_touched(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    finished = last(condense(digits, quick, device="cpu", checkpoint=path))
    before = path.read_bytes()
    (again,) = condense(digits, quick, device="cpu", checkpoint=path)
    assert_same_run(finished, again)
    assert again.seconds == pytest.approx(finished.seconds, abs=0.01)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_checkpoint_is_a_condensed_set(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    state = last(condense(digits, quick, device="cpu", checkpoint=path))
    loaded = CondensedSet.load(path)
    assert torch.equal(loaded.images, state.images)
    assert loaded.card == state.condensed.card


@pytest.mark.parametrize(
    ("changes", "seed", "says"),
    [
        (dict(image_lr=0.2), 0, "recipe image_lr is 0.1 there, 0.2 here"),
        (dict(iterations=4), 0, "recipe iterations is 3 there, 4 here"),
        (dict(test_network="MLP", image_lr=0.2), 0, "recipe image_lr is 0.1 there, 0.2 here"),
        (dict(), 1, "seed is 0 there, 1 here"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(digits, quick, tmp_path, changes, seed, says):
    path = tmp_path / "c.safetensors"
    last(condense(digits, quick, device="cpu", checkpoint=path))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=says):
        condense(digits, quick.but(**changes), seed=seed, device="cpu", checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        dict(test_network="MLP", lr=0.5, networks=7, test_images=None),
        dict(test_version="original", sets=3, whole_networks=2, whole_epochs=9, augmentation="none"),
    ],
    ids=str,
)
def test_recipes_that_differ_in_stage_t_alone_share_a_checkpoint(digits, quick, tmp_path, changes):
    path, recipe = tmp_path / "c.safetensors", quick.but(**changes)
    whole = last(condense(digits, quick, device="cpu"))
    next(states := condense(digits, quick, device="cpu", checkpoint=path))
    states.close()
    states = list(condense(digits, recipe, device="cpu", checkpoint=path))
    assert [state.iteration for state in states] == [2, 3]
    assert_same_run(whole, states[-1])
    assert Recipe(**states[-1].condensed.card["recipe"]) == recipe
    (again,) = condense(digits, quick, device="cpu", checkpoint=path)
    assert_same_run(whole, again)


def test_protocol_and_budget_are_labels_a_checkpoint_depends_on_the_choices(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    finished = last(condense(digits, quick, device="cpu", checkpoint=path))
    relabelled = Recipe(**asdict(quick) | dict(protocol="report", budget="smoke"))
    (again,) = condense(digits, relabelled, device="cpu", checkpoint=path)
    assert_same_run(finished, again)


@pytest.mark.parametrize("recipe", [None, 5, [], "published"], ids=str)
def test_a_checkpoint_whose_recipe_is_none_is_refused(digits, quick, tmp_path, recipe):
    path = tmp_path / "c.safetensors"
    condensed = last(condense(digits, quick, device="cpu")).condensed
    replace(condensed, card=condensed.card | {"recipe": recipe}).save(path)
    with pytest.raises(ValueError, match="holds another run: recipe is"):
        condense(digits, quick, device="cpu", checkpoint=path)


def test_a_checkpoint_of_another_dataset_is_refused(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    last(condense(digits, quick, device="cpu", checkpoint=path))
    with pytest.raises(ValueError, match="dataset is 'digits' there, 'figures' here"):
        condense(replace(digits, name="figures"), quick, device="cpu", checkpoint=path)


def test_random_images_are_no_checkpoint(digits, quick, tmp_path):
    path = tmp_path / "random.safetensors"
    random_images(digits).save(path)
    with pytest.raises(ValueError, match="holds another run"):
        condense(digits, quick, device="cpu", checkpoint=path)


def test_a_set_saved_halfway_is_no_checkpoint_since_it_has_no_momentum(digits, quick, tmp_path):
    path = tmp_path / "images.safetensors"
    next(condense(digits, quick, device="cpu")).condensed.save(path)
    with pytest.raises(ValueError, match="momentum"):
        condense(digits, quick, device="cpu", checkpoint=path)


def test_a_checkpoint_with_a_field_that_this_version_lacks_is_refused(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    condensed = last(condense(digits, quick, device="cpu")).condensed
    replace(condensed, card=condensed.card | {"recipe": condensed.card["recipe"] | {"colour": 1}}).save(path)
    with pytest.raises(ValueError, match="holds another run"):
        condense(digits, quick, device="cpu", checkpoint=path)


def test_a_damaged_checkpoint_is_refused_and_kept(digits, quick, tmp_path):
    path = tmp_path / "c.safetensors"
    last(condense(digits, quick, device="cpu", checkpoint=path))
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        condense(digits, quick, device="cpu", checkpoint=path)
    assert path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_written_is_refused_before_any_work(digits, quick, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match=r"cannot write .*c\.safetensors: .*; choose another folder"):
        condense(digits, quick, device="cpu", checkpoint=tmp_path / "file" / "c.safetensors")


def test_without_a_checkpoint_nothing_is_written(digits, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    last(condense(digits, quick, device="cpu"))
    assert not list(tmp_path.iterdir())
