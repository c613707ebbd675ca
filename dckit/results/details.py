"""The details in which two recipes differ, such as the published code and the report's notebook.

A difference is a list of named details. Each can be switched separately to measure its effect: step by step from one
recipe to the other, one detail alone, or all but one (`dckit.results.recipe_words` names such recipes).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from ..method import PARTS, Choices, Recipe


@dataclass(frozen=True)
class Detail:
    """One choice that two recipes make differently.

    fields: the fields of a recipe that are switched together. stage: the stage it affects, "C", "T" or "both". what:
    the choice in plain words. paper, code, report: what each of them says or does. admitted: whether the report itself
    names the difference. networks: the networks it concerns; empty: all.
    """

    name: str
    fields: tuple[str, ...]
    stage: str
    what: str
    paper: str
    code: str
    report: str
    admitted: bool
    networks: tuple[str, ...] = ()


# Details of stage T come first, since measuring them needs no new images.
DETAILS = (
    Detail(
        "optimiser",
        ("momentum", "weight_decay", "lr_drop"),
        "T",
        "how a network learns the images: gradient descent with momentum, weight decay, a smaller rate at half time",
        "not stated",
        "momentum 0.9, weight decay 5e-4, rate × 0.1 at half time",
        "plain gradient descent",
        True,
    ),
    Detail(
        "augmentation",
        ("augmentation",),
        "T",
        "whether the images are cropped, scaled or rotated anew in every epoch",
        "mentioned, for MNIST",
        "one of the three for each image and epoch, only on MNIST",
        "none",
        True,
    ),
    Detail(
        "epochs",
        ("epochs", "epochs_augmented"),
        "T",
        "how often a network sees the images",
        "not stated",
        "300, or 1,000 with augmentation, and one more",
        "300",
        False,
    ),
    Detail(
        "image momentum",
        ("image_momentum",),
        "C",
        "whether a step of the images keeps half of the step before",
        "not stated",
        "0.5",
        "none",
        False,
    ),
    Detail(
        "padding",
        ("version",),
        "both",
        "the first convolution's border: 3 makes 32×32 of MNIST's 28×28, so that three halvings end in 4×4 and not 3×3",
        "not stated",
        "3 on grey images",
        "1",
        False,
        ("ConvNet",),
    ),
    Detail(
        "networks",
        ("version",),
        "both",
        "what is built under the names LeNet and AlexNet",
        "the names and the original papers",
        "other networks: ReLU, max pool; AlexNet with small kernels and one linear layer",
        "the originals: sigmoid and average pool; AlexNet at 227×227 with dropout and a softmax before the loss",
        True,
        ("LeNet", "AlexNet"),
    ),
    Detail(
        "normalisation",
        ("normalisation",),
        "both",
        "what the pixels are divided by",
        "not stated",
        "the deviation of the dataset's pixels",
        "the mean of the images' own deviations",
        False,
    ),
    Detail(
        "image rate",
        ("image_lr",),
        "C",
        "how far a step of the images goes",
        "not stated",
        "0.1; for MLP 0.01, which only its readme says",
        "0.1",
        False,
    ),
    Detail(
        "network batch",
        ("network_batch",),
        "C",
        "how many synthetic images a network trains on at once in stage C; the same up to 25 per class",
        "all",
        "256",
        "all",
        False,
    ),
    Detail(
        "loops",
        ("matching_steps", "network_steps", "iterations"),
        "C",
        "how often a network is matched, and trained in between",
        "T and ς, no numbers for other sizes",
        "a table for 1, 10, 20, 30, 40 and 50 images per class",
        "T = images per class",
        False,
    ),
)


def difference(start: Recipe, end: Recipe) -> list[Detail]:
    """The details in which two recipes differ and which affect the result, those of stage T first.

    A field that belongs to no detail in `DETAILS` becomes a detail with the name of the field. Raises ValueError if the
    recipes differ in images per class, budget, method or networks, since these are different experiments.
    """
    for what in ("ipc", "budget", "method", "condensing.network", "testing.network"):
        a, b = (attrgetter(what)(recipe) for recipe in (start, end))
        if a != b:
            raise ValueError(f"the recipes differ in {what}, {a!r} and {b!r}: expected one experiment")
    differing = {part: {*end.differences(start, (part,)), *start.differences(end, (part,))} for part in PARTS}
    named = [d for d in DETAILS if any(differing[p].intersection(_fields(d, getattr(start, p))) for p in PARTS)]
    known = {field for detail in named for field in detail.fields}
    rest = {field: attrgetter(f"{part}.{field}") for part in PARTS for field in sorted(differing[part] - known)}
    return named + [
        Detail(field, (field,), "both", field, "", str(value(end)), str(value(start)), False)
        for field, value in rest.items()
    ]


def _fields(detail: Detail, choices: Choices) -> list[str]:
    """The fields of a stage that a detail switches; none if the detail concerns other networks."""
    if detail.networks and choices.network not in detail.networks:
        return []
    return [field for field in detail.fields if hasattr(choices, field)]


def switched(recipe: Recipe, details: Sequence[Detail], other: Recipe) -> Recipe:
    """``recipe``, with these details as in ``other``."""
    changes = {
        part: {f: getattr(getattr(other, part), f) for d in details for f in _fields(d, getattr(recipe, part))}
        for part in PARTS
    }
    return recipe.but(**changes)
