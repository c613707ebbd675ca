"""What was measured and made once stays: results and shipped sets to the bit, images of new runs to four digits.

tests/pinned.json was written by `python tests/test_pinned.py` at version 0.1, after runs had become the same on any
number of threads. Last digits differ between processors, so new runs are compared to 0.1 % of their largest
number, a few of them less closely.
"""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from runs import last

import dckit
from dckit import Recipe, condensing, evaluate
from dckit.data import CondensedSet, shipped_sets
from dckit.results import with_shipped

FILE = Path(__file__).with_name("pinned.json")
SMALL = dict(iterations=3, real_batch=16, width=8, norm_images=2, networks=2, epochs=4, epochs_augmented=6)
TWICE = dict(matching_steps=2, network_steps=2, network_lr=0.1)
RECIPES = {
    "published": lambda: Recipe.published(1, "smoke").but(**SMALL),
    "published, several": lambda: Recipe.published(2, "smoke").but(**SMALL, **TWICE, network_momentum=0.5),
    "report": lambda: Recipe.report(1, "smoke").but(**SMALL),
    "report, several": lambda: Recipe.report(2, "smoke").but(**SMALL, **TWICE),
    "report, AlexNet": lambda: Recipe.report(1, "smoke", "AlexNet").but(**SMALL | dict(width=2, iterations=1)),
    "real start": lambda: Recipe.published(2, "smoke").but(**SMALL, init="real"),
    "ungrouped": lambda: Recipe.published(2, "smoke").but(**SMALL, by_class=False),
    "mse": lambda: Recipe.published(1, "smoke").but(**SMALL, metric="mse"),
    "cos": lambda: Recipe.published(1, "smoke").but(**SMALL, metric="cos"),
    "bfloat16": lambda: Recipe.published(1, "smoke").but(**SMALL, precision="bfloat16"),
    **{
        name: lambda name=name: Recipe.published(2, "smoke", name).but(**SMALL, **TWICE)
        for name in ("MLP", "LeNet", "VGG11", "ResNet18", "AlexNet")
    },
}


def measured(digits, name):
    """Losses, some pixels and accuracies of a small run."""
    recipe = RECIPES[name]()
    state = last(condensing(digits, recipe, seed=5, device="cpu"))
    scores = evaluate(state.condensed, digits, recipe, seed=5, device="cpu")
    pixels = state.images.flatten()[::211].tolist()
    return {"losses": state.losses, "pixels": pixels, "accuracies": list(scores.accuracies)}


def digest(values):
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def results():
    return sorted(
        digest([r.run.dataset, r.run.method, r.run.seed, r.run.recipe.ipc, r.scores.accuracies])
        for r in with_shipped([])
    )


def sets():
    return {name: digest(CondensedSet.load(name).images.flatten().tolist()) for name in shipped_sets()}


# Whose last digits a processor changes most: in black corners many numbers are nearly 0, or pass through many layers.
ROUGH = {"real start": 0.05, "ResNet18": 0.1, "bfloat16": 0.05}

PINNED = json.loads(FILE.read_text()) if FILE.exists() else {}


@pytest.mark.parametrize("name", RECIPES)
def test_a_small_run_makes_what_it_made(digits, name):
    found = measured(digits, name)
    for key in ("losses", "pixels"):
        was = torch.tensor(PINNED["runs"][name][key])
        # Sums of thousands of float32 numbers wander with the order that a processor takes them in.
        near = ROUGH.get(name, 1e-3) * float(was.abs().max())
        torch.testing.assert_close(torch.tensor(found[key]), was, rtol=0, atol=near)
    # After four epochs, the last digits still decide how a deep network classifies some of the test images.
    assert found["accuracies"] == pytest.approx(PINNED["runs"][name]["accuracies"], abs=5 if name == "VGG11" else 3)


def test_every_shipped_result_is_what_was_measured():
    assert set(PINNED["results"]) <= set(results())


def test_every_shipped_set_has_the_images_that_were_made():
    assert PINNED["sets"].items() <= sets().items()


if __name__ == "__main__":
    torch.set_num_threads(1)
    real = dckit.load("digits")
    runs = {name: measured(real, name) for name in RECIPES}
    FILE.write_text(json.dumps({"runs": runs, "results": results(), "sets": sets()}, indent=1) + "\n")
