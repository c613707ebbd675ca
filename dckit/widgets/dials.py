"""Which controls of a widget a page without Python plays, and with which values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

VALUES, STATES = 50, 200  # at most: values of one control, states of one widget
RADIOS = 12  # buttons at most; more values become a list


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

    def every(self, step: int) -> "Dial":
        """The same dial with every ``step``-th value, the one that is shown first among them."""
        kept = slice(self.start % step, None, step)
        return replace(self, values=self.values[kept], words=self.words[kept], start=self.start // step)


def dials_of(controls: Mapping[str, Any], played: Mapping[str, Sequence[Any]] | None) -> list[Dial]:
    """The controls that a page plays, in order; the longest lose values until there are at most `STATES` states.

    played: the values of these controls; None: all values of every control that leaves no more than `STATES`.
    Raises ValueError for a name that is no control, or a value that the control does not have.
    """
    if wrong := [name for name in played or () if name not in controls]:
        raise ValueError(f"played: unknown control {wrong[0]!r}, expected {', '.join(controls)}")
    dials: list[Dial] = []
    for name in controls if played is None else played:
        dial = _dial(name, controls[name], None if played is None else played[name])
        if len(dial.values) > 1 and (played is not None or states_of([*dials, dial]) <= STATES):
            dials.append(dial)
    dials.sort(key=lambda dial: list(controls).index(dial.name))
    while states_of(dials) > STATES:
        dials = thinned(dials, longest(dials))
    return dials


def states_of(dials: Sequence[Dial]) -> int:
    """How many combinations of values there are."""
    return math.prod(len(dial.values) for dial in dials)


def longest(dials: Sequence[Dial]) -> int:
    """Number of the dial with the most values."""
    return max(range(len(dials)), key=lambda i: len(dials[i].values))


def thinned(dials: Sequence[Dial], number: int) -> list[Dial]:
    """The dials, one of them with every second value; without it where that leaves one value."""
    found = [dial.every(2) if i == number else dial for i, dial in enumerate(dials)]
    return [dial for dial in found if len(dial.values) > 1]


def kernel_only(controls: Mapping[str, Any], dials: Sequence[Dial]) -> list[str]:
    """Labels of the controls that could be turned, but are not played."""
    played = {dial.name for dial in dials}
    others = {name: control for name, control in controls.items() if name not in played}
    return [c.description or name for name, c in others.items() if not hasattr(c, "options") or len(_pairs(c)) > 1]


def _dial(name: str, control: Any, wanted: Sequence[Any] | None) -> Dial:
    """A control with the values wanted; None: all that it has."""
    pairs = chosen = _pairs(control)
    if wanted is not None:
        if missing := [w for w in wanted if not any(_same(w, value) for _, value in pairs)]:
            raise ValueError(f"played: control {name!r} has no value {missing[0]!r}")
        chosen = [pair for pair in pairs if any(_same(pair[1], w) for w in wanted)]
    words, values = zip(*chosen, strict=True) if chosen else ((), ())
    start = next((i for i, value in enumerate(values) if _same(value, control.value)), 0)
    dial = Dial(name, control.description or name, _kind(control, len(pairs)), values, words, start, len(pairs))
    return dial.every(math.ceil(len(values) / VALUES) or 1)


def _kind(control: Any, count: int) -> str:
    kind = type(control).__name__
    if isinstance(control.value, bool) and not hasattr(control, "options"):
        return "checkbox"
    if kind in ("ToggleButtons", "RadioButtons"):
        return "radio" if count <= RADIOS else "select"
    return "range" if kind == "SelectionSlider" or _counts(control) else "select"


def _counts(control: Any) -> bool:
    """Whether a control goes from one number to another in steps."""
    steps = all(getattr(control, name, None) is not None for name in ("min", "max", "step"))
    return steps and isinstance(control.value, float | int)


def _pairs(control: Any) -> list[tuple[str, Any]]:
    """All values of a control, each with its word; the present one alone where they cannot be counted."""
    if hasattr(control, "options"):  # pairs already, or values alone
        options = control.options.items() if isinstance(control.options, Mapping) else control.options
        pairs = [o if isinstance(o, list | tuple) and len(o) == 2 else (o, o) for o in options]
        return [(str(word), value) for word, value in pairs]
    if isinstance(control.value, bool):
        return [("off", False), ("on", True)]
    if not _counts(control):
        return [(str(control.value), control.value)]
    count = int((control.max - control.min) / control.step + 1e-9) + 1
    numbers = [control.min + i * control.step for i in range(count)]
    if isinstance(control.value, float):
        numbers = [round(number, 10) for number in numbers]  # 0.3, and not 0.30000000000000004
    if hasattr(control, "base"):  # a slider of powers
        numbers = [control.base**number for number in numbers]
    return [(f"{number:g}", number) for number in numbers]


def _same(a: Any, b: Any) -> bool:
    numbers = isinstance(a, float | int) and isinstance(b, float | int)
    return math.isclose(a, b, abs_tol=1e-9) if numbers else bool(a == b)
