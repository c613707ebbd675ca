"""The published augmentation of stage T, on whole batches: for each image one of several changes, drawn anew.

The published code changes one image at a time, rotating it with SciPy. Here every image of the batch is cropped,
scaled or rotated at once by looking its pixels up; tests hold the result against SciPy's.
"""

import math
from functools import cache

import torch
from torch import Tensor

from ..engine import sent

PAD = 4  # pixels around an image before it is cropped
SCALE = 0.2  # height and width become 1 ± this
ROTATE = 45  # degrees to either side
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


def rotate(images: Tensor, degrees: Tensor, fill: Tensor) -> Tensor:
    """Images (batch, channels, height, width) rotated about their centres by whole degrees (batch,) from -45 to 44.

    What scipy.ndimage.rotate gives with its defaults (cubic B-splines) after cutting out the middle, as published.
    The size it would grow to can be odd where ours is even: then the middle is half a pixel off, here too.
    """
    height, width = images.shape[2:]
    vertical, horizontal, *tables = _rotations(height, width, images.device)
    angle = sent(degrees + ROTATE, images.device)
    rows, row_weights, cols, col_weights, inside = (table[angle] for table in tables)
    coefficients = vertical @ images @ horizontal.T
    which = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1, 1)
    patches = coefficients[which, :, rows[..., :, None], cols[..., None, :]]  # batch, height, width, 4, 4, channels
    turned = torch.einsum("bhwijc,bhwi,bhwj->bchw", patches, row_weights, col_weights)
    return torch.where(inside[:, None], turned, fill)


@cache
def _rotations(height: int, width: int, device: torch.device) -> tuple[Tensor, ...]:
    """What turns pixels into splines, along both axes; and for each angle and pixel where to look it up in these.

    That is rows and their weights (angles, height, width, 4), columns and theirs, and whether it lies in the image.
    """
    angle = torch.arange(-ROTATE, ROTATE).double() * math.pi / 180  # double, to tell a pixel on the edge from others
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    y, x = (
        torch.arange(length)[None, :] - (length - 1) / 2 - ((grown.flatten(1) - length) % 2) / 2
        for length, grown in zip((height, width), _grown_size(cos, sin, height, width), strict=True)
    )
    y, x = y[:, :, None], x[:, None, :]
    row, col = cos * y + sin * x + (height - 1) / 2, cos * x - sin * y + (width - 1) / 2
    inside = (row >= 0) & (row <= height - 1) & (col >= 0) & (col <= width - 1)
    filters = _spline_filter(height), _spline_filter(width)
    found = (*filters, *_spline_taps(row, height), *_spline_taps(col, width), inside)
    return tuple(tensor.to(device) for tensor in found)


def _grown_size(cos: Tensor, sin: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Height and width of the box that holds the whole rotated image."""
    cos, sin = cos.abs(), sin.abs()
    return (cos * height + sin * width + 0.5).floor(), (sin * height + cos * width + 0.5).floor()


def _spline_filter(length: int) -> Tensor:
    """Matrix from pixels to the coefficients of the cubic B-spline through them, mirrored at both ends."""
    through = torch.eye(length) * 4 + torch.diag(torch.ones(length - 1), 1) + torch.diag(torch.ones(length - 1), -1)
    through[0, 1] = through[-1, -2] = 2
    return torch.linalg.inv(through / 6)


def _spline_taps(at: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """For coordinates ``at`` the four nearest coefficients' indices and weights, each with a last dimension of 4."""
    first = at.floor()
    f = (at - first).float()
    index = first.long()[..., None] + torch.arange(-1, 3)
    index = (length - 1) - ((length - 1) - index.abs()).abs()  # mirrored
    weights = torch.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3], -1)
    return index.clamp(0, length - 1), weights / 6


def _noise(images: Tensor, means: Tensor, generator: torch.Generator | None) -> Tensor:
    return images + NOISE * sent(torch.randn(images.shape, generator=generator), images.device)


_CHANGES = {"crop": _crop, "scale": _scale, "rotate": _rotate, "noise": _noise}
