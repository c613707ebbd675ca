"""Checks of two exercises about the family: augment both sides alike, and unroll a step of training."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..method.kinds import KINDS
from .answers import NotYet, ask, checked, finite, refuse_detached, same, tell, tensor, written

CALLS = 12  # of a function that draws random numbers
SYNTHETIC, REAL = 2, 5  # images of each class below


@checked
def siamese(function: Callable[..., Any]) -> str:
    """Lesson 9. ``function(synthetic, real, names)`` augments both batches alike and returns them.

    synthetic, real: images (batch, channels, height, width) of one class, in batches of different sizes. names: of the
    kinds to draw one from. One draw counts for all images.
    """
    image = _image()[0]
    for names in (("rotate",), ("crop",), tuple(KINDS)):
        tries = [_augmented(function, names) for _ in range(CALLS)]
        if all(same(out, image) for both in tries for batch in both for out in batch):
            raise NotYet("the images are as they were: nothing has been augmented.")
        if any(not same(out, batch[0]) for both in tries for batch in both for out in batch):
            raise NotYet("each image has numbers of its own: here all images share one draw, such as `number[:1]`.")
        if any(not same(mine[0], theirs[0]) for mine, theirs in tries):
            for side, name in enumerate(("synthetic", "real")):
                if all(same(both[side][0], image) for both in tries):
                    raise NotYet(f"the {name} images are as they were: both sides are augmented.")
            raise NotYet("the two sides got different numbers: draw once, and apply that to both.")
        if all(same(mine[0], tries[0][0][0]) for mine, _ in tries):
            raise NotYet("every call changes the images alike: draw new numbers each time.")
    flipped = [_augmented(function, ("flip",))[0][0] for _ in range(CALLS)]
    if not all(same(found, image) or same(found, image.flip(2)) for found in flipped):
        raise NotYet("a kind was applied that is not in `names`: draw one of them.")
    synthetic = _image().expand(SYNTHETIC, -1, -1, -1).clone().requires_grad_()
    changed = ask(function, synthetic, _image().expand(REAL, -1, -1, -1).clone(), ("rotate",))[0]
    if not changed.requires_grad:
        raise NotYet("the synthetic images are detached from the graph: their gradient must pass through.")
    return "Both sides are changed alike, and the gradient passes through."


def _image() -> Tensor:
    """One image, of which all batches are made: then images that differ were changed differently."""
    return torch.arange(144, dtype=torch.float64).sin().view(1, 1, 12, 12) + 1.5


def _augmented(function: Callable[..., Any], names: Sequence[str]) -> tuple[Tensor, Tensor]:
    found = ask(function, *(_image().expand(n, -1, -1, -1).clone() for n in (SYNTHETIC, REAL)), names)
    written(found)
    if not isinstance(found, tuple | list) or len(found) != 2 or not all(isinstance(t, Tensor) for t in found):
        raise NotYet("expected two batches: the augmented synthetic images, and the augmented real ones.")
    shapes = [(n, *_image().shape[1:]) for n in (SYNTHETIC, REAL)]
    if [tuple(t.shape) for t in found] == shapes[::-1]:
        raise NotYet("the two batches come back in the other order: expected synthetic, then real.")
    if [tuple(t.shape) for t in found] != shapes:
        raise NotYet("the two batches must keep their shapes.")
    return finite(found[0].detach()), finite(found[1].detach())


@checked
def unrolled_step(function: Callable[..., Any]) -> str:
    """Lesson 11. ``function(weights, images, labels, rate)``: the weights after one step of gradient descent.

    weights (pixels, classes), which require grad, of the linear classifier ``images.flatten(1) @ weights``. images (n,
    channels, height, width), and rate, a tensor without dimensions: the result is differentiable in both.
    """
    weights = torch.randn(16, 3).double().requires_grad_()
    images = torch.randn(3, 1, 4, 4).double().requires_grad_()
    labels, rate = torch.arange(3), torch.tensor(0.7).double().requires_grad_()
    before = weights.detach().clone()
    loss = F.cross_entropy(images.flatten(1) @ weights, labels)
    (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
    right = weights - rate * slope
    found = tensor(ask(function, weights, images, labels, rate), weights.shape)
    if not torch.equal(weights, before):
        raise NotYet("the weights that were handed in have changed: return new ones, `weights - …`.")
    mistakes = {
        "the sign is wrong: the step goes up the loss.": weights + rate * slope,
        "the rate is missing: the step is the rate times the gradient.": weights - slope,
        "the loss was summed over the images: expected its mean, as `F.cross_entropy` gives it.": (
            weights - len(labels) * rate * slope
        ),
        "this is the gradient: return the weights after the step.": slope,
        "this is only the step: return the weights after it.": rate * slope,
    }
    tell(found, right, mistakes, "these are other weights than one step of gradient descent gives.")
    if found.requires_grad:
        slopes = torch.autograd.grad(found.sum(), (images, rate), retain_graph=True, allow_unused=True)
        if slopes[0] is None:
            raise NotYet(
                "the step is right, but the images cannot learn through it: the gradient is a constant. "
                "Is `create_graph=True` missing?"
            )
        if slopes[1] is None:
            raise NotYet(
                "the step is right, but the rate cannot learn: it became a plain number. Use `rate` itself, "
                "without `float`, `item` or `detach`."
            )
    refuse_detached(found, right, (images, rate))
    return "These are the weights after the step, and the images and the rate can learn through it."
