"""Checks of the two exercises about a distance: of gradients in lesson 1, and of mean features in lesson 10."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..method import gradient_distance
from ..method.dm import distance
from .answers import ask, checked, number, refuse_detached, tell


@checked
def layerwise_distance(function: Callable[..., Any]) -> str:
    """Lesson 1. ``function(grads_synthetic, grads_real)`` is the paper's distance, a scalar.

    Both are lists of gradients, one tensor a parameter.
    """
    shapes = ((4, 2, 3, 3), (4,), (4,), (4,), (5, 36), (5,))
    synthetic = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    real = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    found = ask(function, list(synthetic), list(real))
    _tell(found, gradient_distance(synthetic, real), _wrong_layerwise(synthetic, real), synthetic)
    dead = [torch.zeros_like(g) for g in real]
    number(ask(function, dead, real))
    return "Your distance and its gradient equal those of `dckit.gradient_distance`."


def _tell(found: Any, right: Tensor, mistakes: Mapping[str, Tensor], synthetic: Sequence[Tensor]) -> None:
    """Raise NotYet unless ``found`` is the right distance, and its gradient with respect to ``synthetic`` is right."""
    value = number(found)
    said = f"the distance is {float(value.detach()):.4g}, expected {float(right.detach()):.4g}."
    tell(value, right, mistakes, said)
    refuse_detached(value, right, synthetic)


def _summed(pairs: Sequence[tuple[Tensor, Tensor]], distance: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The sum of the pairs' distances."""
    return torch.stack([distance(*pair) for pair in pairs]).sum()


def _wrong_layerwise(synthetic: Sequence[Tensor], real: Sequence[Tensor]) -> dict[str, Tensor]:
    """What known mistakes give, by what is to be said to each."""
    every = list(zip(synthetic, real, strict=True))
    weights = [pair for pair in every if pair[0].ndim > 1]

    def cosines(s: Tensor, r: Tensor) -> Tensor:  # a bias is one row
        s, r = (g.flatten(1) if g.ndim > 1 else g[None] for g in (s, r))
        return F.cosine_similarity(s, r)

    def of_layer(s: Tensor, r: Tensor) -> Tensor:
        return 1 - F.cosine_similarity(s.flatten(), r.flatten(), dim=0)

    layer_cosines = "there is one cosine for a whole layer: expected one per row, that is, per output."
    biases = "biases and norm layers are counted: leave out gradients with only one dimension."
    return {
        "this is the sum of the cosines, which is large for similar gradients: sum 1 - cosine.": (
            _summed(weights, lambda s, r: cosines(s, r).sum())
        ),
        "the mean over each layer's rows was taken: sum over the rows, too.": (
            _summed(weights, lambda s, r: (1 - cosines(s, r)).mean())
        ),
        "each row of a 3×3 kernel has a cosine of its own: first flatten each filter to one row with `flatten(1)`.": (
            _summed(weights, lambda s, r: (1 - F.cosine_similarity(s, r, dim=-1)).sum())
        ),
        "each place in a 3×3 kernel has a cosine of its own: first flatten each filter to one row with `flatten(1)`.": (
            _summed(weights, lambda s, r: (1 - F.cosine_similarity(s, r)).sum())
        ),
        biases: _summed(every, lambda s, r: (1 - cosines(s, r)).sum()),
        layer_cosines: _summed(weights, of_layer),
        f"{layer_cosines} And {biases}": _summed(every, of_layer),
        "the dot products are not divided by the two norms: a cosine does not depend on the lengths.": (
            _summed(weights, lambda s, r: (1 - (s * r).flatten(1).sum(1)).sum())
        ),
    }


@checked
def embedding_distance(function: Callable[..., Any]) -> str:
    """Lesson 10. ``function(embed, synthetic, real)`` is DM's loss, a scalar.

    embed: gives a batch of images their features (n, d). synthetic, real: lists with a batch of images per class.
    """
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 3)).double()
    embed = network[:-1]
    synthetic, real = ([torch.randn(n, 1, 4, 4).double() + c for c in range(3)] for n in (2, 5))
    synthetic = [images.requires_grad_() for images in synthetic]
    found = ask(function, embed, list(synthetic), list(real))
    mistakes = _wrong_embedding([embed(x) for x in synthetic], [embed(x) for x in real])
    _tell(found, distance(network, synthetic, real), mistakes, synthetic)
    return "It equals `dckit.method.dm.distance`, and so does its gradient."


def _wrong_embedding(synthetic: Sequence[Tensor], real: Sequence[Tensor]) -> dict[str, Tensor]:
    """What known mistakes make of the features of each class, by what is to be said to each."""
    pairs = list(zip(synthetic, real, strict=True))

    def apart(s: Tensor, r: Tensor) -> Tensor:
        return s.mean(0) - r.mean(0)

    return {
        "the distance is not squared: sum up the squares of the differences.": (
            _summed(pairs, lambda s, r: apart(s, r).norm())
        ),
        "this is a mean of distances: take the mean of the features first, then one distance of the two means.": (
            _summed(pairs, lambda s, r: torch.cdist(s, r).square().mean())
        ),
        "this is the mean over classes: the classes are summed.": (
            _summed(pairs, lambda s, r: apart(s, r).square().sum()) / len(pairs)
        ),
        "this is the mean over features: the squares are summed.": (
            _summed(pairs, lambda s, r: apart(s, r).square().mean())
        ),
        "all classes have one common mean here: each class has its own.": (
            apart(torch.cat(list(synthetic)), torch.cat(list(real))).square().sum()
        ),
    }
