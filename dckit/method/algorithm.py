"""The base class of all algorithms of stage C: the choices, the start, and one iteration."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import ImageData
from .choices import Choices

Learned = Mapping[str, Tensor]  # tensors by name: "images" (classes × ipc, …) and all else that a checkpoint must hold
Step = Callable[[Learned, torch.Generator], tuple[Learned, Tensor]]  # → the new tensors, and the loss, a scalar


@dataclass(frozen=True)
class Algorithm(Choices, ABC):
    """An algorithm of stage C; the fields are its choices.

    `stage_c` runs it: supplies the random numbers, writes checkpoints and checks for NaN.
    """

    method: ClassVar[str]
    TESTING: ClassVar[dict[str, Any]] = {}  # fields of stage T that its published code sets differently
    iterations: int = 1000  # K

    @classmethod
    @abstractmethod
    def published(cls, ipc: int, budget: str, network: str) -> "Algorithm":
        """The choices of the algorithm's published code, with the amounts of a budget. network: such as "ConvNet"."""

    @abstractmethod
    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """The tensors to be learned, before the first iteration. Each iteration returns tensors of the same names."""

    def told(self, learned: Learned) -> dict[str, Any]:
        """Entries for the set's card about learned tensors other than the images."""
        return {}

    @abstractmethod
    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """Return a function that does one iteration on the device of ``labels``. It does not change its arguments."""


def start_at_rest(choices: Any, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
    """The first images, and with momentum their velocities, which are 0."""
    images = noise_or_real(choices.init, real, ipc, generator)
    return {"images": images} | ({"velocity": torch.zeros_like(images)} if choices.image_momentum else {})


def with_momentum(choices: Any, learned: Learned) -> tuple[Tensor, torch.optim.SGD]:
    """The images, which require grad, and their optimiser, which continues with their velocities."""
    images = learned["images"].clone().requires_grad_()
    optimizer = torch.optim.SGD([images], choices.image_lr, choices.image_momentum)
    if choices.image_momentum:
        optimizer.state[images]["momentum_buffer"] = learned["velocity"].clone()
    return images, optimizer


def moved(images: Tensor, optimizer: torch.optim.SGD) -> Learned:
    """The images after a step of their optimiser, and with momentum their velocities."""
    velocity = optimizer.state[images].get("momentum_buffer")
    return {"images": images.detach()} | ({} if velocity is None else {"velocity": velocity})


def noise_or_real(init: str, real: ImageData, ipc: int, generator: torch.Generator) -> Tensor:
    """The first synthetic images (classes × ipc, channels, height, width).

    init: "noise" for Gaussian noise, "real" for random real images of each class.
    """
    classes = range(len(real.classes))
    if init == "noise":
        return torch.randn(len(classes) * ipc, *real.shape, generator=generator)
    return torch.cat([real.train.sample(c, ipc, generator)[0] for c in classes])
