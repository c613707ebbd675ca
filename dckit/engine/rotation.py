"""Rotation of whole batches of images by whole degrees; SciPy rotates one image at a time."""

import math
from functools import cache

import torch
from torch import Tensor

from .device import sent

ROTATE = 45  # degrees to either side


def rotate(images: Tensor, degrees: Tensor, fill: Tensor) -> Tensor:
    """Images (batch, channels, height, width) rotated about their centres by whole degrees (batch,) from -45 to 44.

    The result is that of scipy.ndimage.rotate with its defaults (cubic B-splines), cropped to the middle, as published.
    SciPy's result can have an odd size where the image has an even one. Then the middle is half a pixel off, here too.
    fill: the value of pixels from outside the image.
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
    """Tables for `rotate`: spline filters along both axes, and for each angle and pixel where to evaluate the splines.

    The latter are rows and their weights (angles, height, width, 4), columns and their weights, and whether the point
    lies in the image.
    """
    angle = torch.arange(-ROTATE, ROTATE).double() * math.pi / 180  # double, since some pixels lie exactly on the edge
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
