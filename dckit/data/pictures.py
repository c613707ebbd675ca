"""Your own pictures: a folder of them, read as every viewer shows them."""

import warnings
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from .builtin import Raw, checked
from .folders import halves, parts

MOST = 4 * 2**30  # bytes of pixels, beyond which a computer may run out of memory without a word


def image_folder(path: Path, size: int | tuple[int, int] | None = None, split: float | None = None) -> Raw:
    """Your own pictures: train/class/picture.png … and test/class/picture.png …, or class/picture.png … and ``split``.

    size: height and width, or one number for both. Every picture is resized until its shorter side fits, and the middle
    is kept; None: they have one size already. split: share of each class that becomes the test half, always the same
    pictures. The test half may also be called val, valid or validation. One channel if every picture is grey, else
    three. A link to another folder is followed once. One that leads to a folder above it is passed over, since the
    pictures below would count twice. Raises ValueError naming the first folder or picture that does not fit.
    """
    target = _height_and_width(size)
    left_out: list[Path] = []
    both = halves(path, left_out) if split is None else parts(path, split, left_out)
    if left_out:
        names = ", ".join(file.name for file in left_out[:3]) + (", …" if len(left_out) > 3 else "")
        why = "because of their ending, or because they lie in no class folder"
        print(f"{path}: files left out {why}: {len(left_out)} ({names})")
    files = [file for half in both for members in half.values() for file in members]
    pictures = _of_one_size(files, target)
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    rows = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    pixels = torch.from_numpy(rows).reshape(*rows.shape[:3], -1).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor([c for half in both for c, members in enumerate(half.values()) for _ in members])
    n = sum(map(len, both[0].values()))
    cut = ((pixels[:n], labels[:n]), (pixels[n:], labels[n:]))
    train, test = (checked(str(path), *part, len(both[0])) for part in cut)
    return Raw(path.name, tuple(both[0]), train, test)


def _height_and_width(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) == 2 and all(isinstance(n, Integral) and not isinstance(n, bool) and int(n) > 0 for n in pair):
        return int(pair[0]), int(pair[1])
    raise ValueError(f"size={size!r}: expected a number of pixels such as 32, or height and width such as (32, 48)")


def _of_one_size(files: list[Path], target: tuple[int, int] | None) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for file in files:
        picture = _picture(file)
        height, width = target or (picture.height, picture.width)
        if height * width * 3 * len(files) > MOST:
            raise ValueError(
                f"{len(files)} pictures of {height} × {width} pixels are too many for the memory: load with size= "
                f"(such as size=32) to resize and crop them"
            )
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
        with file.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of large ones, which can be read
            with Image.open(stream) as image:
                hidden = _transparent_colour(image)
                ImageOps.exif_transpose(image, in_place=True)
                return _from_16_bits(image) if image.mode.startswith(("I", "F")) else _on_white(image, hidden)
    except Exception as error:  # a damaged file can end in any error of its reader
        raise ValueError(f"{file} is not a picture that can be read ({_reason(error, file)})") from None


def _reason(error: Exception, file: Path) -> str:
    """Why a picture cannot be read, in words that name no object of the program."""
    if isinstance(error, UnidentifiedImageError):
        return "its content is of no known kind of picture" if file.stat().st_size else "the file is empty"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels: save it smaller"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


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
