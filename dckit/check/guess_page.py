"""An answered question as a page without Python needs it: tags from which scripts ask first, and answers then."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = tuple(map(Path(__file__).with_name, ("guess_words.js", "guess_table.js", "guess.js")))


@dataclass(frozen=True)
class Answer:
    """A sentence with a question, what was measured and what was said: text in a terminal, tags in a notebook.

    data: what the scripts read, by the names of its ``data-`` attributes. script: whether the tags bring them; once on
    a page is enough. Without scripts, or where a kernel runs, a reader sees the sentence alone.
    """

    sentence: str
    data: Mapping[str, str]
    script: bool = True

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        data = "".join(f' data-{name}="{html.escape(value)}"' for name, value in self.data.items())
        scripts = "".join(f"<script>{script.read_text(encoding='utf-8')}</script>" for script in SCRIPTS)
        return f'<div class="dckit-guess"{data}>{html.escape(self.sentence)}</div>{scripts if self.script else ""}'


def around(table: str) -> str:
    """A table in Markdown, in tags by which the scripts find it: on a page it tells what was said there."""
    return f'<div class="dckit-guesses">\n\n{table}\n\n</div>'
