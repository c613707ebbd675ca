"""Your own pixels: an npz file of arrays, or a folder of pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .builtin import COLOURS, Raw, checked


def npz(path: Path) -> Raw:
    """Your own arrays: x_train, x_test (N, height, width[, channels]), uint8 or float in 0 to 1; y_train, y_test (N,).

    Labels may be any numbers or words. Raises FileNotFoundError, or ValueError naming what is wrong.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    keys = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in keys if key not in file]
            arrays = {} if missing else {key: file[key] for key in keys}
    except Exception as error:  # a damaged or foreign file can end in any error of the reader
        raise ValueError(f"{path} is damaged or not an npz file of plain arrays ({error})") from None
    if missing:
        raise ValueError(f"{path} has no array {missing[0]!r}: expected {', '.join(keys)}")
    classes = np.unique(arrays["y_train"])
    halves = []
    for split in ("train", "test"):
        strangers = np.setdiff1d(arrays[f"y_{split}"], classes)
        if len(strangers):
            raise ValueError(f"{path}: label {strangers[0]} is in y_test but not in y_train")
        labels = torch.as_tensor(np.searchsorted(classes, arrays[f"y_{split}"])).long()
        halves.append(checked(f"{path}, x_{split}", _channels_first(path, arrays[f"x_{split}"]), labels, len(classes)))
    return _same_shape(Raw(path.stem, tuple(str(c) for c in classes), *halves))


def _channels_first(path: Path, x: np.ndarray) -> Tensor:
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[3] not in COLOURS:
        raise ValueError(
            f"{path}: images of shape {x.shape}: expected (N, height, width) or (N, height, width, 1 or 3)"
        )
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"{path}: images of type {x.dtype}: expected uint8, or float in 0 to 1")
    kept = np.uint8 if x.dtype == np.uint8 else np.float32
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=kept))


def image_folder(path: Path) -> Raw:
    """Your own pictures: train/class/picture.png …, test/class/picture.png …, all of one size.

    One channel if every picture is grey, else three. Raises ValueError naming the first picture that does not fit.
    """
    from torchvision.datasets import ImageFolder

    for split in ("train", "test"):
        if not (path / split).is_dir():
            raise ValueError(f"the folder {path} has no folder {split!r}: expected train/class/… and test/class/…")
    try:
        folders = [ImageFolder(path / split, loader=_picture) for split in ("train", "test")]
    except FileNotFoundError as error:
        raise ValueError(f"{path}: {error}") from None
    if folders[0].classes != folders[1].classes:
        odd = sorted(set(folders[0].classes) ^ set(folders[1].classes))[0]
        raise ValueError(f"{path}: class {odd!r} is in only one of train and test")
    pictures = [[image for image, _ in folder] for folder in folders]
    mode = "L" if all(image.mode in ("1", "L") for half in pictures for image in half) else "RGB"
    size = pictures[0][0].size
    halves = []
    for folder, half in zip(folders, pictures, strict=True):
        for (file, _), image in zip(folder.samples, half, strict=True):
            if image.size != size:
                raise ValueError(f"{file} has {image.size} pixels, the first picture {size}: make all of one size")
        stack = np.stack([np.asarray(image.convert(mode)).reshape(size[1], size[0], -1) for image in half])
        pixels = torch.from_numpy(stack.transpose(0, 3, 1, 2).copy())
        halves.append(checked(str(path), pixels, torch.tensor(folder.targets), len(folder.classes)))
    return Raw(path.name, tuple(folders[0].classes), *halves)


def _picture(file: str) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            image.load()
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"{file} is not a picture that can be read ({error})") from None
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"{file} is of mode {image.mode}: expected 8 bits a channel, save it so")
    return image


def _same_shape(raw: Raw) -> Raw:
    train, test = raw.train[0].shape[1:], raw.test[0].shape[1:]
    if train != test:
        raise ValueError(f"{raw.name}: training images of {tuple(train)} but test images of {tuple(test)}")
    return raw
