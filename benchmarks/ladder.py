"""Where the gain of DSA and DM over DC comes from: the way from DC to DSA and on to DM, one change per rung.

python -m benchmarks.ladder     measure what has no result yet (some 25 minutes on two cores), write docs/methods.md

Nobody has printed this. It is measured on MNIST with ten images per class, at a reduced budget.
"""

from itertools import pairwise
from pathlib import Path

from benchmarks.page import HERE, fill
from dckit import load
from dckit.results import Result, Run, effect, measure, pooled, protocol_recipe, read
from dckit.show import Table

OUTPUTS = HERE / "results" / "family"
PAGE = HERE.parent / "docs" / "methods.md"
# Of the smoke budget, but with more real images, all passes of stage T, and the whole test set.
REDUCED = "published + real_batch=64 + epochs_augmented=1001 + test_images=null"
BESIDE = {  # what each row is: the method, and how its recipe differs
    "random real images, tested as DC": ("random", ""),
    "random real images, tested as DSA": ("random", " + augmentation=dsa"),
}
RUNGS = {
    "DC": ("dc", ""),
    "start from real images": ("dc", " + init=real"),
    "augment in stage C": ("dsa", " + augmentation=published"),
    "augment in stage T as well: DSA": ("dsa", ""),
    "match features: DM": ("dm", " + iterations=200"),
    "DM, ten times as many iterations": ("dm", " + iterations=2000"),
}


def run(method: str, words: str) -> Run:
    """What is measured for a row."""
    recipe = protocol_recipe(REDUCED + words, 10, "smoke", method="dc" if method == "random" else method)
    return Run("mnist", method, recipe)


def table(results: dict[str, Result]) -> Table:
    """A row per row of `BESIDE` and `RUNGS`: the accuracy, the gain over the rung before, and what condensing cost."""
    gains = {after: str(effect([results[before]], [results[after]])) for before, after in pairwise(RUNGS)}
    rows = []
    for name, result in results.items():
        seconds = result.scores.card["set"].get("seconds", 0)
        rows.append((name, str(pooled([result])), gains.get(name, ""), f"{seconds:.0f} s"))
    sample = pooled([results["DC"]])
    note = (
        f"MNIST, 10 images per class; {sample.sets} set × {sample.networks} networks of width 32, tested on the whole "
        "test set. The gain is that over the row above, with its 95 % interval over networks; it says nothing about "
        "other sets. DC and DSA: 20 networks drawn in stage C, 10 matching steps each, 64 real images per class. DM: "
        "one step per network, so 200 of them make as many steps."
    )
    return Table(("what changes", "accuracy in %", "gain in points", "condensing"), tuple(rows), note)


def kept(outputs: Path = OUTPUTS) -> dict[str, Result]:
    """The result of each row."""
    return {name: read(run(*what).result_file(outputs)) for name, what in (BESIDE | RUNGS).items()}


def main() -> None:
    """Measure what is missing, and write the page."""
    real = load("mnist")
    for name, what in (BESIDE | RUNGS).items():
        print(name, measure(run(*what), real, OUTPUTS), flush=True)
    fill(PAGE, "ladder of methods", table(kept()).markdown)


if __name__ == "__main__":
    main()
