"""The distance between two lists of gradients, which stage C minimises (equation 9 and section 3.4 of the paper)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine import gradients_and_logits

METRICS = ("layerwise", "mse", "cos")
EPSILON = 1e-6  # added to the product of two norms, as in the published code


def gradients(network: nn.Module, images: Tensor, labels: Tensor, create_graph: bool = False) -> tuple[Tensor, ...]:
    """Gradients of the mean cross-entropy with respect to every parameter of ``network``.

    images (batch, channels, height, width), labels (batch,) int64. With ``create_graph`` the gradients can be
    differentiated again, as stage C does for the synthetic images. Without it, a CPU processes the images in pieces.
    Returns one tensor per parameter.
    """
    if create_graph:
        loss = F.cross_entropy(network(images), labels)
        return torch.autograd.grad(loss, tuple(network.parameters()), create_graph=True)
    return gradients_and_logits(network, images, labels)[0]


def gradient_distance(
    grads_synthetic: Sequence[Tensor], grads_real: Sequence[Tensor], metric: str = "layerwise"
) -> Tensor:
    """Distance D between two lists of gradients, one tensor per parameter: a scalar, differentiable in the first list.

    * ``"layerwise"``: the paper's distance: the sum of 1 - cosine over the rows (output nodes) of every weight with
      two or more dimensions. Biases, and the scales and shifts of norm layers, have one dimension and are left out, as
      in the published code. The paper does not mention them.
    * ``"mse"``: squared difference of all gradients as one vector, 1-D parameters included.
    * ``"cos"``: 1 - cosine of the same two vectors.

    Raises ValueError for an unknown metric, or if the two lists differ in their shapes.
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
