"""Checks of exercises about stage C: a matching step, and a loop with a fault."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from ..method import build, gradient_distance, gradients, train_epoch
from .answers import NOTHING, NotYet, ask, checked, number, tell, written

CLASSES, IPC, REAL = 3, 2, 4  # of the small dataset below
IMAGE_LR, MOMENTUM, NETWORK_LR = 0.1, 0.5, 0.1
NEAR = 0.01  # a learner's own distance may add another small number to the norms than the kit does


class Case:
    """A network, a real batch of each class, synthetic images with labels, and an optimiser each, the same each time.

    images (classes × ipc, channels, height, width) in float64, so that rounding hides nothing.
    """

    def __init__(self) -> None:
        torch.manual_seed(0)  # inside `seeded`: the lesson's random numbers stay as they were
        self.network = build("ConvNet", (1, 8, 8), CLASSES, width=4).double()
        shape = (REAL, 1, 8, 8)
        self.batches = [(torch.randn(shape).double(), torch.full((REAL,), c)) for c in range(CLASSES)]
        self.images = torch.randn(CLASSES * IPC, 1, 8, 8).double().requires_grad_()
        self.labels = torch.arange(CLASSES).repeat_interleave(IPC)
        self.train_images = torch.optim.SGD([self.images], IMAGE_LR, MOMENTUM)
        self.train_network = torch.optim.SGD(self.network.parameters(), NETWORK_LR)
        self.reached: list[Tensor] = []  # the gradients that have come as far as the images
        self.images.register_hook(self.reached.append)
        self._start = self.images.detach().clone(), parameters_to_vector(self.network.parameters()).detach()

    @property
    def moved(self) -> Tensor:
        """How far the images have come from their start."""
        return self.images.detach() - self._start[0]

    @property
    def learned(self) -> Tensor:
        """How far the network's weights have come from their start, in one vector."""
        return parameters_to_vector(self.network.parameters()).detach() - self._start[1]

    def distances(self) -> Tensor:
        """The distance of each class."""
        every = []
        for c, batch in enumerate(self.batches):
            own = self.labels == c
            mine = gradients(self.network, self.images[own], self.labels[own], create_graph=True)
            every.append(gradient_distance(mine, gradients(self.network, *batch)))
        return torch.stack(every)

    def step(self) -> Tensor:
        """One matching step. Returns the distance of each class before it."""
        distances = self.distances()
        (self.images.grad,) = torch.autograd.grad(distances.sum(), self.images)
        self.train_images.step()
        return distances.detach()

    def refuse_still(self, sentence: str) -> None:
        """Raise NotYet if the images have not moved: with the sentence, or because no gradient has come that far."""
        if not self.reached:
            sentence = "no gradient has reached the images: somewhere they are detached from the graph."
        if not self.moved.any():
            raise NotYet(sentence)


@checked
def matching_step(function: Callable[..., Any]) -> str:
    """Lesson 2. ``function(network, batches, images, labels, optimizer)`` moves the images by one matching step.

    batches: real images and labels of class 0, 1, 2, …; images (classes × ipc, …), sorted by class, which require
    grad; labels (classes × ipc,); optimizer: of the images. It returns the mean distance of a class.
    """
    mine, right = Case(), Case()
    distances = right.step()
    mine.images.grad = torch.ones_like(mine.images)  # left by the step before
    found = ask(function, mine.network, mine.batches, mine.images, mine.labels, mine.train_images)
    if mine.learned.any():
        raise NotYet("the network's weights have changed: a matching step changes only the images.")
    if not mine.moved.any():
        written(found)
    mine.refuse_still("the images have not changed: after `backward`, `optimizer.step()` changes them in place.")
    tell(mine.moved, right.moved, _wrong_steps(), "the images have changed, but not as by the kit's step.", NEAR)
    if found is None:
        raise NotYet("the images have changed as they should, but nothing is returned: expected the mean distance.")
    mistakes = {
        "the images are right, but the sum of the distances is returned: expected their mean.": distances.sum(),
        "the images are right, but the last class's distance is returned: expected the mean.": distances[-1],
    }
    value, mean = number(found).detach(), distances.mean()
    said = f"the images are right, but {float(value):.4g} is returned, expected {float(mean):.4g}."
    tell(value, mean, mistakes, said, NEAR)
    return "Your step changes the images as the kit's `matching_step` does."


def _wrong_steps() -> dict[str, Tensor]:
    """How known mistakes move the images, by what is to be said to each."""
    case = Case()
    (slope,) = torch.autograd.grad(case.distances().sum(), case.images)
    everything, classes = (torch.cat(parts) for parts in zip(*case.batches, strict=True))
    mine = gradients(case.network, case.images, case.labels, create_graph=True)
    together = gradient_distance(mine, gradients(case.network, everything, classes))
    last = (case.labels == CLASSES - 1).view(-1, 1, 1, 1)
    often = torch.tensor([sum(MOMENTUM**k for k in range(CLASSES - c)) for c in range(CLASSES)]).double()
    gradient = {
        "the sign is wrong: the step increases the distance, and should reduce it.": -slope,
        "the gradient of the step before was added: begin with `optimizer.zero_grad()`.": slope + 1,
        "this is the step for the mean of the distances: take the gradient of their sum.": slope / CLASSES,
        "all classes were matched at once: match each class's images with its own real batch.": (
            torch.autograd.grad(together, case.images)[0]
        ),
        "classes are missing: only the last one's images changed. Is the gradient cleared after each class?": (
            slope * last
        ),
        "there was a step after each class, so momentum moved the images again: take one step, after all classes.": (
            slope * often[case.labels].view(-1, 1, 1, 1)
        ),
    }
    return {sentence: -IMAGE_LR * g for sentence, g in gradient.items()}


@checked
def wrong_gradient(function: Callable[..., Any]) -> str:
    """Lesson 2. ``function(network, batches, images, labels, train_images, train_network, steps)``: the loop, mended.

    Each of the ``steps`` is a matching step, and then one step of the network down its loss on all the images.
    """
    first = "the images no longer take the right step: only the network's gradient was wrong."
    again = "the first round is right, but the second is not: a `.grad` still contains something from the first."
    other = "the network still takes a wrong step, but not the same as before."
    for steps, of_images, of_network in ((1, first, other), (2, again, again)):
        mine, right = Case(), Case()
        pull = torch.autograd.grad(right.distances().sum(), list(right.network.parameters()))
        for _ in range(steps):
            right.step()
            train_epoch(right.network, right.train_network, (right.images.detach(), right.labels), None)
        optimizers = mine.train_images, mine.train_network
        ask(function, mine.network, mine.batches, mine.images, mine.labels, *optimizers, steps)
        if not mine.moved.any() and not mine.learned.any():
            raise NotYet(NOTHING)
        mine.refuse_still("the images no longer change: their gradient was cleared before their step.")
        tell(mine.moved, right.moved, {}, of_images, NEAR)
        mistakes = {
            "the network still takes the wrong step: print its `.grad` just before its own `backward`.": (
                right.learned - NETWORK_LR * torch.cat([g.flatten() for g in pull])
            ),
            "the network no longer changes: its gradient was cleared before its step.": 0 * right.learned,
        }
        tell(mine.learned, right.learned, mistakes if steps == 1 else {}, of_network, NEAR)
    return "The network now learns only from its own loss, and the images only from the distance."
