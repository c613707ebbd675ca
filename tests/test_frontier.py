"""Accuracy against cost: `benchmarks/points.py` and `benchmarks/frontier.py`."""

import json

import pytest
import torch
from runs import last

from benchmarks import frontier as command
from benchmarks.page import PAGE
from benchmarks.points import RESULTS, SECONDS, WAYS, Point, Way, frontier, panels, points, results, seconds_of, work
from dckit import CondensedSet, Recipe, condensing
from dckit.results import Run
from dckit.results.store import read_all

SMALL = dict(width=4, real_batch=2, networks=2, epochs_augmented=2, test_images=20)


def test_images_on_the_way_are_those_of_a_shorter_run(digits, tmp_path):
    way = Way("digits", 1, (2, 4), SMALL)
    found = {r.run.recipe.condensing.iterations: r for r in results(way, digits, 3, tmp_path)}
    for iterations in (2, 4):
        run = way.run(iterations, 3)
        images = last(condensing(digits, run.recipe, 3, device="cpu")).images
        assert torch.equal(CondensedSet.load(run.set_file(tmp_path)).images, images)
        assert len(found[iterations].scores.accuracies) == 2
    assert list(results(way, digits, 3, tmp_path)) == []  # nothing is measured twice


def test_a_way_is_tested_as_published_whatever_it_condenses_with():
    run = Way("mnist", 1, (5,), dict(width=64, real_batch=32)).run(5, 0)
    tested = Recipe.published(1, "lesson").but(precision="bfloat16", test_images=None).testing
    assert run.recipe.testing == tested
    assert (run.recipe.condensing.width, run.recipe.condensing.iterations) == (64, 5)


def point(seconds, *accuracies, **changes):
    return Point(Run("mnist", "dc", Recipe.published().but(**changes)), seconds, accuracies)


def test_the_frontier_is_what_nothing_quicker_equals():
    of = [point(1, 80.0), point(2, 79.0), point(3, 82.0, 84.0), point(4, 83.0), point(5, 83.1)]
    assert [p.seconds for p in frontier(of)] == [1, 3, 5]
    assert (of[2].mean, of[0].spread) == (83, 0)
    assert of[2].spread == pytest.approx(2**0.5)


def test_sets_that_were_condensed_alike_are_one_point(digits, tmp_path):
    way = Way("digits", 1, (1, 2), SMALL)
    found = [r for seed in (0, 1) for r in results(way, digits, seed, tmp_path)]
    one, two = points(found, {work(found[0].run): 0.5})
    assert (one.seconds, two.seconds) == (0.5, 1.0)
    assert len(one.accuracies) == 2
    assert panels([one, two]) == {}  # tested after fewer epochs than published


def test_seconds_of_an_iteration_are_measured(digits, monkeypatch):
    monkeypatch.setattr("benchmarks.points.load", lambda name: digits)
    assert 0 < seconds_of(Recipe.published(1, "smoke").but(width=4, real_batch=2), "digits") < 5


def test_the_page_and_its_results_are_those_of_the_ways(tmp_path):
    found, skipped = read_all(RESULTS)
    assert not skipped
    assert {r.run.name for r in found} == {
        way.run(iterations, seed).name for way in WAYS for iterations in way.after for seed in range(way.sets)
    }
    page = tmp_path / "speed.md"
    page.write_text(PAGE.read_text())
    command.write_page(points(found, json.loads(SECONDS.read_text())), page)
    assert page.read_text() == PAGE.read_text()
