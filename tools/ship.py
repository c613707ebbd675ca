"""Give a condensed set a name in the kit: test it as published, write that on its card, and put it into the package.

python tools/ship.py mnist-1 outputs/sets/mnist-1-dc-ConvNet-published-full-0.safetensors --networks 20
"""

import argparse
from dataclasses import replace
from pathlib import Path

from dckit import CondensedSet, Recipe, evaluating, load
from dckit.data import SHIPPED
from dckit.method import Scores
from dckit.results import Run, read
from dckit.show import watched


def main() -> None:
    """Test a set in float32 on the whole test set, and save it with its accuracy."""
    parser = argparse.ArgumentParser(prog="python tools/ship.py", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="by which CondensedSet.load will know it")
    parser.add_argument("file", type=Path, help="the finished set, in a folder outputs/sets")
    parser.add_argument("--networks", type=int, default=20, help="how many to test it with (default: 20, as published)")
    asked = parser.parse_args()
    condensed = CondensedSet.load(asked.file)
    recipe = Recipe.published(condensed.ipc).but(networks=asked.networks)
    scores = tested(condensed, recipe, asked.file.parent.parent)
    accuracy = {
        **{"mean": round(scores.mean, 2), "std": round(scores.std, 2), "accuracies": list(scores.accuracies)},
        **{"testing": recipe.testing.decisive, "seed": scores.card["seed"], "seconds": round(scores.seconds)},
        **{"versions": scores.card["versions"], "device": scores.card["device"]},
    }
    card = condensed.card | {"name": asked.name, "accuracy": accuracy}
    replace(condensed, card=card).save(SHIPPED / f"{asked.name}.safetensors")


def tested(condensed: CondensedSet, recipe: Recipe, outputs: Path) -> Scores:
    """The result of this very test, if ``outputs`` has it; else it is tested now."""
    run = Run(condensed.card["dataset"], "dc", Recipe.read(condensed.card["recipe"]), condensed.card["seed"])
    kept = run.result_file(outputs)
    if run.recipe.testing.decisive == recipe.testing.decisive and kept.exists():
        return read(kept).scores
    return watched(evaluating(condensed, load(run.dataset), recipe))


if __name__ == "__main__":
    main()
