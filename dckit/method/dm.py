"""DM, dataset condensation with distribution matching: Zhao and Bilen, WACV 2023.

The synthetic images of a class learn to have the same mean features as its real images, in many random networks that
are never trained. So no second derivative is needed, and the cost of an iteration hardly depends on the number of
images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import numbers, side_by_side
from .algorithm import Algorithm, Learned, Step, moved, start_at_rest, with_momentum
from .augment import strategy
from .kinds import KINDS_OF, draw, siamese
from .train import features, fresh_network

PIECE = 32  # images per forward pass: with more of them, the layers' outputs do not fit into the processor's cache


@dataclass(frozen=True)
class DM(Algorithm):
    """The choices of distribution matching; the defaults are those of the published code at 1 image per class."""

    method: ClassVar[str] = "dm"
    TESTING: ClassVar[dict[str, Any]] = {"augmentation": "dsa"}

    iterations: int = 20000  # one random network for each
    real_batch: int = 256  # real images of each class in an iteration, drawn without replacement
    init: Literal["noise", "real"] = "real"
    image_lr: float = 1.0
    image_momentum: float = 0.5
    siamese: Literal["dsa", "dsa_without_flip", "none"] = "dsa"  # no flip on MNIST, SVHN and the digits

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(iterations=500, real_batch=32),
        "smoke": dict(iterations=100, real_batch=8, width=32),
    }

    @classmethod
    def published(cls, ipc: int, budget: str, network: str) -> "DM":
        """The choices of the published code; only its readme states the larger learning rate."""
        return replace(cls(network=network, image_lr=1.0 if ipc < 100 else 10.0), **cls.AMOUNTS[budget])

    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """The first images, and with momentum their velocities, which are 0."""
        return start_at_rest(self, real, ipc, generator)

    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """Return a function that draws a new network and calls `iteration` with it."""
        fresh_network(real, self, numbers(0))  # raises ValueError if it cannot take the images
        kinds = strategy(self.siamese, real.name)

        def step(learned: Learned, generator: torch.Generator) -> tuple[Learned, Tensor]:
            images, train_images = with_momentum(self, learned)
            network = fresh_network(real, self, generator).to(images.device)
            loss = iteration(self, real.train, images, labels, train_images, network, kinds, generator)
            return moved(images, train_images), loss

        return step


def iteration(
    choices: DM,
    real: Split,
    images: Tensor,
    labels: Tensor,
    train_images: torch.optim.Optimizer,
    network: nn.Module,
    strategy: str,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One step of the images down the distance, for one network.

    images (classes × ipc, channels, height, width), which require grad, and labels, both sorted by class.
    train_images: the images' optimiser. strategy: a key of `KINDS_OF`, or "none". generator: source of all random
    numbers (None: torch's global one). Returns the distance before the step, averaged over classes.
    """
    classes = range(len(real.by_class))
    ipc = len(labels) // len(classes)
    matched, batches = list[Tensor](), list[Tensor]()
    for c in classes:
        batch = real.sample(c, choices.real_batch, generator)[0]
        kind, its = draw(KINDS_OF[strategy], batch, generator) if strategy != "none" else (None, [])
        synthetic, batch = next(siamese([images[c * ipc : (c + 1) * ipc]], [batch], kind, its))
        matched.append(synthetic)
        batches.append(batch)

    def slopes(synthetic: list[Tensor], real: list[Tensor]) -> tuple[Sequence[Tensor], Tensor]:
        own = [s.detach().requires_grad_() for s in synthetic]
        found = distance(network, own, real)
        return torch.autograd.grad(found, own), found.detach()

    # Batch norm must see all classes at once. Without batch norm each class is matched separately, on its own thread.
    by_class = [([s], [r]) for s, r in zip(matched, batches, strict=True)]
    parts = [(matched, batches)] if _batch_norm(network) else by_class
    found = list(side_by_side(slopes, parts, images.device))
    train_images.zero_grad()
    torch.autograd.backward(matched, [slope for its, _ in found for slope in its])
    train_images.step()
    return torch.stack([each for _, each in found]).sum() / len(classes)


def distance(
    network: nn.Module,
    synthetic: Sequence[Tensor],
    real: Sequence[Tensor],
    kind: str | Sequence[str] | None = None,
    numbers: Sequence[Tensor] | Sequence[Sequence[Tensor]] = (),
) -> Tensor:
    """DM's loss: a scalar, differentiable in the synthetic images.

    For each class it is the squared distance between the mean features of the synthetic and of the real images, after
    the same augmentation of both; the classes are summed. synthetic, real: a tensor (batch, channels, height, width)
    per class. kind, numbers: as for `kinds.siamese`.
    """
    pairs = list(siamese(synthetic, real, kind, numbers))
    ours, theirs = [s for s, _ in pairs], [r for _, r in pairs]
    with torch.no_grad():
        goals = mean_features(network, theirs)
    means = mean_features(network, ours)
    return torch.stack([(mean - goal).square().sum() for mean, goal in zip(means, goals, strict=True)]).sum()


def mean_features(network: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """The mean features of each class, a vector per class. images: a tensor of images per class."""
    network.train(_batch_norm(network))  # no dropout
    embed, everything = features(network), torch.cat(list(images))
    parts = [everything] if _batch_norm(network) else everything.split(PIECE)
    embedded = torch.cat([embed(part).flatten(1) for part in parts])
    return [own.mean(0) for own in embedded.split([len(own) for own in images])]


def _batch_norm(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
