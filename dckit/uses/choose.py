"""Choosing a network: rank the variants of ConvNet by training each on a few images, in place of the whole dataset."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data import CondensedSet, ImageData, Split
from ..engine import as_torchs_own, at_once, exhausted, numbers, steady, stepwise, whole
from ..method import accuracy, build
from ..method.stage_t import training
from ..method.testing import Testing

CANDIDATE, EARLY = 8, 9  # what a seed is for, see `numbers`
DRAWS = 2000  # of the bootstrap
Variant = Mapping[str, int | str]  # width, depth, activation, pooling, norm
# Networks that differ in one or two choices each, from hopeless to good.
VARIANTS: tuple[Variant, ...] = tuple(
    {"width": width, "depth": depth, "activation": activation, "pooling": pooling, "norm": norm}
    for (width, depth), (activation, pooling, norm) in product(
        ((8, 2), (16, 3), (32, 1), (64, 3)),
        (
            ("relu", "average", "instance"),
            ("relu", "max", "none"),
            ("leakyrelu", "none", "group"),
            ("swish", "average", "layer"),
            ("sigmoid", "average", "batch"),
            ("sigmoid", "max", "none"),
        ),
    )
)


def network_name(variant: Variant) -> str:
    """A variant in words, such as "width 64, depth 3, relu, average pool, instance norm"."""
    words = "width {width}, depth {depth}, {activation}, {pooling} pool, {norm} norm".format(**variant)
    return words.replace("none", "no")


@dataclass(frozen=True)
class Ranked:
    """Test accuracies in % of the variants so far, in their order, and the computing time in seconds."""

    accuracies: tuple[float, ...]
    variants: int
    seconds: float

    def __str__(self) -> str:
        return f"network {len(self.accuracies)} of {self.variants}, the best so far {max(self.accuracies):.1f} %"


@steady()
def ranked(
    data: CondensedSet | Split,
    real: ImageData,
    variants: Sequence[Variant] = VARIANTS,
    epochs: int = 200,
    seed: int = 0,
    images: int | None = None,
) -> Iterator[Ranked]:
    """Train every variant of ConvNet on ``data`` and test it on ``real.test``.

    A generator with the accuracies so far, after every few networks. data: a set, whose images are augmented by DSA's
    kinds in each of the ``epochs``; or ``real.train``, which is not. images: of ``real.train``, only so many, drawn at
    random; with as many images times epochs as a set's training sees this is stopping early at equal cost. Every
    training starts from the same random numbers, whatever ``data`` is.
    """
    seed = whole(seed)
    if isinstance(data, Split) and images is not None:
        index = torch.randperm(len(data), generator=numbers(seed, EARLY))[:images]
        data = Split(data.pixels[index], data.labels[index], data.mean, data.std)
    choices = Testing(network="ConvNet", epochs_augmented=epochs, whole_epochs=epochs, augmentation="dsa")
    return stepwise(_ranked(data, real, list(variants), choices, seed))


def _ranked(
    data: CondensedSet | Split, real: ImageData, variants: list[Variant], choices: Testing, seed: int
) -> Iterator[Ranked]:
    def tested(number: int) -> Iterator[float]:
        generator = numbers(seed, CANDIDATE, number)
        chosen: dict[str, Any] = dict(variants[number])
        with as_torchs_own(generator):
            network = build("ConvNet", real.shape, len(real.classes), **chosen)
        for _ in training(network, data, choices, real.name, generator):
            yield 0.0
        yield accuracy(network, real.test)

    started, together = time.monotonic(), at_once()
    accuracies: tuple[float, ...] = ()
    for first in range(0, len(variants), together):
        batch = [tested(i) for i in range(first, min(first + together, len(variants)))]
        accuracies += tuple(exhausted(batch, torch.device("cpu")))
        yield Ranked(accuracies, len(variants), time.monotonic() - started)


def best_of(true: Sequence[float], share: float) -> list[int]:
    """The numbers of this share of the networks, at least 3: those with the highest accuracies, the best one first."""
    order = sorted(range(len(true)), key=lambda number: -true[number])
    return order[: max(3, round(share * len(true)))]


def rank_correlation(found: Sequence[float], true: Sequence[float], best: float = 1.0) -> tuple[float, float, float]:
    """Spearman's rank correlation of two lists of accuracies, and its 95 % interval.

    best: only among this share of the networks, those that ``true`` puts first. The interval is a bootstrap's over the
    networks, so it says what other networks of this kind would give. NaN where all of one list are equal. Raises
    ValueError for lists of different lengths or of fewer than 3.
    """
    if len(found) != len(true) or len(true) < 3:
        raise ValueError(f"{len(found)} and {len(true)} accuracies: expected two lists of one length, of at least 3")
    kept = best_of(true, best)
    a, b = np.asarray(found, float)[kept], np.asarray(true, float)[kept]
    drawn = np.random.default_rng(0).integers(len(a), size=(DRAWS, len(a)))
    correlations = _spearman(a[drawn], b[drawn])
    correlations = correlations[np.isfinite(correlations)]
    low, high = np.percentile(correlations, (2.5, 97.5)) if len(correlations) else (np.nan, np.nan)
    return float(_spearman(a, b)), float(low), float(high)


def _spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of the ranks in the last dimension, where equal values share the mean of their ranks."""
    from scipy.stats import rankdata  # spearmanr takes no rows, and a second for all draws of a bootstrap

    first, second = (rankdata(x, axis=-1) - (x.shape[-1] + 1) / 2 for x in (a, b))
    lengths = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    with np.errstate(invalid="ignore"):  # 0 / 0 where all values are equal
        return (first * second).sum(-1) / lengths
