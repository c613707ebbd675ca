"""Choosing a network: rank the variants of ConvNet by training each on a few images, in place of the whole dataset."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

from ..data import CondensedSet, ImageData, Split
from ..engine import as_torchs_own, at_once, exhausted, numbers, steady, stepwise, whole
from ..method import accuracy, build
from ..method.stage_t import training
from ..method.testing import Testing

CANDIDATE, EARLY = 8, 9  # what a seed is for, see `numbers`
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
    pool, norm = (f"{'no ' if variant[k] == 'none' else str(variant[k]) + ' '}{w}" for k, w in _WORDS.items())
    return f"width {variant['width']}, depth {variant['depth']}, {variant['activation']}, {pool}, {norm}"


_WORDS = {"pooling": "pool", "norm": "norm"}


@dataclass(frozen=True)
class Ranked:
    """Test accuracies in % of the variants so far, in their order, and the computing time in seconds."""

    accuracies: tuple[float, ...]
    variants: int
    seconds: float

    @property
    def done(self) -> tuple[int, int]:
        """How many variants, of how many."""
        return len(self.accuracies), self.variants

    def __str__(self) -> str:
        best = f", the best so far {max(self.accuracies):.1f} %" if self.accuracies else ""
        return f"network {len(self.accuracies)} of {self.variants}{best}"


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


def rank_correlation(
    found: Sequence[float], true: Sequence[float], best: float = 1.0, draws: int = 2000
) -> tuple[float, float, float]:
    """Spearman's rank correlation of two lists of accuracies, and its 95 % interval.

    best: only among this share of the networks, those that ``true`` puts first. The interval is a bootstrap's over the
    networks, so it says what other networks of this kind would give. NaN where all of one list are equal. Raises
    ValueError for lists of different lengths or of fewer than 3.
    """
    if len(found) != len(true) or len(true) < 3:
        raise ValueError(f"{len(found)} and {len(true)} accuracies: expected two lists of one length, of at least 3")
    a, b = np.asarray(found, float), np.asarray(true, float)
    kept = np.argsort(-b, kind="stable")[: max(3, round(best * len(b)))]
    a, b = a[kept], b[kept]
    random = np.random.default_rng(0)
    drawn = [_spearman(a[i], b[i]) for i in (random.integers(len(a), size=len(a)) for _ in range(draws))]
    drawn = [value for value in drawn if np.isfinite(value)]
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (np.nan, np.nan)
    return _spearman(a, b), float(low), float(high)


def _spearman(a: Any, b: Any) -> float:
    """Pearson's correlation of the ranks, where equal values share the mean of their ranks."""
    from scipy.stats import rankdata  # spearmanr itself takes a second for all draws of a bootstrap

    first, second = (ranks - ranks.mean() for ranks in map(rankdata, (a, b)))
    lengths = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / lengths if lengths else float("nan")
