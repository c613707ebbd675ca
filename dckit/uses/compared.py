"""Kinds of memory beside each other over several orders of classes, and ways to rank networks at equal cost."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..data import ImageData
from .choose import VARIANTS, Variant
from .remember import Remembered

KINDS = ("condensed", "herding", "random", "none")  # of memory
WAYS = ("condensed", "herding", "random", "early", "whole")  # to rank networks; the last one is what counts
BEST = 1 / 3  # of the networks: the share among which a choice matters


class Memory(NamedTuple):
    """A kind of memory, its images per class (0 without one), and the protocol under which it was used."""

    kind: str
    ipc: int
    protocol: str = "replay"


Memories = Mapping[Memory, Sequence[Remembered]]  # what was remembered, once for each order of the classes


@dataclass(frozen=True)
class Amounts:
    """How much a budget, ``name``, computes.

    steps: of a course, None: all. epochs: of networks that learn from a memory alone. variants: of ConvNet, which are
    ranked. set_epochs: their passes over a set; whole_epochs: over the whole dataset.
    """

    name: str
    steps: int | None
    epochs: int
    variants: tuple[Variant, ...]
    set_epochs: int
    whole_epochs: int


_SMALL = tuple(VARIANTS[i] for i in (0, 3, 5, 7, 12, 17))  # quick ones, one of them hopeless
_AMOUNTS = (
    Amounts("smoke", 3, 60, _SMALL, 60, 15),
    Amounts("lesson", None, 100, VARIANTS, 200, 3),
    Amounts("full", None, 1000, VARIANTS, 1000, 100),
)


def amounts(budget: str) -> Amounts:
    """The amounts of "smoke", "lesson" or "full". Raises ValueError for another budget."""
    found = {its.name: its for its in _AMOUNTS}
    if budget not in found:
        raise ValueError(f"unknown budget {budget!r}: expected one of {', '.join(found)}")
    return found[budget]


def equal_cost(real: ImageData, seen: int) -> dict[str, int]:
    """How many training images, and how often, for a training that sees ``seen`` images in all: for `ranked`."""
    epochs = math.ceil(seen / len(real.train))
    return {"images": seen // epochs, "epochs": epochs}


@dataclass(frozen=True)
class Estimate:
    """A mean over orders and its 95 % interval (Student's), which a single order does not have: then NaN."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """Of one value per order."""
        from scipy.stats import t

        mean = statistics.fmean(values)
        if len(values) < 2:
            return cls(mean, math.nan, math.nan)
        reach = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
        return cls(mean, mean - reach, mean + reach)

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.mean:.1f}"
        return f"{self.mean:.1f} ({self.low:.1f} to {self.high:.1f})".replace("-", "−")


def after(remembered: Sequence[Remembered], step: int = -1, first: bool = False) -> list[float]:
    """Accuracies in % after a step, one per order: of all classes seen by then, or of those of the first step."""
    return [(found.first if first else found.seen)[step] for found in remembered]


def gain(memories: Memories, over: Memory) -> Estimate:
    """Points by which the condensed memory remembers more than ``over`` after the last step.

    Accuracies of one order are compared with each other, and the interval is that of these differences. Raises
    ValueError where one of the two was not measured, or not in the same orders.
    """
    ours = memories.get(over._replace(kind="condensed"), ())
    theirs = memories.get(over, ())
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} orders with {over}: expected the same orders of both")
    return Estimate.of([a - b for a, b in zip(after(ours), after(theirs), strict=True)])


def beats(difference: Estimate) -> bool:
    """Whether all of the interval of a difference lies above 0. A single order has no interval, and beats nothing."""
    return difference.low > 0
