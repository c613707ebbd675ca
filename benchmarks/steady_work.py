"""What `benchmarks.steady` times: prints seconds as JSON. It uses only what every version of the kit has."""

import json
import time

import torch

import dckit


def main() -> None:
    """Stage C and stage T at one image per class on noise of MNIST's shape, each after a step that warms up."""
    labels = torch.arange(600) % 10
    pixels = torch.randint(256, (600, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    split = dckit.Split(pixels, labels, (0.5,), (0.25,))
    real = dckit.ImageData("digits", tuple("0123456789"), split, split, "published")
    recipe = dckit.Recipe.published(1, "lesson").but(epochs_augmented=101, test_images=100)
    found = {}

    condensing = vars(dckit).get("condensing", dckit.condense)  # which was the generator before
    list(condensing(real, recipe.but(iterations=1), device="cpu"))
    started = time.perf_counter()
    list(condensing(real, recipe.but(iterations=10), device="cpu"))
    found["stage C, 10 draws"] = time.perf_counter() - started

    condensed = dckit.random_images(real)
    list(dckit.evaluating(condensed, real, recipe.but(networks=2, epochs_augmented=2), device="cpu"))
    for networks in (2, 3):
        started = time.perf_counter()
        list(dckit.evaluating(condensed, real, recipe.but(networks=networks), device="cpu"))
        found[f"stage T, {networks} networks"] = time.perf_counter() - started
    print(json.dumps(found))


if __name__ == "__main__":
    main()
