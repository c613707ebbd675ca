"""What people write for a seed, a number, a device, a word or a path: right, or refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import last

import dckit
from dckit import CondensedSet, Recipe, condensing, evaluating, random_images
from dckit.batch.grid_cells import jobs_of
from dckit.engine import pick_device
from dckit.results import Run, measure, read_all, runs

QUICK = dict(iterations=2, real_batch=4, networks=1, epochs=2, epochs_augmented=2, width=8)


@pytest.mark.parametrize("seed", [1.5, "3", None, True, np.float64(2), [1]])
def test_a_seed_that_is_no_whole_number_is_refused(digits, seed):
    recipe = Recipe.published().but(**QUICK)
    for ask in (
        lambda: condensing(digits, recipe, seed),
        lambda: evaluating(random_images(digits), digits, recipe, seed),
        lambda: random_images(digits, 1, seed),
        lambda: Run("digits", "dc", recipe, seed),
    ):
        with pytest.raises(ValueError, match=r"seed .*: expected a whole number, 0 or more"):
            ask()


def test_numpys_numbers_are_numbers(digits, tmp_path):
    plain = Recipe.published(2).but(**QUICK, image_lr=0.25)
    numpys = {name: np.int64(value) for name, value in QUICK.items()} | {"image_lr": np.float32(0.25)}
    recipe = Recipe.published(np.int64(2)).but(**numpys)
    assert recipe == plain
    assert json.loads(json.dumps(recipe.as_json())) == plain.as_json()
    run = Run("digits", "dc", recipe, np.int64(3))
    assert (run, run.name) == (Run("digits", "dc", plain, 3), Run("digits", "dc", plain, 3).name)
    assert measure(run, digits, tmp_path, "cpu").accuracies
    assert torch.equal(random_images(digits, 1, np.int32(3)).images, random_images(digits, 1, 3).images)


@pytest.mark.parametrize(("given", "meant"), [("cpu", "cpu"), (torch.device("cpu"), "cpu"), ("cuda:1", "cuda:1")])
def test_a_device_may_have_a_number(monkeypatch, given, meant):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device(given) == torch.device(meant)
    with pytest.raises(ValueError, match="device 'cuda:2' was asked for, but torch sees 2 GPUs"):
        pick_device("cuda:2")
    for odd in ("cuda:one", "gpu", "cpu:0x", None, ["cpu"]):
        with pytest.raises(ValueError, match="unknown device"):
            pick_device(odd)


@pytest.mark.parametrize("what", ["methods", "networks", "trained", "protocol"])
@pytest.mark.parametrize("words", [["random", "dc"], 3, None])
def test_a_list_where_words_are_expected_is_refused(what, words):
    with pytest.raises(ValueError, match=rf"{what} .*: expected words in one text"):
        runs("digits", **{what: words})


def test_a_home_stands_for_its_folder_everywhere(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    recipe = Recipe.published(network="MLP").but(**QUICK)
    images = last(condensing(digits, recipe, checkpoint="~/set.safetensors")).images
    assert torch.equal(CondensedSet.load("~/set.safetensors").images, images)
    assert torch.equal(last(condensing(digits, recipe, checkpoint="~/set.safetensors")).images, images)
    measure(Run("digits", "dc", recipe), digits, "~/outputs", "cpu")
    assert len(read_all("~/outputs")[0]) == 1
    CondensedSet.load("~/set.safetensors").save("~/copy.safetensors")
    dckit.plots.condensed_grid(CondensedSet.load("~/copy.safetensors")).save("~/images.png")
    here = {path.name for path in tmp_path.iterdir()}
    assert {"set.safetensors", "copy.safetensors", "images.png", "outputs"} <= here
    assert "~" not in here


@pytest.mark.parametrize("path", [2024, None, True, ["outputs"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match=r"path .*: expected text, such as 'outputs'"):
        Run("digits", "dc", Recipe.published()).result_file(path)


@pytest.mark.parametrize("call", [dckit.condense, lambda *given: dckit.evaluate("mnist-1", *given)])
def test_names_in_place_of_a_dataset_a_recipe_or_a_set_are_refused(digits, call):
    with pytest.raises(ValueError, match=r"real 'mnist': expected a dataset, such as dckit.load\(\"digits\"\)"):
        call("mnist", Recipe.published())
    with pytest.raises(ValueError, match="recipe 'lesson': expected a recipe, such as"):
        call(digits, "lesson")


def test_a_name_in_place_of_a_set_is_refused(digits):
    with pytest.raises(ValueError, match="data 'mnist-1': expected a set, such as"):
        dckit.evaluate("mnist-1", digits, Recipe.published())


def test_a_grid_does_not_take_another_datasets_results_for_its_own(tmp_path):
    pixels, labels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8), np.arange(60) % 3
    file = tmp_path / "my.npz"

    def save(y):
        np.savez(file, x_train=pixels[:40], y_train=y[:40], x_test=pixels[40:], y_test=y[40:])
        jobs = jobs_of(Path(__file__).parents[1] / "notebooks/grids/table_1.toml", given)
        return jobs

    given = dict(dataset=str(file), ipc="1", seed="0", methods="random", budget="smoke", protocol="published + width=8")
    (job,) = save(labels)
    for run in job.runs:
        measure(run, dckit.load(str(file)), tmp_path, "cpu")
    assert job.done(tmp_path)
    from dckit.batch import grid_cells

    grid_cells._digest.cache_clear()
    (job,) = save(np.roll(labels, 1))
    assert not job.done(tmp_path)
    file.unlink()
    grid_cells._digest.cache_clear()
    assert job.done(tmp_path)  # a machine without the data, which only collects results
