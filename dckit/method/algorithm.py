"""What an algorithm of stage C is: its choices, where it starts, and one iteration of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import ImageData
from .choices import Choices

Learned = Mapping[str, Tensor]  # "images" (classes × ipc, …), and whatever else has to survive a pause, by name
Step = Callable[[Learned, torch.Generator], tuple[Learned, Tensor]]  # → what was learned since, and the loss, a scalar


@dataclass(frozen=True)
class Algorithm(Choices, ABC):
    """The choices of an algorithm.

    `stage_c` runs any of them: it draws the random numbers, keeps checkpoints, looks for NaN.
    """

    method: ClassVar[str]
    TESTING: ClassVar[dict[str, Any]] = {}  # what its published code does otherwise in stage T
    iterations: int = 1000  # K

    @classmethod
    @abstractmethod
    def published(cls, ipc: int, budget: str, network: str) -> "Algorithm":
        """The choices of its published code."""

    @abstractmethod
    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """What is learned, before the first iteration. The same names come out of every iteration."""

    def told(self, learned: Learned) -> dict[str, Any]:
        """What the card says of all that was learned but the images."""
        return {}

    @abstractmethod
    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """A function that does one iteration, for data on the device of ``labels``. It changes nothing it is given."""


def noise_or_real(init: str, real: ImageData, ipc: int, generator: torch.Generator) -> Tensor:
    """Synthetic images (classes × ipc, …) to start from: Gaussian noise, or random real images of each class."""
    classes = range(len(real.classes))
    if init == "noise":
        return torch.randn(len(classes) * ipc, *real.shape, generator=generator)
    return torch.cat([real.train.sample(c, ipc, generator)[0] for c in classes])
