"""DSA's augmentation (Zhao and Bilen, ICML 2021; DM uses it too): differentiable, one *kind* of change per batch.

`draw` draws a kind and its parameters, called its numbers. `apply` uses them to change normalised images (batch,
channels, height, width). The augmentation is Siamese if real and synthetic images are changed with the same numbers.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine import sent

SHIFT, CUT = 0.125, 0.5  # as shares of a side: the largest shift of a crop, and the square that is cut out
STRETCH = 1.2  # the largest factor of scale; the smallest is its inverse
DEGREES = 15  # the largest angle


def draw(kinds: Sequence[str], images: Tensor, generator: torch.Generator | None = None) -> tuple[str, list[Tensor]]:
    """One of the kinds and its numbers for ``images``: tensors with an entry per image, as `apply` takes them.

    Random numbers come from ``generator`` (None: torch's global one), on the CPU.
    """
    n, _, height, width = images.shape

    def uniform(count: int) -> list[Tensor]:
        return list(torch.rand(count, n, generator=generator))

    def whole(*ranges: tuple[int, int]) -> list[Tensor]:  # both ends included
        return [torch.randint(low, high + 1, (n,), generator=generator) for low, high in ranges]

    kind = kinds[int(torch.randint(len(kinds), (), generator=generator))]
    if kind == "crop":
        return kind, whole(*((-_share(SHIFT, side), _share(SHIFT, side)) for side in (height, width)))
    if kind == "cutout":  # the centre of an even square lies between pixels, so it has one more place
        return kind, whole(*((0, side - _share(CUT, side) % 2) for side in (height, width)))
    return kind, uniform({"color": 3, "scale": 2}.get(kind, 1))


def apply(kind: str, images: Tensor, numbers: Sequence[Tensor]) -> Tensor:
    """``images`` (batch, channels, height, width), changed by one kind; differentiable in the images.

    numbers: tensors (batch,), or (1,) for the same change of all images, in the order below. u is uniform in 0 to 1.

    * ``"color"``: u of brightness, of saturation, of contrast
    * ``"crop"``: rows and columns to shift by, whole numbers, at most an eighth of the side either way
    * ``"cutout"``: row and column of the centre of a square of zeros, half as high and wide as the image
    * ``"flip"``: u, left and right are exchanged below 0.5
    * ``"scale"``: u of the width, u of the height, by a factor of 1/1.2 to 1.2 each
    * ``"rotate"``: u, by -15 to 15 degrees

    Pixels from outside the image are 0, the mean of normalised images. Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}: expected one of {', '.join(KINDS)}")
    return KINDS[kind](images, *(number.to(images).expand(len(images)) for number in numbers))


def siamese(
    synthetic: Sequence[Tensor],
    real: Sequence[Tensor],
    kind: str | Sequence[str] | None,
    numbers: Sequence[Tensor] | Sequence[Sequence[Tensor]],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the synthetic and the real images of each class, all changed with the numbers of the first image.

    synthetic, real: a tensor (batch, channels, height, width) per class. kind, numbers: as for `apply`, or lists with
    an entry per class. With kind None the images are not changed.
    """
    kinds = [kind] * len(real) if kind is None or isinstance(kind, str) else kind
    one_for_all = not numbers or isinstance(numbers[0], Tensor)
    by_class: Any = [numbers] * len(real) if one_for_all else numbers
    for s, r, own, its in zip(synthetic, real, kinds, by_class, strict=True):
        first = [number[:1] for number in its]
        yield (apply(own, s, first), apply(own, r, first)) if own else (s, r)


def _share(share: float, side: int) -> int:
    return int(share * side + 0.5)


def _per_image(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]


def _color(images: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    images = images + (_per_image(brightness) - 0.5)
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * (2 * _per_image(saturation)) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * (_per_image(contrast) + 0.5) + mean


def _shift(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    height, width = images.shape[2:]
    sides = ((height, down), (width, right))
    rows, cols = (torch.arange(side, device=images.device) + by[:, None].long() for side, by in sides)
    return look_up(images, rows, cols, images.new_zeros(()))


def _cutout(images: Tensor, row: Tensor, col: Tensor) -> Tensor:
    inside = []
    for side, centre in zip(images.shape[2:], (row, col), strict=True):
        size = _share(CUT, side)
        at = torch.arange(side, device=images.device) - (centre[:, None] - size // 2)
        inside.append((at >= 0) & (at < size))
    return images * ~(inside[0][:, None, :, None] & inside[1][:, None, None, :])


def _flip(images: Tensor, u: Tensor) -> Tensor:
    return torch.where(_per_image(u) < 0.5, images.flip(3), images)


def _stretch(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    low, zero = 1 / STRETCH, torch.zeros_like(x)
    x, y = (low + (STRETCH - low) * u for u in (x, y))
    return _moved(images, ((x, zero, zero), (zero, y, zero)))


def _turn(images: Tensor, u: Tensor) -> Tensor:
    angle, zero = (2 * u - 1) * math.radians(DEGREES), torch.zeros_like(u)
    return _moved(images, ((angle.cos(), -angle.sin(), zero), (angle.sin(), angle.cos(), zero)))


def _moved(images: Tensor, rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Images after an affine map of their coordinates, bilinear. rows: the map's matrix, 2 × 3, for each image."""
    matrix = torch.stack([torch.stack(list(row), 1) for row in rows], 1)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def look_up(images: Tensor, rows: Tensor, cols: Tensor, fill: Tensor) -> Tensor:
    """Images whose pixel (i, j) is pixel (rows[b, i], cols[b, j]) of image b, or ``fill`` (channels,) outside it."""
    n, _, height, width = images.shape
    rows, cols = sent(rows, images.device)[:, :, None], sent(cols, images.device)[:, None, :]
    inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
    which = torch.arange(n, device=images.device)[:, None, None]
    found = images[which, :, rows.clamp(0, height - 1), cols.clamp(0, width - 1)]  # channels come last
    return torch.where(inside[..., None], found, fill).permute(0, 3, 1, 2)


KINDS: dict[str, Callable[..., Tensor]] = {
    **{"color": _color, "crop": _shift, "cutout": _cutout},
    **{"flip": _flip, "scale": _stretch, "rotate": _turn},
}
KINDS_OF = {  # by strategy
    "dsa": tuple(KINDS),
    "dsa_without_flip": tuple(kind for kind in KINDS if kind != "flip"),
}
