"""Stage C: learn the synthetic images (Algorithm 1 of the paper, line by line in `_iteration`)."""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .concurrency import side_by_side, steady, stepwise
from .condensed import base_card
from .data import ImageData, Split
from .layers import dropping_out
from .matching import matching
from .recipes import Recipe
from .replay import Replay, draws
from .runtime import device_name, numbers, pick_device, tf32, versions
from .state import State, resume, save_checkpoint
from .train import fresh_network, redraw, train_epoch, training_step

START, ITERATION = 0, 1  # what a seed is for, see `numbers`
CHECKPOINT_SECONDS = 10
LOOK = 50  # iterations after which a GPU is asked whether the images are still numbers: it has to stop for that


@steady()
def condense(
    real: ImageData, recipe: Recipe, seed: int = 0, device: str = "auto", checkpoint: str | Path | None = None
) -> Iterator[State]:
    """Learn ``recipe.ipc`` images of each class such that networks learn from them as from ``real``.

    A generator with one `State` after each of the K draws of a network. Whoever iterates may draw, stop or save as
    it likes. checkpoint: a file that keeps the last state, written every 10 s, at the end and when the run is
    interrupted; a later call with the same dataset, recipe and seed goes on from it, and ends in the same images as
    if it had never stopped. Raises ValueError for a recipe that does not suit the dataset, before any work;
    FloatingPointError when the loss is no longer a number.
    """
    real = real.normalised(recipe.normalisation)
    real.refuse_ipc(recipe.ipc)
    where = pick_device(device)
    network = fresh_network(real, recipe, numbers(seed)).to(where)  # refuses a negative seed and unsuitable images
    card = base_card(real) | {"method": "dc", "recipe": asdict(recipe), "seed": seed}
    state = _start(real, recipe, seed, where, card)
    if checkpoint is not None and Path(checkpoint).exists():
        state = resume(checkpoint, state)
    elif checkpoint is not None:
        save_checkpoint(checkpoint, state)  # a folder that cannot be written is refused now, not in ten seconds
    return stepwise(_run(real.to(where), recipe, seed, network, state, checkpoint))


def _run(
    real: ImageData, recipe: Recipe, seed: int, network: nn.Module, state: State, checkpoint: str | Path | None
) -> Iterator[State]:
    train_network = torch.optim.SGD(network.parameters(), lr=recipe.network_lr, momentum=recipe.network_momentum)
    match, learn = matching(network, recipe.metric), training_step(network, train_network)
    device, saved, saved_at = state.images.device, state.iteration, time.monotonic()
    if state.iteration == state.iterations:
        yield state  # it was finished before
    try:
        while state.iteration < state.iterations:
            started = time.monotonic()
            with tf32(recipe.precision == "tf32"):
                generator = numbers(seed, ITERATION, state.iteration)
                following = _iteration(real, recipe, state, match, learn, generator)
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


def _start(real: ImageData, recipe: Recipe, seed: int, device: torch.device, card: dict[str, Any]) -> State:
    """Gaussian noise, or random real images of each class."""
    classes = len(real.classes)
    generator = numbers(seed, START)
    if recipe.init == "noise":
        images = torch.randn(classes * recipe.ipc, *real.shape, generator=generator)
    else:
        images = torch.cat([real.train.sample(c, recipe.ipc, generator)[0] for c in range(classes)])
    labels = torch.arange(classes).repeat_interleave(recipe.ipc)
    card = card | {"versions": versions(), "device": device_name(device)}
    none_yet = torch.empty(0, device=device)
    return State(0, recipe.iterations, images.to(device), labels.to(device), None, none_yet, 0.0, card)


def _iteration(
    real: ImageData, recipe: Recipe, state: State, match: Replay, learn: Replay, generator: torch.Generator
) -> State:
    """Algorithm 1 for one draw of θ0: T matching steps, each but the last followed by ς_θ epochs of θ on S."""
    images = state.images.clone().requires_grad_()
    train_images = torch.optim.SGD([images], lr=recipe.image_lr, momentum=recipe.image_momentum)
    if state.velocity is not None:
        train_images.state[images]["momentum_buffer"] = state.velocity.clone()
    redraw(learn, real, recipe, generator)

    distances = []
    for t in range(recipe.matching_steps):
        hold_batch_norm(learn.network, real.train, recipe.norm_images, generator)
        distances.append(matching_step(match, real.train, images, train_images, recipe, generator))
        if t < recipe.matching_steps - 1 or recipe.last_network_update:
            for _ in range(recipe.network_steps):
                train_epoch(learn, (images.detach(), state.labels), recipe.network_batch, generator=generator)

    return replace(
        state,
        iteration=state.iteration + 1,
        images=images.detach(),
        velocity=train_images.state[images].get("momentum_buffer"),
        distances=torch.cat([state.distances, torch.stack(distances).mean(0, keepdim=True)]),
    )


def matching_step(
    match: Replay,
    real: Split,
    images: Tensor,
    train_images: torch.optim.Optimizer,
    recipe: Recipe,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One step of the images (classes × ipc, …) down the distance D; returns D, averaged over the classes.

    match: what `matching` gives for the network and the metric; generator: of all random numbers, None: torch's own.
    Each class's distance touches its own images alone, so one backward pass per class gives the same images as one of
    their sum, and the graphs of few classes are in memory. Not by class: one batch of as many real images, in all
    classes as the data are, against all of S at once.
    """
    classes = len(real.by_class)
    labels = torch.arange(classes, device=images.device).repeat_interleave(recipe.ipc)
    pairs = [(images.detach()[own], labels[own], *batch) for batch, own in _batches(real, recipe, generator)]
    # Classes of a network that draws random numbers must not share them, since they are matched at the same time.
    each = [_child(generator) if draws(match.network) else None for _ in pairs]

    def matched(own: torch.Generator | None, *pair: Tensor) -> tuple[Tensor, ...]:
        with dropping_out(own):
            return match(*pair)

    found = side_by_side(matched, zip(each, *zip(*pairs, strict=True), strict=True), images.device)
    grads, distances = zip(*found, strict=True)
    images.grad = torch.cat(grads)
    train_images.step()
    return torch.stack(distances).sum() / classes


def _child(generator: torch.Generator | None) -> torch.Generator:
    return torch.Generator().manual_seed(int(torch.randint(2**63 - 1, (), generator=generator)))


def _batches(
    real: Split, recipe: Recipe, generator: torch.Generator | None
) -> Iterator[tuple[tuple[Tensor, Tensor], slice]]:
    """Pairs to match: a real batch, and which of the synthetic images it is matched with."""
    classes = len(real.by_class)
    if not recipe.by_class:
        yield real.draw(classes * recipe.real_batch, generator), slice(None)
        return
    for c in range(classes):
        yield real.sample(c, recipe.real_batch, generator), slice(c * recipe.ipc, (c + 1) * recipe.ipc)


def hold_batch_norm(network: nn.Module, real: Split, n: int, generator: torch.Generator | None = None) -> None:
    """Let ``n`` real images of each class set the statistics of batch norm, then hold them.

    A class-wise batch, all the more one image, would normalise the class away. One pass in training mode moves the
    running statistics by their momentum, a tenth of the way, as in the published code. Without batch norm: nothing.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    if not layers:
        return
    network.train()
    with torch.no_grad():
        network(torch.cat([real.sample(c, n, generator)[0] for c in range(len(real.by_class))]))
    for layer in layers:
        layer.eval()


def _refuse_nan(state: State, recipe: Recipe) -> None:
    if not state.finite:
        first = next((k for k, loss in enumerate(state.losses) if not math.isfinite(loss)), state.iteration - 1)
        raise FloatingPointError(
            f"loss {state.losses[first]} in iteration {first + 1}, the images are no longer numbers: "
            f"try a smaller image_lr than {recipe.image_lr:g} or network_lr than {recipe.network_lr:g}"
        )
