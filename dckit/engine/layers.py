"""Layers that torch does not have, or that are slow in torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .device import sent


class Resize(nn.Module):
    """Resize images to size × size, bilinear: the report's AlexNet takes 227×227."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → (batch, channels, size, size)."""
        return F.interpolate(images, (self.size, self.size), mode="bilinear", align_corners=False)


class Bfloat16(nn.Module):
    """A network that computes convolutions and matrix products in bfloat16; weights, gradients, logits stay float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → logits (batch, classes), float32."""
        with torch.autocast(images.device.type, torch.bfloat16):
            return self.network(images).float()


class Dropout(nn.Dropout):
    """``nn.Dropout`` with random numbers from `dropping_out`, since threads must not share torch's global generator."""

    def forward(self, images: Tensor) -> Tensor:
        """A tensor of any shape → the same shape; in training mode some numbers are 0, and the others are scaled up."""
        if not self.training or not self.p:
            return images
        kept = torch.empty(images.shape).bernoulli_(1 - self.p, generator=_numbers.get())
        return images * sent(kept / (1 - self.p), images.device)


_numbers: ContextVar[torch.Generator | None] = ContextVar("_numbers", default=None)


@contextmanager
def dropping_out(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, the dropout of this thread's networks uses ``generator`` (None: torch's global one)."""
    token = _numbers.set(generator)
    try:
        yield
    finally:
        _numbers.reset(token)


class AvgPool2x2(nn.AvgPool2d):
    """``nn.AvgPool2d(2)``. On a CPU it is computed as a matrix product, which takes a fraction of torch's time."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → half the height and width, rounded down."""
        if images.device.type != "cpu":
            return super().forward(images)
        height, width = images.shape[2:]
        pairs_of_rows = images[:, :, : height // 2 * 2].unflatten(2, (-1, 2)).flatten(3)
        return pairs_of_rows @ _averaging(width, images.dtype)


@cache
def _averaging(width: int, dtype: torch.dtype) -> Tensor:
    """Matrix (2 × width, width // 2) that maps two concatenated rows of pixels to the means of their 2×2 squares."""
    with torch.inference_mode(False):  # else a matrix first made in a test could not be used in training
        row = torch.eye(width // 2, dtype=dtype).repeat_interleave(2, 0) / 4
        row = torch.cat([row, row.new_zeros(width % 2, width // 2)])
        return torch.cat([row, row])
