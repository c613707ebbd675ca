"""Your own pictures: a folder of them, read as every viewer shows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from .builtin import Raw, checked, in_order

Classes = dict[str, list[Path]]  # the pictures of each class, in the order of classes
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("test", "val", "valid", "validation")  # the first that there is
LEFT_BY_SYSTEMS = ("__macosx", "thumbs.db", "desktop.ini")


def image_folder(path: Path, size: int | tuple[int, int] | None = None, split: float | None = None) -> Raw:
    """Your own pictures: train/class/picture.png … and test/class/picture.png …, or class/picture.png … and ``split``.

    size: height and width, or one number for both. Every picture is resized until its shorter side fits, and the middle
    is kept; None: they have one size already. split: share of each class that becomes the test half, always the same
    pictures. The test half may also be called val, valid or validation. One channel if every picture is grey, else
    three. Raises ValueError naming the first folder or picture that does not fit.
    """
    target = _height_and_width(size)
    left_out: list[Path] = []
    halves = _halves(path, left_out) if split is None else _parts(path, split, left_out)
    if left_out:
        names = ", ".join(file.name for file in left_out[:3]) + (", …" if len(left_out) > 3 else "")
        why = "because of their ending, or because they lie in no class folder"
        print(f"{path}: files left out {why}: {len(left_out)} ({names})")
    files = [file for half in halves for members in half.values() for file in members]
    pictures = _of_one_size(files, target)
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    rows = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    pixels = torch.from_numpy(rows).reshape(*rows.shape[:3], -1).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor([c for half in halves for c, members in enumerate(half.values()) for _ in members])
    n = sum(map(len, halves[0].values()))
    parts = ((pixels[:n], labels[:n]), (pixels[n:], labels[n:]))
    train, test = (checked(str(path), *part, len(halves[0])) for part in parts)
    return Raw(path.name, tuple(halves[0]), train, test)


def _height_and_width(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) == 2 and all(type(side) is int and side > 0 for side in pair):
        return pair[0], pair[1]
    raise ValueError(f"size={size!r}: expected a number of pixels such as 32, or height and width such as (32, 48)")


# Folders


def _halves(path: Path, left_out: list[Path]) -> list[Classes]:
    """Pictures to train on and to test on, from two folders."""
    test = next((path / name for name in TEST_FOLDERS if (path / name).is_dir()), path / "test")
    for folder in (path / "train", test):
        if not folder.is_dir():
            raise ValueError(
                f"the folder {path} has no folder {folder.name!r}: expected train/class/… and test/class/…, "
                f"or class/… and split=0.2 to test on that share of each class"
            )
    halves = [_classes(folder, left_out) for folder in (path / "train", test)]
    odd = in_order(set(halves[0]) ^ set(halves[1]))
    if odd:
        raise ValueError(f"{path}: class {odd[0]!r} is in only one of train and {test.name}")
    return halves


def _parts(path: Path, split: Any, left_out: list[Path]) -> list[Classes]:
    """Pictures to train on and to test on, from one folder of classes: a share ``split`` of each class for the test."""
    if isinstance(split, bool) or not isinstance(split, (int, float)) or not 0 < split < 1:
        raise ValueError(f"split={split!r}: expected the test half's share of each class, such as 0.2")
    for name in ("train", *TEST_FOLDERS):
        if (path / name).is_dir() and _folders(path / name):
            raise ValueError(f"split={split}: {path} has a folder {name!r} of classes already: leave split= out")
    train: Classes = {}
    test: Classes = {}
    for name, files in _classes(path, left_out).items():
        n = round(split * len(files))
        if not 0 < n < len(files):
            raise ValueError(
                f"split={split} of the {len(files)} pictures of class {name!r} in {path} leaves one half without any: "
                f"expected one at least in both, choose another share or add pictures"
            )
        order = torch.randperm(len(files), generator=torch.Generator().manual_seed(0)).tolist()
        test[name], train[name] = ([files[i] for i in sorted(part)] for part in (order[:n], order[n:]))
    return [train, test]


def _classes(folder: Path, left_out: list[Path]) -> Classes:
    """Pictures of each class in a folder. What else lies there is added to ``left_out``."""
    left_out += [entry for entry in _entries(folder) if not entry.is_dir()]
    classes: Classes = {}
    for name in in_order([entry.name for entry in _folders(folder)]):
        files = sorted(_files(folder / name, _above(folder / name)), key=lambda file: (str(file.parent), file.name))
        classes[name] = [file for file in files if file.suffix.lower() in ENDINGS]
        left_out += [file for file in files if file.suffix.lower() not in ENDINGS]
        if not classes[name]:
            raise ValueError(f"{folder / name} contains no picture: expected files that end in {', '.join(ENDINGS)}")
    if not classes:
        raise ValueError(f"there is no class folder in {folder}: expected a folder of pictures for each class")
    return classes


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, without what systems and programs put there for themselves."""
    return [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith(".") and entry.name.lower() not in LEFT_BY_SYSTEMS
    ]


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, but no link that leads back up."""
    above = _above(folder)
    return [entry for entry in _entries(folder) if entry.is_dir() and entry.resolve() not in above]


def _above(folder: Path) -> set[Path]:
    """The real places of a folder and of all above it, on the way that was taken and on the way without links."""
    return {way.resolve() for way in (folder, *folder.absolute().parents)} | set(folder.resolve().parents)


def _files(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """All files below a folder. A real folder is entered once, if it is not in ``seen``: links may lead in circles."""
    for entry in _entries(folder):
        if not entry.is_dir():
            yield entry
        elif entry.resolve() not in seen:
            seen.add(entry.resolve())
            yield from _files(entry, seen)


# Pictures


def _of_one_size(files: list[Path], target: tuple[int, int] | None) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for file in files:
        picture = _picture(file)
        pictures.append(_resized(picture, *target) if target else picture)
        if pictures[-1].size != pictures[0].size:
            raise ValueError(
                f"{file} has {picture.size} pixels, the first picture {pictures[0].size}: make all of one size, "
                f"or load with size= (such as size=32) to resize and crop them"
            )
    return pictures


def _picture(file: Path) -> Image.Image:
    """A picture upright, on white where it is transparent, in 8 bits: mode L if it is grey, else RGB."""
    try:
        # An open file, since Pillow reads a turned TIFF that it opened by its name with the rows of another width.
        with file.open("rb") as stream, Image.open(stream) as image:
            hidden = _transparent_colour(image)
            ImageOps.exif_transpose(image, in_place=True)
            return _from_16_bits(image) if image.mode.startswith(("I", "F")) else _on_white(image, hidden)
    except Exception as error:  # a damaged file can end in any error of its reader
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{file} is not a picture that can be read ({reason})") from None


def _transparent_colour(image: Image.Image) -> Any:
    """The one colour that is transparent in a PNG file without an alpha channel, None: no such colour.

    In units of the pixels, which Pillow brings to 8 bits; the colour it leaves as it is in the file.
    """
    colour = image.info.get("transparency")
    if colour is None or image.mode not in ("1", "L", "RGB"):
        return None
    coding = str(getattr(image, "tile", [[""] * 4])[0][3])
    if coding == "RGB;16B":
        raise ValueError("a transparent colour in 16 bits: expected 8 bits per channel, or an alpha channel")
    return 255 * bool(colour) if image.mode == "1" else colour * {"L;2": 85, "L;4": 17}.get(coding, 1)


def _on_white(image: Image.Image, hidden: Any) -> Image.Image:
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if hidden is not None:
        pixels = np.array(image.convert(mode))
        pixels[(pixels.reshape(*pixels.shape[:2], -1) == hidden).all(-1)] = 255
        return Image.fromarray(pixels)
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert(mode)


def _from_16_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits in 8. Mode I holds 32 bits, of which PNG and PGM files use 16."""
    if not image.mode.startswith("I;16") and not (image.mode == "I" and image.format in ("PNG", "PPM")):
        raise ValueError(f"mode {image.mode}: expected 8 or 16 bits per channel, save it in one of them")
    values = np.asarray(image).astype(np.int64)
    if getattr(image, "tag_v2", {}).get(262) == 0:  # TIFF's PhotometricInterpretation: 0 is white
        values = 65535 - values
    grey = (values + 128) // 257
    grey[values == image.info.get("transparency")] = 255
    return Image.fromarray(grey.astype(np.uint8))


def _resized(image: Image.Image, height: int, width: int) -> Image.Image:
    """The middle of a picture, after resizing it until it just covers ``height`` and ``width``."""
    if image.width * height > image.height * width:
        covering = (image.width * height // image.height, height)
    else:
        covering = (width, image.height * width // image.width)
    resized = image.resize(covering, Image.Resampling.BILINEAR)  # Pillow's filters are antialiased
    left, top = round((covering[0] - width) / 2), round((covering[1] - height) / 2)
    return resized.crop((left, top, left + width, top + height))
