"""Take the pictures out of the executed lessons, for slides: PNG files, and a page with the words of each.

python tools/figures.py outputs     # after `make run`; they are written to outputs/figures
"""

import base64
import re
import sys
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import nbformat

from dckit.engine import replacing
from dckit.show import Picture

DATA = "data:image/png;base64,"  # how `dckit.show.Picture` puts a picture into tags
NAMES = "[0-9][0-9]-*.png"


class Pictures(HTMLParser):
    """The pictures in the tags of an output, in their order; of a widget that a page plays, only the first one."""

    def __init__(self, tags: str) -> None:
        super().__init__()
        self.found: list[Picture] = []
        self.feed(tags)
        if 'class="dckit-played"' in tags:
            del self.found[1:]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a picture that the tag itself contains."""
        given = dict(attrs)
        if tag == "img" and (source := given.get("src") or "").startswith(DATA):
            self.found.append(Picture(base64.b64decode(source.removeprefix(DATA)), given.get("alt") or ""))


def of_lesson(path: Path) -> tuple[str, list[Picture]]:
    """The question of an executed lesson, which is its title, and its pictures."""
    cells = nbformat.read(path, as_version=4).cells
    title = next(cell.source for cell in cells if cell.source.startswith("# ")).splitlines()[0].removeprefix("# ")
    tags = [output.get("data", {}).get("text/html", "") for cell in cells for output in cell.get("outputs", ())]
    return title, [picture for text in tags for picture in Pictures(text).found]


def write(lessons: Iterable[Path], folder: Path) -> int:
    """Replace the pictures and the page in ``folder``, and return how many pictures there are."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob(NAMES):
        old.unlink()
    page = ["# Pictures of the lessons\n\nThe words below a picture describe it."]
    for lesson in lessons:
        title, pictures = of_lesson(lesson)
        page += [f"## {int(lesson.name[:2])}: {title}"] * bool(pictures)
        for number, picture in enumerate(pictures, 1):
            name = f"{lesson.name[:2]}-{number}.png"
            picture.save(folder / name)
            words = re.sub(r"([\\`*_\[\]<>|$#])", r"\\\1", picture.alt)  # as they are, whatever they mean in Markdown
            page += [f"![{name}, described below]({name})", f"{name}: {words}"]
    with replacing(folder / "index.md") as part:
        part.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    return len(list(folder.glob(NAMES)))


def main(arguments: Sequence[str]) -> int:
    """Write the pictures of the lessons in a folder; 1, and a sentence, where it has no executed lessons."""
    out = Path(*arguments or ["outputs"])
    if not (lessons := sorted(out.glob("[0-9][0-9]_*.ipynb"))):
        print(f"no executed lessons in {out}: run `make run` first", file=sys.stderr)
        return 1
    print(f"{write(lessons, out / 'figures')} pictures: {out / 'figures' / 'index.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
