"""How long runs will take, from a few timed steps of each kind: what a grid's dry run tells."""

import os
import time
import timeit
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn

from .augment import strategy
from .data import ImageData, Split, load
from .files import read_tensors
from .headless import end_with
from .matching import matching
from .recipes import Recipe
from .runs import Run
from .runtime import pick_device
from .select import CHOSEN
from .stage_c import hold_batch_norm, matching_step
from .train import accuracy, fresh_network, train_epoch, training_step

START = 9.0  # seconds for the process of a notebook, its kernel, and importing torch in both
LONG = 0.5  # a timed step that takes more seconds is timed with fewer images, and scaled
FEW = 2

Piece = tuple[Callable[..., float], str, Recipe]  # a function below, and what to call it with: dataset and recipe


def seconds(cells: Sequence[tuple[str, Sequence[Run]]], outputs: Path, processes: int, threads: int) -> list[float]:
    """Seconds that each cell will take: a dataset as for `load`, and the runs on it.

    A result or set that is below ``outputs`` already, or that an earlier cell makes, costs nothing. Steps are timed in
    ``processes`` at once of ``threads`` each, as busy as the machine will be. Raises what `load` raises, and ValueError
    for a damaged set.
    """
    made: set[Path] = set()
    work = [list(_pieces(dataset, runs, outputs, made)) for dataset, runs in cells]
    distinct = list(dict.fromkeys(piece for cell in work for _, piece in cell))
    if not distinct:
        return []
    with ProcessPoolExecutor(
        1 if torch.cuda.is_available() else min(processes, len(distinct)),
        mp_context=get_context("spawn"),  # so that no GPU memory and no dataset stay with the caller
        initializer=_begin,
        initargs=(os.getpid(), threads),
    ) as pool:
        took = dict(zip(distinct, pool.map(_timed, distinct), strict=True))
    return [START + sum(times * took[piece] for times, piece in cell) for cell in work]


def _begin(parent: int, threads: int) -> None:
    if os.name == "posix":  # elsewhere a parent's number may not be the one that is known here
        end_with(parent)
    torch.set_num_threads(threads)


def _pieces(dataset: str, runs: Iterable[Run], outputs: Path, made: set[Path]) -> Iterable[tuple[float, Piece]]:
    """How often each piece of work is to be done. Adds to ``made`` the files that will be there afterwards."""
    yield 1, (_loading, dataset, Recipe())
    for run in runs:
        # Recipes without what makes no difference, so that each kind of work is timed once.
        test, ipc = Recipe(**run.recipe.stage_t), run.recipe.ipc
        result, made_of = run.result_file(outputs), run.set_file(outputs)
        if result not in made and not result.exists():
            if run.method == "whole":
                yield test.whole_networks, (_training_on_all, dataset, test)
            else:
                yield test.networks, (_training, dataset, test.but(ipc=ipc))
            yield (test.whole_networks if run.method == "whole" else test.networks), (_testing, dataset, test)
            if run.method in (*CHOSEN, "dc") and made_of not in made:
                left = 1 - _done(made_of, run)
                if run.method == "dc":
                    yield left, (_condensing, dataset, Recipe(**run.recipe.stage_c))
                else:
                    yield left, (_training_on_all, dataset, test)
                made.add(made_of)
        made.add(result)


def _done(path: Path, run: Run) -> float:
    """Which part of a set is on disk: from 0 to 1. An order of real images is there or not."""
    if not path.exists():
        return 0.0
    card = read_tensors(path)[1]
    return card["iteration"] / run.recipe.iterations if "iteration" in card else 1.0


def _timed(piece: Piece) -> float:
    function, dataset, recipe = piece
    return function(dataset, recipe)


@lru_cache(maxsize=1)
def _real(dataset: str) -> tuple[ImageData, float]:
    """The dataset, and the seconds that reading it took."""
    started = time.monotonic()
    real = load(dataset)
    took = time.monotonic() - started
    return real.to(pick_device()), took


def _loading(dataset: str, recipe: Recipe) -> float:
    return _real(dataset)[1]


def _condensing(dataset: str, recipe: Recipe) -> float:
    """Stage C: K draws of a network, T matching steps each, and ς epochs after each but the last."""
    real = _real(dataset)[0]
    draw = partial(fresh_network, real, recipe)
    network = draw().to(real.train.labels.device)
    # One class, then times their number: as in `matching_step`, and a tenth of the time.
    own = real.train.by_class[0].to(real.train.labels.device)
    one = Split(real.train.pixels[own], torch.zeros_like(real.train.labels[own]), real.mean, real.std)
    step, images = matching(network, recipe.metric), one[: recipe.ipc][0].requires_grad_()
    optimizer = torch.optim.SGD([images], recipe.image_lr)

    hold = _seconds(lambda n: hold_batch_norm(network, real.train, n), recipe.norm_images)
    match = _seconds(lambda n: matching_step(step, one, images, optimizer, recipe.but(real_batch=n)), recipe.real_batch)
    steps, classes = recipe.matching_steps, len(real.classes)
    epochs = (steps - 1 + recipe.last_network_update) * recipe.network_steps
    epoch = _epoch(network, real, classes * recipe.ipc, recipe.network_batch, "none") if epochs else 0.0
    return recipe.iterations * (_seconds(lambda n: draw(), 1) + steps * (hold + classes * match) + epochs * epoch)


def _training(dataset: str, recipe: Recipe) -> float:
    """Stage T's training of one network on ``recipe.ipc`` images of each class."""
    real = _real(dataset)[0]
    augmentation = strategy(recipe.augmentation, real.name)
    epochs = recipe.epochs if augmentation == "none" else recipe.epochs_augmented
    return epochs * _epoch(_tested(real, recipe), real, len(real.classes) * recipe.ipc, recipe.batch, augmentation)


def _training_on_all(dataset: str, recipe: Recipe) -> float:
    """The training of one network on the whole dataset."""
    real = _real(dataset)[0]
    batch = min(recipe.batch, len(real.train))
    return (
        recipe.whole_epochs * len(real.train) / batch * _epoch(_tested(real, recipe), real, batch, recipe.batch, "none")
    )


def _testing(dataset: str, recipe: Recipe) -> float:
    """The test of one network."""
    real = _real(dataset)[0]
    network = _tested(real, recipe)

    pixels, labels = real.test.pixels, real.test.labels
    n = min(recipe.test_images or len(labels), len(labels))
    return _seconds(lambda k: accuracy(network, Split(pixels[:k], labels[:k], real.mean, real.std)), n)


def _tested(real: ImageData, recipe: Recipe) -> nn.Module:
    return fresh_network(real, recipe.tested).to(real.train.labels.device)


def _epoch(network: nn.Module, real: ImageData, n: int, batch: int | None, augmentation: str) -> float:
    step = training_step(network, torch.optim.SGD(network.parameters(), 0.01, 0.9, weight_decay=0.0005))
    images, labels = real.train[:n]
    return _seconds(lambda k: train_epoch(step, (images[:k], labels[:k]), batch, augmentation), n)


def _seconds(step: Callable[[int], object], images: int) -> float:
    """Seconds that ``step(images)`` takes; where it is long, those of fewer images on the line through two timings."""

    def once(n: int) -> None:
        step(n)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def timed(n: int) -> float:
        times, took = timeit.Timer(lambda: once(n)).autorange()
        return took / times

    few = min(FEW, images)
    once(few)  # the first time is longer
    at_few = timed(few)
    many = min(images, max(4 * FEW, int(few * LONG / at_few)))
    if many <= few:
        return at_few * images / few
    at_many = timed(many)
    return at_many + (at_many - at_few) / (many - few) * (images - many)
