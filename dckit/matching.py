"""The distance between two lists of gradients: what stage C makes small (equation 9 and section 3.4 of the paper)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .concurrency import side_by_side
from .replay import Replay, draws

METRICS = ("layerwise", "mse", "cos")
PIECE, WIDE = 10, 32  # images that pass a CPU together, in networks with a convolution of so many channels
LARGE_PIECE, HEAVY = 64, 4e6  # and in those of so many weights, since each piece adds a gradient of all of them
EPSILON = 1e-6  # added to the product of two norms, as in the published code


def gradients(network: nn.Module, images: Tensor, labels: Tensor, create_graph: bool = False) -> tuple[Tensor, ...]:
    """Gradients of the mean cross-entropy with respect to every parameter of ``network``.

    images (batch, channels, height, width), labels (batch,) int64. With ``create_graph`` they can be differentiated
    again, which stage C does for the synthetic images; without it a CPU takes the images in pieces.
    """
    if create_graph:
        loss = F.cross_entropy(network(images), labels)
        return torch.autograd.grad(loss, tuple(network.parameters()), create_graph=True)
    return gradients_and_logits(network, images, labels)[0]


def gradients_and_logits(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """`gradients`, and the logits (batch, classes) that the network gave on the way."""
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
    """In how many pieces the images pass the network, so that a CPU's cache holds what each leaves there.

    Gradients add up. One piece where nothing is gained by more, where batch norm must see all images, and where each
    pass draws random numbers.
    """
    trains_batch_norm = any(isinstance(m, nn.BatchNorm2d) and m.training for m in network.modules())
    wide = any(isinstance(m, nn.Conv2d) and m.out_channels >= WIDE for m in network.modules())
    if images.device.type != "cpu" or trains_batch_norm or draws(network) or not wide:
        return 1
    heavy = sum(p.numel() for p in network.parameters()) > HEAVY
    return math.ceil(len(images) / (LARGE_PIECE if heavy else PIECE))


def matching(network: nn.Module, metric: str = "layerwise") -> Replay:
    """How far synthetic images are from real ones, and which way they are to go.

    A function of images, their labels, real images and theirs. It returns the gradient with respect to the synthetic
    images of the distance D between the gradients that both give ``network``, and D.
    """

    def match(images: Tensor, labels: Tensor, real_images: Tensor, real_labels: Tensor) -> tuple[Tensor, Tensor]:
        grads_real = gradients(network, real_images, real_labels)
        if pieces(network, images) > 1:
            return _matched_in_pieces(network, images.detach(), labels, grads_real, metric)
        images = images.detach().requires_grad_()
        grads_synthetic = gradients(network, images, labels, create_graph=True)
        distance = gradient_distance(grads_synthetic, grads_real, metric)
        return torch.autograd.grad(distance, images)[0], distance.detach()

    return Replay(match, network)


def _matched_in_pieces(
    network: nn.Module, images: Tensor, labels: Tensor, grads_real: Sequence[Tensor], metric: str
) -> tuple[Tensor, Tensor]:
    """What `matching` returns, by the chain rule: the slope of D at the gradients, then that of the gradients, which
    are sums over pieces. One more pass, and only a piece's graph is in memory.
    """
    grads = [grad.requires_grad_() for grad in gradients(network, images, labels)]
    distance = gradient_distance(grads, grads_real, metric)
    slopes = torch.autograd.grad(distance, grads, materialize_grads=True)
    parameters, count = tuple(network.parameters()), pieces(network, images)

    def of_piece(part: Tensor, own: Tensor) -> Tensor:
        part = part.detach().requires_grad_()
        loss = F.cross_entropy(network(part), own, reduction="sum") / len(labels)
        grads = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(grads, part, slopes)[0]

    parts = zip(images.tensor_split(count), labels.tensor_split(count), strict=True)
    return torch.cat(list(side_by_side(of_piece, parts, images.device))), distance.detach()


def gradient_distance(
    grads_synthetic: Sequence[Tensor], grads_real: Sequence[Tensor], metric: str = "layerwise"
) -> Tensor:
    """Distance D between two lists of gradients, one tensor a parameter: a scalar, differentiable in the first.

    * ``"layerwise"``: the paper's. Every row of every weight of two or more dimensions (an output node) gives
      1 - cosine, and these are summed. Biases and the scales and shifts of norm layers, which have one dimension,
      do not count: the paper is silent on them, its code leaves them out.
    * ``"mse"``: squared difference of all gradients as one vector, 1-D parameters included.
    * ``"cos"``: 1 - cosine of the two such vectors.

    Raises ValueError for an unknown metric or lists that do not belong together.
    """
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}: expected one of {', '.join(METRICS)}")
    if [g.shape for g in grads_synthetic] != [g.shape for g in grads_real]:
        raise ValueError("the two lists of gradients differ in length or shapes: take both from one network")
    if metric == "layerwise":
        pairs = zip(grads_synthetic, grads_real, strict=True)
        return torch.stack([_one_minus_cosine(s.flatten(1), r.flatten(1)) for s, r in pairs if s.ndim > 1]).sum()
    synthetic, real = (torch.cat([g.flatten() for g in grads]) for grads in (grads_synthetic, grads_real))
    return ((synthetic - real) ** 2).sum() if metric == "mse" else _one_minus_cosine(synthetic, real)


def _one_minus_cosine(a: Tensor, b: Tensor) -> Tensor:
    """1 - cosine along the last dimension, summed over the others."""
    return (1 - (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1) + EPSILON)).sum()
