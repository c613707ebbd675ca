"""Sets of real images to compare a condensed set with: random images, and the selections of Table 1."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data import CondensedSet, ImageData, Split, base_card
from ..engine import expanded, numbers, pick_device, read_tensors, steady, stepwise, versions, whole, write_tensors
from .recipes import Recipe
from .stage_t import TEACHER, training
from .train import features, fresh_network

RANDOM = 4  # what the random numbers of a seed are used for, see `numbers`
CHOSEN = ("herding", "k_center", "forgetting", "nearest")
RANKED = 50  # images ranked per class: the most that Table 1 needs, so that one ranking serves all its rows


@steady()
def random_images(real: ImageData, ipc: int = 1, seed: int = 0) -> CondensedSet:
    """A set of ``ipc`` random training images per class: "random" in Table 1.

    Raises ValueError if a class has fewer than ``ipc`` images.
    """
    seed = whole(seed)
    real.refuse_ipc(ipc)
    generator = numbers(seed, RANDOM)
    by_class = real.train.by_class
    index = torch.cat([members[torch.randperm(len(members), generator=generator)[:ipc]] for members in by_class])
    return _as_set(real, "random", index, ipc, seed)


@dataclass(frozen=True)
class Ranking:
    """The progress of the teacher that ranks the training images, and at the end the ranking.

    The teacher is a network trained on the whole training set. right: share of the training images, in %, that it
    classified correctly during the last epoch; NaN if the ranking was read from a file. orders: a method's name →
    (classes, ranked) indices of training images, best first; empty before the last epoch ends.
    """

    epoch: int
    epochs: int
    right: float
    orders: dict[str, Tensor]

    @property
    def done(self) -> tuple[int, int]:
        """Epochs done, and epochs in all."""
        return self.epoch, self.epochs

    def __str__(self) -> str:
        if math.isnan(self.right):
            return "the training images were ranked before"
        return f"whole training set: epoch {self.epoch} of {self.epochs}, {self.right:.1f} % right"


def ranking(
    real: ImageData, recipe: Recipe, seed: int = 0, device: str = "auto", keep: str | Path | None = None
) -> Iterator[Ranking]:
    """Train a teacher on the whole training set, and rank each class's images by each method of `CHOSEN`.

    A generator that yields a `Ranking` after each epoch. The teacher is the first network that stage T trains on the
    whole dataset under ``recipe``. keep: a file for the ranking; later calls read it. Raises ValueError if this file
    holds the ranking of another dataset, seed or recipe, or if a class has fewer than ``recipe.ipc`` images.
    """
    seed = whole(seed)
    real = real.normalised(recipe.testing.normalisation)
    real.refuse_ipc(recipe.ipc)
    what = {"dataset": real.name, "digest": real.digest, "seed": seed, "recipe": recipe.testing.of_teacher}
    card = {"ranking": what}
    if keep is not None and expanded(keep).exists():
        orders, found = read_tensors(keep)
        if found != card:
            raise ValueError(f"{keep} ranks images for another dataset, seed or recipe: delete it or name another file")
        if all(method in orders and orders[method].shape[1] >= recipe.ipc for method in CHOSEN):
            epochs = recipe.testing.whole_epochs
            yield Ranking(epochs, epochs, float("nan"), orders)
            return
    for state in stepwise(_ranking(real, recipe, seed, pick_device(device, recipe.testing.precision))):
        if state.orders and keep is not None:
            write_tensors(keep, state.orders, card)
        yield state


def _ranking(real: ImageData, recipe: Recipe, seed: int, device: torch.device) -> Iterator[Ranking]:
    choices = recipe.testing
    count = min(max(RANKED, recipe.ipc), *(len(members) for members in real.train.by_class))
    train = real.train.to(device)
    forgotten = torch.zeros(len(train), device=device)
    before = ever = torch.zeros(len(train), dtype=torch.bool, device=device)
    generator = numbers(seed, TEACHER, 0)
    teacher = fresh_network(real, choices, generator).to(device)
    epochs = training(teacher, train, choices, real.name, generator)
    orders: dict[str, Tensor] = {}
    for epoch in range(1, choices.whole_epochs + 1):
        right = next(epochs)
        forgotten += before & ~right  # a forgetting event: correct in the epoch before, wrong in this one
        before, ever = right, ever | right
        if epoch == choices.whole_epochs:
            forgotten[~ever] = torch.inf  # images that were never classified correctly rank first
            orders = _orders(teacher, train, forgotten.cpu(), count, generator)
        yield Ranking(epoch, choices.whole_epochs, 100 * float(right.float().mean()), orders)


def _orders(
    teacher: nn.Module, train: Split, forgotten: Tensor, count: int, generator: torch.Generator
) -> dict[str, Tensor]:
    orders: dict[str, list[Tensor]] = {method: [] for method in CHOSEN}
    for members in train.by_class:
        features = _features(teacher, train, members)
        orders["herding"].append(members[herding(features, count)])
        orders["k_center"].append(members[k_center(features, count)])
        orders["nearest"].append(members[nearest(features, count)])
        # images that were forgotten equally often are put in random order
        shuffled = members[torch.randperm(len(members), generator=generator)]
        orders["forgetting"].append(shuffled[torch.argsort(forgotten[shuffled], descending=True, stable=True)[:count]])
    return {method: torch.stack(rows) for method, rows in orders.items()}


@torch.inference_mode()
def _features(teacher: nn.Module, train: Split, members: Tensor, batch: int = 50) -> Tensor:
    """The inputs of the teacher's last layer for these images: (n, features), on the CPU."""
    body = features(teacher).eval()
    return torch.cat([body(train[part.to(train.labels.device)][0]).cpu() for part in members.split(batch)])


def herding(features: Tensor, count: int) -> Tensor:
    """Indices of ``count`` rows of ``features`` (n, d), chosen one by one.

    Each row is the one that brings the mean of the chosen rows closest to the mean of all rows. Source: Welling 2009,
    as used by Rebuffi et al. 2017 (iCaRL, algorithm 4), whom the paper cites.
    """
    mean, total = features.mean(0), torch.zeros_like(features[0])
    free = torch.ones(len(features), dtype=torch.bool)
    chosen = []
    for n in range(1, count + 1):
        off = ((total + features) / n - mean).norm(dim=1)
        chosen.append(int(off.where(free, torch.inf).argmin()))
        free[chosen[-1]] = False
        total = total + features[chosen[-1]]
    return torch.tensor(chosen)


def nearest(features: Tensor, count: int) -> Tensor:
    """Indices of the ``count`` rows of ``features`` (n, d) that are nearest to their mean, each chosen for itself.

    This is how the paper describes herding. Its printed numbers fit this better than they fit `herding`, see
    ``docs/results.md``.
    """
    return (features - features.mean(0)).norm(dim=1).argsort(stable=True)[:count]


def k_center(features: Tensor, count: int) -> Tensor:
    """Indices of ``count`` rows of ``features`` (n, d): the one nearest to the mean, then always the farthest one.

    The farthest row is the one with the largest distance to its nearest chosen row. Source: the greedy algorithm of
    Sener and Savarese 2018, whom the paper cites. Their algorithm may start at any row. The paper starts at the mean,
    as its author says in issue 21 of the published code.
    """
    chosen = [int((features - features.mean(0)).norm(dim=1).argmin())]
    closest = torch.full((len(features),), torch.inf)
    for _ in range(count - 1):
        closest = torch.minimum(closest, (features - features[chosen[-1]]).norm(dim=1))
        closest[chosen[-1]] = -1  # not chosen again, even if all other rows are equal to it
        chosen.append(int(closest.argmax()))
    return torch.tensor(chosen)


def chosen_images(real: ImageData, orders: dict[str, Tensor], method: str, ipc: int = 1, seed: int = 0) -> CondensedSet:
    """The first ``ipc`` images of each class in the order of a method of `CHOSEN`, as a set.

    orders: from the last `Ranking`. seed: the seed of that ranking, for the card. Raises ValueError for an unknown
    method.
    """
    if method not in orders:
        raise ValueError(f"unknown method {method!r}: expected one of {', '.join(orders)}")
    return _as_set(real, method, orders[method][:, :ipc].flatten(), ipc, seed)


def _as_set(real: ImageData, method: str, index: Tensor, ipc: int, seed: int) -> CondensedSet:
    images = real.train[index.to(real.train.labels.device)][0]
    card = base_card(real) | {"method": method, "seed": seed, "versions": versions()}
    return CondensedSet(images.cpu(), torch.arange(len(real.classes)).repeat_interleave(ipc), card)
