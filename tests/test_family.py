"""The family of methods: what each has to do as `stage_c` asks, and DSA's and DM's losses beside loops written out."""

import math

import pytest
import torch
import torch.nn.functional as F
from oracles import distance as gradient_distance_written_out
from runs import assert_same_run, last
from test_steady import threads

from dckit import CondensedSet, ImageData, Recipe, Split, build, condensing, evaluate
from dckit.engine import numbers, read_tensors
from dckit.method import ALGORITHMS, augment, dd, dm, dsa
from dckit.method.kinds import KINDS, KINDS_OF, draw, siamese
from dckit.method.stage_c import ITERATION, START
from dckit.method.train import features, fresh_network, train_epoch
from dckit.results import METHODS as METHOD_NAMES
from dckit.results import Run, measure, read_all, runs
from dckit.results.paper_tables import own_table

METHODS = sorted(ALGORITHMS)


def small(method, **changes):
    """A recipe that takes a second. Methods that train a network between matching steps do so."""
    amounts = dict(iterations=3, real_batch=8, networks=2, epochs=3, epochs_augmented=3, test_images=100)
    recipe = Recipe.published(method=method).but(**amounts | {"width": 8} | changes)
    trains = hasattr(recipe.condensing, "matching_steps")
    return recipe.but(matching_steps=2, network_steps=2) if trains else recipe


# What every method does


@pytest.mark.parametrize("method", METHODS)
def test_a_run_stopped_and_resumed_ends_as_one_that_never_was(digits, tmp_path, method):
    recipe, path = small(method, ipc=2, iterations=4), tmp_path / "c.safetensors"
    whole = last(condensing(digits, recipe, seed=2, device="cpu"))
    for stop in (1, 3):
        states = condensing(digits, recipe, seed=2, device="cpu", checkpoint=path)
        for state in states:
            if state.iteration == stop:
                break
        states.close()
        assert CondensedSet.load(path).card["iteration"] == stop
    assert_same_run(whole, last(condensing(digits, recipe, seed=2, device="cpu", checkpoint=path)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("network", [dict(), dict(network="VGG11BN", width=16, real_batch=4)], ids=str)
def test_images_and_accuracies_are_the_same_on_any_number_of_threads(digits, method, network):
    recipe, found = small(method, **dict(iterations=2, ipc=2, width=32) | network), []
    for count in (1, 2, 4):
        with threads(count):
            state = last(condensing(digits, recipe, seed=3, device="cpu"))
            found.append((state, evaluate(state.condensed, digits, recipe, device="cpu", progress=False)))
    (state, scores), *others = found
    for other, their_scores in others:
        assert_same_run(state, other)
        assert scores.accuracies == their_scores.accuracies


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_its_own_images_and_leaves_the_callers_numbers_alone(digits, method):
    before = torch.get_rng_state()
    first = last(condensing(digits, small(method), seed=7, device="cpu"))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert_same_run(first, last(condensing(digits, small(method), seed=7, device="cpu")))
    assert not torch.equal(first.images, last(condensing(digits, small(method), seed=8, device="cpu")).images)
    assert Recipe.read(first.condensed.card["recipe"]) == small(method)
    assert first.condensed.card["method"] == method


@pytest.mark.parametrize("method", METHODS)
def test_images_that_are_no_numbers_end_the_run_and_leave_the_last_good_checkpoint(digits, tmp_path, method):
    path = tmp_path / "c.safetensors"
    with pytest.raises(FloatingPointError, match=r"smaller image_lr than 1e\+30"):
        last(condensing(digits, small(method, image_lr=1e30), device="cpu", checkpoint=path))
    assert torch.isfinite(CondensedSet.load(path).images).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_cannot_take_is_refused_before_any_work(digits, method):
    with pytest.raises(ValueError, match="expected 1 to 139 images per class"):
        condensing(digits, small(method, ipc=140))
    with pytest.raises(ValueError, match="unknown network 'Convnet'"):
        condensing(digits, small(method, network="Convnet"))
    tiny = Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]), (0.0,), (1.0,))
    with pytest.raises(ValueError, match="LeNet cannot take images of 1×8×8"):
        condensing(ImageData("tiny", ("a", "b"), tiny, tiny, "published"), small(method, network="LeNet"))


@pytest.mark.parametrize("method", METHODS)
def test_a_run_is_measured_once_kept_and_shown_in_the_table(digits, tmp_path, method):
    words = "published + iterations=2 + width=8 + networks=2 + epochs_augmented=2 + epochs=2"
    (run,) = runs("digits", 1, "smoke", methods=method, protocol=words)
    scores = measure(run, digits, tmp_path, "cpu")
    assert measure(run, digits, tmp_path, "cpu").accuracies == scores.accuracies
    (result,), _ = read_all(tmp_path)
    assert result.run == run
    ((said, accuracy, count, recipe),) = own_table([result], "digits", 1).rows
    assert (said, accuracy, count) == (METHOD_NAMES[method], f"{scores.mean:.1f} ± {scores.std:.1f}", "1 × 2")
    assert recipe.startswith("published, smoke, width 8, 2 draws, 2 passes")
    assert not own_table([result], "digits", 1, "report").rows
    with pytest.raises(ValueError, match=f"a recipe of {method} cannot make a run of"):
        Run("digits", next(m for m in METHODS if m != method), run.recipe)


@pytest.mark.parametrize("method", ["dsa", "dm", "dd"])
def test_the_report_has_but_one_method(method):
    with pytest.raises(ValueError, match=f"the report has no {method}"):
        Recipe.filled_by("report", 1, "full", "ConvNet", method)


@pytest.mark.parametrize(("method", "ipc", "rate"), [("dsa", 10, 0.1), ("dm", 50, 1.0), ("dm", 100, 10.0)])
def test_published_choices_of_the_family(method, ipc, rate):
    recipe = Recipe.published(ipc, method=method)
    assert recipe.condensing.init == "real"
    assert (recipe.condensing.image_lr, recipe.condensing.image_momentum) == (rate, 0.5)
    assert recipe.condensing.real_batch == 256
    assert recipe.condensing.iterations == {"dsa": 1000, "dm": 20000}[method]
    assert recipe.testing.augmentation == "dsa"
    assert recipe.testing.epochs_augmented == 1001
    assert recipe == recipe.filled("published")


# Siamese augmentation, image by image and pixel by pixel


def written_out(kind, image, *u):
    """One image (channels, height, width), changed with loops."""
    channels, height, width = image.shape
    if kind == "color":
        image = image + (u[0] - 0.5)
        grey = sum(image) / channels
        image = torch.stack([(channel - grey) * 2 * u[1] + grey for channel in image])
        return (image - image.mean()) * (u[2] + 0.5) + image.mean()
    out = torch.zeros_like(image)
    half_h, half_w = math.floor(0.5 * height + 0.5), math.floor(0.5 * width + 0.5)
    factors = [v * (1.2 - 1 / 1.2) + 1 / 1.2 for v in u]
    angle = (u[0] - 0.5) * 2 * 15 * math.pi / 180
    for i in range(height):
        for j in range(width):
            if kind == "flip":
                out[:, i, j] = image[:, i, width - 1 - j if u[0] < 0.5 else j]
            elif kind == "cutout":
                top, left = int(u[0]) - half_h // 2, int(u[1]) - half_w // 2
                gone = top <= i < top + half_h and left <= j < left + half_w
                out[:, i, j] = 0 if gone else image[:, i, j]
            elif kind == "crop":
                out[:, i, j] = pixel(image, i + int(u[0]), j + int(u[1]))
            else:  # coordinates of pixels' centres, from -1 to 1
                x, y = (2 * j + 1) / width - 1, (2 * i + 1) / height - 1
                if kind == "scale":
                    x, y = x * factors[0], y * factors[1]
                else:
                    c, s = math.cos(angle), math.sin(angle)
                    x, y = c * x - s * y, s * x + c * y
                out[:, i, j] = bilinear(image, ((y + 1) * height - 1) / 2, ((x + 1) * width - 1) / 2)
    return out


def pixel(image, i, j):
    inside = 0 <= i < image.shape[1] and 0 <= j < image.shape[2]
    return image[:, i, j] if inside else torch.zeros_like(image[:, 0, 0])


def bilinear(image, y, x):
    top, left = math.floor(y), math.floor(x)
    corners = [(i, j) for i in (top, top + 1) for j in (left, left + 1)]
    return sum((1 - abs(y - i)) * (1 - abs(x - j)) * pixel(image, i, j) for i, j in corners)


@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 8, 8)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_images_as_loops_over_pixels_do(kind, shape):
    images = torch.randn(6, *shape, dtype=torch.float64, requires_grad=True)
    for seed in range(3):
        drawn, its = draw((kind,), images, numbers(seed))
        changed = augment.apply(drawn, images, [number.double() for number in its])
        one_by_one = [written_out(kind, *each) for each in zip(images, *(n.tolist() for n in its), strict=True)]
        torch.testing.assert_close(changed, torch.stack(one_by_one), rtol=0, atol=1e-6)
        weights = torch.randn(changed.shape, dtype=torch.float64)
        slopes = [torch.autograd.grad((out * weights).sum(), images)[0] for out in (changed, torch.stack(one_by_one))]
        torch.testing.assert_close(*slopes, rtol=0, atol=1e-6)
        assert not torch.equal(changed, images) or kind == "flip"


def test_numbers_reach_from_end_to_end():
    images = torch.zeros(4000, 1, 9, 8)
    found = {kind: draw((kind,), images, numbers(0))[1] for kind in KINDS}
    assert {kind: len(its) for kind, its in found.items()} == dict(color=3, crop=2, cutout=2, flip=1, scale=2, rotate=1)
    assert [set(n.tolist()) for n in found["crop"]] == [{-1, 0, 1}] * 2  # ⌊0.125 · 9 + 0.5⌋ and ⌊0.125 · 8 + 0.5⌋
    # the square is 5 × 4: an even side has its centre between two pixels
    assert [set(n.tolist()) for n in found["cutout"]] == [set(range(9)), set(range(9))]
    for kind in ("color", "flip", "scale", "rotate"):
        assert all(0 <= n.min() < 0.01 and 0.99 < n.max() < 1 for n in found[kind])
    kinds = {draw(KINDS_OF["dsa"], images[:1], numbers(seed))[0] for seed in range(60)}
    assert kinds == set(KINDS)
    assert set(KINDS_OF["dsa_without_flip"]) == set(KINDS) - {"flip"}


def test_siamese_images_all_meet_the_first_images_numbers():
    synthetic, real = [torch.randn(2, 1, 8, 8)] * 2, [torch.randn(5, 1, 8, 8)] * 2
    kinds, its = ["scale", "crop"], [[torch.rand(5), torch.rand(5)], [torch.tensor([1, 0]), torch.tensor([-1, 1])]]
    for kind, own, (s, r) in zip(kinds, its, siamese(synthetic, real, kinds, its), strict=True):
        for given, changed in ((synthetic[0], s), (real[0], r)):
            for before, after in zip(given, changed, strict=True):
                torch.testing.assert_close(written_out(kind, before, *(float(n[0]) for n in own)), after)
    alone = list(siamese(synthetic, real, "scale", its[0]))
    assert torch.equal(alone[1][1], next(siamese(synthetic, real, kinds, its))[1])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kind 'colour': expected one of color, crop"):
        augment.apply("colour", torch.zeros(1, 1, 8, 8), [])


def test_stage_t_draws_one_kind_per_batch_and_numbers_for_each_image():
    images = torch.randn(5, 1, 12, 12)
    kind, its = draw(KINDS_OF["dsa_without_flip"], images, numbers(4))
    found = augment.augment(images, "dsa_without_flip", numbers(4))
    assert torch.equal(found, augment.apply(kind, images, its))
    assert augment.strategy("dsa", "svhn") == "dsa_without_flip"
    assert augment.strategy("dsa", "cifar10") == "dsa"


# The losses


def in_double(real, ipc=2, n=7, classes=3):
    torch.manual_seed(1)
    network = build("ConvNet", (1, 28, 28), classes, width=4).double()
    synthetic = [torch.randn(ipc, 1, 28, 28, dtype=torch.float64, requires_grad=True) for _ in range(classes)]
    batches = [real.train.sample(c, n)[0].double() for c in range(classes)]
    return network, synthetic, batches


@pytest.mark.parametrize("kind", [None, "rotate", "color"])
def test_dms_loss_is_the_squared_distance_of_mean_features(digits, kind):
    network, synthetic, real = in_double(digits)
    its = [torch.rand(7, dtype=torch.float64) for _ in range({"rotate": 1, "color": 3}.get(kind, 0))]
    changed = [
        [x if kind is None else augment.apply(kind, x, [n[:1] for n in its]) for x in s] for s in (synthetic, real)
    ]
    expected = 0.0
    for s, r in zip(*changed, strict=True):
        means = []
        for images in (s, r):
            features = []
            for image in images:
                x = image[None]
                for layer in list(network)[:-1]:
                    x = layer(x)
                features.append(x[0])
            means.append(sum(features) / len(features))
        expected = expected + sum((a - b) ** 2 for a, b in zip(*means, strict=True))
    found = dm.distance(network, synthetic, real, kind, its)
    torch.testing.assert_close(found, expected)
    for a, b in zip(torch.autograd.grad(found, synthetic), torch.autograd.grad(expected, synthetic), strict=True):
        torch.testing.assert_close(a, b)


def test_dsas_loss_is_dcs_of_images_that_were_changed_alike(digits):
    network, synthetic, real = in_double(digits)
    its = [torch.rand(7, dtype=torch.float64), torch.rand(7, dtype=torch.float64)]
    expected, theta = 0.0, list(network.parameters())
    for label, (s, r) in enumerate(zip(synthetic, real, strict=True)):
        grads = []
        for images in (s, r):
            images = augment.apply("scale", images, [n[:1] for n in its])
            loss = F.cross_entropy(network(images), torch.full((len(images),), label))
            grads.append(torch.autograd.grad(loss, theta, create_graph=True))
        expected = expected + gradient_distance_written_out(*grads)
    found = dsa.distance(network, synthetic, real, "scale", its)
    torch.testing.assert_close(found, expected)
    for a, b in zip(torch.autograd.grad(found, synthetic), torch.autograd.grad(expected, synthetic), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("method", "network"), [("dsa", "ConvNet"), ("dm", "ConvNet"), ("dm", "VGG11BN")])
def test_two_iterations_step_down_the_plain_loss_with_momentum(digits, method, network):
    recipe = Recipe.published(2, method=method).but(width=16, real_batch=6, iterations=2, network=network)
    recipe = recipe.but(matching_steps=1) if method == "dsa" else recipe
    images = recipe.condensing.start(digits, 2, numbers(0, START))["images"]
    velocity, losses = 0.0, []
    for k in range(2):
        generator = numbers(0, ITERATION, k)
        theta = fresh_network(digits, recipe.condensing, generator)
        real, drawn = [], []
        for c in range(10):
            real.append(digits.train.sample(c, 6, generator)[0])
            drawn.append(draw(KINDS_OF["dsa_without_flip"], real[-1], generator))
        images = images.detach().requires_grad_()
        loss = {"dsa": dsa, "dm": dm}[method].distance(theta, images.split(2), real, *zip(*drawn, strict=True))
        velocity = 0.5 * velocity + torch.autograd.grad(loss, images)[0]
        images = images - recipe.condensing.image_lr * velocity
        losses.append(float(loss.detach()) / 10)
    state = last(condensing(digits, recipe, device="cpu"))
    torch.testing.assert_close(state.images, images.detach(), rtol=1e-3, atol=1e-4)
    assert state.losses == pytest.approx(losses, rel=1e-3)


def test_dsas_network_is_trained_on_augmented_images_between_the_steps(digits, monkeypatch):
    seen = []

    def epoch(network, optimizer, data, batch, augmentation, generator):
        seen.append(augmentation)
        return train_epoch(network, optimizer, data, batch, augmentation, generator)

    monkeypatch.setattr("dckit.method.dsa.train_epoch", epoch)
    last(condensing(digits, small("dsa", iterations=1), device="cpu"))
    assert seen == ["dsa_without_flip"] * 2


def test_features_end_before_the_last_linear_layer():
    network = build("ConvNet", (3, 32, 32), 10)
    assert features(network)(torch.zeros(2, 3, 32, 32)).flatten(1).shape == (2, 2048)
    with pytest.raises(ValueError, match=r"before the last linear layer of an nn\.Sequential"):
        features(torch.nn.ReLU())


# Dataset distillation


def fixed(**changes):
    return small("dd", network="LeNet", weights="fixed", distill_epochs=2, **changes)


def test_distillation_trains_by_gradient_descent_step_by_step(digits):
    network = build("LeNet", (1, 28, 28), 3).double()
    images, labels = torch.randn(6, 1, 28, 28, dtype=torch.float64), torch.tensor([0, 0, 1, 1, 2, 2])
    rates = torch.tensor([0.3, 0.2, 0.1, 0.4], dtype=torch.float64)
    theta = {name: p.detach().clone() for name, p in network.named_parameters()}
    found = dd.trained(network, theta, images, labels, rates)
    for step, rate in enumerate(rates.tolist()):
        batch = torch.tensor([step % 2, 2 + step % 2, 4 + step % 2])  # one image of every class, in turn
        optimizer = torch.optim.SGD(network.parameters(), rate)
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(found[name], parameter, rtol=1e-9, atol=1e-12)


def test_distillation_differentiates_through_the_steps(digits):
    network = build("MLP", (1, 28, 28), 2).double()
    theta = dd.initial_weights(network, numbers(0))
    x, y = digits.train.sample(0, 5)[0].double(), torch.tensor([0, 1, 0, 1, 1])
    labels = torch.tensor([0, 1])

    def loss(images, rates):
        return F.cross_entropy(
            torch.func.functional_call(network, dict(dd.trained(network, theta, images, labels, rates)), x), y
        )

    images = torch.randn(2, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    rates = torch.tensor([0.3, 0.2], dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(loss(images, rates), (images, rates))
    little = 1e-5
    for tensor, slope, place in (
        (rates, slopes[1], 1),
        (images, slopes[0], (0, 0, 14, 9)),
        (images, slopes[0], (1, 0, 3, 20)),
    ):
        ends = []
        for sign in (1, -1):
            moved = tensor.detach().clone()
            moved[place] += sign * little
            ends.append(float(loss(*((images, moved) if tensor is rates else (moved, rates))).detach()))
        assert float(slope[place]) == pytest.approx((ends[0] - ends[1]) / (2 * little), rel=1e-4, abs=1e-9)


def test_iterations_of_distillation_are_steps_of_one_adam_down_the_loss_on_real_images(digits):
    recipe = fixed(iterations=30)
    learned = recipe.condensing.start(digits, 1, numbers(0, START))
    images, rates = learned["images"].requires_grad_(), learned["rates"].requires_grad_()
    assert F.softplus(rates).tolist() == pytest.approx([0.02, 0.02])
    network = build("LeNet", (1, 28, 28), 10)
    adam = torch.optim.Adam([images, rates], 0.01, (0.5, 0.999))
    for k, state in zip(range(3), condensing(digits, recipe, device="cpu"), strict=False):
        theta = dd.trained(network, dd.known_weights(learned), images, torch.arange(10), F.softplus(rates))
        x, y = digits.train.draw(8, numbers(0, ITERATION, k))
        loss = F.cross_entropy(torch.func.functional_call(network, dict(theta), x), y)
        adam.zero_grad()
        loss.backward(inputs=[images, rates])
        adam.step()
        assert state.loss == pytest.approx(float(loss.detach()), rel=1e-4)
        torch.testing.assert_close(state.images, images.detach(), rtol=0, atol=1e-4)
        torch.testing.assert_close(state.learned["rates"], rates.detach(), rtol=0, atol=1e-4)


def test_the_rate_of_distillation_is_halved_ten_times(digits, monkeypatch):
    seen = []

    class Adam(torch.optim.Adam):
        def __init__(self, tensors, lr, betas):
            seen.append((lr, betas))
            super().__init__(tensors, lr, betas)

    monkeypatch.setattr("torch.optim.Adam", Adam)
    last(condensing(digits, fixed(iterations=20, real_batch=2), device="cpu"))
    assert [lr for lr, _ in seen] == pytest.approx([0.01 / 2 ** (k // 2) for k in range(20)])
    assert {betas for _, betas in seen} == {(0.5, 0.999)}


def test_known_weights_are_in_the_file_and_rates_on_the_card(digits, tmp_path):
    path = tmp_path / "c.safetensors"
    state = last(condensing(digits, fixed(iterations=2), device="cpu", checkpoint=path))
    tensors, card = read_tensors(path)
    assert card["rates"] == pytest.approx(F.softplus(tensors["rates"]).tolist())
    assert len(card["rates"]) == 2
    known = dd.known_weights(tensors)
    assert known.keys() == dict(build("LeNet", (1, 28, 28), 10).named_parameters()).keys()
    assert all(torch.equal(weight, state.learned[f"weight {name}"]) for name, weight in known.items())
    assert all(float(weight.abs().max()) == 0 for name, weight in known.items() if name.endswith("bias"))
    random = last(condensing(digits, small("dd", network="LeNet", iterations=1), device="cpu"))
    assert not dd.known_weights(random.learned)


def test_distilling_through_dropout_leaves_the_callers_numbers_alone(digits):
    recipe = small("dd", network="AlexNet", version="report", width=4, iterations=1)
    before = torch.get_rng_state()
    first = last(condensing(digits, recipe, device="cpu"))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert_same_run(first, last(condensing(digits, recipe, device="cpu")))


def test_distilled_images_teach_their_own_weights_and_hardly_others(digits):
    recipe = fixed(iterations=150, real_batch=64, first_rate=0.3, image_lr=0.03)
    state = last(condensing(digits, recipe, device="cpu"))
    with torch.no_grad():  # whatever the user has set
        own = dd.own_accuracy(recipe.condensing, state.learned, digits, state.labels)
    others = {name: tensor for name, tensor in state.learned.items() if not name.startswith("weight ")}
    strange = [dd.own_accuracy(recipe.condensing, others, digits, state.labels, seed) for seed in range(3)]
    assert own > max(strange) + 15
