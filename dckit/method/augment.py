"""The augmentations of stage T, on whole batches of images.

DC's published code changes one image at a time, and rotates it with SciPy. Here all images of a batch are changed at
once: for each pixel of the result, the code computes which pixels of the image it comes from. Tests compare rotated
images with SciPy's. DSA's augmentations are in `kinds`.
"""

import torch
from torch import Tensor

from ..engine import ROTATE, rotate, sent
from .kinds import KINDS_OF, apply, draw, look_up

PAD = 4  # pixels around an image before it is cropped
SCALE = 0.2  # height and width are multiplied by 1 - 0.2 to 1 + 0.2
NOISE = 0.001  # standard deviation, in normalised units

STRATEGIES = {
    "none": (),
    "crop_scale_rotate": ("crop", "scale", "rotate"),
    "crop_noise": ("crop", "noise"),
}
DIGITS = ("mnist", "svhn", "digits")  # mirrored digits are no valid digits


def strategy(choice: str, dataset: str) -> str:
    """The name of the augmentation that a recipe's ``augmentation`` means for a dataset.

    ``"published"`` means crop, scale and rotate on MNIST and on the embedded digits, which replace MNIST, and none on
    other datasets. ``"dsa"`` does not flip digits.
    """
    if choice == "dsa" and dataset in DIGITS:
        return "dsa_without_flip"
    if choice != "published":
        return choice
    return "crop_scale_rotate" if dataset in ("mnist", "digits") else "none"


def augment(images: Tensor, strategy: str, generator: torch.Generator | None = None) -> Tensor:
    """Augmented copies of ``images`` (batch, channels, height, width).

    strategy: as `strategy` returns it. DC's strategies draw a kind of change for each image. DSA's draw one kind for
    the whole batch, and its parameters for each image. Random numbers come from ``generator`` (None: torch's global
    one) on the CPU, so that they are the same on every device.
    """
    if strategy == "none":
        return images
    if strategy in KINDS_OF:
        kind, numbers = draw(KINDS_OF[strategy], images, generator)
        return apply(kind, images, numbers)
    names = STRATEGIES[strategy]
    means = images.mean((0, 2, 3))  # of the batch, per channel
    choice = torch.randint(len(names), (len(images),), generator=generator)
    changed = images.clone()
    for i, name in enumerate(names):
        mine = sent((choice == i).nonzero()[:, 0], images.device)
        changed[mine] = _CHANGES[name](images[mine], means, generator)
    return changed


def _crop(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Shift by -4 to 3 pixels in each direction and fill with the batch's mean.

    With a padding of 4 a shift by 4 would be possible, but the published code draws at most 3.
    """
    n, _, height, width = images.shape
    offset = torch.randint(2 * PAD, (2, n, 1), generator=generator) - PAD
    return look_up(images, torch.arange(height) + offset[0], torch.arange(width) + offset[1], means)


def _scale(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Stretch height and width by two independent factors (nearest neighbour), centred on a canvas of zeros."""
    n, _, height, width = images.shape
    size = torch.tensor([[height], [width]])
    new = ((1 - SCALE + 2 * SCALE * torch.rand(2, n, generator=generator)) * size).int()
    canvas = new.amax(0).clamp_min(max(height, width))
    # Row (or column) i of the result is i + left on the canvas, and i + left - inset in the stretched image.
    left, inset = (canvas - size) // 2, (canvas - new) // 2
    rows, cols = (
        torch.where(
            (at := torch.arange(length) + (left[i] - inset[i])[:, None]) < new[i][:, None],
            (at * (length / new[i].float())[:, None]).floor().int(),
            -1,
        )
        for i, length in enumerate((height, width))
    )
    return look_up(images, rows, cols, torch.zeros_like(means))


def _rotate(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Rotate by whole degrees from -45 to 44 with cubic splines; fill with the mean over pixels and channels."""
    degrees = torch.randint(-ROTATE, ROTATE, (len(images),), generator=generator)
    return rotate(images, degrees, fill=means.mean())


def _noise(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    return images + NOISE * sent(torch.randn(images.shape, generator=generator), images.device)


_CHANGES = {"crop": _crop, "scale": _scale, "rotate": _rotate, "noise": _noise}
