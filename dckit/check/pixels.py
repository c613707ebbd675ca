"""Check of lesson 0's exercise: from normalised images back to pixels."""

from collections.abc import Callable
from typing import Any

import torch

from ..data import denormalise
from .answers import NotYet, ask, checked, same, tell, tensor


@checked
def pixels(function: Callable[..., Any]) -> str:
    """Lesson 0. ``function(images, mean, std)`` de-normalises images (n, channels, height, width), to be looked at.

    mean, std: one number a channel. It returns pixels of the same shape in 0 to 1.
    """
    images = 1.5 * torch.randn(2, 3, 4, 5, dtype=torch.float64)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
    given, right = images.clone(), denormalise(images, mean, std)
    found = tensor(ask(function, given, mean, std), images.shape)
    m, s = (torch.tensor(values, dtype=torch.float64).view(-1, 1, 1) for values in (mean, std))
    mistakes = {
        "these are still the normalised images: the normalisation has not been undone.": images,
        "the sign of the mean is wrong: the normalisation subtracts it, so add it.": images * s - m,
        "the order is wrong: the normalisation divides last, so multiply by `std` first, then add `mean`.": (
            (images + m) * s
        ),
        "all channels got the first channel's mean and standard deviation: each has its own.": images * s[0] + m[0],
        "the pixels go up to 255: expected 0 to 1.": 255 * right,
    }
    clamped = {sentence: wrong.clamp(0, 1) for sentence, wrong in mistakes.items()}
    tell(found.clamp(0, 1), right, clamped, "the pixels are wrong: expected `images * std + mean`, channel by channel.")
    if not same(found, right):
        raise NotYet(
            "some pixels are below 0 or above 1, since learned images can leave this range: limit them with `clamp`."
        )
    if not same(given, images):
        raise NotYet(
            "the pixels are right, but your function also changed the images that it was given: make new ones."
        )
    return "`condensed.pixels` does the same."
