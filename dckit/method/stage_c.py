"""Stage C: learn the synthetic images, by whichever algorithm the recipe names."""

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
from .recipes import Recipe

START, ITERATION = 0, 1  # what a seed is for, see `numbers`
CHECKPOINT_SECONDS = 10
LOOK = 50  # iterations after which a GPU is asked whether the images are still numbers: it has to stop for that


@steady()
def condensing(
    real: ImageData, recipe: Recipe, seed: int = 0, device: str = "auto", checkpoint: str | Path | None = None
) -> Iterator[State]:
    """Learn ``recipe.ipc`` images of each class such that networks learn from them as from ``real``.

    A generator with one `State` after each iteration of the algorithm ``recipe.condensing``. Whoever iterates may draw,
    stop or save as it likes. checkpoint: a file that keeps the last state, written every 10 s, at the end and when the
    run is interrupted; a later call with the same dataset, recipe and seed goes on from it, and ends in the same images
    as if it had never stopped. Raises ValueError for a recipe that does not suit the dataset, before any work;
    FloatingPointError when the loss is no longer a number.
    """
    choices, seed = recipe.condensing, whole(seed)
    real = real.normalised(choices.normalisation)
    real.refuse_ipc(recipe.ipc)
    where = pick_device(device)
    card = base_card(real) | {"method": recipe.method, "recipe": recipe.as_json(), "seed": seed}
    state = _start(real, recipe, seed, where, card)
    step = choices.ready(real.to(where), state.labels)  # an algorithm refuses images that it cannot take
    checkpoint = None if checkpoint is None else expanded(checkpoint)
    if checkpoint is not None and checkpoint.exists():
        state = resume(checkpoint, state)
    elif checkpoint is not None:
        save_checkpoint(checkpoint, state)  # a folder that cannot be written is refused now, not in ten seconds
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
    finally:  # the end, an error, an interrupt, or nobody asks for more
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
