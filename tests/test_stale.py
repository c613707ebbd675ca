"""Nothing stale: datasets of one name are told apart by what is in them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import last

import dckit
from dckit import Recipe, condensing, load, random_images
from dckit.data import Split
from dckit.method import ranking
from dckit.results import Run, measure, read

SMALL = dict(networks=1, epochs=2, epochs_augmented=2, width=8, whole_networks=1, whole_epochs=1)


def recipe():
    return Recipe.published(budget="smoke", network="MLP").but(**SMALL, iterations=2, real_batch=4)


@pytest.fixture
def two(tmp_path):
    """Two datasets called "my": the same pixels, labels that were corrected."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 3
    found = []
    for folder, y in (("first", labels), ("second", np.roll(labels, 1))):
        (tmp_path / folder).mkdir()
        whole = dict(x_train=pixels[:40], y_train=y[:40], x_test=pixels[40:], y_test=y[40:])
        np.savez(tmp_path / folder / "my.npz", **whole)
        found.append(load(str(tmp_path / folder / "my.npz")))
    return found


@pytest.mark.parametrize("method", ["dc", "random", "herding", "whole"])
def test_a_result_of_another_dataset_of_the_same_name_is_refused_and_kept(two, tmp_path, method):
    first, second = two
    run = Run("my", method, recipe())
    scores = measure(run, first, tmp_path)
    assert measure(run, first, tmp_path).accuracies == scores.accuracies
    with pytest.raises(ValueError, match=r"\.json was made from other images or labels, which were also called 'my': "):
        measure(run, second, tmp_path)
    assert read(run.result_file(tmp_path)).scores.accuracies == scores.accuracies
    run.result_file(tmp_path).unlink()  # the images alone: they are refused, too
    if method == "random" or method == "whole":
        assert measure(run, second, tmp_path).card["digest"] == second.digest
    else:
        with pytest.raises(ValueError, match=r"another dataset, seed or recipe|other images or labels"):
            measure(run, second, tmp_path)


def test_a_checkpoint_or_an_order_of_another_dataset_of_the_same_name_is_refused(two, tmp_path):
    first, second = two
    file, order = tmp_path / "set.safetensors", tmp_path / "order.safetensors"
    state = last(condensing(first, recipe(), checkpoint=file))
    assert state.condensed.card["digest"] == first.digest
    with pytest.raises(ValueError, match="other images or labels"):
        last(condensing(second, recipe(), checkpoint=file))
    assert torch.equal(last(condensing(first, recipe(), checkpoint=file)).images, state.images)
    last(ranking(first, recipe(), keep=order))
    with pytest.raises(ValueError, match="another dataset"):
        last(ranking(second, recipe(), keep=order))


def test_results_and_checkpoints_without_a_digest_are_read_as_before(two, tmp_path):
    first, _ = two
    run = Run("my", "dc", recipe())
    scores = measure(run, first, tmp_path)
    card = json.loads(run.result_file(tmp_path).read_text())
    del card["digest"], card["set"]["digest"]
    run.result_file(tmp_path).write_text(json.dumps(card))
    assert measure(run, first, tmp_path).accuracies == scores.accuracies
    condensed = dckit.CondensedSet.load(run.set_file(tmp_path))
    start = last(condensing(first, recipe(), checkpoint=run.set_file(tmp_path)))
    assert torch.equal(start.images, condensed.images)


def test_the_digest_knows_pixels_and_labels_and_nothing_else(digits):
    assert digits.normalised("report").digest == digits.digest == replace(digits, name="other").digest
    assert random_images(digits, 1, 0).card["digest"] == digits.digest
    pixels, labels = digits.train.pixels.clone(), digits.train.labels.clone()
    pixels[700, 0, 14, 14] += 1
    labels[700] = (labels[700] + 1) % 10
    changed = [(pixels, digits.train.labels), (digits.train.pixels, labels), (digits.train.pixels.float(), labels)]
    digests = {Split(p, y, digits.mean, digits.std).digest for p, y in changed}
    assert len(digests | {digits.train.digest}) == 4
    assert replace(digits, train=digits.test, test=digits.train).digest != digits.digest


def test_one_datasets_files_in_another_ones_folder_are_noticed(data_root, tmp_path):
    (tmp_path / "FashionMNIST").symlink_to(data_root / "MNIST")
    with pytest.raises(ValueError, match="the files of fashionmnist are those of mnist"):
        load("fashionmnist", root=tmp_path)


def test_names_that_differ_in_a_space_are_two_files():
    files = {Run(name, "random", recipe()).result_file("out") for name in ("a b", "a_b", "a-b", "a%20b")}
    assert len(files) == 4
