"""The state of a run of stage C, and checkpoints: files that hold such a state."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import CondensedSet, refuse_other_data
from ..engine import read_tensors, write_tensors
from .recipes import Recipe


@dataclass(frozen=True)
class State:
    """The state of a run after ``iteration`` of its ``iterations``. A state is never changed.

    learned: tensors by name, on the run's device: "images" (classes × ipc, channels, height, width), normalised, and
    all else that the algorithm updates, such as the images' velocities. distances (iteration,): the loss of each
    iteration, on the same device; for DC the distance D, averaged over matching steps and classes. seconds: computing
    time.
    """

    iteration: int
    iterations: int
    learned: Mapping[str, Tensor]
    labels: Tensor
    distances: Tensor
    seconds: float
    card: dict[str, Any]

    @property
    def images(self) -> Tensor:
        """The synthetic images (classes × ipc, channels, height, width), normalised."""
        return self.learned["images"]

    @property
    def losses(self) -> tuple[float, ...]:
        """``distances`` as floats. On a GPU, this waits until all computation is finished."""
        return tuple(self.distances.tolist())

    @property
    def loss(self) -> float:
        """The loss of the last iteration; NaN before the first iteration."""
        return float(self.distances[-1]) if self.iteration else float("nan")

    @property
    def finite(self) -> bool:
        """Whether all learned tensors and all losses are finite."""
        return all(bool(torch.isfinite(tensor).all()) for tensor in (*self.learned.values(), self.distances))

    @property
    def done(self) -> tuple[int, int]:
        """Iterations done, and iterations in all."""
        return self.iteration, self.iterations

    def __str__(self) -> str:
        return f"iteration {self.iteration} of {self.iterations}, distance {self.loss:.1f}"

    @property
    def condensed(self) -> CondensedSet:
        """The present images as a condensed set on the CPU; its card holds the iteration and all losses."""
        progress = {"iteration": self.iteration, "seconds": round(self.seconds, 2), "losses": list(self.losses)}
        return CondensedSet(self.images.cpu(), self.labels.cpu(), self.card | progress)


def save_checkpoint(path: str | Path, state: State) -> None:
    """Write a checkpoint: the file of a condensed set, with the other learned tensors.

    A checkpoint of the same or a later iteration is not overwritten: an interrupted run may be closed only after
    another run has continued from its file.
    """
    if Path(path).exists() and read_tensors(path)[1].get("iteration", 0) >= state.iteration:
        return
    write_tensors(path, {**state.learned, "labels": state.labels}, state.condensed.card)


def resume(path: str | Path, start: State) -> State:
    """The state in a checkpoint of the run that ``start`` belongs to.

    Recipes that differ only in stage T belong to the same run. Raises ValueError if the checkpoint is of another run.
    """
    tensors, card = read_tensors(path)
    refuse_other_data(path, card, start.card["digest"])
    found, wanted = _identity(card), _identity(start.card)
    for key in wanted:
        if found.get(key) != wanted[key]:
            raise ValueError(
                f"{path} holds another run: {_first_difference(key, found.get(key), wanted[key])}; "
                "delete it or name another checkpoint"
            )
    CondensedSet(tensors["images"], tensors["labels"], card)  # raises ValueError if the images do not fit the card
    if len(tensors["images"]) != len(start.images):
        raise ValueError(f"{path} holds {len(tensors['images'])} images, where this run has {len(start.images)}")
    if card["iteration"] == 0:
        return start
    missing = [name for name in start.learned if name not in tensors]
    if missing:
        raise ValueError(f"{path} holds images without their {missing[0]}: a set that was saved, and no checkpoint")
    device = start.images.device
    return replace(
        start,
        iteration=card["iteration"],
        learned={name: tensors[name].to(device) for name in start.learned},
        distances=torch.tensor(card["losses"], device=device),
        seconds=card["seconds"],
    )


def _identity(card: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a card that identify a run."""
    recipe = card.get("recipe")
    with suppress(TypeError, ValueError):  # a damaged recipe, or one of another version, is compared as it is
        read = Recipe.read(recipe)  # type: ignore[arg-type]
        recipe = {"ipc": read.ipc, "method": read.method} | read.condensing.decisive
    return {key: card.get(key) for key in ("dataset", "classes", "shape", "seed")} | {"recipe": recipe}


def _first_difference(key: str, found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        field = next(f for f in (*wanted, *found) if found.get(f) != wanted.get(f))
        return _first_difference(f"{key} {field}", found.get(field), wanted.get(field))
    return f"{key} is {found!r} there, {wanted!r} here"
