"""What a ± holds: how far the networks of one condensed set differ, and how far the sets themselves do."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..show import Table


@dataclass(frozen=True)
class Spread:
    """Standard deviations in points of test accuracy, for several sets of one recipe.

    networks: of single networks trained on one set. luck: of the sets' means if all sets were equally good, so that
    only their few networks made them differ. sets: of the sets' means as they were measured.
    """

    networks: float
    luck: float
    sets: float


def spread(sets: Sequence[Sequence[float]]) -> Spread:
    """How far networks and sets differ. ``sets``: for each set the accuracies of its networks.

    Raises ValueError for fewer than two sets, fewer than two networks of a set, and sets of different sizes.
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
    """One row per recipe: the three deviations, and how many times the last one is as large as the second."""
    header = ("recipe", "deviation of networks", "of set means, by luck", "of set means, measured", "times")
    texts = (
        (name, f"{s.networks:.2f}", f"{s.luck:.2f}", f"{s.sets:.2f}", f"{s.sets / s.luck:.1f}")
        for name, s in rows.items()
    )
    return Table(header, tuple(texts), "Standard deviations in points of test accuracy.")
