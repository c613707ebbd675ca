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
            "the value is right, but detached from the graph: return a tensor, made without `float` or `item`."
        )
    slopes = (torch.autograd.grad(d, synthetic, allow_unused=True) for d in (found, right))
    for mine, theirs in zip(*slopes, strict=True):
        if theirs is not None and (mine is None or not same(mine, theirs)):
            raise NotYet("the value is right, but not its gradient: something in between is detached from the graph.")
    dead = [torch.zeros_like(g) for g in real]
    number(ask(function, dead, real))
    return "It equals `dckit.gradient_distance`, and so does its gradient."


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
    layer_cosines = "there is one cosine for a whole layer: expected one for every row, that is, every output."
    biases = "biases and norm layers are counted: leave out what has one dimension."
    return {
        "the sign is wrong: it must be 0 for equal gradients and grow, so 1 - cosine.": -right.sum(),
        "these are the cosines themselves: large where gradients agree. Sum up 1 - cosine.": (1 - right).sum(),
        "the sign of the cosine is wrong: 1 - cosine, not 1 + cosine.": (2 - right).sum(),
        "this is a mean: the rows are summed.": right.mean(),
        "this is the mean of each layer's rows: the rows are summed, too.": torch.stack(
            [d.mean() for d in layers]
        ).sum(),
        biases: right.sum() + torch.stack(vectors).sum(),
        f"{biases} (Each of their numbers is a row of its own here.)": right.sum() + signs.sum(),
        layer_cosines: torch.stack(matrices).sum(),
        f"{layer_cosines} And {biases}": torch.stack(whole).sum(),
        "the cosines are taken along columns: a row holds what belongs to one output, so sum over dimension 1.": (
            torch.cat([1 - F.cosine_similarity(s, r, dim=0) for s, r in rows]).sum()
        ),
        "each row of a 3×3 kernel got its own cosine: flatten a filter to one row first, `flatten(1)`.": (
            torch.cat([(1 - F.cosine_similarity(s, r, dim=-1)).flatten() for s, r in pairs if s.ndim > 1]).sum()
        ),
        "the products are not divided by the two lengths: a cosine knows no length.": (1 - torch.cat(dots)).sum(),
        "the lengths are squared: divide by the product of the two norms.": (
            (1 - torch.cat([d / n**2 for d, n in zip(dots, norms, strict=True)])).sum()
        ),
        "a layer is missing: the first one is not counted.": right.sum() - layers[0].sum(),
        "a layer is missing: the last one is not counted.": right.sum() - layers[-1].sum(),
        'this is `metric="cos"`, one cosine for the whole network: expected one a row.': (
            gradient_distance(synthetic, real, "cos")
        ),
        'this is `metric="mse"`, the squared difference: expected angles.': gradient_distance(synthetic, real, "mse"),
    }
