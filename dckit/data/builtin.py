"""Where pixels come from: scikit-learn's digits and torchvision's datasets. Your own: `arrays` and `pictures`."""

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

COLOURS = (1, 3)  # channels that an image may have


class Raw(NamedTuple):
    """A dataset before it is normalised: pixels (N, channels, height, width) and labels (N,) int64 of both splits."""

    name: str
    classes: tuple[str, ...]
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def digits() -> Raw:
    """scikit-learn's 1,797 handwritten digits, 8×8 pixels, enlarged to 20×20 inside 28×28 as MNIST's are.

    A fixed stratified split: 1,437 to train on, 360 to test.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    small = torch.from_numpy(bunch.images).float()[:, None] / 16
    large = torch.nn.functional.interpolate(small, (20, 20), mode="bicubic", align_corners=False).clamp(0, 1)
    pixels = torch.nn.functional.pad((large * 255).round().byte(), (4, 4, 4, 4))
    labels = torch.from_numpy(bunch.target).long()
    train, test = train_test_split(np.arange(len(labels)), test_size=360, stratify=bunch.target, random_state=0)
    names = tuple(str(c) for c in range(10))
    return Raw("digits", names, (pixels[train], labels[train]), (pixels[test], labels[test]))


# name: the class in torchvision.datasets, what lies in the data folder once it is there, megabytes to fetch
TORCHVISION = {
    "mnist": ("MNIST", "MNIST", 12),
    "fashionmnist": ("FashionMNIST", "FashionMNIST", 31),
    "svhn": ("SVHN", "train_32x32.mat", 246),
    "cifar10": ("CIFAR10", "cifar-10-batches-py", 170),
}


def torchvision_set(name: str, places: Sequence[Path], download: bool) -> Raw:
    """One of torchvision's datasets, from the first of the folders that has it; else fetched into the last one.

    torchvision checks the md5 of what it fetches, and of CIFAR-10's files whenever it opens them.
    Raises FileNotFoundError if it is not there, ValueError if its files are damaged.
    """
    _, marker, megabytes = TORCHVISION[name]
    root = next((place for place in places if (place / marker).exists()), places[-1])
    if not (root / marker).exists():
        if not download:
            tried = " or ".join(repr(str(place)) for place in places)
            raise FileNotFoundError(
                f"{name} is not in the folder {tried}: name its folder with root= or the environment variable "
                f"DCKIT_DATA, or fetch {megabytes} MB with download=True"
            )
        _download(name, root)
    try:
        datasets = [_open(name, root, train, download=False) for train in (True, False)]
        halves = [_pixels_and_labels(dataset) for dataset in datasets]
    except Exception as error:  # a damaged file can end in any error of the reader
        raise ValueError(
            f"the files of {name} in {str(root)!r} are incomplete or damaged ({error}): "
            f"delete {str(root / marker)!r} and load with download=True, or copy them again"
        ) from None
    names = tuple(_names(datasets[0]))
    return Raw(name, names, *(checked(name, *half, len(names)) for half in halves))


def _open(name: str, root: Path, train: bool, download: bool) -> Any:
    from torchvision import datasets

    if name == "svhn":
        return datasets.SVHN(root, split="train" if train else "test", download=download)
    return getattr(datasets, TORCHVISION[name][0])(root, train=train, download=download)


def _names(dataset: Any) -> list[str]:
    """Names of the classes; MNIST's "3 - three" is 3, and SVHN names none."""
    return [name.partition(" - ")[0] for name in getattr(dataset, "classes", map(str, range(10)))]


def _download(name: str, root: Path) -> None:
    """Let torchvision fetch into a temporary folder, and move what it made only when all of it is there."""
    print(f"fetching {name} ({TORCHVISION[name][2]} MB) into {root}", flush=True)
    if name == "cifar10":
        print(
            "its host is slow (about an hour): if you have cifar-10-batches-py elsewhere, stop this and name its folder"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as part:
            for train in (True, False):
                _open(name, Path(part), train, download=True)
            for made in Path(part).iterdir():
                if made.suffix != ".gz":  # CIFAR-10's archive, of no more use
                    shutil.move(made, root / made.name)
    except (OSError, RuntimeError) as error:
        raise RuntimeError(
            f"{name} could not be fetched ({' '.join(str(error).split())}); nothing was kept. Try again later, "
            f"or copy torchvision's files into {str(root)!r}"
        ) from None


def _pixels_and_labels(dataset: Any) -> tuple[Tensor, Tensor]:
    """Pixels (N, channels, height, width) uint8 and labels of a torchvision dataset."""
    pixels = torch.as_tensor(dataset.data)
    labels = torch.as_tensor(np.asarray(dataset.labels if hasattr(dataset, "labels") else dataset.targets))
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] not in COLOURS:
        pixels = pixels.permute(0, 3, 1, 2)
    return pixels.contiguous(), labels.long()


def checked(where: str, pixels: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Raise ValueError for images and labels that do not belong together or hold impossible values."""
    refuse_other_number(where, len(pixels), labels.shape)
    if not pixels.numel():
        raise ValueError(f"{where}: images of {tuple(pixels.shape[1:])} have no pixels: expected a height and width")
    if classes < 2:
        raise ValueError(f"{where}: every image is of one class: expected two classes at least")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(f"{where}: label {int(labels.max())} is outside 0 to {classes - 1}")
    if pixels.dtype != torch.uint8 and not ((pixels >= 0) & (pixels <= 1)).all():  # also false where NaN
        raise ValueError(f"{where}: float images must lie in 0 to 1, without NaN; found {_range(pixels)}")
    return pixels, labels


def refuse_other_number(where: str, images: int, labels: Sequence[int]) -> None:
    """Raise ValueError unless there are images, and labels of this shape are one per image."""
    if tuple(labels[:1]) != (images,):
        raise ValueError(f"{where}: {images} images but labels of shape {tuple(labels)}: expected one label per image")
    if not images:
        raise ValueError(f"{where}: no images")


def _range(pixels: Tensor) -> str:
    """What float images contain that do not lie in 0 to 1, and what to save instead, where that can be told."""
    if pixels.isnan().any():
        return f"NaN in {int(pixels.flatten(1).isnan().any(1).sum())} of {len(pixels)} images"
    low, high = float(pixels.min()), float(pixels.max())
    found = f"{low:.8g} to {high:.8g}"
    if low >= 0 and 2 < high <= 255:
        return f"{found}: save x / 255 instead"
    if low > -0.01 and high < 1.01:
        return f"{found}: if that is a rounding error, save x.clip(0, 1) instead"
    if low >= -1 and high <= 1:
        return f"{found}: if -1 is black and 1 is white, save (x + 1) / 2 instead"
    return f"{found}: save the images before they are normalised" if low < 0 else found


def in_order(names: Iterable[str]) -> list[str]:
    """Names of classes as in a dictionary, or if all are numbers as these are counted: "2" before "10"."""
    names = list(names)
    numbers = all(re.fullmatch(r"-?\d+(\.\d+)?", name) for name in names)
    return sorted(names, key=lambda name: (float(name) if numbers else 0.0, name))
