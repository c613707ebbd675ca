"""Controls over a plain function that draws; with ipywidgets' own controls alone, which Colab has too."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as ui

from ..data import ImageData
from ..show import Picture, Table
from .dials import dials_of
from .played import drawn, fragment, steadily, tags_of

Shown = Picture | Table | Sequence[Picture | Table]
STYLE = {"description_width": "initial"}
_VIEW = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Controls, and below them what ``draw`` makes of their values; drawn anew whenever one of them changes.

    Where no kernel runs, as on an exported page, a script plays what was drawn when the panel was displayed: ``draw``
    is then called for every combination of the values in ``played``, at most 200. Controls that are not named in it
    keep their value. Name them where ``draw`` takes longer than 0.1 s, or where there would be more combinations.
    played None: all values of all controls; where there are more than 200 combinations, the controls with most values
    lose some.
    Raises what ``draw`` raises for the first values, and ValueError for a name or value in ``played`` that no control
    has; later errors stand in the panel, as a sentence.
    """

    def __init__(
        self, draw: Callable[..., Shown], played: Mapping[str, Sequence[Any]] | None = None, **controls: Any
    ) -> None:
        dials_of(controls, played)  # refuses what is not there
        self.controls, self._draw, self._played = controls, draw, played
        self._shown = ui.HTML(tags_of(steadily(draw, self.values)))
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

    @property
    def played(self) -> str:
        """The panel as tags that need no kernel: every state is drawn for them."""
        return fragment(self._draw, self.controls, self._played)

    def _redraw(self, change: object) -> None:
        # Changes come one after another, and each one draws the values of all controls: the last one has the last word.
        self._shown.value = tags_of(drawn(self._draw, self.values))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        # A front end shows the richest that it can: the widget, or else the page's tags. Never both.
        view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        return {_VIEW: view, "text/html": self.played, "text/plain": f"controls: {', '.join(self.controls)}"}


def slider(description: str, options: Iterable[Any], value: Any) -> ui.SelectionSlider:
    """A slider over a list of values."""
    return ui.SelectionSlider(
        options=list(options), value=value, description=description, continuous_update=False, style=STYLE
    )


def number(description: str, value: float, low: float, high: float, step: float) -> ui.FloatSlider:
    """A slider from one number to another."""
    return ui.FloatSlider(
        value=value, min=low, max=high, step=step, description=description, continuous_update=False, style=STYLE
    )


def choice(description: str, options: Iterable[Any], value: Any) -> ui.Dropdown:
    """A list to choose one value from."""
    return ui.Dropdown(options=list(options), value=value, description=description, style=STYLE)


def classes_of(real: ImageData) -> list[tuple[str, int]]:
    """The classes of a dataset, to choose one from: name and number."""
    return [(name, label) for label, name in enumerate(real.classes)]
