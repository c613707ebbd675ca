"""Tables for readers: in a notebook, in a terminal, and as Markdown, CSV, LaTeX or JSON files."""

import csv
import html
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..engine import replacing

_LATEX = {
    **{"\\": r"\textbackslash{}", "±": r"$\pm$", "−": "$-$", "×": r"$\times$", "→": r"$\to$", "–": "--"},
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


@dataclass(frozen=True)
class Table:
    """A table of texts: a header, rows of the same length, and a note. A notebook shows it as Markdown."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __str__(self) -> str:
        lines = (self.header, *self.rows)
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        texts = ["  ".join(f"{text:{w}}" for text, w in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([texts[0], "  ".join("-" * w for w in widths), *texts[1:], self.note]).rstrip()

    @property
    def markdown(self) -> str:
        """The table and its note, for GitHub and notebooks."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        cells = [[text.replace("|", r"\|") for text in line] for line in lines]
        return "\n".join("| " + " | ".join(line) + " |" for line in cells) + f"\n\n{self.note}"

    @property
    def html(self) -> str:
        """The table and its note as HTML, for widgets, which cannot show Markdown."""
        left = 'style="text-align: left"'  # JupyterLab aligns all cells to the right
        head = "".join(f'<th scope="col" {left}>{html.escape(text)}</th>' for text in self.header)
        rows = ("".join(f"<td {left}>{html.escape(text)}</td>" for text in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        note = re.sub("`(.+?)`", r"<code>\1</code>", html.escape(self.note))
        paragraphs = "".join(f"<p>{text}</p>" for text in note.split("\n\n") if text)
        return f'<table style="margin: 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{paragraphs}'

    @property
    def csv(self) -> str:
        """Header and rows as CSV, without the note."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.header, *self.rows])
        return text.getvalue()

    @property
    def latex(self) -> str:
        """A LaTeX tabular that needs no package, and the note as a paragraph below it."""
        lines = [" & ".join(_escaped(text) for text in line) + r" \\" for line in (self.header, *self.rows)]
        body = "\n".join([lines[0], r"\hline", *lines[1:]])
        columns = "l" * len(self.header)
        return f"\\begin{{tabular}}{{{columns}}}\n{body}\n\\end{{tabular}}\n\n{_escaped(self.note)}\n"

    @property
    def json(self) -> str:
        """Header, rows and note as JSON, and the whole table as text."""
        whole = {"header": self.header, "rows": self.rows, "note": self.note, "text": str(self)}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the table in the format of the file's ending: .md, .csv, .tex, .json. Raises ValueError for others."""
        formats = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json"}
        if Path(path).suffix not in formats:
            raise ValueError(f"cannot write a table as {path}: expected a name that ends in {', '.join(formats)}")
        with replacing(path) as part:
            part.write_text(getattr(self, formats[Path(path).suffix]), encoding="utf-8")


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)
