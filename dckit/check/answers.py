"""How a check asks a learner's code and says what is wrong with it. Nothing a learner writes stops a lesson."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from ..engine import seeded
from .kept import solved

NOTHING = "there is no answer, or `return` is missing."
_CAUSES = {
    "does not require grad": "Something is detached from the graph: is `create_graph=True` missing?",
    "backward through the graph a second time": "A backward pass frees the graph: call `backward` once, on the sum.",
}


@dataclass(frozen=True, repr=False)
class Answer:
    """Whether an exercise is solved, and a sentence or two about it. Shows itself in words."""

    right: bool
    text: str

    def __str__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet:'} {self.text}"

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return f"**{'Right.' if self.right else 'Not yet:'}** {self.text}"


class NotYet(Exception):
    """An answer is not right; the message says why."""


def checked(check: Callable[[Any], str]) -> Callable[[Any], Answer]:
    """A check as lessons call it. ``check`` returns what to say to a right answer and raises `NotYet` for any other.

    Its attribute ``exercise`` tells it from the other functions of `dckit.check`.
    """

    @wraps(check)
    def check_answer(answer: Any) -> Answer:
        try:
            written(answer)
            with seeded(0):
                right = Answer(True, check(answer))
        except NotYet as wrong:
            return Answer(False, str(wrong))
        solved(check.__name__)
        return right

    check_answer.exercise = True  # type: ignore[attr-defined]
    return check_answer


def written(answer: Any) -> None:
    """Raise NotYet for what an untouched stub is or returns."""
    if answer is None or answer is ...:
        raise NotYet(NOTHING)


def ask(function: Any, *arguments: Any) -> Any:
    """What the learner's function returns. Raises NotYet if it is none, or raises."""
    if not callable(function):
        raise NotYet(f"expected a function, found {_short(function)}.")
    try:
        return function(*arguments)
    except Exception as error:  # whatever a learner's code ends in
        raise NotYet(_raised(error, function)) from None


def _raised(error: Exception, function: Any) -> str:
    """One sentence about an exception: what, in which of the learner's lines, and from which cause if it is known."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file and frame.line]
    where = f" in the line `{lines[-1]}`" if lines else ""
    said = _short(f"{type(error).__name__}: {error}")
    cause = next((f" {hint}" for part, hint in _CAUSES.items() if part in str(error)), "")
    return f"your code raised {said}{where}.{cause}"


def _short(what: object) -> str:
    """As code in a line of Markdown."""
    text = " ".join(str(what).replace("`", "'").split())
    return f"`{text[:200]}…`" if len(text) > 200 else f"`{text}`"


def tensor(found: Any, shape: Sequence[int]) -> Tensor:
    """What a function returned, if it is a tensor of this shape, all numbers. Raises NotYet otherwise."""
    written(found)
    if not isinstance(found, Tensor):
        raise NotYet(f"expected a tensor, found {_short(type(found).__name__)}.")
    if tuple(found.shape) != tuple(shape):
        raise NotYet(f"the shape is wrong: expected {tuple(shape)}, found {tuple(found.shape)}.")
    return finite(found.cpu())


def number(found: Any) -> Tensor:
    """What a function returned, if it is one number, as a tensor without dimensions. Raises NotYet otherwise."""
    written(found)
    try:
        value = torch.as_tensor(found)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"expected one number, found {_short(found)}.") from None
    if value.numel() != 1:
        raise NotYet(f"the shape is wrong: expected one number, found a tensor of shape {tuple(value.shape)}.")
    return finite(value.reshape(()).cpu())


def finite(found: Tensor) -> Tensor:
    """The same tensor. Raises NotYet for NaN or infinity."""
    if not torch.isfinite(found).all():
        raise NotYet(
            "the result contains NaN or infinity. Is something divided by 0? (The kit adds 1e-6 to such a divisor.)"
        )
    return found


def same(a: Any, b: Any, tolerance: float = 1e-4) -> bool:
    """Whether two answers are equal; tensors: whether both have one shape, and their difference is small beside b."""
    if not isinstance(b, Tensor):
        return bool(a == b)
    if a.shape != b.shape:
        return False
    a, b = a.detach().double(), b.detach().double()
    return float((a - b).norm()) <= tolerance * float(b.norm()) + 1e-9


def tell(found: Any, right: Any, mistakes: Mapping[str, Any], otherwise: str, tolerance: float = 1e-4) -> None:
    """Raise NotYet unless ``found`` is ``right``: with the sentence of the known mistake that leads to it, if any."""
    if same(found, right, tolerance):
        return
    for sentence, wrong in mistakes.items():
        if same(found, wrong, tolerance):
            raise NotYet(sentence)
    raise NotYet(otherwise)


def refuse_detached(found: Tensor, right: Tensor, inputs: Sequence[Tensor]) -> None:
    """Raise NotYet unless ``found``, whose value is right, depends on the inputs as ``right`` does."""
    if not found.requires_grad:
        raise NotYet(
            "the value is right, but it is detached from the graph: return a tensor, and do not use `float`, `item`, "
            "`detach` or `no_grad`."
        )
    direction = torch.randn_like(right)
    slopes = (torch.autograd.grad(value, inputs, direction, allow_unused=True) for value in (found, right))
    for mine, theirs in zip(*slopes, strict=True):
        if theirs is not None and (mine is None or not same(mine, theirs)):
            raise NotYet(
                "the value is right, but its gradient is not: a step of the computation is detached from the graph."
            )
