"""The page that says what was measured, and putting something in the places that it has for that."""

import re
from pathlib import Path

from dckit.engine import replacing

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "speed.md"


def fill(page: Path, name: str, body: str) -> None:
    """Put ``body`` between ``<!-- name -->`` and the next ``<!-- end -->``, if the page has such a place."""
    between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text = between.sub(lambda match: f"{match[1]}\n{body.strip()}\n\n{match[2]}", page.read_text(encoding="utf-8"))
    with replacing(page) as part:
        part.write_text(text, encoding="utf-8")
