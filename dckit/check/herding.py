"""Check of lesson 4's exercise: choose images by herding."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..method import baselines
from .answers import NotYet, ask, checked, tell, tensor, written


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
    inside = [baselines.herding(features[m], ipc) for m in members]
    right = torch.cat([m[chosen] for m, chosen in zip(members, inside, strict=True)])
    mistakes = {
        "these row numbers count within a class: turn them into row numbers of `features`.": torch.cat(inside),
        "these are the images nearest to the class's mean: in herding, the mean of the chosen images is near it.": (
            torch.cat([m[(features[m] - features[m].mean(0)).norm(dim=1).argsort()[:ipc]] for m in members])
        ),
    }
    tell(index, right, mistakes, _difference(index, right, labels[index].view(classes, ipc)))
    return "You chose the same images as `dckit.method.baselines.herding`."


def _difference(index: Tensor, right: Tensor, classes: Tensor) -> str:
    """How the chosen rows differ from the right ones. classes (classes, ipc): those of the chosen rows."""
    if sorted(index.tolist()) == sorted(right.tolist()):
        return (
            "these are the right images in the wrong order: sort by class, and within a class in the order of choice."
        )
    if len(set(index.tolist())) < len(index):
        return "an image was chosen twice: leave out the images that are already chosen."
    count, ipc = classes.shape
    if not classes.eq(torch.arange(count)[:, None]).all():
        return f"expected {ipc} images of class 0, then {ipc} of class 1, and so on, found classes {classes.tolist()}."
    return (
        "herding chooses other images: each choice brings the mean of the chosen images as close as possible to the "
        "class's mean."
    )
