"""Showing the progress of a stage: live in a notebook, or as a line from time to time in a terminal.

The display in a notebook is updated in place. This works in JupyterLab and on Colab. When a notebook is run without a
browser, as by papermill, the last picture stays, whereas common progress bars do not move or fill the log.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Protocol, TypeVar

from IPython import get_ipython
from IPython.display import DisplayHandle, Markdown, display

from ..data import CondensedSet
from ..method import State
from .plots import Picture, condensed_grid

SECONDS_LIVE, SECONDS_LOG = 1.0, 20.0  # seconds between two updates


class Stage(Protocol):
    """What can be watched: a state that gives its progress as numbers, and in words by ``str``."""

    @property
    def done(self) -> tuple[int, int]:
        """Steps done, and steps in all."""


AnyStage = TypeVar("AnyStage", bound=Stage)
Draw = Callable[[CondensedSet], Picture]


def watch(states: Iterable[AnyStage], draw: Draw = condensed_grid) -> Iterator[AnyStage]:
    """Yield the states of `condensing`, `evaluating` or `ranking`, and show the progress once a second.

    For stage C it also shows the present images, drawn by ``draw``. Outside a notebook it prints a line every 20 s.
    """
    live = get_ipython() is not None
    every = SECONDS_LIVE if live else SECONDS_LOG
    show = _Live(draw) if live else _print
    started = shown = time.monotonic()
    first = last = None
    try:
        for last in states:
            now = time.monotonic()
            if first is None or now - shown > every:
                first = first or last.done[0]
                show(last, _left(last.done, first, now - started))
                shown = now
            yield last
    finally:
        if isinstance(states, Generator):
            states.close()  # at once, so that an interrupted run writes its checkpoint now
        if last is not None:
            show(last, f"{time.monotonic() - started:.0f} s")


def watched(states: Iterable[AnyStage], draw: Draw = condensed_grid) -> AnyStage:
    """The last state, after all of them were shown by `watch`."""
    return deque(watch(states, draw), maxlen=1).pop()


def _left(done: tuple[int, int], first: int, seconds: float) -> str:
    """Time used, and an estimate of the time left; the first state is not counted, since its time is not known."""
    now, of = done
    return f"{seconds:.0f} s, about {seconds / (now - first + 1) * (of - now):.0f} s to go" if now < of else ""


class _Live:
    """Two displays that are updated in place: a line and, in stage C, the images."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.line: DisplayHandle | None = None
        self.images: DisplayHandle | None = None

    def __call__(self, state: Stage, note: str) -> None:
        self.line = _put(Markdown(f"{state} ({note})" if note else str(state)), self.line)
        if isinstance(state, State):
            self.images = _put(self.draw(state.condensed), self.images)


def _put(what: object, where: DisplayHandle | None) -> DisplayHandle | None:
    if where is None:
        return display(what, display_id=True)
    where.update(what)
    return where


def _print(state: Stage, note: str) -> None:
    text = f"{state} ({note})" if note else str(state)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)  # some terminals cannot print "±"
