"""Give a condensed set a name in the kit: test it as published, write that on its card, and put it into the package.

python tools/ship.py mnist-1 outputs/sets/mnist-1-dc-ConvNet-published-full-0.safetensors --networks 20
python tools/ship.py cifar10-10-dm outputs/sets/cifar10-10-dm-….safetensors --networks 3
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from dckit import CondensedSet, Recipe, evaluating, load
from dckit.data import SHIPPED
from dckit.results import Run, read
from dckit.show import watched


def main() -> None:
    """Test a set on the whole test set, and save it with its accuracy.

    A set that is not DC's is tested twice: as its own method is published, with augmentation, and without any.
    """
    parser = argparse.ArgumentParser(prog="python tools/ship.py", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="by which CondensedSet.load will know it")
    parser.add_argument("file", type=Path, help="the finished set, in a folder outputs/sets")
    parser.add_argument("--networks", type=int, default=20, help="how many to test it with (default: 20, as published)")
    asked = parser.parse_args()
    condensed = CondensedSet.load(asked.file)
    made = Recipe.read(condensed.card["recipe"])
    published = Recipe.published(condensed.ipc, method=made.method).but(
        networks=asked.networks, testing={"precision": made.condensing.precision}
    )
    outputs = asked.file.parent.parent
    card = condensed.card | {"name": asked.name, "accuracy": accuracy(condensed, made, published, outputs)}
    if made.method != "dc":
        card["plain_accuracy"] = accuracy(condensed, made, published.but(augmentation="none"), outputs)
    replace(condensed, card=card).save(SHIPPED / f"{asked.name}.safetensors")


def accuracy(condensed: CondensedSet, made: Recipe, tested: Recipe, outputs: Path) -> dict[str, Any]:
    """What the set reaches in the test of ``tested``: the result of this very run, if ``outputs`` has it."""
    recipe = replace(made, testing=tested.testing)
    run = Run(condensed.card["dataset"], made.method, recipe, condensed.card["seed"])
    kept = run.result_file(outputs)
    scores = read(kept).scores if kept.exists() else watched(evaluating(condensed, load(run.dataset), recipe))
    return {
        **{"mean": round(scores.mean, 2), "std": round(scores.std, 2), "accuracies": list(scores.accuracies)},
        **{"testing": recipe.testing.decisive, "seed": scores.card["seed"], "seconds": round(scores.seconds)},
        **{"versions": scores.card["versions"], "device": scores.card["device"]},
    }


if __name__ == "__main__":
    main()
