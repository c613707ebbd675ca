"""What a ± contains: differences between the networks of one set, and differences between sets."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..show import Table


@dataclass(frozen=True)
class Spread:
    """Standard deviations in points of test accuracy, for several sets of one recipe.

    networks: deviation of single networks trained on the same set. luck: the deviation of set means to be expected if
    all sets were equally good, so that their means differ only because each set has few networks. sets: the measured
    deviation of set means.
    """

    networks: float
    luck: float
    sets: float


def spread(sets: Sequence[Sequence[float]]) -> Spread:
    """The deviations of networks and of sets. sets: for each set, the accuracies of its networks in %.

    Raises ValueError for fewer than two sets, fewer than two networks per set, or sets with different numbers of
    networks.
    """
    sizes = {len(accuracies) for accuracies in sets}
    if len(sets) < 2 or len(sizes) != 1 or min(sizes) < 2:
        raise ValueError(
            f"sets with {[len(a) for a in sets]} networks: expected two sets or more, with two networks or more each, "
            "as many for each set"
        )
    variance = statistics.fmean(statistics.variance(accuracies) for accuracies in sets)
    means = [statistics.fmean(accuracies) for accuracies in sets]
    return Spread(math.sqrt(variance), math.sqrt(variance / min(sizes)), statistics.stdev(means))


def spread_table(rows: Mapping[str, Spread]) -> Table:
    """One row per recipe: the three deviations, and the third divided by the second."""
    header = ("recipe", "deviation of networks", "of set means, by luck", "of set means, measured", "times")
    texts = (
        (name, f"{s.networks:.2f}", f"{s.luck:.2f}", f"{s.sets:.2f}", f"{s.sets / s.luck:.1f}")
        for name, s in rows.items()
    )
    return Table(header, tuple(texts), "Standard deviations in points of test accuracy.")
