"""The kit against plain code for the same work: the same images, losses and steps; and the command that times both."""

import json
from itertools import product

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import cases, cheaper, cost, known_weights, ladder, plain, timing, whole
from dckit import Recipe, condensing
from dckit.data import Split
from dckit.engine import numbers
from dckit.method import accuracy, train, train_epoch
from dckit.method.augment import augment
from dckit.method.train import fresh_network
from dckit.results import words_of

SMALL = dict(iterations=20, real_batch=20, width=8)


@pytest.mark.parametrize(
    "changes",
    [
        dict(),
        dict(metric="mse", image_lr=1.0),
        dict(metric="cos", image_lr=10.0),
        dict(network="MLP", image_lr=0.01),
        dict(network="LeNet"),
        dict(network="AlexNet"),
        dict(network="VGG11BN"),
        dict(network="ResNet18BN_AP"),
        dict(version="report", image_momentum=0.0, normalisation="report"),
        dict(ipc=2, iterations=10, matching_steps=2, network_steps=2),
    ],
    ids=str,
)
def test_after_20_iterations_the_kit_has_the_images_and_losses_of_plain_code(digits, quick, monkeypatch, changes):
    monkeypatch.setattr("dckit.engine.pieces.WIDE", 8)  # in pieces, though it is narrow
    monkeypatch.setattr("dckit.engine.pieces.PIECE", 8)
    recipe = quick.but(**SMALL | changes)
    real = digits.normalised(recipe.condensing.normalisation)
    start = next(condensing(real, recipe.but(iterations=1, image_lr=1e-9), seed=1, device="cpu")).images
    # A few steps differ by rounding alone. Then an activation next to 0 may end on the other side of its ReLU.
    for iterations, share in ((2, 1e-4), (recipe.condensing.iterations, 0.05)):
        images, losses = plain.condense(real, recipe.but(iterations=iterations), seed=1)
        *_, state = condensing(real, recipe.but(iterations=iterations), seed=1, device="cpu")
        moved = float((images - start).norm())
        assert moved > 0.1
        assert float((images - state.images).norm()) < share * moved
        assert state.losses == pytest.approx(losses, rel=share)


def test_an_epoch_and_a_test_are_those_of_plain_code(digits):
    choices = cases.Case("epoch", budget="smoke").recipe().testing
    ends = []
    for kit in (False, True):
        torch.manual_seed(0)
        network = fresh_network(digits, choices) if kit else plain.network_of(choices, digits)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        for _ in range(3):
            (train_epoch if kit else plain.train_epoch)(network, optimizer, digits.train[:20], None)
        reached = (accuracy if kit else plain.accuracy)(network, digits.test)
        ends.append(([p.detach() for p in network.parameters()], reached))
    (ours, reached), (theirs, wanted) = ends
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    assert reached == wanted


def test_plain_augmentation_changes_images_as_the_kit_does():
    image = torch.rand(1, 28, 28)
    torch.manual_seed(0)
    one_by_one = torch.stack([plain.augmented(image, "crop_scale_rotate", image.mean((1, 2))) for _ in range(600)])
    together = augment(image.repeat(600, 1, 1, 1), "crop_scale_rotate")
    torch.testing.assert_close(one_by_one.mean(0), together.mean(0), rtol=0.1, atol=0.06)
    assert float(one_by_one.std()) == pytest.approx(float(together.std()), rel=0.1)


def test_the_command_writes_what_it_measured_and_the_page_says_no_more(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "cases", lambda: [cases.Case("epoch", "LeNet")])
    monkeypatch.setattr(cost, "SWEEPS", {"real_batch": (4,)})
    monkeypatch.setattr(timing, "SIDE", 64)
    assert command.main(["--rounds", "1", "--out", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("cpu-*.json")
    found = json.loads(file.read_text())
    ((name, measured),) = found["cases"].items()
    assert (name, measured["rounds"]) == ("epoch, LeNet, MNIST, ipc 1", 1)
    ways = measured["ways"]
    assert set(ways) == {"plain", "float32", "bfloat16"}
    assert ways["plain"]["times_faster"] == 1
    assert all(way["seconds"] > 0 and way["gflop"] > 0 for way in ways.values())
    assert "LeNet" in command.table(found).markdown
    assert found["cost"]["real_batch"][0][1] > 0
    assert command.main(["--only", "nothing", "--out", str(tmp_path)]) == 1
    assert "no case has 'nothing' in its name: there are epoch, LeNet, MNIST, ipc 1" in capsys.readouterr().err


def test_some_cases_are_measured_anew_in_their_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "cases", lambda: [cases.Case("epoch", "LeNet"), cases.Case("epoch", "MLP")])
    speed = {"float32": 9.0, "bfloat16": 9.0}
    monkeypatch.setattr(timing, "machine", lambda device: {"device": "one", "threads": 2, "gflops": dict(speed)})
    ways = {"plain": dict(seconds=1.0, times_faster=1.0, megabytes=1.0, gflop=1.0)}
    monkeypatch.setattr(timing, "measure", lambda case, hows, device, rounds: dict.fromkeys(hows, ways["plain"]))
    assert command.main(["--only", "MLP", "--out", str(tmp_path)]) == 1
    assert "measure all cases first" in capsys.readouterr().err
    monkeypatch.setattr(cost, "sweep", lambda *_: {})
    assert command.main(["--rounds", "3", "--out", str(tmp_path)]) == 0
    assert command.main(["--rounds", "7", "--only", "MLP", "--out", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*.json")
    found = json.loads(file.read_text())["cases"]
    assert {name: case["rounds"] for name, case in found.items()} == {
        "epoch, LeNet, MNIST, ipc 1": 3,
        "epoch, MLP, MNIST, ipc 1": 7,
    }
    kept = file.read_text()
    for speed["float32"] in (6.0, 14.0):  # a machine of the same name that is not the same
        assert command.main(["--only", "MLP", "--out", str(tmp_path)]) == 1
        assert "times as fast" in capsys.readouterr().err
        assert file.read_text() == kept


def test_the_work_of_a_convolution_is_counted(monkeypatch):
    images, kernel = torch.randn(1, 1, 5, 5), torch.randn(2, 1, 3, 3)
    assert timing._gflop(lambda: torch.conv2d(images, kernel)) == pytest.approx(2 * 9 * 9 * 2 / 1e9)


@pytest.mark.skipif(not timing.Path("/proc/self/status").exists(), reason="asks Linux")
def test_the_peak_of_a_larger_batch_is_larger():
    small, large = (timing.megabytes(cases.Case("epoch", "ConvNet", ipc=ipc), "plain", "cpu") for ipc in (1, 10))
    assert large > 2 * small


def test_the_page_says_what_the_results_say(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text(command.PAGE.read_text())
    for picture in command.PAGE.parent.glob("cost-*.png"):
        (tmp_path / picture.name).write_bytes(picture.read_bytes())
    command.write_page(page)
    assert page.read_text() == command.PAGE.read_text()
    files = list((command.HERE / "results").glob("*.json"))
    assert files
    assert all(f"<!-- {file.stem} -->" in page.read_text() for file in files)


def test_whole_runs_are_timed_at_1_and_10_images_a_class_in_each_precision(monkeypatch):
    amounts = dict(iterations=2, matching_steps=1, real_batch=2, width=4, networks=1, epochs_augmented=2)
    full = Recipe.published
    monkeypatch.setattr(whole.Recipe, "published", lambda ipc, budget: full(ipc, budget).but(**amounts))
    found = list(whole.whole_runs(("float32", "bfloat16"), "cpu", each=20))
    assert [(f["precision"], f["ipc"]) for f in found] == [
        *(("float32", 1), ("float32", 10)),
        *(("bfloat16", 1), ("bfloat16", 10)),
    ]
    assert all(f["stage C"] > 0 and f["stage T"] > 0 for f in found)
    assert len(command.whole_table(found).rows) == 4


def test_a_batch_by_clusters_has_one_image_of_each(digits, quick):
    recipe = quick.but(real_batch=4)
    seen, own = [], digits.train.by_class[3]
    with cheaper.by_clusters(digits, recipe):
        for seed in range(40):
            images, labels = digits.train.sample(3, 4, numbers(seed))
            assert labels.tolist() == [3] * 4
            seen.append([int((digits.train[own][0] - image).flatten(1).norm(dim=1).argmin()) for image in images])
        assert len(digits.train.sample(3, 5)[0]) == 5  # another number: any images
    groups = [set(places) for places in zip(*seen, strict=True)]
    assert all(len(group) > 1 for group in groups)
    assert sum(map(len, groups)) == len(set().union(*groups))  # no image is of two clusters
    assert "clusters" not in Split.sample.__code__.co_freevars


def test_early_networks_are_trained_and_random_ones_come_back(digits, quick, monkeypatch):
    monkeypatch.setattr(cheaper, "POOL", 2)
    monkeypatch.setattr(cheaper, "BATCHES", 60)
    with cheaper.early(digits, quick):
        drawn = [fresh_network(digits, quick.condensing, numbers(seed)) for seed in range(1)]
        networks = [train.fresh_network(digits, quick.condensing, numbers(seed)) for seed in range(6)]
    heads = {network[-1].weight.sum().item() for network in networks}
    assert len(heads) == 2
    assert max(accuracy(network, digits.test) for network in networks) > 20
    assert accuracy(drawn[0], digits.test) != accuracy(networks[0], digits.test)
    assert train.fresh_network is fresh_network


def test_what_is_held_out_is_not_trained_on(digits, monkeypatch):
    monkeypatch.setattr(cheaper, "HELD_OUT", 20)
    real = cheaper.held_out(digits)
    assert real.test.labels.bincount().tolist() == [20] * 10
    assert len(real.train) + len(real.test) == len(digits.train)
    both = torch.cat([real.train.pixels, real.test.pixels]).flatten(1).sort(0).values
    assert torch.equal(both, digits.train.pixels.flatten(1).sort(0).values)


def test_the_page_has_a_row_for_each_way_that_was_tried():
    rows = json.loads(cheaper.RESULTS.read_text(encoding="utf-8"))["rows"]
    assert [(row["method"], row["way"]) for row in rows] == list(product(cheaper.RECIPES, cheaper.WAYS))
    assert cheaper.table(rows).markdown.strip() in cheaper.PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_row_for_each_rung_between_dc_and_dm():
    found = ladder.kept()
    table = ladder.table(found)
    assert table.markdown.strip() in ladder.PAGE.read_text(encoding="utf-8")
    rows = {row[0]: row for row in table.rows}
    before, after = found["DC"].scores.mean, found["start from real images"].scores.mean
    assert rows["start from real images"][2].startswith(f"{after - before:+.1f} (")
    assert [name for name, row in rows.items() if not row[2]] == [*ladder.BESIDE, "DC"]
    for result in found.values():
        recipe = result.run.recipe
        assert (recipe.ipc, recipe.testing.test_images, recipe.testing.epochs_augmented) == (10, None, 1001)
        assert result.scores.card["device"]


def test_the_page_tells_what_dd_gives_from_known_weights_and_from_others():
    found = json.loads(known_weights.RESULTS.read_text(encoding="utf-8"))
    assert known_weights.table(found).markdown.strip() in known_weights.PAGE.read_text(encoding="utf-8")
    assert found["recipe"] == words_of(known_weights.RECIPE)
    assert found["known"] > max(found["others"])
