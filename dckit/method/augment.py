"""The published augmentation of stage T, on whole batches: for each image one of several changes, drawn anew.

The published code changes one image at a time, rotating it with SciPy. Here every image of the batch is cropped,
scaled or rotated at once by looking its pixels up; tests hold the result against SciPy's.
"""

import torch
from torch import Tensor

from ..engine import ROTATE, rotate, sent

PAD = 4  # pixels around an image before it is cropped
SCALE = 0.2  # height and width become 1 ± this
NOISE = 0.001  # standard deviation, in normalised units

STRATEGIES = {
    "none": (),
    "crop_scale_rotate": ("crop", "scale", "rotate"),
    "crop_noise": ("crop", "noise"),
}


def strategy(choice: str, dataset: str) -> str:
    """What the recipe's ``augmentation`` means for a dataset.

    ``"published"`` is crop, scale and rotate on MNIST and on the embedded digits, which stand in for it, and none
    elsewhere.
    """
    if choice != "published":
        return choice
    return "crop_scale_rotate" if dataset in ("mnist", "digits") else "none"


def augment(images: Tensor, strategy: str, generator: torch.Generator | None = None) -> Tensor:
    """Augmented copies of ``images`` (batch, channels, height, width), one change drawn for each of them.

    Random numbers come from ``generator``, or else from torch's own, on the CPU, so that every device meets the same.
    """
    if strategy == "none":
        return images
    names = STRATEGIES[strategy]
    means = images.mean((0, 2, 3))  # of the batch, per channel
    choice = torch.randint(len(names), (len(images),), generator=generator)
    changed = images.clone()
    for i, name in enumerate(names):
        mine = sent((choice == i).nonzero()[:, 0], images.device)
        changed[mine] = _CHANGES[name](images[mine], means, generator)
    return changed


def _crop(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Shift by -4 to 3 pixels each way and fill with the batch's mean. Padding 4 would allow 4; the code stops at 3."""
    n, _, height, width = images.shape
    offset = torch.randint(2 * PAD, (2, n, 1), generator=generator) - PAD
    return _look_up(images, torch.arange(height) + offset[0], torch.arange(width) + offset[1], means)


def _scale(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Stretch height and width by factors of their own, nearest neighbour, centred on a canvas of zeros."""
    n, _, height, width = images.shape
    size = torch.tensor([[height], [width]])
    new = ((1 - SCALE + 2 * SCALE * torch.rand(2, n, generator=generator)) * size).int()
    canvas = new.amax(0).clamp_min(max(height, width))
    # A pixel of the result lies on the canvas at +left, in the stretched image at +left - inset.
    left, inset = (canvas - size) // 2, (canvas - new) // 2
    rows, cols = (
        torch.where(
            (at := torch.arange(length) + (left[i] - inset[i])[:, None]) < new[i][:, None],
            (at * (length / new[i].float())[:, None]).floor().int(),
            -1,
        )
        for i, length in enumerate((height, width))
    )
    return _look_up(images, rows, cols, torch.zeros_like(means))


def _look_up(images: Tensor, rows: Tensor, cols: Tensor, fill: Tensor) -> Tensor:
    """Pixel (rows[b, i], cols[b, j]) of image b at (i, j), and ``fill`` (channels,) where that lies outside."""
    n, _, height, width = images.shape
    rows, cols = sent(rows, images.device)[:, :, None], sent(cols, images.device)[:, None, :]
    inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
    which = torch.arange(n, device=images.device)[:, None, None]
    found = images[which, :, rows.clamp(0, height - 1), cols.clamp(0, width - 1)]  # channels come last
    return torch.where(inside[..., None], found, fill).permute(0, 3, 1, 2)


def _rotate(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    """Rotate by whole degrees from -45 to 44, cubic splines, filled with the mean over pixels and channels."""
    degrees = torch.randint(-ROTATE, ROTATE, (len(images),), generator=generator)
    return rotate(images, degrees, fill=means.mean())


def _noise(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    return images + NOISE * sent(torch.randn(images.shape, generator=generator), images.device)


_CHANGES = {"crop": _crop, "scale": _scale, "rotate": _rotate, "noise": _noise}
