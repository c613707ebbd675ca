"""Find what makes a text hard to read: long sentences, unidiomatic phrases, terms without a link, lessons too long.

python tools/words.py                       # all lessons, the README and the pages in docs
python tools/words.py notebooks/00*.ipynb   # or some of them
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tools.prose import anchor, phrased, running, sections, sentences, unfolded, words

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# docs/results.md is written by tools/kit.py
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "results.md")]
LONGEST = 30  # words of a sentence
HINTS = "Hint|Solution"  # the titles of what an exercise folds away

PHRASES = Path(__file__).with_name("phrases.txt").read_text(encoding="utf-8").splitlines()
PHRASE = re.compile("|".join(f"(?:{p})" for p in PHRASES if not p.startswith("#")), re.IGNORECASE | re.MULTILINE)

# Terms that the text of a lesson links to the glossary where they first appear. Those that contain others come first.
TERMS = {"images-per-class": "images? per class", "forgetting": "(?<!catastrophic )forgetting"}  # of images
for term in (
    *("siamese augmentation", "distribution matching", "dataset distillation", "condensed set", "layerwise distance"),
    *("matching step", "standard deviation", "stage c", "stage t", "k-center", "recipe", "budget", "epoch", "seed"),
    *("augmentation", "interval", "verdict", "teacher", "ladder", "checkpoint", "normalised", "features", "herding"),
):
    TERMS[anchor(term)] = rf"{term}s?"


class Finding(NamedTuple):
    """One thing to mend: the file, the number of its cell (None in a page), and what it is."""

    file: Path
    cell: int | None
    what: str

    def __str__(self) -> str:
        place = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{place}{'' if self.cell is None else f' [{self.cell}]'}: {self.what}"


def of_text(markdown: str) -> Iterator[str]:
    """Sentences too long, phrases that are not plain English, and links to terms that the glossary does not have."""
    for sentence in sentences(markdown):
        if (count := words(sentence)) > LONGEST:
            yield f"a sentence of {count} words: {sentence}"
    for found in PHRASE.finditer(phrased(markdown)):
        yield f"not plain English: “{found[0].strip()}”"
    for name in re.findall(r"glossary\.md#([^)\s]+)", markdown):
        if name not in anchors():
            yield f"the glossary has no #{name}"


@cache
def anchors() -> frozenset[str]:
    """The terms of the glossary, as links name them."""
    return frozenset(map(anchor, sections(GLOSSARY.read_text(encoding="utf-8"))))


def unlinked(texts: dict[int, str]) -> Iterator[tuple[int, str]]:
    """The terms whose first occurrence in the cells is no link to the glossary, each with its cell."""
    plain = {n: re.sub(r"\s+", " ", running(text)) for n, text in texts.items()}
    for name, term in TERMS.items():
        link = rf"\[[^\]]*\]\(\.\./docs/glossary\.md#{name}\)"
        either = re.compile(rf"({link})|(?<![\w-])(?:{term})(?![\w-])", re.IGNORECASE)
        found = [(n, match) for n, text in plain.items() for match in either.finditer(text)]
        if found and not found[0][1][1]:
            yield found[0][0], f"the first “{found[0][1][0]}” is no link to ../docs/glossary.md#{name}"
        plain = {n: either.sub("X", text) for n, text in plain.items()}  # so that a shorter term is not seen in it


def unexplained(cells: Sequence[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    """The cells that ask for a guess, where the text after the measurement folds no explanation away."""
    for n, (_, text) in enumerate(cells):
        if text.startswith("guess = None"):
            measured = next((m for m in range(n, len(cells)) if "guesses.add(" in cells[m][1]), n)
            after = next((text for kind, text in cells[measured + 1 :] if kind == "markdown"), "")
            if "<details>" not in unfolded(after, HINTS):
                yield n, "no folded explanation in the text after the measurement"


def too_long(cells: Sequence[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    """Too many cells, words or lines, and a beginning without a picture."""
    if len(cells) > 30:
        yield 30, f"{len(cells)} cells, at most 30"
    if (count := sum(words(unfolded(text, HINTS)) for kind, text in cells if kind == "markdown")) > 1000:
        yield 0, f"{count} words of text in the lesson, at most 1000 outside hints and solutions"
    for n, (kind, text) in enumerate(cells):
        limit = 22 if "check_parameters(globals())" in text else 20
        if kind == "code" and (count := len(text.splitlines())) > limit:
            yield n, f"{count} lines of code, at most {limit}"
        if kind == "markdown" and (count := words(unfolded(text))) > 110:
            yield n, f"{count} words of text in the cell, at most 110 outside <details>"
    first = "\n".join(text for kind, text in cells[:6] if kind == "code")
    if not re.search(r"\b(?:plots|widgets|figures|drawing)\.\w+\(|\bdisplay\(", first):
        yield 5, "no picture or widget within the first six cells"


def of_ending(path: Path, texts: list[str]) -> Iterator[str]:
    """What is missing at the end of a lesson."""
    parts = sections("\n".join(texts))
    if not 3 <= len(sentences(parts.get("You have seen", ""))) <= 5:
        yield "no “## You have seen” of three to five sentences"
    if parts.get("Check yourself", "").count("<details>") != 3:
        yield "no “## Check yourself” with three folded answers"
    for number in (int(path.name[:2]) - 1, int(path.name[:2]) + 1):
        if any(path.parent.glob(f"{number:02}_*.ipynb")) and f"]({number:02}_" not in texts[-1]:
            yield f"the last text has no link to lesson {number}"


def of_lesson(path: Path) -> Iterator[Finding]:
    """All findings in a lesson."""
    cells = [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    texts = {n: text for n, (kind, text) in enumerate(cells) if kind == "markdown"}
    for n, text in texts.items():
        yield from (Finding(path, n, what) for what in of_text(text))
    told = {n: unfolded(text, HINTS) for n, text in list(texts.items())[1:-1]}  # neither the title nor the last links
    yield from (Finding(path, n, what) for n, what in (*unlinked(told), *unexplained(cells), *too_long(cells)))
    yield from (Finding(path, len(cells) - 1, what) for what in of_ending(path, list(texts.values())))


def of_page(path: Path) -> Iterator[Finding]:
    """All findings in a page of Markdown."""
    yield from (Finding(path, None, what) for what in of_text(path.read_text(encoding="utf-8")))


def main(arguments: Sequence[str]) -> int:
    """Print what is found in the files that are named, or in all; 1 if there is anything."""
    paths = [Path(name).resolve() for name in arguments] or [*LESSONS, *PAGES]
    found = [f for path in paths for f in (of_lesson(path) if path.suffix == ".ipynb" else of_page(path))]
    print(*found, f"{len(found)} findings", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
