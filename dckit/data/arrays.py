"""Your own arrays: an npz file of images and labels."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .builtin import COLOURS, Raw, checked, in_order, refuse_other_number

KEYS = ("x_train", "y_train", "x_test", "y_test")
MEDMNIST = ("train_images", "train_labels", "test_images", "test_labels")
EXACT = 2**53  # up to here a float64 holds every whole number


def npz(path: Path) -> Raw:
    """Your own arrays: x_train, x_test (N, height, width[, channels]), uint8 or float in 0 to 1; y_train, y_test (N,).

    Names of arrays may have capitals or be MedMNIST's (train_images, train_labels, …). Channels may also come second.
    Labels may be any numbers or words, in shape (N,) or (N, 1), or one-hot rows (N, classes).
    Raises FileNotFoundError, or ValueError naming what is wrong.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    keys, (x_train, y_train, x_test, y_test) = _arrays(path)
    where = [f"{path}, {key}" for key in keys[::2]]
    images = [_channels_first(place, x) for place, x in zip(where, (x_train, x_test), strict=True)]
    for place, x, y in zip(where, images, (y_train, y_test), strict=True):
        refuse_other_number(place, len(x), y.shape)
    classes, labels = _labels(path, {keys[1]: y_train, keys[3]: y_test})
    halves = [_half(*half, len(classes)) for half in zip(where, images, labels, strict=True)]
    train, test = (tuple(pixels.shape[1:]) for pixels, _ in halves)
    if train != test:
        raise ValueError(f"{path.stem}: training images of {train} but test images of {test}")
    return Raw(path.stem, classes, *halves)


def _arrays(path: Path) -> tuple[list[str], list[np.ndarray]]:
    """The four arrays of a file, and their names in it."""
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("it holds a single array: save all four with numpy.savez")
        with file:
            keys, missing = _keys(file)
            found = ", ".join(list(file)[:8]) or "nothing"
            read = [] if missing else [_plain(file, key) for key in keys]
    except Exception as error:  # a damaged or foreign file can end in any error of the reader
        raise ValueError(f"{path} is damaged or not an npz file of plain arrays ({error})") from None
    if missing:
        raise ValueError(f"{path} has no array {missing!r}: expected {', '.join(KEYS)}; found {found}")
    return keys, read


def _plain(file: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    try:
        return file[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise ValueError(
            f"{key} holds Python objects: save labels with y.astype(int) or y.astype(str), and images of one size"
        ) from None


def _keys(file: Mapping[str, np.ndarray]) -> tuple[list[str], str | None]:
    """Names in the file of images and labels to train and test on, and which of our names is missing."""
    lower = {key.lower(): key for key in file} | {key: key for key in file}
    names = MEDMNIST if not any(key in lower for key in KEYS) and all(key in lower for key in MEDMNIST) else KEYS
    missing = next((name for name in names if name not in lower), None)
    return [lower.get(name, name) for name in names], missing


def _half(where: str, x: np.ndarray, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Images and labels of one half, after all checks."""
    pixels, labels = checked(where, _eight_bits_or_float(where, x), labels, classes)
    brightest = float(pixels.max())
    if pixels.dtype == torch.uint8 and brightest == 1:
        raise ValueError(f"{where}: all pixels are 0 or 1 of 255, nearly black: save (x * 255).astype('uint8') instead")
    if pixels.dtype != torch.uint8 and 0 < brightest < 1.5 / 255:
        raise ValueError(
            f"{where}: the brightest pixel is {brightest:.2g} of 1, nearly black: if x was divided by 255 twice, "
            f"save x * 255 instead"
        )
    return pixels, labels


def _channels_first(where: str, x: np.ndarray) -> np.ndarray:
    if x.ndim == 3:
        return x[:, None]
    first, last = x.ndim == 4 and x.shape[1] in COLOURS, x.ndim == 4 and x.shape[3] in COLOURS
    if first and last:
        raise ValueError(
            f"{where}: images of shape {x.shape} may have their channels first or last: if first, save "
            f"x.transpose(0, 2, 3, 1) instead; if last, use images of another height than 1 or 3"
        )
    if not first and not last:
        raise ValueError(
            f"{where}: images of shape {x.shape}: expected (N, height, width) or (N, height, width, 1 or 3){_mend(x)}"
        )
    return x if first else x.transpose(0, 3, 1, 2)


def _mend(x: np.ndarray) -> str:
    """The end of a sentence about a wrong shape: what to save instead, where that can be told."""
    if x.ndim == 2:
        return "; if its rows are images, save x.reshape(-1, height, width) instead"
    if x.ndim == 4 and x.shape[2] in COLOURS:  # as SVHN's own files have them
        return "; if its last axis counts the images, save x.transpose(3, 0, 1, 2) instead"
    if x.ndim == 4 and x.shape[3] == 4:
        return "; if the fourth channel is transparency, save x[..., :3] instead"
    return ""


def _eight_bits_or_float(where: str, x: np.ndarray) -> Tensor:
    """The same pixels as uint8 or float32, if they are in 0 to 255 or floats."""
    if x.dtype.kind not in "iuf":
        mend = "; save (x * 255).astype('uint8') instead" if x.dtype.kind == "b" else ""
        raise ValueError(f"{where}: images of type {x.dtype}: expected uint8, or float in 0 to 1{mend}")
    whole = x.dtype.kind in "iu"
    if whole and x.size and not (x.min() >= 0 and x.max() <= 255):
        raise ValueError(
            f"{where}: images of type {x.dtype} from {x.min()} to {x.max()}: "
            f"expected uint8 or whole numbers in 0 to 255, or float in 0 to 1"
            + ("; if 65535 is white, save x / 65535 instead" if x.min() >= 0 and x.max() <= 65535 else "")
        )
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.uint8 if whole else np.float32))


def _labels(path: Path, given: dict[str, np.ndarray]) -> tuple[tuple[str, ...], list[Tensor]]:
    """Names of the classes, and the labels of both halves as numbers of classes. given: the file's labels by name."""
    (_, train), (test_key, test) = given.items()
    if _width(train) != _width(test):
        raise ValueError(f"{path}: labels of shape {train.shape} and {test.shape}: save those of both halves alike")
    train, test = (_one_each(f"{path}, {key}", y) for key, y in given.items())
    if (train.dtype.kind == "U") != (test.dtype.kind == "U"):
        raise ValueError(f"{path}: {' and '.join(given)} mix words and numbers: save labels of one kind")
    values = np.unique(train)
    strangers = np.setdiff1d(test, values)
    if len(strangers):
        raise ValueError(f"{path}: label {strangers[0]} is in {test_key} but not in {next(iter(given))}")
    names = [str(value) for value in values]
    classes = in_order(names) if values.dtype.kind == "U" else names  # numbers are in order already
    number = {name: c for c, name in enumerate(classes)}
    rank = np.array([number[name] for name in names], dtype=np.int64)
    return tuple(classes), [torch.as_tensor(rank[np.searchsorted(values, y)]) for y in (train, test)]


def _width(y: np.ndarray) -> int:
    """How many numbers or words each image has in these labels."""
    return y.shape[1] if y.ndim > 1 else 1


def _one_each(where: str, y: np.ndarray) -> np.ndarray:
    """One label per image, words or numbers, of labels that may be a column, one-hot rows, bytes or whole floats."""
    if y.dtype.kind not in "biufUS":
        raise ValueError(f"{where}: labels of type {y.dtype}: expected numbers or words")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"{where} contains NaN or infinity: give every image a label, or leave the image out")
    if y.ndim == 2 and y.shape[1] == 1:
        return _one_each(where, y[:, 0])
    if y.ndim > 1:
        if y.ndim > 2 or y.dtype.kind in "US" or not (((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all()):
            raise ValueError(
                f"{where}: labels of shape {y.shape}: expected one label per image, or rows of a single 1 and else 0"
            )
        return y.argmax(1)
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{where}: labels are bytes that are no UTF-8: save them as words") from None
    if y.dtype.kind == "U" and (np.char.strip(y) == "").any():
        raise ValueError(f"{where} contains an empty word: give every image a label, or leave the image out")
    whole = y.dtype.kind == "f" and (y == np.round(y)).all() and (np.abs(y) < EXACT).all()
    return y.astype(np.int64) if whole else y  # class 3.0 is called 3
