"""Which controls of a widget a page without Python plays, and with which values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

STATES = 200  # of one widget, at most
RADIOS = 12  # buttons at most; more values become a list
KINDS = {  # function of `played.js` for each of ipywidgets' controls; others, such as a text, need a kernel
    **{"Checkbox": "checkbox", "Dropdown": "select", "RadioButtons": "radio", "ToggleButtons": "radio"},
    **{"FloatSlider": "range", "IntSlider": "range", "SelectionSlider": "range"},
}


@dataclass(frozen=True)
class Dial:
    """A control as a page plays it.

    name: of the control in its panel; label: what a reader sees. kind: a function of `played.js`. words: one for each
    of ``values``. start: number of the value that is shown first. of: how many values the control itself has.
    """

    name: str
    label: str
    kind: str
    values: tuple[Any, ...]
    words: tuple[str, ...]
    start: int
    of: int


def dials_of(controls: Mapping[str, Any], played: Mapping[str, Sequence[Any]] | None) -> list[Dial]:
    """The controls that a page plays, in order; the longest lose values until there are at most `STATES` states.

    played: the values of these controls; None: all values of all controls. Raises ValueError for a name that is no
    control, or a value that the control does not have.
    """
    if wrong := [name for name in played or () if name not in controls]:
        raise ValueError(f"played: unknown control {wrong[0]!r}, expected {', '.join(controls)}")
    named = list(controls) if played is None else [name for name in controls if name in played]
    dials = [_dial(name, controls[name], None if played is None else played[name]) for name in named]
    dials = [dial for dial in dials if len(dial.values) > 1]
    while math.prod(len(dial.values) for dial in dials) > STATES:
        dials = thinned(dials)
    return dials


def thinned(dials: Sequence[Dial]) -> list[Dial]:
    """The dials, the longest of them with every second value; without it where that leaves one value."""
    longest = max(dials, key=lambda dial: len(dial.values))
    kept = slice(longest.start % 2, None, 2)  # the value that is shown first is among them
    fewer = replace(longest, values=longest.values[kept], words=longest.words[kept], start=longest.start // 2)
    found = [fewer if dial is longest else dial for dial in dials]
    return [dial for dial in found if len(dial.values) > 1]


def kernel_only(controls: Mapping[str, Any], dials: Sequence[Dial]) -> list[str]:
    """Labels of the controls that could be turned, but are not played."""
    played = {dial.name for dial in dials}
    others = {name: control for name, control in controls.items() if name not in played}
    return [c.description or name for name, c in others.items() if _kind(c) is None or len(_pairs(c)) > 1]


def _dial(name: str, control: Any, wanted: Sequence[Any] | None) -> Dial:
    """A control with the values wanted; None: all that it has."""
    pairs = _pairs(control)
    if missing := [value for value in wanted or () if value not in [its for _, its in pairs]]:
        raise ValueError(f"played: control {name!r} has no value {missing[0]!r}")
    chosen = [pair for pair in pairs if wanted is None or pair[1] in wanted]
    words, values = zip(*chosen, strict=True)
    start = next((i for i, value in enumerate(values) if value == control.value), 0)
    kind = _kind(control) or "select"
    kind = "select" if kind == "radio" and len(pairs) > RADIOS else kind
    return Dial(name, control.description or name, kind, values, words, start, len(pairs))


def _kind(control: Any) -> str | None:
    return KINDS.get(type(control).__name__)


def _pairs(control: Any) -> list[tuple[str, Any]]:
    """All values of a control, each with its word; only the present one for a control that needs a kernel."""
    if _kind(control) is None:
        return [(str(control.value), control.value)]
    if hasattr(control, "options"):  # pairs already, or values alone
        pairs = [o if isinstance(o, list | tuple) and len(o) == 2 else (o, o) for o in control.options]
        return [(str(word), value) for word, value in pairs]
    if isinstance(control.value, bool):
        return [("off", False), ("on", True)]
    count = int((control.max - control.min) / control.step + 1e-9) + 1
    numbers = [round(control.min + i * control.step, 10) for i in range(count)]  # 0.3, and not 0.30000000000000004
    return [(f"{number:g}", number) for number in numbers]
