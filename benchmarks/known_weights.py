"""DD on MNIST for known initial weights: what ten images give from these weights, and from others.

python -m benchmarks.known_weights     some three minutes on two idle cores; writes docs/methods.md
"""

import json
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks import timing
from benchmarks.page import HERE, fill
from dckit import Recipe, condensing, load
from dckit.engine import versions, write_json
from dckit.method.dd import own_accuracy
from dckit.results import words_of
from dckit.show import Table

RESULTS = HERE / "results" / "family" / "known_weights.json"
PAGE = HERE.parent / "docs" / "methods.md"
RECIPE = Recipe.published(1, network="LeNet", method="dd").but(
    weights="fixed", iterations=5000, real_batch=256, image_lr=0.03
)
OTHERS = range(1, 6)  # seeds of other initial weights


def measured() -> dict[str, Any]:
    """The accuracies in % after the learned steps, and the seconds of condensing."""
    real = load("mnist")
    state = deque(condensing(real, RECIPE, seed=0), maxlen=1).pop()
    without = {name: tensor for name, tensor in state.learned.items() if not name.startswith("weight ")}
    return {
        **{"recipe": words_of(RECIPE), "budget": RECIPE.budget, "seed": 0, "seconds": state.seconds},
        "known": own_accuracy(RECIPE.condensing, state.learned, real, state.labels),
        "others": [own_accuracy(RECIPE.condensing, without, real, state.labels, seed) for seed in OTHERS],
    }


def table(found: dict[str, Any]) -> Table:
    """Two rows: the known weights, and others."""
    low, high = min(found["others"]), max(found["others"])
    rows = (
        ("the known ones", f"{found['known']:.1f}"),
        (f"others ({len(found['others'])} seeds)", f"{low:.1f} to {high:.1f}"),
    )
    recipe = f"LeNet, {RECIPE.condensing.iterations} iterations with {RECIPE.condensing.real_batch} real images"
    note = f"MNIST, 1 image per class, {recipe}, {found['seconds']:.0f} s of condensing; the whole test set."
    return Table(("initial weights", "accuracy in %"), rows, note)


def write_page(page: Path = PAGE) -> None:
    """Write what was measured."""
    fill(page, "known weights", table(json.loads(RESULTS.read_text(encoding="utf-8"))).markdown)


if __name__ == "__main__":
    write_json(RESULTS, {"machine": timing.machine("cpu"), "versions": versions()} | measured())
    write_page()
