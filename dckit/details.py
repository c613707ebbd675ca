"""What hides between two recipes: the details in which the published code and the report's notebook differ.

A difference is a list of named details. Each can be switched by itself, so that what it costs can be measured: step by
step from one recipe to the other, each alone, or all but one (`dckit.protocols` has words for them).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .recipes import Recipe


@dataclass(frozen=True)
class Detail:
    """One choice that two recipes make differently.

    fields: of `Recipe`, switched together. stage: where it acts, "C", "T" or "both". what: in plain words. paper, code,
    report: what each says or does. admitted: whether the report names it as a difference.
    """

    name: str
    fields: tuple[str, ...]
    stage: str
    what: str
    paper: str
    code: str
    report: str
    admitted: bool
    networks: tuple[str, ...] = ()  # that it is about; empty: all


# Those of stage T first: they need no new images.
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
        "one of the three for each image and epoch, on MNIST alone",
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
        ("version", "test_version"),
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
        ("version", "test_version"),
        "both",
        "what is built under the names LeNet and AlexNet",
        "the names and the original papers",
        "networks of its own: ReLU, max pool; AlexNet with small kernels and one linear layer",
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
    Detail(
        "sets",
        ("sets",),
        "both",
        "how many condensed sets a result is taken over; it moves no mean, only what ± holds",
        "5",
        "5",
        "1",
        False,
    ),
)


def difference(start: Recipe, end: Recipe) -> list[Detail]:
    """The details that two recipes differ in, as far as they act, stage T's first. Unnamed fields name themselves.

    Raises ValueError for recipes that differ in images per class, budget or networks: those are other experiments.
    """
    a, b = (r.stage_c | r.stage_t | {"budget": r.budget, "sets": r.sets} for r in (start, end))
    for field in ("ipc", "budget", "network", "test_network"):
        if a[field] != b[field]:
            raise ValueError(f"the recipes differ in {field}, {a[field]!r} and {b[field]!r}: expected one experiment")
    differing = [field for field in a | b if a.get(field) != b.get(field)]
    named = [d for d in DETAILS if not {*_fields(d, start)}.isdisjoint(differing)]
    rest = [field for field in differing if not any(field in d.fields for d in named)]
    return named + [Detail(f, (f,), "both", f, "", str(b.get(f)), str(a.get(f)), False) for f in rest]


def _fields(detail: Detail, recipe: Recipe) -> tuple[str, ...]:
    """The fields that a detail is about: of the networks of both stages, only those that it names."""
    if not detail.networks:
        return detail.fields
    networks = {"version": recipe.network, "test_version": recipe.tested_with}
    return tuple(field for field in detail.fields if networks[field] in detail.networks)


def switched(recipe: Recipe, details: Sequence[Detail], other: Recipe) -> Recipe:
    """``recipe`` with these details as ``other`` has them."""
    recipe, other = (r.but(test_version=r.test_build[1]) for r in (recipe, other))
    return recipe.but(**{field: getattr(other, field) for d in details for field in _fields(d, recipe)})
