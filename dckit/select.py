"""Sets of real images to hold a condensed set against."""

import torch

from .condensed import CondensedSet, base_card
from .data import ImageData
from .runtime import seeded, versions

RANDOM = 4  # what a seed is for, see `seeded`


def random_images(real: ImageData, ipc: int = 1, seed: int = 0) -> CondensedSet:
    """``ipc`` random training images of each class, as a set: Table 1's "random".

    Raises ValueError if a class has fewer.
    """
    real.refuse_ipc(ipc)
    classes = range(len(real.classes))
    with seeded(seed, RANDOM):
        images = torch.cat([real.train.sample(c, ipc)[0] for c in classes])
    card = base_card(real) | {"source": "random real images", "seed": seed, "versions": versions()}
    return CondensedSet(images.cpu(), torch.arange(len(real.classes)).repeat_interleave(ipc), card)
