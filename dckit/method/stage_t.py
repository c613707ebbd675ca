"""Stage T: train fresh networks on a condensed set, and test them on real images."""

import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..data import CondensedSet, ImageData, Split
from ..engine import at_once, device_name, exhausted, numbers, pick_device, steady, stepwise, tf32, versions, whole
from .augment import strategy
from .recipes import Recipe, refuse_confused
from .testing import Testing
from .train import accuracy, fresh_network, train_epoch

NETWORK, TEST_IMAGES, TEACHER = 2, 3, 5  # what the random numbers of a seed are used for, see `numbers`
IMAGES_AT_ONCE = 2000  # on a GPU: the most images in the batches of all networks that it trains at once


@dataclass(frozen=True)
class Scores:
    """Test accuracies in %, one per network, and a card that says how they were measured. seconds: computing time."""

    accuracies: tuple[float, ...]
    seconds: float
    card: dict[str, Any]

    @property
    def mean(self) -> float:
        """Mean accuracy in %."""
        return statistics.fmean(self.accuracies)

    @property
    def std(self) -> float:
        """Population standard deviation over the networks, in points, as the paper and the report print it.

        It says how much networks differ. It does not say how certain the mean is, or how much other sets would differ.
        """
        return statistics.pstdev(self.accuracies)

    @property
    def done(self) -> tuple[int, int]:
        """Networks done, and networks in all."""
        return len(self.accuracies), self.card["networks"]

    def __str__(self) -> str:
        if len(self.accuracies) == 1:
            return f"{self.mean:.1f} % with one network"
        return f"{self.mean:.1f} ± {self.std:.1f} % over {len(self.accuracies)} networks"


@steady()
def evaluating(
    data: CondensedSet | Split, real: ImageData, recipe: Recipe, seed: int = 0, device: str = "auto"
) -> Iterator[Scores]:
    """Train ``recipe.testing.networks`` fresh networks on ``data`` and test them on ``real.test``.

    A generator that yields the scores so far after each network. data: a condensed set, or ``real.train`` for the whole
    dataset; then ``whole_networks`` networks train for ``whole_epochs`` epochs, without augmentation. device: as for
    `pick_device`. Raises ValueError if the set has another shape, other classes or another normalisation than
    ``real``.
    """
    refuse_confused(real, recipe)
    seed = whole(seed)
    real = real.normalised(recipe.testing.normalisation)
    if isinstance(data, CondensedSet):
        _refuse_foreign(data, real)
    elif not isinstance(data, Split):
        given = repr(data) if isinstance(data, str) else f"of type {type(data).__name__}"
        raise ValueError(f'data {given}: expected a set, such as dckit.CondensedSet.load("mnist-1"), or real.train')
    else:
        data = replace(data, mean=real.mean, std=real.std)
    where = pick_device(device, recipe.testing.precision)
    fresh_network(real, recipe.testing, numbers(seed))  # raises ValueError if it cannot take the images
    return stepwise(_evaluating(data, real, recipe, seed, where))


def _evaluating(
    data: CondensedSet | Split, real: ImageData, recipe: Recipe, seed: int, device: torch.device
) -> Iterator[Scores]:
    started = time.monotonic()
    choices = recipe.testing
    networks = choices.whole_networks if isinstance(data, Split) else choices.networks
    purpose = TEACHER if isinstance(data, Split) else NETWORK
    card = {"dataset": real.name, "digest": real.digest, "recipe": recipe.as_json(), "seed": seed, "networks": networks}
    card |= {"majority": round(replace(real, test=_test_images(real.test, choices.test_images)).majority, 2)}
    card |= {"set": {"method": "whole"} if isinstance(data, Split) else _origin(data)}
    card |= {"versions": versions(), "device": device_name(device)}
    data, test = data.to(device), _test_images(real.test, choices.test_images).to(device)

    def tested(i: int) -> Iterator[float]:
        generator = numbers(seed, purpose, i)
        network = fresh_network(real, choices, generator).to(device)
        for _ in training(network, data, choices, real.name, generator):
            yield math.nan
        yield accuracy(network, test)

    accuracies: tuple[float, ...] = ()
    together = at_once() if device.type == "cpu" else max(1, IMAGES_AT_ONCE // min(choices.batch, len(data)))
    for first in range(0, networks, together):
        with tf32(choices.precision == "tf32"):
            found = exhausted([tested(i) for i in range(first, min(first + together, networks))], device)
        for each in found:
            accuracies = (*accuracies, each)
            yield Scores(accuracies, time.monotonic() - started, card)


def _origin(data: CondensedSet) -> dict[str, Any]:
    """The entries of a set's card that a result keeps."""
    kept = ("method", "source", "digest", "recipe", "seed", "iteration", "seconds", "device")
    return {"ipc": data.ipc} | {k: data.card[k] for k in kept if k in data.card}


def training(
    network: nn.Module,
    data: CondensedSet | Split,
    choices: Testing,
    dataset: str,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:
    """Train a network on condensed images or on the whole dataset.

    A generator that yields the result of `train_epoch` after each epoch. As published: SGD with momentum and weight
    decay, and one drop of the learning rate. At the drop the code makes a new optimiser, so momentum restarts at 0.
    dataset: its name, which decides the augmentation. generator: source of all random numbers (None: torch's global
    one).
    """
    whole = isinstance(data, Split)
    augmentation = "none" if whole else strategy(choices.augmentation, dataset)
    epochs = choices.whole_epochs if whole else choices.epochs if augmentation == "none" else choices.epochs_augmented
    images_and_labels = data[:]
    optimizer = _sgd(network, choices.lr, choices)
    for epoch in range(epochs):
        yield train_epoch(network, optimizer, images_and_labels, choices.batch, augmentation, generator)
        if epoch == (epochs - 1) // 2 + 1:
            optimizer = _sgd(network, choices.lr * choices.lr_drop, choices)


def _sgd(network: nn.Module, lr: float, choices: Testing) -> torch.optim.SGD:
    return torch.optim.SGD(network.parameters(), lr, choices.momentum, weight_decay=choices.weight_decay)


def _test_images(test: Split, n: int | None) -> Split:
    """The whole test set, or ``n`` of its images: the same ones for every seed, so that scores can be compared."""
    if n is None or n >= len(test):
        return test
    index = torch.randperm(len(test), generator=numbers(0, TEST_IMAGES))[:n]
    return Split(test.pixels[index], test.labels[index], test.mean, test.std)


def _refuse_foreign(data: CondensedSet, real: ImageData) -> None:
    """Raise ValueError for a set of another shape, other classes or another normalisation."""
    for key, here in (
        ("shape", list(real.shape)),
        ("classes", list(real.classes)),
        ("normalisation", real.normalisation),
        ("mean", list(real.mean)),
        ("std", list(real.std)),
    ):
        if data.card[key] != here:
            raise ValueError(f"the condensed set has {key} {data.card[key]}, the test images have {here}")
