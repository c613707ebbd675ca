"""Checks of exercises about stage C: a matching step, and a loop with a fault."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..data import Split
from ..engine import Matcher
from ..method import DC, build, gradient_distance, gradients, train_epoch
from ..method import matching_step as kits_step
from .answers import NOTHING, NotYet, ask, checked, number, tell, written

CLASSES, IPC, REAL = 3, 2, 4  # of the small dataset below
IMAGE_LR, MOMENTUM, NETWORK_LR = 0.1, 0.5, 0.1
NEAR = 0.01  # a learner's own distance may add another small number to the norms than the kit does
Pairs = list[tuple[tuple[Tensor, Tensor], Tensor, Tensor]]  # a real batch, which images it is matched with, labels


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
        self.reached = False  # whether a gradient has come as far as the images
        self.images.register_hook(lambda _: setattr(self, "reached", True))
        self.labels = torch.arange(CLASSES).repeat_interleave(IPC)
        self.start = self.images.detach().clone()
        self.train_images = torch.optim.SGD([self.images], IMAGE_LR, MOMENTUM)
        self.train_network = torch.optim.SGD(self.network.parameters(), NETWORK_LR)
        self.weights_start = self.weights

    @property
    def weights(self) -> Tensor:
        """All of the network's parameters in one vector."""
        return torch.cat([p.detach().flatten() for p in self.network.parameters()])

    @property
    def moved(self) -> Tensor:
        """How far the images have come from their start."""
        return self.images.detach() - self.start

    @property
    def learned(self) -> Tensor:
        """How far the network has come from its start."""
        return self.weights - self.weights_start

    def refuse_detached(self) -> None:
        """Raise NotYet unless a gradient has reached the images."""
        if not self.reached:
            raise NotYet("no gradient has reached the images: somewhere they are detached from the graph.")

    def step(self) -> float:
        """The kit's own matching step."""
        real = Split(torch.cat([b for b, _ in self.batches]), torch.cat([y for _, y in self.batches]), (0.0,), (1.0,))
        match = Matcher(self.network, gradient_distance)
        return float(kits_step(DC(real_batch=REAL), real, self.images, self.labels, self.train_images, match))

    def matched(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """The gradient of the summed distances with respect to the images, and the distance of each pair."""
        real = [gradients(self.network, *batch) for batch, _, _ in pairs]
        mine = [gradients(self.network, self.images[own], y, create_graph=True) for _, own, y in pairs]
        distances = torch.stack([gradient_distance(s, r) for s, r in zip(mine, real, strict=True)])
        (slope,) = torch.autograd.grad(distances.sum(), self.images, retain_graph=True)
        return slope, distances

    def pairs(self, batch: int = 0, label: int = 0, count: int = IPC) -> Pairs:
        """What is matched class by class; batch, label: so many classes off; count: only so many images of each."""
        of = [torch.nonzero(self.labels == c).flatten()[:count] for c in range(CLASSES)]
        return [
            (self.batches[(c + batch) % CLASSES], own, (self.labels[own] + label) % CLASSES) for c, own in enumerate(of)
        ]


@checked
def matching_step(function: Callable[..., Any]) -> str:
    """Lesson 2. ``function(network, batches, images, labels, optimizer)`` moves the images by one matching step.

    batches: real images and labels of class 0, 1, 2, …; images (classes × ipc, …), sorted by class, which require
    grad; labels (classes × ipc,); optimizer: of the images. It returns the mean distance of a class.
    """
    mine, kits = Case(), Case()
    right = torch.tensor(kits.step()).double()
    mine.images.grad = torch.ones_like(mine.images)  # left by the step before
    found = ask(function, mine.network, mine.batches, mine.images, mine.labels, mine.train_images)
    if float(mine.learned.norm()) > 0:
        raise NotYet("the network's weights have changed: a matching step changes only the images.")
    if float(mine.moved.norm()) == 0:
        written(found)
        mine.refuse_detached()
        raise NotYet("the images have not changed: after `backward`, `optimizer.step()` changes them in place.")
    tell(mine.moved, kits.moved, _wrong_steps(), "the images have changed, but not as by the kit's step.", NEAR)
    if found is None:
        raise NotYet("the images have changed as they should, but nothing is returned: expected the mean distance.")
    before = Case()
    _, distances = before.matched(before.pairs())
    mistakes = {
        "the images are right, but the sum of the distances is returned: expected their mean.": distances.sum(),
        "the images are right, but the last class's distance is returned: expected the mean.": distances[-1],
    }
    said = f"the images are right, but {float(number(found).detach()):.4g} is returned, expected {float(right):.4g}."
    tell(number(found), right, mistakes, said, NEAR)
    return "Your step changes the images as the kit's `matching_step` does."


def _wrong_steps() -> dict[str, Tensor]:
    """How known mistakes move the images, by what is to be said to each."""
    case = Case()
    everything = (torch.cat([b for b, _ in case.batches]), torch.cat([y for _, y in case.batches]))
    slope, other, label, few, mixed = (
        case.matched(pairs)[0]
        for pairs in (
            case.pairs(),
            case.pairs(batch=1),
            case.pairs(label=1),
            case.pairs(count=1),
            [(everything, torch.arange(len(case.labels)), case.labels)],
        )
    )
    last = slope * (case.labels == CLASSES - 1).view(-1, 1, 1, 1)
    often = torch.tensor([sum(MOMENTUM**k for k in range(CLASSES - c)) for c in range(CLASSES)]).double()
    gradient = {
        "the sign is wrong: the step increases the distance, and should reduce it.": -slope,
        "the gradient of the step before was added: begin with `optimizer.zero_grad()`.": slope + 1,
        "this is the step for the mean of the distances: take the gradient of their sum.": slope / CLASSES,
        "all classes were matched at once: match each class's images with its own real batch.": mixed,
        "the synthetic images were matched with the real images of another class.": other,
        "the synthetic images have labels of the wrong class.": label,
        "images are missing: a class has several images, and only the first was matched.": few,
        "classes are missing: only the last one's images changed. Is the gradient cleared after each class?": last,
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
    for steps in (1, 2):
        mine, kits = Case(), Case()
        wrong = _wrong_training() if steps == 1 else {}
        for _ in range(steps):
            kits.step()
            train_epoch(kits.network, kits.train_network, (kits.images.detach(), kits.labels), None)
        ask(
            function,
            *(mine.network, mine.batches, mine.images, mine.labels),
            mine.train_images,
            mine.train_network,
            steps,
        )
        if float(mine.moved.norm()) == 0:
            if float(mine.learned.norm()) == 0:
                raise NotYet(NOTHING)
            mine.refuse_detached()
            raise NotYet("the images no longer change: their gradient was cleared before their step.")
        again = "the first round is right, but the second is not: a `.grad` still contains something from the first."
        first = "the images no longer take the right step: only the network's gradient was wrong."
        tell(mine.moved, kits.moved, {}, first if steps == 1 else again, NEAR)
        other = "the network still takes a wrong step, but not the same as before."
        tell(mine.learned, kits.learned, wrong, other if steps == 1 else again, NEAR)
    return "The network now learns only from its own loss, and the images only from the distance."


def _wrong_training() -> dict[str, Tensor]:
    """How known mistakes move the network in the first round, by what is to be said to each."""

    def slope(case: Case, images: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([g.flatten() for g in gradients(case.network, images.detach(), labels)])

    before, case = Case(), Case()
    weights = tuple(before.network.parameters())
    _, distances = before.matched(before.pairs())
    pull = torch.cat([g.flatten() for g in torch.autograd.grad(distances.sum(), weights)])
    case.step()
    own = slope(case, case.images, case.labels)
    real = slope(case, torch.cat([b for b, _ in case.batches]), torch.cat([y for _, y in case.batches]))
    gradient = {
        "the network still takes the wrong step: print its `.grad` just before its own `backward`.": own + pull,
        "the network no longer changes: its gradient was cleared before its step.": 0 * own,
        "the network now reduces the distance: it should reduce its own loss on the images.": pull,
        "the network now learns from the real images: it should learn from the synthetic ones.": real,
        "the network learns from the images as they were before their step: train it afterwards.": (
            slope(before, before.images, before.labels)
        ),
    }
    return {sentence: -NETWORK_LR * g for sentence, g in gradient.items()}
