"""Store how noise becomes a condensed set, for `widgets.growth`: images at a few iterations, and what they teach.

nice python tools/growth.py --data .data     # some minutes; --tested lesson trains wider networks, and takes longer
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from dckit import CondensedSet, Recipe, condensing, evaluate, load
from dckit.data import ImageData
from dckit.engine import write_tensors
from dckit.show import watch
from dckit.widgets.growth import STORED

ITERATIONS = (0, 1, 2, 4, 8, 15, 30, 60, 120, 240)  # denser where more changes
SEED, NETWORKS = 0, 3


def main() -> None:
    """Condense MNIST by the published recipe at budget lesson, test its stages, and write both."""
    parser = argparse.ArgumentParser(prog="python tools/growth.py", description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with torchvision's MNIST")
    parser.add_argument("--tested", default="smoke", help="budget of the test (default: smoke)")
    asked = parser.parse_args()
    real = load("mnist", root=asked.data)
    store(real, Recipe.published(budget="lesson"), Recipe.published(budget=asked.tested).but(networks=NETWORKS), STORED)


def store(
    real: ImageData, recipe: Recipe, tested: Recipe, path: Path, iterations: tuple[int, ...] = ITERATIONS
) -> None:
    """Write the images of one run at these iterations, and the accuracies of networks trained on each of them.

    recipe: of stage C; tested: whose stage T the accuracies are of. The images are kept as pictures, in whole numbers
    from 0 to 255: they are to be looked at. The networks are trained on them as they were.
    """
    started = time.monotonic()
    sets = stages(real, recipe, iterations)
    scores = [evaluate(condensed, real, tested, SEED) for condensed in sets]
    tensors = {
        "iterations": torch.tensor(iterations),
        "pixels": torch.stack([(255 * condensed.pixels).round().to(torch.uint8) for condensed in sets]),
        "accuracies": torch.tensor([s.accuracies for s in scores]),
    }
    kept = ("dataset", "classes", "digest", "method", "recipe", "seed", "versions", "device")
    card = {key: sets[-1].card[key] for key in kept} | {"tested": tested.testing.decisive, "budget": tested.budget}
    write_tensors(path, tensors, card | {"seconds": round(time.monotonic() - started)})


def stages(real: ImageData, recipe: Recipe, iterations: tuple[int, ...]) -> list[CondensedSet]:
    """The sets of one run at these iterations; 0 is the noise that it begins with."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "run.safetensors"
        states = condensing(real, recipe, SEED, checkpoint=checkpoint)  # writes the start before any work
        found = [CondensedSet.load(checkpoint)] if 0 in iterations else []
        return found + [state.condensed for state in watch(states) if state.iteration in iterations]


if __name__ == "__main__":
    main()
