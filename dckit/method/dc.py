"""DC, dataset condensation with gradient matching: Algorithm 1 of Zhao, Mopuri and Bilen, ICLR 2021.

`iteration` is the algorithm for one network, in the paper's notation. The rest of this file is its choices and its
parts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import Matcher, numbers, steady
from .algorithm import Algorithm, Learned, Step, moved, start_at_rest, with_momentum
from .matching import gradient_distance
from .train import fresh_network, hold_batch_norm, redraw, train_epoch

# The published code's T and ς_θ by images per class. It accepts no other numbers of images: see `loops`.
LOOPS = {1: (1, 1), 10: (10, 50), 20: (20, 25), 30: (30, 20), 40: (40, 15), 50: (50, 10)}


@dataclass(frozen=True)
class DC(Algorithm):
    """The choices of gradient matching; the defaults are those of the published code at 1 image per class."""

    method: ClassVar[str] = "dc"

    iterations: int = 1000  # K, draws of θ0. The published code saves its images after one more
    matching_steps: int = 1  # T
    network_steps: int = 1  # ς_θ, epochs over S after each matching step but the last
    metric: Literal["layerwise", "mse", "cos"] = "layerwise"  # D
    by_class: bool = True  # match class after class, or one batch of all classes
    real_batch: int = 256  # real images of each class in a matching step, drawn without replacement
    norm_images: int = 16  # real images of each class that set batch norm's statistics before a matching step
    init: Literal["noise", "real"] = "noise"
    image_lr: float = 0.1  # η_S
    image_momentum: float = 0.5
    network_lr: float = 0.01  # η_θ
    network_momentum: float = 0.0  # 0.5 in the published code until July 2021
    network_batch: int | None = 256  # synthetic images in a network step; None: all of S

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(iterations=240, real_batch=8),
        "smoke": dict(iterations=200, real_batch=8, width=32),
    }

    @classmethod
    def published(cls, ipc: int, budget: str, network: str) -> "DC":
        """The choices of the published code, which condenses VGG11 and ResNet18 with batch norm but tests without."""
        matching_steps, network_steps = loops(ipc)
        return cls(
            network={"VGG11": "VGG11BN", "ResNet18": "ResNet18BN_AP"}.get(network, network),
            matching_steps=matching_steps,
            network_steps=network_steps,
            image_lr=0.01 if network == "MLP" else 0.1,  # named in the published readme only
        )._reduced(budget)

    @classmethod
    def report(cls, ipc: int, budget: str, network: str) -> "DC":
        """The choices of the report's code."""
        return cls(
            network=network,
            version="report",
            normalisation="report",
            image_momentum=0.0,
            matching_steps=ipc,
            network_steps=loops(ipc)[1],
            network_batch=None,
        )._reduced(budget)

    def _reduced(self, budget: str) -> "DC":
        amounts = dict(self.AMOUNTS[budget])
        if "iterations" in amounts:
            # The amount holds for T = 1 and η_S = 0.1. A larger T does more work per iteration, so fewer iterations
            # are done. A smaller η_S moves the images less, so more are done.
            steps = min(self.iterations, round(amounts["iterations"] * 0.1 / self.image_lr))
            amounts["iterations"] = max(5, steps // self.matching_steps)
        return replace(self, **amounts)

    @property
    def decisive(self) -> dict[str, Any]:
        """The fields that affect the images.

        With one matching step a network is never trained, so the fields about its training are left out.
        """
        unused = (
            ("network_steps", "network_lr", "network_momentum", "network_batch") if self.matching_steps == 1 else ()
        )
        return {name: value for name, value in super().decisive.items() if name not in unused}

    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """The first images, and with momentum their velocities, which are 0."""
        return start_at_rest(self, real, ipc, generator)

    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """Return a function that draws a new θ0 and calls `iteration` with it."""
        network = fresh_network(real, self, numbers(0)).to(labels.device)  # each iteration draws its weights anew
        train_network = torch.optim.SGD(network.parameters(), self.network_lr, self.network_momentum)
        match = Matcher(network, partial(gradient_distance, metric=self.metric))
        iterate = self.own_iteration(real)

        def step(learned: Learned, generator: torch.Generator) -> tuple[Learned, Tensor]:
            images, train_images = with_momentum(self, learned)
            redraw(network, train_network, real, self, generator)
            loss = iterate(
                self, real.train, images, labels, train_images, network, train_network, match, generator=generator
            )
            return moved(images, train_images), loss

        return step

    def own_iteration(self, real: ImageData) -> Callable[..., Tensor]:
        """Return `iteration`. A method that changes it, such as DSA, returns its own."""
        return iteration


Augment = Callable[[Tensor, Tensor, torch.Generator | None], tuple[Tensor, Tensor]]  # synthetic and real images


def unchanged(synthetic: Tensor, real: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Return both as they are: no augmentation."""
    return synthetic, real


def iteration(
    choices: DC,
    real: Split,
    images: Tensor,
    labels: Tensor,
    train_images: torch.optim.Optimizer,
    network: nn.Module,
    train_network: torch.optim.Optimizer,
    match: Matcher,
    generator: torch.Generator | None = None,
    augment: Augment = unchanged,
) -> Tensor:
    """Algorithm 1 for one network: T steps of the images, and between them ς_θ epochs of the network on the images.

    images (classes × ipc, channels, height, width) and labels: the set S; the images require grad. train_images: the
    images' optimiser, with rate η_S. train_network: the network's optimiser, with rate η_θ. match: computes the
    distance of each class and its gradient with respect to the images. generator: source of all random numbers (None:
    torch's global one). augment: changes the images of a class before they are matched. Returns the distance D,
    averaged over classes and steps.
    """
    steps = []
    for t in range(choices.matching_steps):  # line 4: for t = 0, …, T − 1
        hold_batch_norm(network, real, choices.norm_images, generator)
        steps.append(matching_step(choices, real, images, labels, train_images, match, generator, augment))
        if t < choices.matching_steps - 1:  # after the last step, θ is not needed any more
            for _ in range(choices.network_steps):  # line 9: ς_θ steps of θ down the loss on S, with η_θ
                train_epoch(network, train_network, (images.detach(), labels), choices.network_batch, "none", generator)
    return torch.stack(steps).mean()


@steady()
def matching_step(
    choices: DC,
    real: Split,
    images: Tensor,
    labels: Tensor,
    train_images: torch.optim.Optimizer,
    match: Matcher,
    generator: torch.Generator | None = None,
    augment: Augment = unchanged,
) -> Tensor:
    """Lines 5 to 8 of Algorithm 1: one step of the images down the distance D, summed over classes.

    The arguments are those of `iteration`. Returns the distance before the step, averaged over classes.
    """
    matched, pairs = [], []
    for own, batch in batches(choices, real, labels, generator):  # line 6: a real batch B_c, and S_c
        synthetic, real_images = augment(images[own], batch[0], generator)
        matched.append(synthetic)
        pairs.append((synthetic.detach(), labels[own], real_images, batch[1]))
    slopes, distances = match(pairs, generator)  # line 7: D(∇_θ L(S_c), ∇_θ L(B_c)) and ∇_S D
    train_images.zero_grad()
    torch.autograd.backward(matched, slopes)
    train_images.step()  # line 8: S ← S − η_S ∇_S D
    return torch.stack(distances).sum() / len(real.by_class)


def batches(
    choices: DC, real: Split, labels: Tensor, generator: torch.Generator | None
) -> Iterator[tuple[slice, tuple[Tensor, Tensor]]]:
    """Yield what is matched: a slice of the synthetic images, which are sorted by class, and a batch of real ones.

    With ``by_class`` there is one pair per class. Without it there is one pair in all: every synthetic image, and
    ``real_batch`` × classes real images drawn from the whole training set.
    """
    classes = len(real.by_class)
    if not choices.by_class:
        yield slice(None), real.draw(classes * choices.real_batch, generator)
        return
    ipc = len(labels) // classes
    for c in range(classes):
        yield slice(c * ipc, (c + 1) * ipc), real.sample(c, choices.real_batch, generator)


def loops(ipc: int) -> tuple[int, int]:
    """T and ς_θ for ``ipc`` images per class: as published, or for other numbers by the same pattern.

    The pattern is T = ipc up to 50, and about 500 network steps in all, at most 50 after one matching step. Above 50
    images it gives (50, 10), as the authors advise.
    """
    steps = min(ipc, 50)
    return LOOPS.get(ipc, (steps, min(50, 500 // steps)))
