"""What a dataset is like, in sentences: what to know before condensing images of one's own."""

import torch

from .datasets import ImageData

LARGE = 64 * 64  # pixels, beyond which an image takes so long that a sentence should say so
MANY = 20  # classes, from which on their number is worth a sentence
UNEVEN = 2  # so many times as many images as the smallest class has, the largest one has in an unbalanced dataset
COARSE = 1000  # test images, fewer of which make an accuracy coarse


def remarks(real: ImageData) -> list[str]:
    """Sentences about the numbers of images and classes, and about what is unusual in them."""
    channels, height, width = real.shape
    counts = [len(members) for members in real.train.by_class]
    smallest, largest = (real.classes[counts.index(n)] for n in (min(counts), max(counts)))
    room, colour = _images(min(counts), "training"), "grey" if channels == 1 else "colour"
    said = [
        f"{real.name}: {_images(len(real.train), 'training')} and {_images(len(real.test), 'test')} of "
        f"{len(counts)} classes. They are {height} pixels high and {width} wide, in {colour}.",
        f"The smallest class, {smallest!r}, has {room}. A condensed set cannot have more images per class.",
    ]
    if height * width > LARGE:
        said.append(
            f"An image has {height * width:,} pixels, {height * width / 32**2:.0f} times as many as one of 32 × 32, "
            f"and takes about as many times as long. Load a folder with size=32 to make its pictures smaller."
        )
    if max(counts) >= UNEVEN * min(counts):
        said.append(
            f"The classes are unbalanced: {largest!r} has {_images(max(counts), 'training')}. A network that always "
            f"answers {largest!r} classifies {real.majority:.1f} % of the test images correctly."
        )
    if len(counts) > MANY:
        said.append(
            f"With {len(counts)} classes, guessing classifies about {100 / len(counts):.1f} % correctly, and an "
            f"iteration of stage C computes about {len(counts) / 10:g} times as much as with ten classes."
        )
    if 0 < (grey := _grey(real)) < len(real.train):
        said.append(
            f"{grey} of the {len(real.train)} training images are grey, the others are not: "
            f"the grey ones got three equal channels."
        )
    if len(real.test) < COARSE:
        said.append(f"One more test image classified correctly adds {100 / len(real.test):.1f} points of accuracy.")
    return said


def _images(number: int, kind: str) -> str:
    return f"{number} {kind} image{'' if number == 1 else 's'}"


def _grey(real: ImageData) -> int:
    """How many training images in three channels are grey; 0 with one channel."""
    first, *others = real.train.pixels.flatten(2).unbind(1)
    if not others:
        return 0
    return int(torch.stack([(first == other).all(1) for other in others]).all(0).sum())
