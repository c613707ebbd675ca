"""Continual learning: classes come a few at a time, and a memory of a few images per class keeps the earlier ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..data import CondensedSet, ImageData, Split
from ..engine import descend, numbers, steady, stepwise, whole
from ..method import accuracy, strategy
from ..method.augment import augment
from ..method.testing import Testing
from ..method.train import fresh_network

ORDER, LEARNER = 6, 7  # what a seed is for, see `numbers`
PROTOCOLS = ("replay", "anew")


@dataclass(frozen=True)
class Course:
    """In which order the classes come, and how a network learns them.

    per_step: classes that come at once. images: real images of each class while it is new, passes: how often they are
    seen, in batches of ``batch``. epochs: passes over the memory where a network is trained anew.
    """

    order: tuple[int, ...]
    per_step: int = 2
    images: int = 200
    passes: int = 5
    batch: int = 64
    epochs: int = 200
    lr: float = 0.01
    momentum: float = 0.9
    width: int = 32

    @property
    def steps(self) -> list[tuple[int, ...]]:
        """The classes of each step."""
        return [self.order[i : i + self.per_step] for i in range(0, len(self.order), self.per_step)]


def course(real: ImageData, seed: int = 0, steps: int | None = None, **choices: int | float) -> Course:
    """The classes of a dataset in a random order, which depends on the seed alone. steps: only the first so many."""
    order = torch.randperm(len(real.classes), generator=numbers(whole(seed), ORDER)).tolist()
    found = Course(tuple(order), **choices)  # type: ignore[arg-type]
    return found if steps is None else replace(found, order=found.order[: steps * found.per_step])


@dataclass(frozen=True)
class Remembered:
    """Test accuracies in % after each step so far: of all classes seen by then, and of those of the first step."""

    seen: tuple[float, ...]
    first: tuple[float, ...]
    steps: int

    def __str__(self) -> str:
        return f"step {len(self.seen)} of {self.steps}: {self.seen[-1]:.1f} % on the classes seen so far"


@steady()
def remembering(
    real: ImageData, memory: CondensedSet | None, course: Course, protocol: str = "replay", seed: int = 0
) -> Iterator[Remembered]:
    """Learn the classes of a dataset step by step, with a memory of the earlier ones.

    A generator with what is remembered, after every step. ``"replay"``: one network goes on learning; it sees the real
    images of the new classes and, in every batch, the memory of the earlier ones. ``"anew"``: after each step a fresh
    network learns from the memory of all classes seen so far, and from nothing else. memory: images of every class, of
    which only those of classes seen are used; None: no memory. Raises ValueError for an unknown protocol, and for
    ``"anew"`` without a memory.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}: expected one of {', '.join(PROTOCOLS)}")
    if protocol == "replay":
        return stepwise(_replay(real, memory, course, seed))
    if memory is None:
        raise ValueError("protocol 'anew' learns from the memory alone: expected a set, found None")
    return stepwise(_anew(real, memory, course, seed))


def _replay(real: ImageData, memory: CondensedSet | None, course: Course, seed: int) -> Iterator[Remembered]:
    generator = numbers(seed, LEARNER)
    network = fresh_network(real, Testing(width=course.width), generator)
    optimizer = torch.optim.SGD(network.parameters(), course.lr, course.momentum)
    report = _Report(real, course)
    for step, new in enumerate(course.steps):
        batches = [real.train.sample(c, course.images, generator) for c in new]
        images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        old = _of_classes(memory, [c for earlier in course.steps[:step] for c in earlier]) if memory and step else None
        network.train()
        for _ in range(course.passes):
            for index in torch.randperm(len(labels), generator=generator).split(course.batch):
                batch = images[index], labels[index]
                if old is not None:
                    replayed = augment(old[0], strategy("dsa", real.name), generator)
                    batch = torch.cat([batch[0], replayed]), torch.cat([batch[1], old[1]])
                descend(network, optimizer, *batch)
        yield report.after(network, step)


def _anew(real: ImageData, memory: CondensedSet, course: Course, seed: int) -> Iterator[Remembered]:
    report, kinds = _Report(real, course), strategy("dsa", real.name)
    for step in range(len(course.steps)):
        generator = numbers(seed, LEARNER, step)
        network = fresh_network(real, Testing(width=course.width), generator)
        seen = [c for part in course.steps[: step + 1] for c in part]
        images, labels = _of_classes(memory, seen)
        network.train()
        for epoch in range(course.epochs):
            if epoch in (0, course.epochs // 2):
                lr = course.lr if epoch == 0 else course.lr / 10
                optimizer = torch.optim.SGD(network.parameters(), lr, course.momentum, weight_decay=0.0005)
            descend(network, optimizer, augment(images, kinds, generator), labels)
        yield report.after(network, step)


def _of_classes(memory: CondensedSet, classes: list[int]) -> tuple[Tensor, Tensor]:
    """The memory's images of these classes, and their labels."""
    return memory[torch.isin(memory.labels, torch.tensor(classes, dtype=torch.int64))]


class _Report:
    """What a network knows after each step."""

    def __init__(self, real: ImageData, course: Course) -> None:
        self.real, self.course = real, course
        self.seen: tuple[float, ...] = ()
        self.first: tuple[float, ...] = ()

    def after(self, network: torch.nn.Module, step: int) -> Remembered:
        """Test it on all classes so far, and on those of the first step."""
        steps = self.course.steps
        seen = [c for part in steps[: step + 1] for c in part]
        self.seen += (accuracy(network, self._test(seen)),)
        self.first += (accuracy(network, self._test(list(steps[0]))),)
        return Remembered(self.seen, self.first, len(steps))

    def _test(self, classes: list[int]) -> Split:
        test = self.real.test
        index = torch.isin(test.labels, torch.tensor(classes))
        return Split(test.pixels[index], test.labels[index], test.mean, test.std)
