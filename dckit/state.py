"""Where a run of stage C stands, and keeping that in a file."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .condensed import CondensedSet
from .files import read_tensors, write_tensors
from .recipes import Recipe


@dataclass(frozen=True)
class State:
    """Where a run stands after ``iteration`` of its ``iterations`` draws of θ0. A state is never changed.

    images (classes × ipc, channels, height, width), normalised, and velocity, their momentum, on the run's device.
    distances (iteration,): the distance D of each draw, averaged over its matching steps and classes; also on the
    device. seconds: computing time.
    """

    iteration: int
    iterations: int
    images: Tensor
    labels: Tensor
    velocity: Tensor | None
    distances: Tensor
    seconds: float
    card: dict[str, Any]

    @property
    def losses(self) -> tuple[float, ...]:
        """``distances`` as numbers. A GPU has to stop for that."""
        return tuple(self.distances.tolist())

    @property
    def loss(self) -> float:
        """The last draw's loss; NaN before the first."""
        return float(self.distances[-1]) if self.iteration else float("nan")

    @property
    def finite(self) -> bool:
        """Whether all of the images and losses are numbers."""
        return bool(torch.isfinite(self.images).all() and torch.isfinite(self.distances).all())

    @property
    def done(self) -> tuple[int, int]:
        """How many iterations, of how many."""
        return self.iteration, self.iterations

    def __str__(self) -> str:
        return f"iteration {self.iteration} of {self.iterations}, distance {self.loss:.1f}"

    @property
    def condensed(self) -> CondensedSet:
        """The images of this moment as a condensed set, on the CPU, with a card that names iteration and losses."""
        progress = {"iteration": self.iteration, "seconds": round(self.seconds, 2), "losses": list(self.losses)}
        return CondensedSet(self.images.cpu(), self.labels.cpu(), self.card | progress)


def save_checkpoint(path: str | Path, state: State) -> None:
    """Write a checkpoint: a condensed set that also holds the velocity. One that is further on is left alone.

    An interrupted run may be closed only after a later one has gone on from its file.
    """
    if Path(path).exists() and read_tensors(path)[1].get("iteration", 0) >= state.iteration:
        return
    condensed = state.condensed
    tensors = {"images": condensed.images, "labels": condensed.labels}
    if state.velocity is not None:
        tensors["velocity"] = state.velocity
    write_tensors(path, tensors, condensed.card)


def resume(path: str | Path, start: State) -> State:
    """The state that a checkpoint holds. Raises ValueError if it is another run's than ``start``'s.

    Recipes that differ in stage T alone make the same run.
    """
    tensors, card = read_tensors(path)
    found, wanted = _identity(card), _identity(start.card)
    for key in wanted:
        if found.get(key) != wanted[key]:
            raise ValueError(
                f"{path} holds another run: {_first_difference(key, found.get(key), wanted[key])}; "
                "delete it or name another checkpoint"
            )
    CondensedSet(tensors["images"], tensors["labels"], card)  # refuses images that do not fit their card
    images, velocity = tensors["images"], tensors.get("velocity")
    if card["iteration"] and velocity is None and start.card["recipe"]["image_momentum"]:
        raise ValueError(f"{path} holds images without their momentum: a set that was saved, and no checkpoint")
    device = start.images.device
    return replace(
        start,
        iteration=card["iteration"],
        images=images.to(device),
        velocity=None if velocity is None else velocity.to(device),
        distances=torch.tensor(card["losses"], device=device),
        seconds=card["seconds"],
    )


def _identity(card: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a run that one and no other."""
    recipe = card.get("recipe")
    with suppress(TypeError, ValueError):  # of another version of the kit, or damaged: as it is
        recipe = Recipe(**recipe).stage_c  # type: ignore[arg-type]
    return {key: card.get(key) for key in ("dataset", "classes", "shape", "seed")} | {"recipe": recipe}


def _first_difference(key: str, found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        field = next(f for f in (*wanted, *found) if found.get(f) != wanted.get(f))
        return _first_difference(f"{key} {field}", found.get(field), wanted.get(field))
    return f"{key} is {found!r} there, {wanted!r} here"
