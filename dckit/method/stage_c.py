"""Stage C: learn the synthetic images with the algorithm of a recipe."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..data import ImageData, base_card
from ..engine import device_name, expanded, numbers, pick_device, steady, stepwise, tf32, versions, whole
from .algorithm import Step
from .checkpoint import State, resume, save_checkpoint
from .recipes import Recipe, refuse_confused

START, ITERATION = 0, 1  # what the random numbers of a seed are used for, see `numbers`
CHECKPOINT_SECONDS = 10
LOOK = 50  # on a GPU, iterations between two checks for NaN: each check waits for the GPU


@steady()
def condensing(
    real: ImageData, recipe: Recipe, seed: int = 0, device: str = "auto", checkpoint: str | Path | None = None
) -> Iterator[State]:
    """Learn ``recipe.ipc`` synthetic images per class, to train networks on in place of ``real``.

    A generator that yields a `State` after each iteration of ``recipe.condensing``; the caller may stop at any time.
    device: as for `pick_device`. checkpoint: a file for the last state, written every 10 s, at the end and
    when the run is interrupted. A later call with the same dataset, recipe and seed continues from this file and gives
    the same images as an uninterrupted run. Raises ValueError at once for a recipe that does not suit the dataset, and
    FloatingPointError when the loss or an image is no longer finite.
    """
    refuse_confused(real, recipe)
    choices, seed = recipe.condensing, whole(seed)
    real = real.normalised(choices.normalisation)
    real.refuse_ipc(recipe.ipc)
    where = pick_device(device, choices.precision)
    card = base_card(real) | {"method": recipe.method, "recipe": recipe.as_json(), "seed": seed}
    state = _start(real, recipe, seed, where, card)
    step = choices.ready(real.to(where), state.labels)  # raises ValueError for images that the network cannot take
    checkpoint = None if checkpoint is None else expanded(checkpoint)
    if checkpoint is not None and checkpoint.exists():
        state = resume(checkpoint, state)
    elif checkpoint is not None:
        save_checkpoint(checkpoint, state)  # fails now if the folder cannot be written, and not after ten seconds
    return stepwise(_run(recipe, seed, step, state, checkpoint))


def _start(real: ImageData, recipe: Recipe, seed: int, device: torch.device, card: dict[str, Any]) -> State:
    learned = recipe.condensing.start(real, recipe.ipc, numbers(seed, START))
    labels = torch.arange(len(real.classes)).repeat_interleave(recipe.ipc)
    card = card | {"versions": versions(), "device": device_name(device)}
    on_device = {name: tensor.to(device) for name, tensor in learned.items()}
    none_yet = torch.empty(0, device=device)
    return State(0, recipe.condensing.iterations, on_device, labels.to(device), none_yet, 0.0, card)


def _run(recipe: Recipe, seed: int, step: Step, state: State, checkpoint: str | Path | None) -> Iterator[State]:
    device, saved, saved_at = state.images.device, state.iteration, time.monotonic()
    if state.iteration == state.iterations:
        yield state  # it was finished before
    try:
        while state.iteration < state.iterations:
            started = time.monotonic()
            with tf32(recipe.condensing.precision == "tf32"):
                learned, loss = step(state.learned, numbers(seed, ITERATION, state.iteration))
            distances = torch.cat([state.distances, loss.detach().reshape(1)])
            card = state.card | recipe.condensing.told(learned)
            following = replace(state, iteration=state.iteration + 1, learned=learned, distances=distances, card=card)
            if device.type == "cpu" or following.iteration % LOOK == 0 or following.iteration == state.iterations:
                _refuse_nan(following, recipe)
            state = replace(following, seconds=following.seconds + time.monotonic() - started)
            if checkpoint is not None and time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                _refuse_nan(state, recipe)
                save_checkpoint(checkpoint, state)
                saved, saved_at = state.iteration, time.monotonic()
            yield state
    finally:  # at the end, after an error or an interrupt, or if the caller stops
        if checkpoint is not None and state.iteration > saved and state.finite:
            save_checkpoint(checkpoint, state)


def _refuse_nan(state: State, recipe: Recipe) -> None:
    if not state.finite:
        first = next((k for k, loss in enumerate(state.losses) if not math.isfinite(loss)), state.iteration - 1)
        rates = ((n, getattr(recipe.condensing, n, None)) for n in ("image_lr", "network_lr"))
        smaller = " or ".join(f"{name} than {rate:g}" for name, rate in rates if rate is not None)
        raise FloatingPointError(
            f"loss {state.losses[first]} in iteration {first + 1}, the images are no longer numbers: "
            f"try a smaller {smaller or 'rate'}"
        )
