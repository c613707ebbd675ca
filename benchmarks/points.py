"""Ways to condense, and what each reached: measured once, and kept as results of the kit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from benchmarks.page import HERE
from dckit import Recipe, load
from dckit.data import ImageData
from dckit.method import condensing
from dckit.method.checkpoint import save_checkpoint
from dckit.results import PRINTED, Result, Run, measure, read

RESULTS = HERE / "results" / "frontier"
SECONDS = RESULTS / "seconds.json"


@dataclass(frozen=True)
class Way:
    """A way to condense, measured after several numbers of iterations.

    changes: what is other than published at the lesson budget. All is multiplied in bfloat16, unless they say
    otherwise, and tested on the whole test set with networks of the published width.
    """

    dataset: str
    ipc: int
    after: tuple[int, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    sets: int = 1

    def run(self, iterations: int, seed: int) -> Run:
        """What is measured after so many iterations."""
        recipe = Recipe.published(self.ipc, "lesson").but(precision="bfloat16", test_images=None, iterations=iterations)
        return Run(self.dataset, "dc", recipe.but(**self.changes).but(testing={"width": 128}), seed)


_REAL, _REAL_FAR = {"init": "real", "image_lr": 0.3}, {"init": "real", "image_lr": 1.0}
# Ten images per class: a tenth of the published epochs between matching steps at ten times the rate, looked at with one
# network of stage T.
_TRAINED = _REAL_FAR | {"network_steps": 5, "network_lr": 0.1, "real_batch": 32, "networks": 1}
WAYS = (
    Way("mnist", 1, (60, 120)),
    Way("mnist", 1, (240, 480), sets=3),
    *(Way("mnist", 1, (240,), {"epochs_augmented": epochs}) for epochs in (101, 301)),
    Way("mnist", 1, (50, 100, 200, 400), {"image_lr": 0.3}),
    Way("mnist", 1, (50,), _REAL, 2),
    Way("mnist", 1, (100, 200, 400), _REAL, 3),
    *(Way("mnist", 1, (200,), _REAL | {"epochs_augmented": epochs}) for epochs in (101, 301)),
    Way("mnist", 1, (200, 400), _REAL | {"precision": "float32"}),
    Way("mnist", 1, (200,), _REAL | {"width": 64}, 3),
    Way("mnist", 1, (400,), _REAL | {"width": 64}),
    Way("mnist", 1, (10, 20, 40), _REAL | {"matching_steps": 5, "network_steps": 10}),
    Way("mnist", 1, (25, 50), _REAL_FAR),
    Way("mnist", 1, (100, 200), _REAL_FAR, 3),
    Way("mnist", 1, (50, 100, 200), _REAL_FAR | {"real_batch": 32}),
    Way("fashionmnist", 1, (60, 240)),
    Way("fashionmnist", 1, (480,), sets=3),
    Way("fashionmnist", 1, (240,), {"precision": "float32"}),
    Way("fashionmnist", 1, (240, 480, 700), {"image_lr": 0.3}),
    Way("fashionmnist", 1, (200, 400), {"init": "real"}),
    Way("fashionmnist", 1, (25, 50, 100, 200, 400), _REAL),
    Way("fashionmnist", 10, (25, 50), _REAL | {"matching_steps": 1}),
    Way("fashionmnist", 10, (25, 50, 100), _REAL_FAR | {"matching_steps": 1, "real_batch": 128, "networks": 1}),
    Way("fashionmnist", 10, (3, 6), _REAL | {"network_steps": 10}),
    Way("fashionmnist", 10, (5, 10, 20), _TRAINED),
    Way("fashionmnist", 10, (20, 40), _TRAINED | {"width": 64}),
    Way("cifar10", 1, (240, 700), sets=3),
    Way("cifar10", 1, (480,)),
    Way("cifar10", 1, (25, 50, 100, 200, 400), _REAL),
    Way("cifar10", 10, (25,), _REAL | {"matching_steps": 1}),
    Way("cifar10", 10, (20, 40), _TRAINED | {"width": 64}),
    Way("mnist", 10, (40,), _TRAINED | {"width": 64}),
)


def results(way: Way, real: ImageData, seed: int, outputs: Path) -> Iterator[Result]:
    """Measure a way under one seed, but for what there are results of below ``outputs``.

    Nothing in stage C depends on how many iterations there will be, so one run gives the images after each number.
    """
    runs = {iterations: way.run(iterations, seed) for iterations in way.after}
    runs = {iterations: run for iterations, run in runs.items() if not run.result_file(outputs).exists()}
    if not all(run.set_file(outputs).exists() for run in runs.values()):
        for state in condensing(real, runs[max(runs)].recipe, seed):
            if run := runs.get(state.iteration):
                card = state.card | {"recipe": run.recipe.as_json()}
                save_checkpoint(run.set_file(outputs), replace(state, iterations=state.iteration, card=card))
    for run in runs.values():
        measure(run, real, outputs)
        yield read(run.result_file(outputs))


def seconds_of(recipe: Recipe, dataset: str) -> float:
    """Seconds of an iteration of stage C: the median of three, after one that warms up."""
    real = load(dataset)
    spent = [0.0, *(state.seconds for state in islice(condensing(real, recipe.but(iterations=9)), 4))]
    return median(b - a for a, b in list(pairwise(spent))[1:])


def work(run: Run) -> str:
    """What an iteration does, as a name: runs that share it take the same time for one."""
    its, shape = run.recipe.condensing, "CIFAR10" if run.dataset == "cifar10" else "MNIST"
    loops = f"T {its.matching_steps}, epochs {its.network_steps if its.matching_steps > 1 else 0}"
    return f"{shape}, {its.precision}, ipc {run.recipe.ipc}, real {its.real_batch}, width {its.width}, {loops}"


@dataclass(frozen=True)
class Point:
    """What some sets, condensed alike, reached. seconds: of condensing one of them; accuracies: one a set, in %."""

    run: Run
    seconds: float
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over sets."""
        return fmean(self.accuracies)

    @property
    def spread(self) -> float:
        """Standard deviation over sets; 0 where there is one."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0

    @property
    def started(self) -> tuple[str, float]:
        """How its images started, and the rate at which they went."""
        return self.run.recipe.condensing.init, self.run.recipe.condensing.image_lr

    @property
    def start(self) -> str:
        """The same in words."""
        init, rate = self.started
        return f"{'real images' if init == 'real' else 'noise'}, η_S {rate:g}"


def points(found: Iterable[Result], seconds: Mapping[str, float]) -> list[Point]:
    """The results of each setting together, the quickest first."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in found:
        groups[result.run.setting].append(result)
    runs = ((group[0].run, tuple(r.scores.mean for r in group)) for group in groups.values())
    return sorted(
        (Point(run, run.recipe.condensing.iterations * seconds[work(run)], accuracies) for run, accuracies in runs),
        key=lambda p: ((*PRINTED, p.run.dataset).index(p.run.dataset), p.run.recipe.ipc, p.seconds, -p.mean),
    )


def frontier(of: Sequence[Point]) -> list[Point]:
    """Those that nothing quicker equals."""
    return [p for k, p in enumerate(of) if all(p.mean > quicker.mean for quicker in of[:k])]


def panels(of: Iterable[Point]) -> dict[tuple[str, int], list[Point]]:
    """Points of one dataset and number of images together, tested after all of the published epochs."""
    found: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for point in of:
        recipe = point.run.recipe
        if (
            recipe.testing.epochs_augmented == Recipe().testing.epochs_augmented
            and recipe.testing.precision == "bfloat16"
        ):
            found[point.run.dataset, recipe.ipc].append(point)
    return found
