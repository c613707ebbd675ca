"""Continual learning and choosing a network, on very little: what is learned, what is forgotten, what is ranked."""

from collections import deque
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

import dckit
from dckit import uses

TINY = dict(images=40, passes=3, epochs=20, width=8)


def last(states):
    return deque(states, maxlen=1).pop()


@pytest.fixture(scope="module")
def real():
    return dckit.load("digits")


def test_a_course_brings_every_class_once_in_an_order_of_its_seed(real):
    one, other = uses.course(real, 0), uses.course(real, 1)
    assert one == uses.course(real, 0)
    assert one.order != other.order
    assert sorted(c for step in one.steps for c in step) == list(range(10))
    assert {len(step) for step in one.steps} == {2}
    assert uses.course(real, 0, steps=3).steps == one.steps[:3]


def test_without_a_memory_the_first_classes_are_forgotten_and_with_one_less(real):
    course = uses.course(real, 0, steps=3, images=100, passes=6, width=16)
    without = last(uses.remembering(real, None, course))
    replayed = last(uses.remembering(real, dckit.random_images(real, 10), course))
    assert without.first[0] > 80
    assert without.first[-1] < 10
    assert replayed.first[-1] > without.first[-1] + 30
    assert replayed.seen[0] == without.seen[0]  # before there is anything to remember, both are the same


def test_the_memory_of_classes_to_come_is_not_looked_at(real):
    course = uses.course(real, 0, steps=3, **TINY)
    memory = dckit.random_images(real, 2)
    later = torch.isin(memory.labels, torch.tensor([c for c in range(10) if c not in course.order[:4]]))
    spoilt = replace(memory, images=memory.images.where(~later[:, None, None, None], torch.tensor(9.0)))
    for protocol in uses.PROTOCOLS:
        whole, blind = (list(uses.remembering(real, m, course, protocol))[1] for m in (memory, spoilt))
        assert whole == blind


def test_anew_sees_no_real_image(real):
    course = uses.course(real, 0, steps=2, **TINY)
    memory = dckit.random_images(real, 2)
    noise = replace(real, train=replace(real.train, pixels=torch.zeros_like(real.train.pixels)))
    assert last(uses.remembering(real, memory, course, "anew")) == last(uses.remembering(noise, memory, course, "anew"))
    assert last(uses.remembering(real, memory, course)) != last(uses.remembering(noise, memory, course))


def test_the_first_accuracy_is_of_the_first_classes(real):
    course = uses.course(real, 3, steps=2, **TINY)
    found = list(uses.remembering(real, None, course))
    assert [len(state.seen) for state in found] == [1, 2]
    assert found[0].seen == found[0].first
    assert "step 2 of 2" in str(found[1])


@pytest.mark.parametrize(("memory", "protocol", "sentence"), [(None, "anew", "expected a set"), (None, "x", "unknown")])
def test_what_cannot_be_remembered_is_refused(real, memory, protocol, sentence):
    with pytest.raises(ValueError, match=sentence):
        uses.remembering(real, memory, uses.course(real, 0), protocol)


def test_variants_are_ranked_alike_on_any_number_of_threads(real):
    variants = [uses.VARIANTS[0], uses.VARIANTS[1], uses.VARIANTS[5]]
    data = dckit.random_images(real, 2)
    found = []
    before = torch.get_num_threads()
    for threads in (1, 3):
        torch.set_num_threads(threads)
        assert torch.get_num_threads() == threads
        found.append(last(uses.ranked(data, real, variants, epochs=10)))
    torch.set_num_threads(before)
    assert found[0].accuracies == found[1].accuracies
    assert found[0].accuracies[0] > found[0].accuracies[2] + 5  # sigmoids without norm learn nothing in ten steps
    assert str(found[0]).startswith("network 3 of 3, the best so far")
    few = last(uses.ranked(real.train, real, variants[:1], epochs=1, images=20))
    more = last(uses.ranked(real.train, real, variants[:1], epochs=1))
    assert few.accuracies[0] + 5 < more.accuracies[0]


def test_every_variant_differs_and_can_be_built(real):
    assert len({tuple(v.items()) for v in uses.VARIANTS}) == len(uses.VARIANTS) == 24
    for variant in uses.VARIANTS:
        assert dckit.build("ConvNet", real.shape, 10, **variant)(torch.zeros(2, *real.shape)).shape == (2, 10)
    assert len({uses.network_name(v) for v in uses.VARIANTS}) == 24
    assert uses.network_name(uses.VARIANTS[1]) == "width 8, depth 2, relu, max pool, no norm"


def test_the_rank_correlation_is_scipys():
    random = np.random.default_rng(1)
    for size, ties in product((5, 24), (False, True)):
        a, b = random.normal(size=(2, size))
        if ties:
            a, b = a.round(), b.round()
        found, low, high = uses.rank_correlation(a, b)
        assert found == pytest.approx(stats.spearmanr(a, b).statistic)
        assert low <= found <= high
        assert high - low > 0.1


def test_the_rank_correlation_among_the_best():
    true = list(range(20))
    found = [*range(15), 19, 18, 17, 16, 15]
    assert uses.rank_correlation(found, true)[0] > 0.9
    assert uses.rank_correlation(found, true, best=0.25)[0] == pytest.approx(-1)
    assert np.isnan(uses.rank_correlation([1, 1, 1], [1, 2, 3])[0])
    with pytest.raises(ValueError, match="2 and 3 accuracies"):
        uses.rank_correlation([1, 2], [1, 2, 3])
