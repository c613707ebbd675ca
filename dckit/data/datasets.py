"""Real images: one small class for a dataset, whose pixels are normalised when they are asked for."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..engine import sent

Shape = tuple[int, int, int]  # channels, height, width

# Mean and standard deviation per channel, as the published code divides by them and as the report did: it took the
# deviation of each image and averaged these. (CIFAR-10's published deviation is such an average too.)
NORMALISATION: dict[str, dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "published": {
        "mnist": ((0.1307,), (0.3081,)),
        "fashionmnist": ((0.2861,), (0.3530,)),
        "svhn": ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
        "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    },
    "report": {
        "mnist": ((0.1307,), (0.3015,)),
        "fashionmnist": ((0.2860,), (0.3205,)),
        "svhn": ((0.4377, 0.4438, 0.4728), (0.1201, 0.1231, 0.1052)),
        "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    },
}


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Pixels (n, channels, height, width), uint8 or float32 in 0 to 1, to mean 0 and deviation 1 per channel."""
    images = pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels
    return (images - _per_channel(mean, images)) / _per_channel(std, images)


def denormalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Undo ``normalise``, and cut off at 0 and 1, since learned images leave that range."""
    return (images * _per_channel(std, images) + _per_channel(mean, images)).clamp(0, 1)


def _per_channel(values: tuple[float, ...], images: Tensor) -> Tensor:
    return sent(torch.tensor(values), images.device).view(-1, 1, 1)


@dataclass(frozen=True)
class Split:
    """Half of a dataset: pixels as they are stored, normalised when they are asked for.

    pixels (N, channels, height, width) uint8, or float32 in 0 to 1; labels (N,) int64; mean, std: one per channel.
    """

    pixels: Tensor
    labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Normalised images (n, channels, height, width) float32, and labels (n,), at ``index``."""
        return normalise(self.pixels[index], self.mean, self.std), self.labels[index]

    def to(self, device: torch.device) -> "Split":
        """The same images on ``device``."""
        return Split(self.pixels.to(device), self.labels.to(device), self.mean, self.std)

    @property
    def images(self) -> Tensor:
        """All images, normalised: (N, channels, height, width) float32. Made anew at each call."""
        return self[:][0]

    @cached_property
    def by_class(self) -> list[Tensor]:
        """For each class the indices of its images, on the CPU."""
        order = torch.argsort(self.labels, stable=True).cpu()
        return list(order.split(torch.bincount(self.labels).tolist()))

    @cached_property
    def digest(self) -> str:
        """A short text that other pixels or labels do not have, whatever their names; 0.15 s for CIFAR10."""
        return digest_of(self.pixels, self.labels)

    def sample(self, label: int, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """``n`` random images of one class without replacement, all of them if there are fewer, and their labels."""
        members = self.by_class[label]
        return self[sent(members[torch.randperm(len(members), generator=generator)[:n]], self.labels.device)]

    def draw(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """``n`` random images of any class without replacement, and their labels."""
        return self[sent(torch.randperm(len(self), generator=generator)[:n], self.labels.device)]


def digest_of(*tensors: Tensor) -> str:
    """A short text that tells these tensors from all others."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(tensor.cpu().contiguous().numpy().data)
    return found.hexdigest()[:16]


@dataclass(frozen=True)
class ImageData:
    """A dataset: ``train`` and ``test`` splits of images of one shape, sorted into ``classes``."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    normalisation: str

    @property
    def shape(self) -> Shape:
        """(channels, height, width)."""
        channels, height, width = self.train.pixels.shape[1:]
        return channels, height, width

    @property
    def digest(self) -> str:
        """A short text that tells these pixels and labels from all others, for cards and results."""
        return f"{self.train.digest}-{self.test.digest}"

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean subtracted from each channel, in units of 0 to 1."""
        return self.train.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation that each channel is divided by, in units of 0 to 1."""
        return self.train.std

    @property
    def majority(self) -> float:
        """Share of test images in %, that belong to the largest class of the training images.

        Always answering with that class reaches this accuracy.
        """
        largest = int(self.train.labels.bincount().argmax())
        return 100 * float((self.test.labels == largest).float().mean())

    def refuse_ipc(self, ipc: int) -> None:
        """Raise ValueError unless every class has ``ipc`` training images, at least one."""
        smallest = min(range(len(self.classes)), key=lambda c: len(self.train.by_class[c]))
        room = len(self.train.by_class[smallest])
        if not 1 <= ipc <= room:
            raise ValueError(
                f"ipc {ipc}: expected 1 to {room} images per class, as many as {self.classes[smallest]!r} has"
            )

    def refuse_label(self, label: int) -> None:
        """Raise ValueError unless ``label`` is the number of a class."""
        if not 0 <= label < len(self.classes):
            raise ValueError(f"label {label}: expected 0 to {len(self.classes) - 1}")

    def normalised(self, normalisation: str) -> "ImageData":
        """The same pixels under the ``"published"`` or the ``"report"``'s mean and deviation."""
        if normalisation == self.normalisation:
            return self
        mean, std = mean_and_std(self.name, self.train.pixels, normalisation)
        train, test = (Split(s.pixels, s.labels, mean, std) for s in (self.train, self.test))
        return ImageData(self.name, self.classes, train, test, normalisation)

    def to(self, device: torch.device) -> "ImageData":
        """The same dataset with its pixels and labels on ``device``."""
        return ImageData(self.name, self.classes, self.train.to(device), self.test.to(device), self.normalisation)


def mean_and_std(name: str, pixels: Tensor, normalisation: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The protocol's own numbers for its datasets; for others the same statistics, taken from the training images."""
    if normalisation not in NORMALISATION:
        raise ValueError(f"unknown normalisation {normalisation!r}: expected one of {', '.join(NORMALISATION)}")
    if name in NORMALISATION[normalisation]:
        return NORMALISATION[normalisation][name]
    images = normalise(pixels, (0.0,), (1.0,)).transpose(0, 1).flatten(2)  # channels, N, pixels
    std = images.std(-1).mean(1) if normalisation == "report" else images.flatten(1).std(-1)
    # Rounded, to be alike however many threads summed up.
    return tuple(round(m, 4) for m in images.mean((1, 2)).tolist()), tuple(round(max(s, 1e-3), 4) for s in std.tolist())
