"""Minutes of the published protocol, start to end: what a GPU is for. Two cores would need days for it."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.cases import noise
from benchmarks.timing import synchronised
from dckit import Recipe, condense, evaluate

EACH = 6000  # training images of a class, as MNIST has


def whole_runs(hows: Sequence[str], device: str, budget: str = "full", each: int = EACH) -> Iterator[dict[str, Any]]:
    """Seconds of stage C at 1 and 10 images a class, and of stage T with all its networks, once in each precision.

    Noise of MNIST's shape takes as long as MNIST. Where a GPU's steps are recorded, recording is part of it.
    """
    real = noise("MNIST", 10, each)
    for how in hows:
        for ipc in (1, 10):
            recipe = Recipe.published(ipc, budget).but(precision=how)
            started = time.perf_counter()
            condensed = condense(real, recipe, device=device, progress=False)
            synchronised(device)
            stage_c = time.perf_counter() - started
            scores = evaluate(condensed, real, recipe, device=device, progress=False)
            yield {"precision": how, "ipc": ipc, "stage C": stage_c, "stage T": scores.seconds}
