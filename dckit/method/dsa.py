"""DSA, differentiable Siamese augmentation: Zhao and Bilen, ICML 2021.

DSA is DC with three changes. It starts from real images. In a matching step, real and synthetic images get the same
augmentation. Between the steps, the images on which the network trains are augmented, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..data import ImageData, Split
from ..engine import Matcher
from .augment import strategy
from .dc import DC, matching_step
from .kinds import KINDS_OF, draw, siamese
from .matching import gradient_distance, gradients
from .train import hold_batch_norm, train_epoch


@dataclass(frozen=True)
class DSA(DC):
    """The choices of DSA: those of DC, and one more. Defaults: the published code's at 1 image per class."""

    method: ClassVar[str] = "dsa"
    TESTING: ClassVar[dict[str, Any]] = {"augmentation": "dsa"}

    init: Literal["noise", "real"] = "real"
    siamese: Literal["dsa", "dsa_without_flip", "none"] = "dsa"  # no flip on MNIST, SVHN and the digits

    def own_iteration(self, real: ImageData) -> Callable[..., Tensor]:
        """Return `iteration` with the augmentation for this dataset."""
        return partial(iteration, strategy=strategy(self.siamese, real.name))


def iteration(
    choices: DSA,
    real: Split,
    images: Tensor,
    labels: Tensor,
    train_images: torch.optim.Optimizer,
    network: nn.Module,
    train_network: torch.optim.Optimizer,
    match: Matcher,
    strategy: str,
    generator: torch.Generator | None = None,
) -> Tensor:
    """DC's iteration with augmented images.

    The arguments and the result are those of `dckit.method.dc.iteration`. strategy: a key of `KINDS_OF`, or "none".
    """

    def alike(synthetic: Tensor, real_images: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        kind, its = draw(KINDS_OF[strategy], real_images, generator)  # new ones for each class and step
        return next(siamese([synthetic], [real_images], kind, its))

    augmented = {} if strategy == "none" else {"augment": alike}
    steps = []
    for t in range(choices.matching_steps):
        hold_batch_norm(network, real, choices.norm_images, generator)
        steps.append(matching_step(choices, real, images, labels, train_images, match, generator, **augmented))
        if t < choices.matching_steps - 1:
            for _ in range(choices.network_steps):  # here each image is augmented differently
                data = (images.detach(), labels)
                train_epoch(network, train_network, data, choices.network_batch, strategy, generator)
    return torch.stack(steps).mean()


def distance(
    network: nn.Module,
    synthetic: Sequence[Tensor],
    real: Sequence[Tensor],
    kind: str | Sequence[str] | None = None,
    numbers: Sequence[Tensor] | Sequence[Sequence[Tensor]] = (),
    metric: str = "layerwise",
) -> Tensor:
    """DSA's loss in plain PyTorch: a scalar, differentiable in the synthetic images.

    For each class it is the distance between the gradients of the synthetic and of the real images, after the same
    augmentation of both; the classes are summed. synthetic, real: a tensor (batch, channels, height, width) per class.
    kind, numbers: as for `kinds.siamese`. metric: as for `gradient_distance`.
    """
    total = torch.zeros((), device=synthetic[0].device)
    for label, (s, r) in enumerate(siamese(synthetic, real, kind, numbers)):
        labels = [torch.full((len(images),), label, device=images.device) for images in (s, r)]
        grads = gradients(network, s, labels[0], create_graph=True)
        total = total + gradient_distance(grads, gradients(network, r, labels[1]), metric)
    return total
