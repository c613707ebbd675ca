"""A widget on a page without Python: what it shows in every state, and a script that shows the state chosen."""

import base64
import html
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import steady
from ..show import Picture, Table
from .dials import Dial, dials_of, kernel_only, thinned

BYTES = 2_000_000  # of one widget's tags, at most
COLOURS = 256  # of a picture
WORDS = 200  # characters of a state's words in the table of all states
SCRIPT = Path(__file__).with_name("played.js")


@dataclass(frozen=True)
class Refusal:
    """What stands in place of a picture that could not be drawn: a sentence that says why."""

    sentence: str

    @property
    def html(self) -> str:
        """The sentence as tags."""
        return f'<p role="alert"><b>This does not work:</b> {html.escape(self.sentence)}</p>'


Part = Picture | Table | Refusal
Parts = tuple[Part, ...]
States = dict[tuple[int, ...], Parts]  # the number of each dial's value → what is shown then
Draw = Callable[..., Part | Sequence[Part]]


def drawn(draw: Draw, values: Mapping[str, Any]) -> Parts:
    """What ``draw`` makes of the values, or the sentence that refuses them."""
    try:
        return steadily(draw, values)
    except Exception as error:  # else it ends in a log that nobody reads
        kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        return (Refusal(f"{kind}{error}"),)


def steadily(draw: Draw, values: Mapping[str, Any]) -> Parts:
    """What ``draw`` makes of the values, on one thread: beside other work, more would wait for each other."""
    with steady():
        shown = draw(**values)
    return (shown,) if isinstance(shown, Part) else tuple(shown)


def tags_of(shown: Iterable[Part]) -> str:
    """What is shown, in a box that scrolls where it is too wide for the page, and has JupyterLab's look of tables."""
    tags = "".join(part.html for part in shown)
    return f'<div class="dckit-shown jp-RenderedHTMLCommon" style="overflow-x: auto">{tags}</div>'


def fragment(draw: Draw, controls: Mapping[str, Any], played: Mapping[str, Sequence[Any]] | None) -> str:
    """A panel as tags that need no Python and no network: its controls, and what it shows in every state.

    draw, controls and played are those of a `Panel`. Controls that are not played keep their present value, and a
    sentence says so. Without JavaScript the first state is left, and a table of all states.
    """
    dials = dials_of(controls, played)
    now = {name: control.value for name, control in controls.items()}

    @cache
    def state(**values: Any) -> Parts:
        return tuple(map(_smaller, drawn(draw, values)))

    while True:
        states: States = {}
        for at in product(*(range(len(dial.values)) for dial in dials)):
            chosen = {dial.name: dial.values[i] for dial, i in zip(dials, at, strict=True)}
            states[at] = state(**(now | chosen))
        tags = _tags(dials, states, _sentence(controls, dials))
        if len(tags) <= BYTES or not dials:
            return tags
        dials = thinned(dials)


def _smaller(part: Part) -> Part:
    """A picture with a palette: a third of its bytes."""
    from PIL import Image

    if not isinstance(part, Picture):
        return part
    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(part.png)).convert("RGB")
    small = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette, corner = small.getpalette() or [], 3 * int(np.asarray(small)[0, 0])
    palette[corner : corner + 3] = np.asarray(image)[0, 0].tolist()  # the background, else no longer quite white
    small.putpalette(palette)
    small.save(buffer, "png")
    return replace(part, png=min(buffer.getvalue(), part.png, key=len))


def _tags(dials: Sequence[Dial], states: States, sentence: str) -> str:
    first = tags_of(states[tuple(dial.start for dial in dials)])
    told = f"<p>{html.escape(sentence)}</p>" if sentence else ""
    if not dials:
        return first + told
    return (
        f'<div class="dckit-played">{first}{told}<p class="dckit-off">The controls need JavaScript.</p>'
        f"<details><summary>All values as a table</summary>{_table(dials, states)}</details>"
        f'<script type="application/json">{_json(dials, states)}</script></div>'
        f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    )


def _sentence(controls: Mapping[str, Any], dials: Sequence[Dial]) -> str:
    """Which values can be chosen on the page, and which controls need Python; nothing where all values are there."""
    fixed = [f"“{label}”" for label in kernel_only(controls, dials)]
    kernel = f"To change {_and(fixed)}, you need a running kernel." if fixed else ""
    if not dials:
        return kernel
    few = [f" ({len(dial.values)} of its {dial.of} values)" if len(dial.values) < dial.of else "" for dial in dials]
    here = [f"“{dial.label}”{text}" for dial, text in zip(dials, few, strict=True)]
    return f"Here you can change {_and(here)}. {kernel}".strip() if fixed or any(few) else ""


def _and(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[:-1] else []), words[-1]])


def _words(shown: Parts) -> str:
    """A state in words: those of its pictures, or else what its tables hold."""
    if said := [part.alt for part in shown if isinstance(part, Picture)]:
        return ". ".join(said)
    rows = [", ".join(row) for part in shown if isinstance(part, Table) for row in part.rows]
    return ". ".join([*rows, *(part.sentence for part in shown if isinstance(part, Refusal))])


def _table(dials: Sequence[Dial], states: States) -> str:
    """A row for each state: its values, and its words."""
    rows = [
        (*(dial.words[i] for dial, i in zip(dials, at, strict=True)), _words(shown)[:WORDS])
        for at, shown in states.items()
    ]
    table = Table((*(dial.label for dial in dials), "what is shown"), tuple(rows))
    style = "overflow: auto; max-height: 20em"
    return f'<div class="jp-RenderedHTMLCommon" style="{style}" tabindex="0">{table.html}</div>'


def _json(dials: Sequence[Dial], states: States) -> str:
    """What the script reads. Equal pictures and tables are in it once, and no text in it can end the tag around it."""
    pictures: dict[str, int] = {}
    tags: dict[str, int] = {}

    def entry(part: Part) -> dict[str, Any]:
        if isinstance(part, Picture):
            data = base64.b64encode(part.png).decode()
            return {"picture": pictures.setdefault(data, len(pictures)), "words": part.alt}
        return {"tags": tags.setdefault(part.html, len(tags))}

    listed = [{"parts": [entry(part) for part in shown], "words": _words(shown)} for shown in states.values()]
    turned = [{"label": d.label, "kind": d.kind, "words": d.words, "start": d.start} for d in dials]
    data = {"dials": turned, "states": listed, "pictures": list(pictures), "tags": list(tags)}
    text = json.dumps(data, separators=(",", ":"))  # ASCII, so that its length is its bytes
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
