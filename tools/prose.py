"""What a reader reads of a Markdown text: its running text, sentences and words."""

import re

# A number that `tools/markers.py` fills in: the marker before it, what that names, the number, the marker after it
MARKED = re.compile(r"(<!-- kit: ([^\n]+?) -->)([^\n<]*)(<!-- end -->)")


def running(markdown: str) -> str:
    """Text without code, tables, headings, pictures and tags. Formulas, and code within a line, become X."""
    text = MARKED.sub(r"\3", markdown)
    text = re.sub(r"^( *)(```|:::).*?^ *\2 *$|<!--.*?-->|\$\$.*?\$\$", "\n\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\s*(?:\|.*|#+ .*)$|(?<=\n\n) {4}.*(?:\n {4}.*)*", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]+`|\$[^$\n]+\$", "X", text)
    text = re.sub(r"\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?", "", text)
    return re.sub(r"</?(?:details|summary|p|br)\b[^>]*>", "\n\n", text)


def sentences(markdown: str) -> list[str]:
    """The sentences of the running text; an item of a list begins a new one."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", running(markdown))
    text = re.sub(r"^\s*(?:[-*+]|\d+\.) +", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"<[^>\n]*>|\*|(?<!\w)_|_(?!\w)", "", text)
    text = re.sub(r"\b(e\.g|i\.e|et al|vs|cf|Fig)\.", r"\1", text)
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text)]
    return [s for block in blocks for s in re.split(r"(?<=[.?!])[\"”’)]*\s+(?=[\"“(]*[A-Z0-9])", block) if s]


def phrased(markdown: str) -> str:
    """All text, headings, tables and the words of pictures too, without code and marks: each paragraph in one line."""
    text = re.sub(r"```.*?```|`[^`]+`", "X", markdown, flags=re.DOTALL)
    return re.sub(r"(?<!\n)\n(?![\n|])", " ", re.sub(r"[*_]|!?\[(?=[^\]]*\]\()|\]\([^)]*\)", "", text))


def words(text: str) -> int:
    """How many words a reader sees: not the addresses of links, nor badges, nor tags."""
    text = re.sub(r"\[?!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|<[^>\n]*>", " ", text)
    return len(re.findall(r"[^\W_][^\s—–|]*", re.sub(r"`[^`]+`|\$\$.*?\$\$|\$[^$\n]+\$", "X", text, flags=re.DOTALL)))


def unfolded(markdown: str, summary: str = "") -> str:
    """A text without its folded parts; summary: only without those whose titles begin like this."""
    return re.sub(rf"<details>\s*<summary>(?:{summary}).*?</details>", "", markdown, flags=re.DOTALL)


def sections(markdown: str) -> dict[str, str]:
    """The texts below the headings of the second level."""
    parts = re.split(r"^## (.+)$", markdown, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchor(heading: str) -> str:
    """The name that GitHub and MyST give to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
