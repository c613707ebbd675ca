"""A condensed set: images, labels and a card that says how they were made."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from ..engine import expanded, read_tensors, replacing, steady, write_tensors
from . import imported
from .card import base_card, is_card
from .datasets import ImageData, denormalise

SHIPPED = Path(__file__).parent / "sets"  # finished sets that come with the kit, by name


@dataclass(frozen=True)
class CondensedSet:
    """Images (n, channels, height, width) float32, normalised and sorted by class; labels (n,) int64; card.

    The kit's own sets have ``ipc`` images per class, so n is classes × ipc; in others, some classes may have more.
    The card names dataset, classes, mean, std, recipe, seed, versions, device, seconds and the losses. It
    comes from the run that made the images. Raises ValueError for a card that does not fit the images, or NaN.
    """

    images: Tensor
    labels: Tensor
    card: dict[str, Any]

    @steady()
    def __post_init__(self) -> None:
        if not is_card(self.card):
            raise ValueError("the card does not name dataset, classes, shape, normalisation, mean and std as it must")
        classes, shape = len(self.card["classes"]), tuple(self.card["shape"])
        if self.images.shape[1:] != shape or self.images.dtype != torch.float32:
            found = f"{tuple(self.images.shape[1:])} {self.images.dtype}"
            raise ValueError(f"the card speaks of float32 images of {shape}, the images are {found}")
        labels = self.labels.cpu()
        in_order = (
            labels.dtype == torch.int64
            and labels.unique().equal(torch.arange(classes))
            and not labels.diff().lt(0).any()
        )
        if len(labels) != len(self.images) or not in_order:
            raise ValueError(
                f"{len(self.images)} images and {len(self.labels)} labels do not fit the card's {classes} classes: "
                "expected images of every class, sorted, and labels of int64"
            )
        if not torch.isfinite(self.images).all():
            raise ValueError("the images contain NaN or infinity: the run that made them diverged")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Normalised images and their labels at ``index``."""
        return self.images[index], self.labels[index]

    def to(self, device: torch.device) -> "CondensedSet":
        """The same set on ``device``."""
        return CondensedSet(self.images.to(device), self.labels.to(device), self.card)

    @property
    def counts(self) -> list[int]:
        """How many images each class has."""
        return self.labels.bincount().tolist()

    @property
    def ipc(self) -> int:
        """Images per class; of the largest class, where classes differ."""
        return max(self.counts)

    @property
    def pixels(self) -> Tensor:
        """The images as pictures: de-normalised and cut off at 0 and 1. To look at; train on ``images``."""
        return denormalise(self.images, self.card["mean"], self.card["std"])

    @property
    def rows(self) -> Tensor:
        """The pixels in the order of a grid: one image of each class per row, so that a column is a class.

        White where a class has no image left.
        """
        columns = self.pixels.split(self.counts)
        grid = self.pixels.new_ones(self.ipc, len(columns), *self.pixels.shape[1:])
        for label, column in enumerate(columns):
            grid[: len(column), label] = column
        return grid.flatten(0, 1)

    def tensor_dataset(self) -> TensorDataset:
        """For a DataLoader: pairs of a normalised image and its label."""
        return TensorDataset(self.images, self.labels)

    def save(self, path: str | Path) -> None:
        """Write images, labels and card as one safetensors file, whole or not at all."""
        write_tensors(path, {"images": self.images, "labels": self.labels}, self.card)

    @classmethod
    def load(cls, path: str | Path) -> "CondensedSet":
        """Read a file of ``save``, or a set that comes with the kit, by its name: one of `shipped_sets`, as "mnist-1".

        A file of that name comes first. Raises FileNotFoundError, or ValueError for a damaged or foreign file.
        """
        path = expanded(path)
        if not path.is_file():
            if str(path) not in shipped_sets():
                names = ", ".join(shipped_sets())
                raise FileNotFoundError(f"no file {path}, and none of the kit's own sets: {names}")
            path = SHIPPED / f"{path}.safetensors"
        tensors, card = read_tensors(path)
        try:
            return cls(tensors["images"], tensors["labels"], card)
        except KeyError as error:
            raise ValueError(f"{path} has no tensor {error}: not a condensed set of this kit") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def save_grid(self, path: str | Path) -> None:
        """One PNG with all images, one column per class."""
        from torchvision.utils import save_image

        with replacing(path) as part:
            save_image(self.rows, part, nrow=len(self.card["classes"]), padding=1, pad_value=1.0, format="png")

    def save_images(self, folder: str | Path) -> None:
        """Each image as folder/class/number.png, de-normalised, which torchvision's ImageFolder reads."""
        from torchvision.utils import save_image

        names = _folder_names(self.card["classes"])
        for name, pictures in zip(names, self.pixels.split(self.counts), strict=True):
            for number, picture in enumerate(pictures):
                with replacing(expanded(folder) / name / f"{number}.png") as part:
                    save_image(picture, part, format="png")

    @classmethod
    def from_published(cls, path: str | Path, real: ImageData, experiment: int = 0) -> "CondensedSet":
        """Import one set of the published code's result file, ``res_….pt``; its five experiments count from 0.

        real: the dataset it was condensed from, under the published normalisation. The file is a pickle: only tensors,
        numbers, lists and dictionaries in it are read, and no code in it is executed. Raises ValueError otherwise.
        """
        images, labels = imported.published(path, real, experiment)
        source = f"published code, {expanded(path).name}, experiment {experiment}"
        return cls(images, labels, base_card(real) | {"method": "dc", "source": source})

    @classmethod
    def from_tensors(cls, images: Tensor, labels: Tensor, real: ImageData, source: str = "tensors") -> "CondensedSet":
        """A set that somebody else made, from its images and labels in any order, such as ``images.pt``, ``labels.pt``.

        images (n, channels, height, width), normalised as ``real``'s; labels (n,), numbers of its classes, of
        which some may have more images, or one-hot rows; source: where they are from, for the card. Raises ValueError
        unless they fit ``real``, with an image of every class, and for pixels that are not normalised.
        """
        images, labels = imported.in_order(images, labels, real)
        return cls(images, labels, base_card(real) | {"method": "imported", "source": str(source)})


def shipped_sets() -> list[str]:
    """Names of the sets that come with the kit, for `CondensedSet.load`: dataset and images per class."""
    return sorted((path.stem for path in SHIPPED.glob("*.safetensors")), key=lambda name: name.rpartition("-"))


def _folder_names(classes: Iterable[str]) -> list[str]:
    """Names of classes as names of folders that every system can tell apart; a card may come from anywhere."""
    names = [re.sub(r"[^\w -]", "-", name)[:60].strip() for name in classes]  # 60 characters are 240 bytes at most
    if len({name.casefold() for name in names}) < len(names) or not all(names):
        return [f"{label} {name}".strip() for label, name in enumerate(names)]
    return names
