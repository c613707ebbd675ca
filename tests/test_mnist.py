"""The whole way on real data, at a hundredth of the cost; needs MNIST and a minute."""

import os
import statistics

import pytest
import torch

from dckit import Recipe, condensing, evaluate, load, random_images


@pytest.fixture
def all_cores():
    """Here the tensors are large enough for more than one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(threads)


def test_ten_learned_images_beat_ten_random_ones_by_far(data_root, all_cores):
    mnist = load("mnist", root=data_root)
    recipe = Recipe.published(ipc=1, budget="lesson")
    recipe = recipe.but(iterations=60, networks=1, epochs_augmented=301, test_images=1000)
    *_, state = condensing(mnist, recipe)
    learned = evaluate(state.condensed, mnist, recipe).mean
    random = evaluate(random_images(mnist), mnist, recipe).mean
    assert statistics.fmean(state.losses[-5:]) < 0.7 * state.losses[0]
    assert learned > 78
    assert learned > random + 8
