"""Check of the exercise about the layerwise distance."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..method import gradient_distance
from .answers import NotYet, ask, checked, number, same, tell


@checked
def layerwise_distance(function: Callable[..., Any]) -> str:
    """Lesson 1. ``function(grads_synthetic, grads_real)`` is the paper's distance, a scalar.

    Both are lists of gradients, one tensor a parameter.
    """
    shapes = ((4, 2, 3, 3), (4,), (4,), (4,), (5, 36), (5,))
    synthetic = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    real = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    right = gradient_distance(synthetic, real)
    found = number(ask(function, list(synthetic), list(real)))
    said = f"the distance is {float(found.detach()):.4g}, expected {float(right.detach()):.4g}."
    tell(found, right, _wrong_distances(synthetic, real), said)
    if not found.requires_grad:
        raise NotYet(
            "the value is right, but it is detached from the graph: return a tensor, and do not use `float` or `item`."
        )
    slopes = (torch.autograd.grad(d, synthetic, allow_unused=True) for d in (found, right))
    for mine, theirs in zip(*slopes, strict=True):
        if theirs is not None and (mine is None or not same(mine, theirs)):
            raise NotYet(
                "the value is right, but its gradient is not: a step of the computation is detached from the graph."
            )
    dead = [torch.zeros_like(g) for g in real]
    number(ask(function, dead, real))
    return "Your distance and its gradient equal those of `dckit.gradient_distance`."


def _wrong_distances(synthetic: list[Tensor], real: list[Tensor]) -> dict[str, Tensor]:
    """What known mistakes give, by what is to be said to each."""
    pairs = list(zip(synthetic, real, strict=True))
    rows = [(s.flatten(1), r.flatten(1)) for s, r in pairs if s.ndim > 1]
    layers = [1 - F.cosine_similarity(s, r) for s, r in rows]
    right = torch.cat(layers)
    whole = [1 - F.cosine_similarity(s.flatten(), r.flatten(), dim=0) for s, r in pairs]
    vectors, matrices = ([w for w, s in zip(whole, synthetic, strict=True) if (s.ndim > 1) == m] for m in (False, True))
    signs = torch.cat([1 - (s * r).sign() for s, r in pairs if s.ndim == 1])
    norms = [s.norm(dim=1) * r.norm(dim=1) for s, r in rows]
    dots = [(s * r).sum(1) for s, r in rows]
    layer_cosines = "there is one cosine for a whole layer: expected one per row, that is, per output."
    biases = "biases and norm layers are counted: leave out gradients with only one dimension."
    return {
        "the sign is wrong: the distance is 0 for equal gradients and grows from there. Sum 1 - cosine.": -right.sum(),
        "this is the sum of the cosines, which is large for similar gradients: sum 1 - cosine.": (1 - right).sum(),
        "the sign of the cosine is wrong: use 1 - cosine, not 1 + cosine.": (2 - right).sum(),
        "this is the mean over all rows: sum over them instead.": right.mean(),
        "the mean over each layer's rows was taken: sum over the rows, too.": torch.stack(
            [d.mean() for d in layers]
        ).sum(),
        biases: right.sum() + torch.stack(vectors).sum(),
        f"{biases} (Here, each of their numbers counts as a row of its own.)": right.sum() + signs.sum(),
        layer_cosines: torch.stack(matrices).sum(),
        f"{layer_cosines} And {biases}": torch.stack(whole).sum(),
        "the cosines are taken along columns: a row belongs to one output, so sum over dimension 1.": (
            torch.cat([1 - F.cosine_similarity(s, r, dim=0) for s, r in rows]).sum()
        ),
        "each row of a 3×3 kernel has a cosine of its own: first flatten each filter to one row with `flatten(1)`.": (
            torch.cat([(1 - F.cosine_similarity(s, r, dim=-1)).flatten() for s, r in pairs if s.ndim > 1]).sum()
        ),
        "the dot products are not divided by the two norms: a cosine does not depend on the lengths.": (
            (1 - torch.cat(dots)).sum()
        ),
        "the norms are squared: divide by the product of the two norms.": (
            (1 - torch.cat([d / n**2 for d, n in zip(dots, norms, strict=True)])).sum()
        ),
        "a layer is missing: the first one is not counted.": right.sum() - layers[0].sum(),
        "a layer is missing: the last one is not counted.": right.sum() - layers[-1].sum(),
        'this is `metric="cos"`, one cosine for the whole network: expected one per row.': (
            gradient_distance(synthetic, real, "cos")
        ),
        'this is `metric="mse"`, the squared difference: expected cosines.': gradient_distance(synthetic, real, "mse"),
    }
