"""DM, dataset condensation with distribution matching: Zhao and Bilen, WACV 2023.

Synthetic images of a class get the mean features of real ones, in many random networks that are never trained. So no
gradient of a gradient is needed, and an iteration costs about the same however many images there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import Bfloat16, numbers, side_by_side
from .algorithm import Algorithm, Learned, Step, noise_or_real
from .augment import strategy
from .kinds import KINDS_OF, draw, siamese
from .train import fresh_network

PIECE = 32  # images that pass the network together: more of them leave a processor's cache


@dataclass(frozen=True)
class DM(Algorithm):
    """The choices of distribution matching; the defaults are the published code's at 1 image per class."""

    method: ClassVar[str] = "dm"
    TESTING: ClassVar[dict[str, Any]] = {"augmentation": "dsa"}

    iterations: int = 20000  # draws of a network
    real_batch: int = 256  # real images of each class in an iteration, drawn without replacement
    init: Literal["noise", "real"] = "real"
    image_lr: float = 1.0
    image_momentum: float = 0.5
    siamese: Literal["dsa", "dsa_without_flip", "none"] = "dsa"  # kinds; no flip on MNIST, SVHN, the digits

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(iterations=500, real_batch=32),
        "smoke": dict(iterations=100, real_batch=8, width=32),
    }

    @classmethod
    def published(cls, ipc: int, budget: str, network: str) -> "DM":
        """The published code's; its readme names the larger rate."""
        return replace(cls(network=network, image_lr=1.0 if ipc < 100 else 10.0), **cls.AMOUNTS[budget])

    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """The first images, and their momentum."""
        images = noise_or_real(self.init, real, ipc, generator)
        return {"images": images, "velocity": torch.zeros_like(images)}

    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """One iteration: a new network, and `iteration` with it."""
        fresh_network(real, self, numbers(0))  # refuses images that it cannot take
        kinds = strategy(self.siamese, real.name)

        def step(learned: Learned, generator: torch.Generator) -> tuple[Learned, Tensor]:
            images = learned["images"].clone().requires_grad_()
            train_images = torch.optim.SGD([images], self.image_lr, self.image_momentum)
            train_images.state[images]["momentum_buffer"] = learned["velocity"].clone()
            network = fresh_network(real, self, generator).to(images.device)
            loss = iteration(self, real.train, images, labels, train_images, network, kinds, generator)
            velocity = train_images.state[images]["momentum_buffer"]
            return {"images": images.detach(), "velocity": velocity}, loss

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
    """One step of the images down the distance, for one network. Returns the distance, averaged over classes.

    images (classes × ipc, channels, height, width), which require grad, and labels, sorted by class. strategy: one of
    `KINDS_OF`, or none.
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

    # Batch norm has to see all classes at once. Without it each class is matched by itself, on a thread of its own.
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

    It is the squared distance between the mean features of synthetic and of real images that were changed alike, summed
    over classes. synthetic, real: a tensor (batch, channels, height, width) per class. kind, numbers: as for
    `kinds.siamese`.
    """
    pairs = list(siamese(synthetic, real, kind, numbers))
    ours, theirs = [s for s, _ in pairs], [r for _, r in pairs]
    with torch.no_grad():
        goals = mean_features(network, theirs)
    means = mean_features(network, ours)
    return torch.stack([(mean - goal).square().sum() for mean, goal in zip(means, goals, strict=True)]).sum()


def mean_features(network: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """The mean features of each class, from a tensor of images per class."""
    network.train(_batch_norm(network))  # no dropout
    embed, everything = features(network), torch.cat(list(images))
    parts = [everything] if _batch_norm(network) else everything.split(PIECE)
    embedded = torch.cat([embed(part).flatten(1) for part in parts])
    return [own.mean(0) for own in embedded.split([len(own) for own in images])]


def features(network: nn.Module) -> nn.Module:
    """All layers of a network before its last linear one. Raises ValueError for one that is not a plain sequence."""
    if isinstance(network, Bfloat16):
        return Bfloat16(features(network.network))
    layers = list(network) if isinstance(network, nn.Sequential) else []
    linear = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    if not linear:
        raise ValueError("features are taken before the last linear layer of an nn.Sequential: build gives one")
    return nn.Sequential(*layers[: linear[-1]])


def _batch_norm(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
