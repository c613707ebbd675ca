"""Check of lesson 11's exercise: one step of training that can be differentiated."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .answers import NotYet, ask, checked, same, tell, tensor

CLASSES, PIXELS, RATE = 3, 16, 0.7


@checked
def unrolled_step(function: Callable[..., Any]) -> str:
    """Lesson 11. ``function(weights, images, labels, rate)``: the weights after one step of gradient descent.

    weights (pixels, classes), which require grad, of the linear classifier ``images.flatten(1) @ weights``. images (n,
    channels, height, width), and rate, a tensor without dimensions: the result is differentiable in both.
    """
    weights = torch.randn(PIXELS, CLASSES).double().requires_grad_()
    images = torch.randn(CLASSES, 1, 4, 4).double().requires_grad_()
    labels, rate = torch.arange(CLASSES), torch.tensor(RATE).double().requires_grad_()
    before = weights.detach().clone()
    loss = F.cross_entropy(images.flatten(1) @ weights, labels)
    (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
    right = weights - rate * slope
    found = tensor(ask(function, weights, images, labels, rate), weights.shape)
    if not same(weights, before, 0.0):
        raise NotYet("the weights that were handed in have changed: return new ones, `weights - …`.")
    mistakes = {
        "the weights are as they were: no step was taken.": weights,
        "the sign is wrong: the step goes up the loss.": weights + rate * slope,
        "the rate is missing: the step is the rate times the gradient.": weights - slope,
        "the loss was summed over the images: expected its mean, as `F.cross_entropy` gives it.": (
            weights - len(labels) * rate * slope
        ),
        "this is the gradient: return the weights after the step.": slope,
        "this is only the step: return the weights after it.": rate * slope,
        "there is a softmax before the cross-entropy, which contains one itself.": weights
        - rate * _softmaxed(weights, images, labels),
    }
    tell(found, right, mistakes, "these are other weights than one step of gradient descent gives.")
    _refuse_detached(found, right, images, rate)
    return "These are the weights after the step, and the images and the rate can learn through it."


def _softmaxed(weights: Tensor, images: Tensor, labels: Tensor) -> Tensor:
    loss = F.cross_entropy((images.flatten(1) @ weights).softmax(1), labels)
    return torch.autograd.grad(loss, weights)[0]


def _refuse_detached(found: Tensor, right: Tensor, images: Tensor, rate: Tensor) -> None:
    """Raise NotYet unless images and rate can learn from the new weights, as they can from the right ones."""
    if not found.requires_grad:
        raise NotYet("the step is detached: nothing can be differentiated through these weights.")
    direction = torch.randn(found.shape).double()
    mine, theirs = (
        torch.autograd.grad((w * direction).sum(), (images, rate), retain_graph=True, allow_unused=True)
        for w in (found, right)
    )
    if mine[0] is None and mine[1] is None:
        raise NotYet("the step is detached: neither the images nor the rate can learn through it.")
    if mine[0] is None:
        raise NotYet(
            "the step is right, but the images cannot learn through it: the gradient is a constant. "
            "Is `create_graph=True` missing?"
        )
    if mine[1] is None:
        raise NotYet(
            "the step is right, but the rate cannot learn: it became a plain number. Use `rate` itself, "
            "without `float`, `item` or `detach`."
        )
    if not all(same(a, b) for a, b in zip(mine, theirs, strict=True)):
        raise NotYet("the step is right, but not its gradient: something in between is detached from the graph.")
