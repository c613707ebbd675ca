"""Gradients in pieces that fit a processor's cache, and the matcher. They make stages C and T fast on a CPU.

The gradient of a sum is the sum of the gradients, so a network may process a few images at a time. All results equal
those of plain PyTorch up to rounding, and are the same, bit for bit, on any number of threads.
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cuda_graphs import Replay, draws
from .layers import dropping_out
from .threads import side_by_side

PIECE, WIDE = 10, 32  # images per piece on a CPU; only for networks with a convolution of at least WIDE channels
LARGE_PIECE, HEAVY = 64, 4e6  # images per piece with more than HEAVY weights, since each piece adds a gradient of all

Distance = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]  # of gradients: synthetic, real images
Pair = tuple[Tensor, Tensor, Tensor, Tensor]  # synthetic images, their labels, real images, their labels


def gradients_and_logits(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """The gradients of the mean cross-entropy, one tensor per parameter, and the logits (batch, classes)."""
    parameters, count = tuple(network.parameters()), pieces(network, images)

    def of_piece(part: Tensor, own: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        logits = network(part)
        loss = F.cross_entropy(logits, own, reduction="sum") / len(labels)
        return torch.autograd.grad(loss, parameters), logits.detach()

    parts = zip(images.tensor_split(count), labels.tensor_split(count), strict=True)
    sums, all_logits = tuple[Tensor, ...](), []
    for grads, logits in side_by_side(of_piece, parts, images.device):
        sums = tuple(total.add_(grad) for total, grad in zip(sums, grads, strict=True)) if sums else grads
        all_logits.append(logits)
    return sums, torch.cat(all_logits)


def pieces(network: nn.Module, images: Tensor) -> int:
    """The number of pieces in which the network processes the images.

    It is 1 if more would not be faster, if batch norm must see all images, or if a pass draws random numbers.
    """
    trains_batch_norm = any(isinstance(m, nn.BatchNorm2d) and m.training for m in network.modules())
    wide = any(isinstance(m, nn.Conv2d) and m.out_channels >= WIDE for m in network.modules())
    if images.device.type != "cpu" or trains_batch_norm or draws(network) or not wide:
        return 1
    heavy = sum(p.numel() for p in network.parameters()) > HEAVY
    return math.ceil(len(images) / (LARGE_PIECE if heavy else PIECE))


class Matcher:
    """Computes the distance between a network's gradients on synthetic and on real images.

    It also gives the gradient of this distance with respect to the synthetic images.
    """

    def __init__(self, network: nn.Module, distance: Distance) -> None:
        self.network, self.distance = network, distance
        self._match = Replay(self._matched, network, list(network.buffers()))

    def __call__(
        self, pairs: Sequence[Pair], generator: torch.Generator | None = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each pair, the distance's gradient with respect to the synthetic images, and the distance, a scalar."""
        # Pairs are matched in parallel, so if the network draws random numbers, each pair needs its own generator.
        own = [_child(generator) if draws(self.network) else None for _ in pairs]
        items = [(numbers, *pair) for numbers, pair in zip(own, pairs, strict=True)]
        found = list(side_by_side(self._drawing, items, pairs[0][0].device))
        return [slope for slope, _ in found], [distance for _, distance in found]

    def _drawing(self, generator: torch.Generator | None, *pair: Tensor) -> tuple[Tensor, ...]:
        with dropping_out(generator):
            return self._match(*pair)

    def _matched(self, images: Tensor, labels: Tensor, real_images: Tensor, real_labels: Tensor) -> tuple[Tensor, ...]:
        grads_real = gradients_and_logits(self.network, real_images, real_labels)[0]
        if pieces(self.network, images) > 1:
            return self._in_pieces(images.detach(), labels, grads_real)
        images = images.detach().requires_grad_()
        loss = F.cross_entropy(self.network(images), labels)
        grads = torch.autograd.grad(loss, tuple(self.network.parameters()), create_graph=True)
        distance = self.distance(grads, grads_real)
        return torch.autograd.grad(distance, images)[0], distance.detach()

    def _in_pieces(self, images: Tensor, labels: Tensor, grads_real: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The same in pieces, by the chain rule: first differentiate the distance with respect to the gradients on the
        synthetic images, then these gradients, piece by piece, with respect to the images.

        This takes one more pass, but only the graph of one piece is in memory.
        """
        grads = [grad.requires_grad_() for grad in gradients_and_logits(self.network, images, labels)[0]]
        distance = self.distance(grads, grads_real)
        slopes = torch.autograd.grad(distance, grads, materialize_grads=True)
        parameters, count = tuple(self.network.parameters()), pieces(self.network, images)

        def of_piece(part: Tensor, own: Tensor) -> Tensor:
            part = part.detach().requires_grad_()
            loss = F.cross_entropy(self.network(part), own, reduction="sum") / len(labels)
            grads = torch.autograd.grad(loss, parameters, create_graph=True)
            return torch.autograd.grad(grads, part, slopes)[0]

        parts = zip(images.tensor_split(count), labels.tensor_split(count), strict=True)
        return torch.cat(list(side_by_side(of_piece, parts, images.device))), distance.detach()


def _child(generator: torch.Generator | None) -> torch.Generator:
    return torch.Generator().manual_seed(int(torch.randint(2**63 - 1, (), generator=generator)))


def descend(network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> Tensor:
    """One step of the optimiser down the mean cross-entropy. Returns the logits (batch, classes) before the step.

    The optimiser's rate must not change after its first step: another rate needs a new optimiser.
    """
    step = vars(optimizer).get("_descent") or _descent(network, optimizer)
    optimizer._descent = step  # type: ignore[attr-defined]  # keeps the recordings as long as the optimiser exists
    return step(images, labels)[0]


def _descent(network: nn.Module, optimizer: torch.optim.Optimizer) -> Callable[..., tuple[Tensor, ...]]:
    parameters = list(network.parameters())

    def step(images: Tensor, labels: Tensor) -> tuple[Tensor]:
        grads, logits = gradients_and_logits(network, images, labels)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad
        optimizer.step()
        return (logits,)

    if not isinstance(optimizer, torch.optim.SGD):
        return step  # which tensors other optimisers change is known only after a step
    for parameter in parameters if optimizer.defaults["momentum"] else ():  # velocities of 0 change nothing
        optimizer.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))
    velocities = [state["momentum_buffer"] for state in optimizer.state.values() if "momentum_buffer" in state]
    return Replay(step, network, [*parameters, *network.buffers(), *velocities])
