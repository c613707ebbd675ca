"""Layers that torch lacks, or has slower than need be."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .device import sent


class Resize(nn.Module):
    """Images to size × size, bilinear: the report feeds its AlexNet 227×227."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → (batch, channels, size, size)."""
        return F.interpolate(images, (self.size, self.size), mode="bilinear", align_corners=False)


class Bfloat16(nn.Module):
    """A network whose convolutions and matrix products take and give bfloat16; weights, gradients and logits do not."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → logits (batch, classes), float32."""
        with torch.autocast(images.device.type, torch.bfloat16):
            return self.network(images).float()


class Dropout(nn.Dropout):
    """``nn.Dropout`` with the random numbers of `dropping_out`: networks in two threads must not share torch's own."""

    def forward(self, images: Tensor) -> Tensor:
        """A tensor of any shape → the same shape, with some numbers 0 and the others larger, in training mode."""
        if not self.training or not self.p:
            return images
        kept = torch.empty(images.shape).bernoulli_(1 - self.p, generator=_numbers.get())
        return images * sent(kept / (1 - self.p), images.device)


_numbers: ContextVar[torch.Generator | None] = ContextVar("_numbers", default=None)


@contextmanager
def dropping_out(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, what this thread's networks drop is drawn from ``generator``; None: from torch's own numbers."""
    token = _numbers.set(generator)
    try:
        yield
    finally:
        _numbers.reset(token)


class AvgPool2x2(nn.AvgPool2d):
    """``nn.AvgPool2d(2)``. On a CPU it is a matrix product there and back, which takes a fraction of torch's time."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) → half their height and width, rounded down."""
        if images.device.type != "cpu":
            return super().forward(images)
        height, width = images.shape[2:]
        pairs_of_rows = images[:, :, : height // 2 * 2].unflatten(2, (-1, 2)).flatten(3)
        return pairs_of_rows @ _averaging(width, images.dtype)


@cache
def _averaging(width: int, dtype: torch.dtype) -> Tensor:
    """Matrix (2 × width, width // 2) from two rows, one after the other, to the means of their 2×2 squares."""
    with torch.inference_mode(False):  # or it could not take part in training, when a test asked for it first
        row = torch.eye(width // 2, dtype=dtype).repeat_interleave(2, 0) / 4
        row = torch.cat([row, row.new_zeros(width % 2, width // 2)])
        return torch.cat([row, row])
