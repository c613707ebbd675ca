"""Controls over a plain function that draws; with ipywidgets' own controls alone, which Colab has too."""

import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as ui

from ..data import ImageData
from ..show import Picture, Table

Shown = Picture | Table | Sequence[Picture | Table]
STYLE = {"description_width": "initial"}
_VIEW = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Controls, and below them what ``draw`` makes of their values; drawn anew whenever one of them changes.

    Where no front end listens, as under papermill or on an exported page, it is what was drawn first, and no controls.
    Raises what ``draw`` raises for the first values; later errors stand in the panel, as a sentence.
    """

    def __init__(self, draw: Callable[..., Shown], **controls: Any) -> None:
        self.controls = controls
        self._draw = draw
        self._shown = ui.HTML(_html(draw(**self.values)))
        row = ui.Box(list(controls.values()), layout=ui.Layout(flex_flow="row wrap"))  # wraps on a narrow screen
        self._box = ui.VBox([row, self._shown])
        for control in controls.values():
            control.observe(self._redraw, "value")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def html(self) -> str:
        """What is shown now."""
        return str(self._shown.value)

    def _redraw(self, change: object) -> None:
        # Changes come one after another, and each one draws the values of all controls: the last one has the last word.
        try:
            self._shown.value = _html(self._draw(**self.values))
        except Exception as error:  # else it ends in a log that nobody reads
            sentence = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
            self._shown.value = f'<p role="alert"><b>This does not work:</b> {html.escape(sentence)}</p>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        # A front end shows the richest that it can: the widget, or else the picture. Never both.
        view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        return {_VIEW: view, "text/html": self.html, "text/plain": f"controls: {', '.join(self.controls)}"}


def _html(shown: Shown) -> str:
    parts = [shown] if isinstance(shown, Picture | Table) else shown
    tags = "".join(part.html for part in parts)
    return f'<div class="jp-RenderedHTMLCommon" style="overflow-x: auto">{tags}</div>'  # JupyterLab's look of tables


def choice(description: str, options: Iterable[Any], value: Any) -> ui.Dropdown:
    """A list to choose one value from."""
    return ui.Dropdown(options=list(options), value=value, description=description, style=STYLE)


def classes_of(real: ImageData) -> list[tuple[str, int]]:
    """The classes of a dataset, to choose one from: name and number."""
    return [(name, label) for label, name in enumerate(real.classes)]
