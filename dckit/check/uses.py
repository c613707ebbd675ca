"""Checks of lesson 12: the memory's images in a batch, and a rank correlation."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..uses import rank_correlation as kits
from .answers import NotYet, ask, checked, finite, number, tell, written

NEW, EARLIER = (3, 5), (4, 0)  # classes of the step, and of the steps before; the memory knows six
CLASSES, IPC, BATCH, SIDE = 6, 3, 8, 4
ACCURACIES = (  # pairs of lists for which every known mistake gives another number
    ((75.2, 63.5, 92.5, 72.4, 90.6, 84.8), (79.7, 75.8, 92.3, 77.2, 64.7, 91.2)),
    (
        (43.2, 87.6, 64.6, 79.4, 78.4, 67.0, 64.7, 45.4),
        (48.4, 73.9, 73.7, 70.7, 77.2, 58.7, 84.0, 14.3),
    ),
)


@checked
def memory_batch(function: Callable[..., Any]) -> str:
    """Lesson 12. ``function(images, labels, memory_images, memory_labels, earlier)`` adds the memory to a batch.

    earlier: a list of the classes of the steps before. It returns images and labels: the batch's own, and those of the
    memory that belong to these classes, in any order.
    """
    for earlier in (EARLIER, EARLIER[:1]):
        _one_batch(function, earlier)
    return "The new classes and the memory of the earlier ones are learned together, in one step."


def _one_batch(function: Callable[..., Any], earlier: Sequence[int]) -> None:
    labels = torch.tensor(NEW).repeat(BATCH // 2)
    memory = torch.arange(CLASSES).repeat_interleave(IPC)
    images, stored = torch.randn(BATCH, 1, SIDE, SIDE), torch.randn(len(memory), 1, SIDE, SIDE)
    given = (images.clone(), labels.clone(), stored.clone(), memory.clone(), list(earlier))
    found = ask(function, *given)
    written(found)
    if not isinstance(found, tuple | list) or len(found) != 2 or not all(isinstance(t, Tensor) for t in found):
        raise NotYet("expected two tensors: the images of the batch, and their labels.")
    its, their = found
    if its.shape[1:] != images.shape[1:]:
        raise NotYet(f"each image has shape {tuple(images.shape[1:])}, found {tuple(its.shape[1:])}.")
    if their.ndim != 1:
        raise NotYet(f"expected labels in one dimension, found shape {tuple(their.shape)}.")
    if len(its) != len(their):
        raise NotYet(f"there are {len(its)} images and {len(their)} labels: add both the images and the labels.")
    known = list(zip(torch.cat([images, stored]), torch.cat([labels, memory]).tolist(), strict=True))
    rows = [_row(image, known) for image in finite(its)]
    if any(known[row][1] != int(label) for row, label in zip(rows, their, strict=True)):
        raise NotYet("an image has the label of another one: keep images and labels in the same order.")
    _tell_rows(rows, [BATCH + i for i, label in enumerate(memory.tolist()) if label in earlier], memory, earlier)


def _row(image: Tensor, known: Sequence[tuple[Tensor, int]]) -> int:
    """Which of the images that were given this is."""
    for row, (other, _) in enumerate(known):
        if torch.equal(image, other):
            return row
    raise NotYet("the result contains an image that was in neither the batch nor the memory.")


def _tell_rows(rows: list[int], wanted: list[int], memory: Tensor, earlier: Sequence[int]) -> None:
    """Raise NotYet unless the rows are the batch's own and those that are wanted, each of them once."""
    if sorted(rows) == [*range(BATCH), *wanted]:
        return
    replayed = [row for row in rows if row >= BATCH]
    classes = {int(memory[row - BATCH]) for row in replayed}
    if not replayed:
        raise NotYet("the memory is missing: the batch is as it was.")
    if not set(range(BATCH)) <= set(rows):
        raise NotYet("images of the new classes are missing: the memory is added to them, it does not replace them.")
    if len(set(rows)) < len(rows):
        raise NotYet("an image is in the batch twice.")
    if classes & set(NEW):
        raise NotYet("the memory's images of the new classes are in it: only those of earlier classes are replayed.")
    if classes - set(earlier):
        raise NotYet("images of classes that have not come yet are in it: keep only those of `earlier`.")
    missing = sorted(set(earlier) - classes)
    if missing:
        raise NotYet(f"images of earlier classes are missing: with earlier = {list(earlier)}, those of {missing}.")
    raise NotYet(f"expected all {IPC} images of each earlier class, found {len(replayed)} images of the memory.")


@checked
def rank_correlation(function: Callable[..., Any]) -> str:
    """Lesson 12. ``function(a, b)`` is Spearman's rank correlation of two lists of numbers, all of them different."""
    for a, b in ACCURACIES:
        right = torch.tensor(kits(a, b)[0], dtype=torch.float64)
        found = number(ask(function, list(a), list(b))).double()
        said = f"the correlation is {float(found):.4g}, expected {float(right):.4g}."
        mistakes = _wrong_correlations(*(torch.tensor(x, dtype=torch.float64) for x in (a, b)))
        tell(found, right, mistakes, said, tolerance=1e-3)
    if abs(float(number(ask(function, [1.0, 2.0, 4.0, 9.0], [9.0, 5.0, 2.0, 1.0]))) + 1) > 1e-3:
        raise NotYet("for two lists in opposite order it must be −1.")
    return "It equals `dckit.uses.rank_correlation`, which also allows equal values."


def _wrong_correlations(a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """What known mistakes give, by what is to be said to each."""

    def ranks(x: Tensor) -> Tensor:
        return x.argsort().argsort().double()

    def pearson(x: Tensor, y: Tensor) -> Tensor:
        return torch.corrcoef(torch.stack([x, y]))[0, 1]

    n, d = len(a), ranks(a) - ranks(b)
    right, sign = pearson(ranks(a), ranks(b)), (a[:, None] - a).sign() * (b[:, None] - b).sign()
    fraction = d.square().sum() / (n * (n**2 - 1))
    return {
        "this is the correlation of the accuracies themselves: replace them with their ranks first.": pearson(a, b),
        "`argsort` gives the order, not the ranks: the ranks are the `argsort` of the order.": pearson(
            a.argsort().double(), b.argsort().double()
        ),
        "only one of the two lists was replaced with its ranks.": pearson(ranks(a), b),
        "only one of the two lists was replaced with its ranks, the second.": pearson(a, ranks(b)),
        "the sign is wrong: the same order must give 1.": -right,
        "the fraction must be subtracted from 1.": 6 * fraction,
        "the factor 6 is missing.": 1 - fraction,
        "the differences of the ranks must be squared.": 1 - 6 * d.abs().sum() / (n * (n**2 - 1)),
        "the square of the correlation is something else: keep its sign.": right.square(),
        "this counts pairs in the same order (Kendall's): use the differences of the ranks.": sign.sum() / (n**2 - n),
    }
