"""Check of lesson 4's exercise: choose images by herding."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..method import baselines
from .answers import NotYet, ask, checked, tensor, written


@checked
def herding(function: Callable[..., Any]) -> str:
    """Lesson 4. ``function(features, labels, ipc)`` chooses ``ipc`` images of each class by herding.

    features (n, d), labels (n,). It returns the chosen rows' numbers, class by class, in the order of choice.
    """
    classes, ipc = 3, 4
    labels = torch.arange(10 * classes) % classes
    labels = labels[torch.randperm(len(labels))]
    features = torch.randn(len(labels), 3, dtype=torch.float64) ** 3 + 2 * labels[:, None]
    members = [torch.nonzero(labels == c).flatten() for c in range(classes)]
    found = ask(function, features.clone(), labels.clone(), ipc)
    written(found)
    found = torch.as_tensor(found).cpu() if isinstance(found, list | tuple | Tensor) else found
    index = tensor(found, (classes * ipc,))
    if index.is_floating_point() or not 0 <= int(index.min()) <= int(index.max()) < len(labels):
        raise NotYet(
            f"expected row numbers, that is, whole numbers from 0 to {len(labels) - 1}, found `{index.tolist()}`."
        )
    right = torch.cat([m[baselines.herding(features[m], ipc)] for m in members])
    for sentence, wrong in _wrong_choices(features, members, ipc).items():
        if index.tolist() == wrong.tolist() != right.tolist():
            raise NotYet(sentence)
    if index.tolist() == right.tolist():
        return "You chose the same images as `dckit.method.baselines.herding`."
    of = labels[index].view(classes, ipc)
    if sorted(index.tolist()) == sorted(right.tolist()):
        raise NotYet(
            "these are the right images in the wrong order: sort by class, and within a class in the order of choice."
        )
    if len(set(index.tolist())) < len(index):
        raise NotYet("an image was chosen twice: leave out the images that are already chosen.")
    if not of.eq(torch.arange(classes)[:, None]).all():
        raise NotYet(
            f"expected {ipc} images of class 0, then {ipc} of class 1, and so on, found classes {of.tolist()}."
        )
    raise NotYet(
        "herding chooses other images: each choice brings the mean of the chosen images as close as possible to the "
        "class's mean."
    )


def _wrong_choices(features: Tensor, members: list[Tensor], ipc: int) -> dict[str, Tensor]:
    """What known mistakes choose, by what is to be said to each."""

    def each(order: Callable[[Tensor], Tensor], inside: bool = False) -> Tensor:
        return torch.cat([order(features[m]) if inside else m[order(features[m])] for m in members])

    def greedy(own: Tensor, goal: Tensor, divided: bool = True, again: bool = False) -> Tensor:
        chosen: list[int] = []
        for n in range(1, ipc + 1):
            total = own[chosen].sum(0) + own
            off = (total / (n if divided else 1) - goal).norm(dim=1)
            off[chosen if not again else []] = torch.inf
            chosen.append(int(off.argmin()))
        return torch.tensor(chosen)

    def by_distance(own: Tensor) -> Tensor:
        return (own - own.mean(0)).norm(dim=1).argsort()

    return {
        "these row numbers count within a class: turn them into row numbers of `features`.": (
            each(lambda own: baselines.herding(own, ipc), inside=True)
        ),
        "these are the images nearest to the class's mean: in herding, the mean of the chosen images is near it.": (
            each(lambda own: by_distance(own)[:ipc])
        ),
        "these are the images farthest from the class's mean: the sign is wrong.": (
            each(lambda own: by_distance(own).flip(0)[:ipc])
        ),
        "this is k-center, which chooses the farthest image: herding stays near the class's mean.": (
            each(lambda own: baselines.k_center(own, ipc))
        ),
        "your goal is the mean over all classes: use each class's own mean.": (
            each(lambda own: greedy(own, features.mean(0)))
        ),
        "a sum is compared with a mean: divide the sum by the number of images in it.": (
            each(lambda own: greedy(own, own.mean(0), divided=False))
        ),
        "an image was chosen twice: leave out the images that are already chosen.": (
            each(lambda own: greedy(own, own.mean(0), again=True))
        ),
        "these are the first images of each class: choose them by their features.": each(lambda own: torch.arange(ipc)),
    }
