"""Check of the exercise about stage T: train one network on the images, and test it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .answers import NotYet, ask, checked, number, same, written

CLASSES, EPOCHS = 5, 12
HALF = (EPOCHS // 2, (EPOCHS - 1) // 2 + 2)  # the plain half, and the published code's: both are right


class Case:
    """A network, images to train on and more to test it on, the same each time."""

    def __init__(self) -> None:
        torch.manual_seed(0)  # inside `seeded`: the lesson's random numbers stay as they were
        # Batch norm tells training mode from evaluation mode, and has no random numbers as dropout has.
        body = nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU())
        self.network = nn.Sequential(*body, nn.Linear(12, CLASSES)).double()
        middle = torch.randn(CLASSES, 1, 4, 4).double()
        self.labels, self.test_labels = (torch.arange(CLASSES).repeat(n) for n in (3, 60))
        self.images, self.test_images = (
            middle[y] + noise * torch.randn(len(y), 1, 4, 4).double() + shift
            for y, noise, shift in ((self.labels, 0.3, 0.0), (self.test_labels, 1.2, 0.4))
        )
        self.start = self.weights

    @property
    def weights(self) -> Tensor:
        """All of the network's parameters in one vector."""
        return torch.cat([p.detach().flatten() for p in self.network.parameters()])

    @property
    def learned(self) -> Tensor:
        """How far the network has come from its start."""
        return self.weights - self.start

    def trained(
        self,
        data: str = "",
        momentum: float = 0.9,
        decay: float = 0.0005,
        half: int = HALF[0],
        restart: bool = True,
        mode: bool = True,
        zero: bool = True,
        softmax: bool = False,
        sign: int = 1,
        rate: float = 0.01,
        drop: float = 0.1,
    ) -> "Case":
        """This case after stage T: as it should be, or with one thing done otherwise. data: "", or "test_"."""
        images, labels = getattr(self, f"{data}images"), getattr(self, f"{data}labels")
        self.network.train(mode)
        optimizer = torch.optim.SGD(self.network.parameters(), rate, momentum, weight_decay=decay)
        for epoch in range(EPOCHS):
            if epoch == half and restart:
                optimizer = torch.optim.SGD(self.network.parameters(), rate * drop, momentum, weight_decay=decay)
            elif epoch == half:
                optimizer.param_groups[0]["lr"] = rate * drop
            if zero:
                optimizer.zero_grad()
            outputs = self.network(images)
            (sign * F.cross_entropy(outputs.softmax(1) if softmax else outputs, labels)).backward()
            optimizer.step()
        return self

    @torch.no_grad()
    def score(self, mode: bool = False, data: str = "test_") -> float:
        """Accuracy in %, in training or in evaluation mode, on the test images or on the others."""
        network = copy.deepcopy(self.network).train(mode)
        right = network(getattr(self, f"{data}images")).argmax(1) == getattr(self, f"{data}labels")
        return 100 * float(right.double().mean())


@checked
def stage_t(function: Callable[..., Any]) -> str:
    """Lesson 3. ``function(network, images, labels, test_images, test_labels, epochs)`` trains, tests, and returns %.

    Stochastic gradient descent on all images at once, rate 0.01, momentum 0.9, weight decay 0.0005; at half of the
    epochs a tenth of the rate, with a new optimiser or the old one.
    """
    mine = Case()
    found = ask(function, mine.network, mine.images, mine.labels, mine.test_images, mine.test_labels, EPOCHS)
    if float(mine.learned.norm()) == 0:
        written(found)
        raise NotYet(
            "the network has not learned anything: its weights have not changed. Is `optimizer.step()` missing?"
        )
    rights = [Case().trained(half=half, restart=restart) for half in HALF for restart in (True, False)]
    right = next((case for case in rights if same(mine.learned, case.learned)), None)
    if right is None:
        for sentence, wrong in _wrong_training().items():
            if any(same(mine.learned, case.learned) for case in wrong):
                raise NotYet(sentence)
        raise NotYet("the trained weights are not the expected ones: compare the optimiser, the epochs and the loss.")
    written(found)
    accuracy = float(number(found))
    if abs(accuracy - right.score()) < 1e-3:
        return "Your weights and your accuracy equal the kit's."
    for sentence, wrong_accuracy in _wrong_scores(right).items():
        if abs(accuracy - wrong_accuracy) < 1e-3:
            raise NotYet(f"the training is right, but {sentence}")
    raise NotYet(
        f"the training is right, but the accuracy is not: found {accuracy:.4g}, expected {right.score():.4g} %."
    )


def _wrong_training() -> dict[str, list[Case]]:
    """Where known mistakes lead, by what is to be said to each."""

    def variants(**change: Any) -> list[Case]:
        return [Case().trained(**({"half": half, "restart": new} | change)) for half in HALF for new in (True, False)]

    return {
        "the network was trained on the test images: it must not see them before the test.": variants(data="test_"),
        "the gradients of all epochs add up: begin each epoch with `optimizer.zero_grad()`.": variants(zero=False),
        "the learning rate stays the same: after half of the epochs, divide it by 10.": variants(drop=1.0),
        "momentum is missing: it is 0.9.": variants(momentum=0.0),
        "weight decay is missing: it is 0.0005.": variants(decay=0.0),
        "the network learned in evaluation mode: call `network.train()` before the training.": variants(mode=False),
        "there is a softmax before the cross-entropy, which contains one itself.": variants(softmax=True),
        "the sign is wrong: the training increased the loss.": variants(sign=-1),
        "the learning rate is ten times too large: use 0.01, then 0.001.": variants(rate=0.1),
    }


def _wrong_scores(right: Case) -> dict[str, float]:
    """What known mistakes take for the accuracy, by what is to be said to each."""
    return {
        "the accuracy is a fraction: expected a percentage, so multiply it by 100.": right.score() / 100,
        "this is the number of correct answers: expected their percentage of all test images.": (
            right.score() / 100 * len(right.test_labels)
        ),
        "this is the percentage of wrong answers: expected that of correct ones.": 100 - right.score(),
        "the test ran in training mode: call `network.eval()` before the test.": right.score(mode=True),
        "this is the accuracy on the training images: expected the accuracy on the test images.": right.score(data=""),
    }
