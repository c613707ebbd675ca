"""From noise to digits: what is stored, what the slider shows of it, and the drawing of the method."""

import re
import sys
from itertools import pairwise

import matplotlib
import pytest
import torch
from PIL import Image

import dckit
from dckit import Recipe, widgets
from dckit.show import drawing
from dckit.widgets import distance_lab
from tools import growth as tool

growth = sys.modules["dckit.widgets.growth"]  # in `dckit.widgets` itself this is the name of its widget


@pytest.fixture(scope="module")
def kept():
    return growth.Growth.load()


@pytest.fixture(scope="module")
def small(digits, tmp_path_factory):
    """Two iterations, stored as the tool stores its own, and the recipe."""
    stage_t = dict(networks=2, epochs=20, epochs_augmented=20)
    recipe = Recipe.published().but(iterations=2, real_batch=8, width=8, image_lr=1.0, **stage_t)
    path = tmp_path_factory.mktemp("growth") / "growth.safetensors"
    tool.store(digits, recipe, recipe, path, iterations=(0, 2))
    return growth.Growth.load(path), recipe


def test_what_the_tool_stores_are_the_stages_of_that_run_and_their_accuracies(small, digits):
    grown, recipe = small
    *_, last = (state.condensed for state in dckit.condensing(digits, recipe, tool.SEED))
    noise = recipe.condensing.start(digits, 1, dckit.method.stage_c.numbers(tool.SEED, dckit.method.stage_c.START))
    start = dckit.data.denormalise(noise["images"], digits.mean, digits.std)
    assert grown.iterations == (0, 2)
    for found, right in zip(grown.pixels, (start, last.pixels), strict=True):
        torch.testing.assert_close(found, right, atol=0.5 / 255 + 1e-6, rtol=0)
    assert not start.allclose(last.pixels, atol=0.01)
    scores = dckit.evaluate(last, digits, recipe, tool.SEED, progress=False)
    assert grown.accuracies[1] == pytest.approx(scores.accuracies)
    assert grown.accuracies[0] != grown.accuracies[1]
    assert Recipe.read(grown.card["recipe"]) == recipe
    assert grown.card["tested"] == recipe.testing.decisive


def test_the_stored_run_is_mnists_published_one_from_noise_to_its_end(kept):
    recipe = Recipe.published(budget="lesson")
    assert Recipe.read(kept.card["recipe"]) == recipe
    assert (kept.card["dataset"], kept.card["seed"], kept.card["budget"]) == ("mnist", 0, "smoke")
    assert kept.card["tested"] == Recipe.published(budget="smoke").but(networks=3).testing.decisive
    assert {"dckit", "torch", "python"} <= set(kept.card["versions"])
    assert kept.card["device"]
    assert kept.card["seconds"] > 0
    assert list(kept.iterations) == sorted({0, *kept.iterations, recipe.condensing.iterations})
    assert kept.pixels.shape == (len(kept.iterations), 10, 1, 28, 28)
    assert {len(found) for found in kept.accuracies} == {3}
    assert growth.STORED.stat().st_size < 150_000


def test_the_stored_stages_rise_from_chance(kept):
    means = [sum(found) / len(found) for found in kept.accuracies]
    assert means[0] < 20 < 80 < means[-1]
    assert all(later > earlier - 2 for earlier, later in pairwise(means))


def test_the_picture_names_the_accuracy_of_its_iteration(kept):
    for iteration, found in zip(kept.iterations, torch.tensor(kept.accuracies), strict=True):
        alt = growth.shown(kept, iteration).alt
        mean, std = found.mean().item(), found.std(correction=0).item()
        assert f"iteration {iteration}: networks trained on these images reach {mean:.1f} ± {std:.1f} %" in alt
        assert f"{mean:.1f} at {iteration}" in alt
    assert "3 networks tested at budget smoke" in alt


def test_the_picture_shows_the_images_of_its_iteration(kept, monkeypatch):
    drawn = []
    monkeypatch.setattr(growth, "draw_grid", lambda ax, pixels, columns, titles: drawn.append(pixels))
    for iteration in kept.iterations:
        growth.shown(kept, iteration)
    assert torch.equal(torch.stack(drawn), kept.pixels)


def test_an_iteration_that_was_not_kept_is_refused(kept):
    with pytest.raises(ValueError, match="iteration 3: expected one of 0, 1, 2, 4"):
        growth.shown(kept, 3)


def test_the_slider_moves_through_the_stored_iterations(kept):
    panel = widgets.growth()
    slider = panel.controls["iteration"]
    assert tuple(slider.options) == kept.iterations
    assert not slider.continuous_update
    assert "iteration 0: " in panel.html
    slider.value = kept.iterations[-1]
    assert f"iteration {kept.iterations[-1]}: " in panel.html


def test_the_drawing_has_the_images_it_was_given_and_says_how_many(monkeypatch):
    drawn = []
    monkeypatch.setattr(drawing, "draw_grid", lambda ax, pixels, columns: drawn.append((pixels, columns)))
    real, condensed = torch.rand(9, 3, 20, 24), torch.rand(2, 1, 8, 8)
    alt = drawing.method(real, condensed).alt
    assert torch.equal(drawn[0][0], real[: drawing.REAL])
    assert torch.equal(drawn[1][0], condensed)
    assert "6 real images of one class and 2 synthetic images" in alt
    assert "1 real image of one class and 1 synthetic image of" in drawing.method(real[:1], condensed[:1]).alt
    for word in ("network", "gradient", "distance D", "blue", "orange", "pixels"):
        assert word in alt


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (1, 8, 8)])
def test_the_drawing_refuses_what_is_no_batch_of_images(shape):
    good = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match=re.escape(f"real {shape}: expected images")):
        drawing.method(torch.rand(shape), good)
    with pytest.raises(ValueError, match=re.escape(f"condensed {shape}: expected images")):
        drawing.method(good, torch.rand(shape))


def test_the_drawing_is_legible_at_700_pixels(monkeypatch, tmp_path):
    """Each of its words is at least 11 pixels high there, counted as the size of its letters."""
    figures = []
    real_picture = drawing.picture
    monkeypatch.setattr(drawing, "picture", lambda figure, alt: figures.append(figure) or real_picture(figure, alt))
    drawing.method(torch.rand(6, 1, 28, 28), torch.rand(1, 1, 28, 28)).save(tmp_path / "method.png")
    width = Image.open(tmp_path / "method.png").width
    texts = [text for text in figures[0].findobj(matplotlib.text.Text) if text.get_text()]
    assert {"distance D\nbetween the\ntwo gradients", "one and\nthe same\nnetwork"} <= {t.get_text() for t in texts}
    assert min(text.get_fontsize() for text in texts if "\n" in text.get_text()) * 110 / 72 * 700 / width > 14


def test_the_example_is_of_the_dataset_itself(digits):
    real, condensed = drawing.example(digits)
    members = digits.train.by_class[3]
    pixels = dckit.data.denormalise(digits.train[members[: drawing.REAL]][0], digits.mean, digits.std)
    assert torch.equal(real, pixels)
    assert torch.equal(condensed, dckit.CondensedSet.load("mnist-1").pixels[[3]])


def test_the_example_of_ones_own_images_begins_with_noise(monkeypatch, digits):
    monkeypatch.setattr(drawing, "shipped_sets", list)
    real, condensed = drawing.example(digits, label=12)  # the last class, 9
    assert torch.equal(condensed, drawing.example(digits, label=12)[1])
    assert condensed.shape == (1, *digits.shape)
    assert condensed.min() < 0.1 < 0.9 < condensed.max() <= 1
    first = digits.train.by_class[9][:1]
    assert torch.equal(real[:1], dckit.data.denormalise(digits.train[first][0], digits.mean, digits.std))


def test_what_lesson_1_says_of_the_blends_of_its_lab(digits):
    path = {}
    for network, metric in (("ConvNet", "layerwise"), ("LeNet", "layerwise"), ("ConvNet", "mse")):
        found = distance_lab.blended(digits, 0.5, network, metric, label=3, seed=0)
        path[network, metric] = found.path
        angles = {name: angle for name, (_, _, angle) in found.pulls.items()}
        if network == "ConvNet":
            assert min(angles, key=angles.get) == "linear 1"
            assert max(angles, key=angles.get) == "conv 1"
    best = {key: distance_lab.PATH[distances.index(min(distances))] for key, distances in path.items()}
    first = best.pop(("ConvNet", "layerwise"))
    assert first < 1
    assert first not in best.values()


@pytest.mark.parametrize("seed", [0, 1])
def test_what_lesson_1_says_of_four_single_images_and_of_one_step(digits, seed):
    torch.manual_seed(seed)
    network, one = dckit.build("ConvNet", digits.shape, 10, width=32), torch.tensor([3])
    pull = dckit.gradients(network, *digits.train.sample(3, 64))
    noise, mean = torch.randn(1, *digits.shape), digits.train[digits.train.by_class[3]][0].mean(0, keepdim=True)
    images = (mean, digits.train.sample(3, 1)[0], digits.train.sample(5, 1)[0], noise)
    away = [float(dckit.gradient_distance(dckit.gradients(network, image, one), pull)) for image in images]
    assert away == sorted(away)  # the mean first, the noise last

    squares = [float(g.norm()) ** 2 for g in pull if g.ndim > 1]
    assert squares[0] / sum(squares) < 0.05 < 0.5 < squares[-1] / sum(squares)

    image = noise.requires_grad_()
    (slope,) = torch.autograd.grad(
        dckit.gradient_distance(dckit.gradients(network, image, one, create_graph=True), pull), image
    )
    moved = [dckit.gradients(network, noise.detach() - step * slope, one) for step in (0, 0.1, 1, 5, 10, 20)]
    after = [float(dckit.gradient_distance(found, pull)) for found in moved]
    assert after[:4] == sorted(after[:4], reverse=True)
    assert after[-1] > min(after)
