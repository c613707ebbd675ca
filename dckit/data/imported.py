"""Condensed sets of other people: the published code's result files, and tensors such as images.pt and labels.pt."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..engine import expanded
from .datasets import ImageData


def published(path: str | Path, real: ImageData, experiment: int) -> tuple[Tensor, Tensor]:
    """Images and labels of one experiment in a result file of the published code, checked as `in_order`.

    Only tensors, numbers, lists and dictionaries are read from the file, and no code in it is executed.
    Raises FileNotFoundError, or ValueError naming the file.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with torch.serialization.safe_globals(_number_types()):
            experiments = dict(enumerate(torch.load(path, map_location="cpu", weights_only=True)["data"]))
        images, labels = experiments[experiment]
        images, labels = images.float(), labels.long()
    except Exception as error:  # whatever a damaged or foreign pickle ends in
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        if isinstance(error, pickle.UnpicklingError):  # torch advises to execute the file all the same
            reason = "it is damaged, or holds more than tensors, numbers, lists and dictionaries"
        raise ValueError(
            f"{path}: no experiment {experiment} of the published code's results could be read from it, "
            f"and nothing in it was executed ({reason})"
        ) from None
    try:
        return in_order(images, labels, real)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def in_order(images: Any, labels: Any, real: ImageData) -> tuple[Tensor, Tensor]:
    """Images as float32 and their labels as int64, sorted by class.

    Raises ValueError for what is no normalised image, and unless every image has a label and every class an image.
    """
    images, labels = _images(images, real), _labels(labels)
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels: expected one label per image")
    if not labels.unique().equal(torch.arange(len(real.classes))):
        raise ValueError(
            f"labels {sorted(set(labels.tolist()))}: expected the numbers of all {len(real.classes)} classes of "
            f"{real.name}, which begin with 0"
        )
    order = torch.argsort(labels, stable=True)
    return images[order], labels[order]


def _images(given: Any, real: ImageData) -> Tensor:
    images = _tensor("images", given)
    how = "dckit.data.normalise(images, real.mean, real.std)"
    if not images.is_floating_point():
        raise ValueError(f"images of {images.dtype}: expected floats, normalised as those of {real.name}: pass {how}")
    channels, height, width = real.shape
    if images.shape[1:] == (height, width, channels) != real.shape:
        raise ValueError(f"images of shape {tuple(images.shape)}: pass images.permute(0, 3, 1, 2), channels come first")
    # A normalised image has mean 0. Where black is 0 in the dataset, too, the two cannot be told apart.
    if images.numel() and float(images.min()) >= 0 and any(real.mean):
        low, high = float(images.min()), float(images.max())
        how = how.replace("images,", "images / 255,") if high > 1.5 else how
        raise ValueError(
            f"images from {low:.4g} to {high:.4g}: expected normalised images, of which some values lie below 0: "
            f"pass {how}"
        )
    return images.float()


def _labels(given: Any) -> Tensor:
    """One whole number per image, of labels that may be a column or one-hot rows."""
    labels = _tensor("labels", given)
    if labels.ndim > 1 and labels.shape[1:].numel() > 1:
        if labels.ndim > 2 or not (((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()):
            raise ValueError(
                f"labels of shape {tuple(labels.shape)}: expected one label per image, or rows of a single 1 and else 0"
            )
        return labels.int().argmax(1)
    labels = labels.flatten()
    odd = labels[~torch.isfinite(labels) | (labels.long() != labels)]
    if len(odd):
        raise ValueError(f"label {odd[0].item()}: expected whole numbers, those of the classes")
    return labels.long()


def _tensor(what: str, given: Any) -> Tensor:
    try:
        return torch.as_tensor(given).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        kind = type(given).__name__
        raise ValueError(f"{what} of type {kind}: expected a tensor of numbers, as torch.load reads one") from None


def _number_types() -> list[Any]:
    """What rebuilds NumPy's numbers, as which the published code saves its accuracies. All of it is plain data."""
    scalar = np.float64(0).__reduce__()[0]
    return [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, type(np.dtype("float64"))]
