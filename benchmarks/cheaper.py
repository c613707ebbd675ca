"""Two published ways to fewer iterations, tried on DM and on DC, and written into docs/methods.md.

python -m benchmarks.cheaper     measure what is missing (some twenty minutes on two idle cores), write the page

Real batches by k-means: the real images of a class are clustered by their features, and a batch has one random image of
each cluster (the idea of DREAM, ICCV 2023). Early networks: in place of random weights, the weights of ten networks
that were trained for a hundred batches of real images. The accuracies are those on training images that were held out.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from statistics import fmean, pstdev
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import timing
from benchmarks.page import HERE, fill
from dckit import Recipe, condense, evaluate, load
from dckit.data import ImageData, Split
from dckit.engine import numbers, versions, write_json
from dckit.method import dc, dm, train
from dckit.results import PRINTED, words_of
from dckit.show import Table

RESULTS = HERE / "results" / "family" / "cheaper.json"
PAGE = HERE.parent / "docs" / "methods.md"
HELD_OUT = 500  # training images of each class
POOL, BATCHES = 10, 100  # early networks, and the batches of 64 that they are trained for
WAYS = ("as it is", "k-means batches", "early networks")
FEW = dict(precision="bfloat16", test_images=None)
RECIPES = {
    "dm": Recipe.published(10, method="dm").but(**FEW, iterations=300, real_batch=32, networks=2, epochs_augmented=300),
    "dc": Recipe.published(1, "lesson").but(**FEW, networks=6),
}


def held_out(real: ImageData) -> ImageData:
    """The training images alone: some of each class are the test images."""
    generator = numbers(12345)
    test = torch.cat([own[torch.randperm(len(own), generator=generator)[:HELD_OUT]] for own in real.train.by_class])
    kept = torch.ones(len(real.train), dtype=torch.bool)
    kept[test] = False
    return replace(real, train=_part(real.train, kept.nonzero()[:, 0]), test=_part(real.train, test))


def _part(split: Split, index: Tensor) -> Split:
    return Split(split.pixels[index], split.labels[index], split.mean, split.std)


@contextmanager
def by_clusters(real: ImageData, recipe: Recipe) -> Iterator[None]:
    """Real batches have one image of each cluster of the class."""
    from sklearn.cluster import KMeans

    count, random = recipe.condensing.real_batch, Split.sample
    body = dm.features(train.fresh_network(real, recipe.condensing, numbers(7)).eval())
    clusters = []
    for members in real.train.by_class:
        with torch.no_grad():
            found = torch.cat([body(real.train[part][0]).flatten(1) for part in members.split(200)])
        label = torch.as_tensor(KMeans(count, n_init=1, max_iter=20, random_state=0).fit(found.float().numpy()).labels_)
        clusters.append([members[label == k] for k in range(count)])

    def sample(self: Split, label: int, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        if n != count:
            return random(self, label, n, generator)
        return self[torch.stack([c[torch.randint(len(c), (), generator=generator)] for c in clusters[label]])]

    with patch.object(Split, "sample", sample):
        yield


@contextmanager
def early(real: ImageData, recipe: Recipe) -> Iterator[None]:
    """Networks come from a pool of slightly trained ones, in place of random weights."""
    pool = [_trained(real, recipe, number) for number in range(POOL)]

    def one_of_them(real: ImageData, choices: Any, generator: torch.Generator | None = None) -> nn.Module:
        return deepcopy(pool[int(torch.randint(POOL, (), generator=generator))])

    with ExitStack() as patches:
        for module in (dc, dm, train):
            patches.enter_context(patch.object(module, "fresh_network", one_of_them))
        yield


def _trained(real: ImageData, recipe: Recipe, number: int) -> nn.Module:
    network = train.fresh_network(real, recipe.condensing, numbers(100 + number))
    optimizer, generator = torch.optim.SGD(network.parameters(), 0.01, 0.9), numbers(200 + number)
    for _ in range(BATCHES):
        images, labels = real.train.draw(64, generator)
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return network.eval()


@contextmanager
def unchanged(real: ImageData, recipe: Recipe) -> Iterator[None]:
    """The method as it is."""
    yield


def measured(method: str, way: str) -> dict[str, Any]:
    """One way tried: its accuracies in %, the seconds of condensing, and those of what comes before it."""
    recipe, real = RECIPES[method], held_out(load("cifar10"))
    started = time.monotonic()
    with dict(zip(WAYS, (unchanged, by_clusters, early), strict=True))[way](real, recipe):
        prepared = time.monotonic() - started
        condensed = condense(real, recipe, progress=False)
    scores = evaluate(condensed, real, recipe, progress=False)
    return {
        **{"method": method, "way": way, "ipc": recipe.ipc, "recipe": words_of(recipe), "budget": recipe.budget},
        **{"dataset": real.name, "seed": 0, "accuracies": list(scores.accuracies)},
        **{"seconds": condensed.card["seconds"], "before": prepared},
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """A row per method and way."""
    header = ("method", "dataset", "images per class", "way", "accuracy in %", "networks")
    found = []
    for row in rows:
        reached = f"{fmean(row['accuracies']):.1f} ± {pstdev(row['accuracies']):.1f}"
        what = (row["method"].upper(), PRINTED[row["dataset"]], str(row["ipc"]), row["way"])
        found.append((*what, reached, str(len(row["accuracies"]))))
    return Table(header, tuple(found))


def main() -> None:
    """Measure what is missing, and write the page."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    for method in RECIPES:
        for way in WAYS:
            if not any((row["method"], row["way"]) == (method, way) for row in kept):
                kept.append(measured(method, way))
                print(kept[-1], flush=True)
                write_json(RESULTS, {"machine": timing.machine("cpu"), "versions": versions(), "rows": kept})
    fill(PAGE, "cheaper", table(kept).markdown)


if __name__ == "__main__":
    main()
