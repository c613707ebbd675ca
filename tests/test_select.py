import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dckit.data import Split
from dckit.engine import read_tensors, write_tensors
from dckit.method import CHOSEN, chosen_images, evaluating, random_images, ranking
from dckit.method.baselines import herding, k_center, nearest
from dckit.method.stage_t import training

# Slow and plain, in float64


def slow_herding(features, count):
    """Each time the image with which the mean of the chosen ones comes closest to the mean of all."""
    rows, chosen = features.astype(np.float64), []
    while len(chosen) < count:
        distances = {}
        for i in range(len(rows)):
            if i not in chosen:
                distances[i] = np.linalg.norm(rows[[*chosen, i]].mean(axis=0) - rows.mean(axis=0))
        chosen.append(min(distances, key=distances.get))
    return chosen


def slow_k_center(features, count):
    """First the row nearest to the mean, then each time the row whose nearest chosen row is farthest."""
    rows = features.astype(np.float64)
    chosen = [min(range(len(rows)), key=lambda i: np.linalg.norm(rows[i] - rows.mean(axis=0)))]
    while len(chosen) < count:
        distances = {}
        for i in range(len(rows)):
            if i not in chosen:
                distances[i] = min(np.linalg.norm(rows[i] - rows[c]) for c in chosen)
        chosen.append(max(distances, key=distances.get))
    return chosen


def slow_nearest(features, count):
    """The rows sorted by their distance to the mean of all."""
    rows = features.astype(np.float64)
    return sorted(range(len(rows)), key=lambda i: np.linalg.norm(rows[i] - rows.mean(axis=0)))[:count]


ALL = pytest.mark.parametrize(
    ("fast", "slow"), [(herding, slow_herding), (k_center, slow_k_center), (nearest, slow_nearest)]
)


@ALL
@pytest.mark.parametrize(("seed", "n", "d", "count"), [(0, 40, 5, 12), (1, 25, 60, 25), (2, 60, 2, 30), (3, 12, 1, 6)])
def test_the_choice_is_that_of_the_slow_way(fast, slow, seed, n, d, count):
    features = torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).exp() + 3
    assert fast(features, count).tolist() == slow(features.numpy(), count)


@ALL
def test_one_image_is_the_one_nearest_to_the_mean(fast, slow):
    features = torch.tensor([[0.0, 0.0], [10.0, 0.0], [4.0, 1.0], [0.0, 10.0], [10.0, 9.0]])  # mean 4.8, 4
    assert fast(features, 1).tolist() == [2]


@ALL
def test_fewer_are_the_first_of_more_and_all_are_each_once(fast, slow):
    features = torch.randn(30, 4, generator=torch.Generator().manual_seed(4))
    every = fast(features, 30)
    assert sorted(every.tolist()) == list(range(30))
    for count in (1, 2, 7, 29):
        assert torch.equal(fast(features, count), every[:count])


@ALL
@pytest.mark.parametrize("copies", [2, 10])
def test_copies_of_an_image_are_not_the_same_image(fast, slow, copies):
    features = torch.randn(20 // copies, 3, generator=torch.Generator().manual_seed(5)).repeat(copies, 1)
    assert sorted(fast(features, 20).tolist()) == list(range(20))
    assert sorted(fast(torch.ones(6, 2), 6).tolist()) == list(range(6))


def test_k_center_takes_each_kind_before_it_takes_copies():
    kinds = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 8.0], [-9.0, -9.0]]).repeat(5, 1)
    assert sorted((k_center(kinds, 4) % 4).tolist()) == [0, 1, 2, 3]


def test_herding_keeps_the_mean_closer_than_chance_does():
    features = torch.randn(200, 10, generator=torch.Generator().manual_seed(6))
    off = [(features[index] - features.mean(0)).mean(0).norm() for index in (herding(features, 20), torch.arange(20))]
    assert off[0] < off[1] / 5


# Ranking


def small(real, each):
    """The first ``each`` training images of each class; the same images for testing."""
    index = torch.cat([members[:each] for members in real.train.by_class]).sort().values
    split = Split(real.train.pixels[index], real.train.labels[index], real.mean, real.std)
    return replace(real, train=split, test=split)


@pytest.fixture(scope="module")
def few(digits):
    """Twelve images of each class."""
    return small(digits, 12)


@pytest.fixture
def brief(quick):
    return quick.but(whole_epochs=2, batch=32, testing={"network": "MLP"})


def last(states):
    *_, state = states
    return state


def script(monkeypatch, *epochs):
    """A teacher that learns nothing, and names images right as the script says."""
    monkeypatch.setattr(
        "dckit.method.baselines.training", lambda *args: iter([torch.tensor(e, dtype=torch.bool) for e in epochs])
    )


def never(*args, **kwargs):
    raise AssertionError("was trained")


# A column an image. Toneva et al. 2019: an event is "right at its last presentation, wrong at this one".
TURNS = {
    "1111111": 0,
    "0000001": 0,
    "0111111": 0,
    "1000000": 1,
    "1000001": 1,
    "0101111": 1,
    "0101010": 3,
    "1010101": 3,
    "1010111": 2,
    "0000000": float("inf"),
    "1100110": 2,
    "0010000": 1,
}


def by_turns(few, turns):
    """What the script says of each training image: ``turns`` one after another for the images of each class."""
    told = torch.zeros(len(few.train), 7, dtype=torch.bool)
    for members in few.train.by_class:
        for i, bits in zip(members.tolist(), turns, strict=True):
            told[i] = torch.tensor([b == "1" for b in bits])
    return told.T.tolist()


def test_forgetting_ranks_by_the_number_of_forgetting_events_never_learned_first(few, brief, monkeypatch):
    turns = list(TURNS)
    script(monkeypatch, *by_turns(few, turns))
    orders = last(ranking(few, brief.but(whole_epochs=7, ipc=12), device="cpu")).orders
    counted = sorted(TURNS.values(), reverse=True)
    assert orders["forgetting"].shape == (10, 12)
    for members, row in zip(few.train.by_class, orders["forgetting"], strict=True):
        place = {i: n for n, i in enumerate(members.tolist())}
        assert [TURNS[turns[place[i]]] for i in row.tolist()] == counted


def test_images_that_are_forgotten_equally_often_come_in_random_order(few, brief, monkeypatch):
    rows = []
    for seed in (0, 0, 1):
        script(monkeypatch, *by_turns(few, ["1111111"] * 12))
        rows.append(last(ranking(few, brief.but(whole_epochs=7), seed=seed, device="cpu")).orders["forgetting"])
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])
    places = [
        [members.tolist().index(i) for i in row.tolist()]
        for members, row in zip(few.train.by_class, rows[0], strict=True)
    ]
    assert all(row != sorted(row) for row in places)
    assert len({tuple(row) for row in places}) == 10


def test_each_state_tells_the_epoch_and_the_share_that_was_right(few, brief, monkeypatch):
    quarter = [i % 4 == 0 for i in range(len(few.train))]
    script(monkeypatch, [False] * 120, quarter, [True] * 120)
    states = list(ranking(few, brief.but(whole_epochs=3), device="cpu"))
    assert [s.done for s in states] == [(1, 3), (2, 3), (3, 3)]
    assert [s.right for s in states] == [0, 25, 100]
    assert [sorted(s.orders) for s in states] == [[], [], sorted(CHOSEN)]
    assert str(states[1]) == "whole training set: epoch 2 of 3, 25.0 % right"


def test_orders_are_of_images_of_each_class_without_repetition(few, brief):
    orders = last(ranking(few, brief, device="cpu")).orders
    assert set(orders) == {"herding", "k_center", "forgetting", "nearest"}
    for order in orders.values():
        assert (order.shape, order.dtype) == ((10, 12), torch.int64)  # no class has 50
        for members, row in zip(few.train.by_class, order, strict=True):
            assert sorted(row.tolist()) == sorted(members.tolist())
    assert torch.equal(orders["herding"][:, 0], orders["k_center"][:, 0])
    assert torch.equal(orders["herding"][:, 0], orders["nearest"][:, 0])


def test_fifty_of_each_class_are_ranked_or_as_many_as_are_asked_for(digits, brief, monkeypatch):
    monkeypatch.setattr(
        "dckit.method.baselines._features", lambda teacher, train, members: torch.randn(len(members), 3)
    )
    for ipc, ranked in ((1, 50), (50, 50), (60, 60)):
        script(monkeypatch, [True] * len(digits.train))
        orders = last(ranking(digits, brief.but(ipc=ipc, whole_epochs=1), device="cpu")).orders
        assert {order.shape for order in orders.values()} == {(10, ranked)}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_features_are_what_the_last_layer_of_the_trained_teacher_sees(few, brief, monkeypatch, precision):
    teachers = []

    def look(teacher, *args):
        teachers.append(teacher)
        return training(teacher, *args)

    monkeypatch.setattr("dckit.method.baselines.training", look)
    recipe = brief.but(testing={"network": "ConvNet", "precision": precision}, whole_epochs=3)
    orders = last(ranking(few, recipe, device="cpu")).orders
    (teacher,) = teachers
    seen = []
    layers = teacher if precision == "float32" else teacher.network
    layers[-1].register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    rows = (orders[method] for method in ("herding", "k_center", "nearest"))
    for members, herd, spread, near in zip(few.train.by_class, *rows, strict=True):
        teacher.eval()(few.train[members][0])
        features = seen.pop().float().numpy()
        assert members[slow_herding(features, 5)].tolist() == herd[:5].tolist()
        assert members[slow_k_center(features, 5)].tolist() == spread[:5].tolist()
        assert members[slow_nearest(features, 5)].tolist() == near[:5].tolist()


@pytest.mark.parametrize("networks", [1, 3])
def test_the_teacher_is_the_first_network_of_stage_t_on_the_whole_dataset(few, brief, monkeypatch, networks):
    used = []

    def look(network, train, choices, dataset, generator):
        used.append((network, train))
        return training(network, train, choices, dataset, generator)

    monkeypatch.setattr("dckit.method.baselines.training", look)
    monkeypatch.setattr("dckit.method.stage_t.training", look)
    changes = {"version": "report", "normalisation": "report", "whole_networks": networks}
    recipe = brief.but(testing={"network": "LeNet"}, **changes)
    last(ranking(few, recipe, seed=3, device="cpu"))
    last(evaluating(few.train, few, recipe, seed=3, device="cpu"))
    (teacher, first), (network, second), *others = used
    assert sum(p.numel() for p in teacher.parameters()) == 44_426
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.images, few.normalised("report").train.images)
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), network.parameters(), strict=True))
    assert len(others) == networks - 1
    assert not any(torch.equal(other[0].weight, teacher[0].weight) for other, _ in others)


def test_the_same_seed_gives_the_same_order_and_another_gives_another(few, brief):
    first, second, other = (last(ranking(few, brief, seed=s, device="cpu")).orders for s in (3, 3, 4))
    assert all(torch.equal(first[method], second[method]) for method in CHOSEN)
    assert not any(torch.equal(first[method], other[method]) for method in CHOSEN)


def test_whoever_watches_a_ranking_keeps_random_numbers_apart_from_it(few, brief):
    undisturbed = last(ranking(few, brief, device="cpu")).orders
    torch.manual_seed(7)
    expected = torch.rand(3).tolist()
    torch.manual_seed(7)
    drawn = []
    states = []
    for state in ranking(few, brief, device="cpu"):
        drawn.append(float(torch.rand(1)))
        states.append(state)
    drawn.append(float(torch.rand(1)))
    assert drawn == expected
    assert all(torch.equal(states[-1].orders[method], undisturbed[method]) for method in CHOSEN)


# The kept order


def test_a_kept_order_is_read_in_place_of_training_again(few, brief, tmp_path, monkeypatch):
    keep = tmp_path / "new" / "order.safetensors"
    orders = last(ranking(few, brief, seed=2, device="cpu", keep=keep)).orders
    before = keep.read_bytes()
    monkeypatch.setattr("dckit.method.baselines.training", never)
    in_vain = (dict(), dict(ipc=12), dict(image_lr=3.0, iterations=7), dict(networks=1, epochs=9), dict(test_images=9))
    for recipe in (brief.but(**changes) for changes in in_vain):  # none of these changes the teacher
        (state,) = ranking(few, recipe, seed=2, device="cpu", keep=keep)
        assert all(torch.equal(state.orders[method], orders[method]) for method in CHOSEN)
        assert (state.done, str(state)) == ((2, 2), "the training images were ranked before")
    assert keep.read_bytes() == before
    with pytest.raises(AssertionError, match="was trained"):
        last(ranking(few, brief, seed=2, device="cpu"))


def test_an_order_is_kept_only_when_it_is_there(few, brief, tmp_path):
    keep = tmp_path / "order.safetensors"
    states = ranking(few, brief, device="cpu", keep=keep)
    next(states)
    states.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "seed", "dataset"),
    [
        (dict(), 1, "digits"),
        (dict(lr=0.02), 0, "digits"),
        (dict(testing={"network": "LeNet"}), 0, "digits"),
        (dict(whole_epochs=1), 0, "digits"),
        (dict(normalisation="report"), 0, "digits"),
        (dict(), 0, "figures"),
    ],
)
def test_an_order_of_something_else_is_refused_and_kept(few, brief, tmp_path, changes, seed, dataset):
    keep = tmp_path / "order.safetensors"
    last(ranking(few, brief, device="cpu", keep=keep))
    before = keep.read_bytes()
    with pytest.raises(ValueError, match="ranks images for another dataset, seed or recipe: delete it") as error:
        last(ranking(replace(few, name=dataset), brief.but(**changes), seed=seed, device="cpu", keep=keep))
    assert str(keep) in str(error.value)
    assert "\n" not in str(error.value)
    assert keep.read_bytes() == before


def test_an_order_of_another_number_of_images_is_refused(digits, few, brief, tmp_path):
    keep = tmp_path / "order.safetensors"
    last(ranking(few, brief, device="cpu", keep=keep))
    with pytest.raises(ValueError, match="ranks images for another dataset"):
        last(ranking(small(digits, 13), brief, device="cpu", keep=keep))


def test_a_damaged_or_foreign_order_is_refused_and_kept(few, brief, tmp_path):
    keep = tmp_path / "order.safetensors"
    last(ranking(few, brief, device="cpu", keep=keep))
    keep.write_bytes(keep.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"order\.safetensors is damaged") as error:
        last(ranking(few, brief, device="cpu", keep=keep))
    assert "\n" not in str(error.value)
    random_images(few).save(keep)
    with pytest.raises(ValueError, match=r"order\.safetensors ranks images for another dataset"):
        last(ranking(few, brief, device="cpu", keep=keep))
    save_file({"herding": torch.zeros(1)}, keep)
    with pytest.raises(ValueError, match=r"order\.safetensors is a safetensors file without dckit's card"):
        last(ranking(few, brief, device="cpu", keep=keep))


def test_more_images_than_were_ranked_are_ranked_anew(few, brief, tmp_path, monkeypatch):
    monkeypatch.setattr("dckit.method.baselines.RANKED", 4)
    keep = tmp_path / "order.safetensors"
    four = last(ranking(few, brief, device="cpu", keep=keep)).orders
    assert {order.shape for order in four.values()} == {(10, 4)}
    states = list(ranking(few, brief.but(ipc=6), device="cpu", keep=keep))
    assert len(states) == 2
    six = states[-1].orders
    for method in CHOSEN:
        assert six[method].shape == (10, 6)
        assert torch.equal(six[method][:, :4], four[method])
    monkeypatch.setattr("dckit.method.baselines.training", never)
    (state,) = ranking(few, brief.but(ipc=5), device="cpu", keep=keep)
    assert torch.equal(state.orders["herding"], six["herding"])


def test_an_order_from_before_a_method_was_added_is_ranked_anew(few, brief, tmp_path):
    keep = tmp_path / "order.safetensors"
    every = last(ranking(few, brief, device="cpu", keep=keep)).orders
    orders, card = read_tensors(keep)
    del orders["nearest"]
    write_tensors(keep, orders, card)
    states = list(ranking(few, brief, device="cpu", keep=keep))
    assert len(states) == 2
    assert all(torch.equal(states[-1].orders[method], every[method]) for method in CHOSEN)
    assert read_tensors(keep)[0].keys() == every.keys()


# The chosen set


@pytest.mark.parametrize("method", CHOSEN)
def test_chosen_images_are_the_first_of_the_order_with_a_card(few, method):
    orders = {m: torch.stack([members.flip(0)[n:] for members in few.train.by_class]) for n, m in enumerate(CHOSEN)}
    chosen = chosen_images(few, orders, method, ipc=3, seed=8)
    assert (chosen.ipc, chosen.labels.tolist()) == (3, [c for c in range(10) for _ in range(3)])
    for c in range(10):
        assert torch.equal(chosen.images[3 * c : 3 * c + 3], few.train.images[orders[method][c, :3]])
    card = chosen.card
    assert (card["method"], card["seed"], card["dataset"], card["normalisation"]) == (method, 8, "digits", "published")
    json.dumps(card)


def test_an_unknown_method_is_refused(few):
    with pytest.raises(ValueError, match="unknown method 'random': expected one of herding") as error:
        chosen_images(few, {"herding": torch.zeros(10, 1, dtype=torch.int64)}, "random")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ipc", [13, 1000])
def test_more_images_than_a_class_has_are_refused_before_training(few, brief, monkeypatch, ipc):
    monkeypatch.setattr("dckit.method.baselines.training", never)
    with pytest.raises(ValueError, match=f"ipc {ipc}: expected 1 to 12 images per class"):
        last(ranking(few, brief.but(ipc=ipc), device="cpu"))


def test_random_images_are_drawn_evenly(few):
    seen = Counter(int(few_index(few, image)) for seed in range(60) for image in random_images(few, 1, seed).images[:1])
    assert len(seen) > 8  # of the twelve zeros


def few_index(few, image):
    return (few.train.images - image).flatten(1).abs().sum(1).argmin()
