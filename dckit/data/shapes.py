"""Pictures to practise with: circles, squares and triangles on noise, as a folder of one's own would hold them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..engine import expanded, replacing

KINDS = ("circle", "square", "triangle")
EACH = 20  # pictures of a class in each half
WIDTH, HEIGHT = 60, 40


def draw_shapes(folder: str | Path, seed: int = 0) -> Path:
    """Draw train/circle/00.png … and test/triangle/19.png into ``folder``, and return its path.

    Three classes, each with 20 pictures per half, in colour, 40 pixels high and 60 wide. Size, place and colour of
    the shapes vary. The same ``seed`` draws the same pictures, also over earlier ones. Raises OSError where the folder
    cannot be written.
    """
    rng = np.random.default_rng(seed)
    for half in ("train", "test"):
        for kind in KINDS:
            for number in range(EACH):
                with replacing(expanded(folder) / half / kind / f"{number:02}.png") as part:
                    _drawn(kind, rng).save(part, format="png")
    return expanded(folder)


def _drawn(kind: str, rng: np.random.Generator) -> Image.Image:
    """One shape on noise."""
    noise = rng.normal(70, 25, (HEIGHT, WIDTH, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noise)
    half = int(rng.integers(9, 14))  # half of the shape's width and height
    x, y = (side // 2 + int(rng.integers(-away, away + 1)) for side, away in ((WIDTH, 12), (HEIGHT, 5)))
    colour = tuple(int(c) for c in rng.integers(110, 256, 3))
    box = (x - half, y - half, x + half, y + half)
    draw = ImageDraw.Draw(picture)
    if kind == "circle":
        draw.ellipse(box, fill=colour)
    elif kind == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], fill=colour)
    return picture
