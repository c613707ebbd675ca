"""Check of the exercise about stage T: train one network on the images, and test it."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from .answers import NotYet, ask, checked, number, same, tell, written

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
        self._start = parameters_to_vector(self.network.parameters()).detach()

    @property
    def learned(self) -> Tensor:
        """How far the network's weights have come from their start, in one vector."""
        return parameters_to_vector(self.network.parameters()).detach() - self._start

    def trained(
        self,
        half: int,
        restart: bool,
        momentum: float = 0.9,
        decay: float = 0.0005,
        drop: float = 0.1,
        zero: bool = True,
        softmax: bool = False,
    ) -> "Case":
        """This case after stage T: as it should be, or with one thing done otherwise."""
        for epoch in range(EPOCHS):
            if epoch == 0 or (epoch == half and restart):
                optimizer = torch.optim.SGD(self.network.parameters(), 0.01, momentum, weight_decay=decay)
            if epoch == half:
                optimizer.param_groups[0]["lr"] *= drop
            if zero:
                optimizer.zero_grad()
            outputs = self.network(self.images)
            F.cross_entropy(outputs.softmax(1) if softmax else outputs, self.labels).backward()
            optimizer.step()
        return self

    @torch.no_grad()
    def score(self, training_mode: bool = False) -> Tensor:
        """Accuracy in % on the test images."""
        outputs = self.network.train(training_mode)(self.test_images)
        return 100 * (outputs.argmax(1) == self.test_labels).double().mean()


MISTAKES: dict[str, dict[str, Any]] = {  # what is said to each, and what it does otherwise
    "the gradients of all epochs add up: begin each epoch with `optimizer.zero_grad()`.": {"zero": False},
    "the learning rate stays the same: after half of the epochs, divide it by 10.": {"drop": 1.0},
    "momentum is missing: it is 0.9.": {"momentum": 0.0},
    "weight decay is missing: it is 0.0005.": {"decay": 0.0},
    "there is a softmax before the cross-entropy, which contains one itself.": {"softmax": True},
}


def _trained_as(mine: Case, **change: Any) -> Case | None:
    """A case with the weights of ``mine`` after stage T with this change, by any half and optimiser that is right."""
    cases = (Case().trained(half, restart, **change) for half in HALF for restart in (True, False))
    return next((case for case in cases if same(mine.learned, case.learned)), None)


@checked
def stage_t(function: Callable[..., Any]) -> str:
    """Lesson 3. ``function(network, images, labels, test_images, test_labels, epochs)`` trains, tests, and returns %.

    Stochastic gradient descent on all images at once, rate 0.01, momentum 0.9, weight decay 0.0005; at half of the
    epochs a tenth of the rate, with a new optimiser or the old one.
    """
    mine = Case()
    found = ask(function, mine.network, mine.images, mine.labels, mine.test_images, mine.test_labels, EPOCHS)
    if not mine.learned.any():
        written(found)
        raise NotYet(
            "the network has not learned anything: its weights have not changed. Is `optimizer.step()` missing?"
        )
    right = _trained_as(mine)
    if right is None:
        for sentence, change in MISTAKES.items():
            if _trained_as(mine, **change):
                raise NotYet(sentence)
        raise NotYet("the trained weights are not the expected ones: compare the optimiser, the epochs and the loss.")
    accuracy, score = number(found).double(), right.score()
    mistakes = {
        "the accuracy is a fraction: expected a percentage, so multiply it by 100.": score / 100,
        "this is the number of correct answers: expected their percentage of all test images.": (
            score / 100 * len(right.test_labels)
        ),
        "the test ran in training mode: call `network.eval()` before the test.": right.score(training_mode=True),
    }
    mistakes = {f"the training is right, but {sentence}": wrong for sentence, wrong in mistakes.items()}
    said = f"the training is right, but the accuracy is not: found {accuracy:.4g}, expected {score:.4g} %."
    tell(accuracy, score, mistakes, said, 1e-5)
    return "Your weights and your accuracy equal the kit's."
