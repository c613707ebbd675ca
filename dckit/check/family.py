"""Checks of the lessons about the family: augment both sides alike, and the distance of mean features."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..method.dm import distance
from ..method.kinds import KINDS
from .answers import NotYet, ask, checked, finite, number, same, tell, written

CALLS = 12  # of a function that draws random numbers
SYNTHETIC, REAL = 2, 5  # images of each class below


@checked
def siamese(function: Callable[..., Any]) -> str:
    """Lesson 9. ``function(synthetic, real, names)`` augments both batches alike and returns them.

    synthetic, real: images (batch, channels, height, width) of one class, in batches of different sizes. names: of the
    kinds to draw one from. One draw counts for all images.
    """
    for kind in ("rotate", "crop"):
        tries = [_augmented(function, (kind,)) for _ in range(CALLS)]
        original = _image()[0]
        if all(same(out, original) for both in tries for batch in both for out in batch):
            raise NotYet("the images are as they were: nothing has been augmented.")
        if any(not same(out, batch[0]) for both in tries for batch in both for out in batch):
            raise NotYet("each image has numbers of its own: here all images share one draw, such as `number[:1]`.")
        if any(not same(mine[0], theirs[0]) for mine, theirs in tries):
            for side, name in enumerate(("synthetic", "real")):
                if all(same(both[side][0], original) for both in tries):
                    raise NotYet(f"the {name} images are as they were: both sides are augmented.")
            raise NotYet("the two sides got different numbers: draw once, and apply that to both.")
        if all(same(mine[0], tries[0][0][0]) for mine, _ in tries):
            raise NotYet("every call changes the images alike: draw new numbers each time.")
    _kinds_too(function)
    synthetic = _image().expand(SYNTHETIC, -1, -1, -1).clone().requires_grad_()
    changed = ask(function, synthetic, _image().expand(REAL, -1, -1, -1).clone(), ("rotate",))[0]
    if not changed.requires_grad:
        raise NotYet("the synthetic images are detached from the graph: their gradient must pass through.")
    return "Both sides are changed alike, and the gradient passes through."


def _kinds_too(function: Callable[..., Any]) -> None:
    """Raise NotYet where the two sides get different kinds, or one that was not asked for."""
    for _ in range(2 * CALLS):
        mine, theirs = _augmented(function, tuple(KINDS))
        if not same(mine[0], theirs[0]):
            raise NotYet("the two sides got different kinds: draw one kind, and apply it to both.")
    image = _image()[0]
    for _ in range(CALLS):
        mine, _ = _augmented(function, ("flip",))
        if not any(same(mine[0], allowed) for allowed in (image, image.flip(2))):
            raise NotYet("a kind was applied that is not in `names`: draw one of them.")


def _image() -> Tensor:
    """One image, of which all batches are made: then images that differ were changed differently."""
    return torch.arange(144, dtype=torch.float64).sin().view(1, 1, 12, 12) + 1.5


def _augmented(function: Callable[..., Any], kinds: Sequence[str]) -> tuple[Tensor, Tensor]:
    found = ask(function, *(_image().expand(n, -1, -1, -1).clone() for n in (SYNTHETIC, REAL)), kinds)
    written(found)
    if not isinstance(found, tuple | list) or len(found) != 2 or not all(isinstance(t, Tensor) for t in found):
        raise NotYet("expected two batches: the augmented synthetic images, and the augmented real ones.")
    sizes = [len(t) for t in found]
    if sizes == [REAL, SYNTHETIC]:
        raise NotYet("the two batches come back in the other order: expected synthetic, then real.")
    if sizes != [SYNTHETIC, REAL] or any(t.shape[1:] != _image().shape[1:] for t in found):
        raise NotYet("the two batches must keep their shapes.")
    return finite(found[0].detach()), finite(found[1].detach())


@checked
def embedding_distance(function: Callable[..., Any]) -> str:
    """Lesson 10. ``function(embed, synthetic, real)`` is DM's loss, a scalar.

    embed: gives a batch of images their features (n, d). synthetic, real: lists with a batch of images per class.
    """
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 3)).double()
    embed = network[:-1]
    synthetic, real = ([torch.randn(n, 1, 4, 4).double() + c for c in range(3)] for n in (SYNTHETIC, REAL))
    synthetic = [images.requires_grad_() for images in synthetic]
    right = distance(network, synthetic, real)
    found = number(ask(function, embed, list(synthetic), list(real)))
    said = f"the distance is {float(found.detach()):.4g}, expected {float(right.detach()):.4g}."
    tell(found, right, _wrong_distances(embed, synthetic, real), said)
    if not found.requires_grad:
        raise NotYet("the value is right, but detached from the graph: the images cannot learn from it.")
    slopes = (torch.autograd.grad(d, synthetic, allow_unused=True) for d in (found, right))
    for mine, theirs in zip(*slopes, strict=True):
        if mine is None or not same(mine, theirs):
            raise NotYet("the value is right, but not its gradient: something in between is detached from the graph.")
    return "It equals `dckit.method.dm.distance`, and so does its gradient."


def _wrong_distances(
    embed: Callable[[Tensor], Tensor], synthetic: list[Tensor], real: list[Tensor]
) -> dict[str, Tensor]:
    """What known mistakes give, by what is to be said to each."""
    ours, theirs = [embed(x) for x in synthetic], [embed(x) for x in real]
    pairs = list(zip(ours, theirs, strict=True))
    apart = torch.stack([s.mean(0) - r.mean(0) for s, r in pairs])  # classes × features
    squares = apart.square().sum(1)

    images_first = [embed(s.mean(0, True)) - embed(r.mean(0, True)) for s, r in zip(synthetic, real, strict=True)]
    return {
        "the distance is not squared: sum up the squares of the differences.": squares.sqrt().sum(),
        "the root of the whole sum was taken: the distance is squared.": squares.sum().sqrt(),
        **_means_of_distances(pairs),
        "the features of all images are summed: take their mean, since the two batches differ in size.": torch.stack(
            [(s.sum(0) - r.sum(0)).square().sum() for s, r in pairs]
        ).sum(),
        "this is the mean over classes: the classes are summed.": squares.mean(),
        "this is the mean over features: the squares are summed.": apart.square().mean(1).sum(),
        "this is a mean over classes and features: both are summed.": apart.square().mean(),
        "all classes have one common mean here: each class has its own.": (
            (torch.cat(ours).mean(0) - torch.cat(theirs).mean(0)).square().sum()
        ),
        "classes are missing: only the first one counts.": squares[0],
        "classes are missing: only the last one counts.": squares[-1],
        "the sign is wrong: the distance is 0 for equal means and grows.": -squares.sum(),
        "the differences are summed without a square, so that they cancel.": apart.sum(),
        "absolute differences are summed: take squares.": apart.abs().sum(),
        "the mean image was embedded: embed every image, and then take the mean.": torch.cat(images_first)
        .square()
        .sum(),
        "the pixels are compared: embed the images first.": torch.stack(
            [(s.mean(0) - r.mean(0)).square().sum() for s, r in zip(synthetic, real, strict=True)]
        ).sum(),
    }


def _means_of_distances(pairs: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """What comes of averaging distances, and not features. pairs: each class's features, synthetic (n, d) and real."""
    says = "this is a mean of distances: take the mean of the features first, then one distance of the two means."

    def summed(of_class: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        return torch.stack([of_class(s, r) for s, r in pairs]).sum()

    return {
        says: summed(lambda s, r: torch.cdist(s, r).square().mean()),
        f"{says} And square it.": summed(lambda s, r: torch.cdist(s, r).mean()),
        f"{says} (Here only the synthetic images were averaged.)": summed(
            lambda s, r: (s.mean(0) - r).square().sum(1).mean()
        ),
        f"{says} (Here only the real images were averaged.)": summed(
            lambda s, r: (s - r.mean(0)).square().sum(1).mean()
        ),
    }
