"""Gradients in pieces that fit a processor's cache, and the matcher: what makes stages C and T fast on a CPU.

Gradients of a mean add up, so images may pass a network a few at a time. Everything here gives what plain PyTorch
gives, up to rounding, and the same bits on any number of threads.
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cuda_graphs import Replay, draws
from .layers import dropping_out
from .threads import side_by_side

PIECE, WIDE = 10, 32  # images that pass a CPU together, in networks with a convolution of so many channels
LARGE_PIECE, HEAVY = 64, 4e6  # and in those of so many weights, since each piece adds a gradient of all of them

Distance = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]  # of synthetic images' gradients to real ones'
Pair = tuple[Tensor, Tensor, Tensor, Tensor]  # synthetic images, their labels, real images, their labels


def gradients_and_logits(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """Gradients of the mean cross-entropy, a tensor per parameter, and the logits (batch, classes) on the way."""
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
    """In how many pieces the images pass the network.

    One piece where nothing is gained by more, where batch norm must see all images, and where each pass draws random
    numbers.
    """
    trains_batch_norm = any(isinstance(m, nn.BatchNorm2d) and m.training for m in network.modules())
    wide = any(isinstance(m, nn.Conv2d) and m.out_channels >= WIDE for m in network.modules())
    if images.device.type != "cpu" or trains_batch_norm or draws(network) or not wide:
        return 1
    heavy = sum(p.numel() for p in network.parameters()) > HEAVY
    return math.ceil(len(images) / (LARGE_PIECE if heavy else PIECE))


class Matcher:
    """How far synthetic images are from real ones in what they teach a network, and which way they are to go."""

    def __init__(self, network: nn.Module, distance: Distance) -> None:
        self.network, self.distance = network, distance
        self._match = Replay(self._matched, network, list(network.buffers()))

    def __call__(
        self, pairs: Sequence[Pair], generator: torch.Generator | None = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each pair the slope of the distance with respect to its synthetic images, and the distance, a scalar."""
        # Pairs are matched at the same time, so those of a network that draws random numbers must not share them.
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
        """By the chain rule: the slope of the distance at the gradients, then that of the gradients, which are sums.

        One more pass, and only a piece's graph is in memory.
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
    """One step of the optimiser down the mean cross-entropy; returns the logits (batch, classes) before it.

    The optimiser's rate is fixed from its first step on: another rate needs a new optimiser.
    """
    step = vars(optimizer).get("_descent") or _descent(network, optimizer)
    optimizer._descent = step  # type: ignore[attr-defined]  # its recordings last as long as the optimiser
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
        return step  # what others change in place is known only after their first step
    for parameter in parameters if optimizer.defaults["momentum"] else ():  # as if it had stood still
        optimizer.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))
    velocities = [state["momentum_buffer"] for state in optimizer.state.values() if "momentum_buffer" in state]
    return Replay(step, network, [*parameters, *network.buffers(), *velocities])
