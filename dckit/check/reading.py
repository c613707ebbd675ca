"""Checks of exercises about the report: what its numbers allow to say, and what is wrong with its AlexNet."""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..method import build
from ..results import AGREES_WITHIN, Sample, Verdict, compare, printed
from .answers import NOTHING, NotYet, ask, checked, same, tensor, written

WORDS = ("higher", "lower", "agrees", "cannot tell")


@cache
def rows() -> dict[str, tuple[Sample, Sample]]:
    """The rows that `verdict` asks about, MNIST at 1 image per class: is the first number the second one's equal?"""

    def cell(source: str, images: str, trained: str) -> Sample:
        found = printed(source, "table2", "mnist", condensed_with=images, trained=trained)
        assert found is not None
        return found

    return {
        "A": (cell("paper", "ResNet18", "ResNet18"), cell("paper", "LeNet", "ResNet18")),
        "B": (cell("paper", "ResNet18", "MLP"), cell("paper", "LeNet", "MLP")),
        "C": (cell("report", "ConvNet", "ConvNet"), cell("paper", "ConvNet", "ConvNet")),
        "D": (cell("report", "ConvNet", "MLP"), cell("paper", "ConvNet", "MLP")),
        "E": (cell("report", "MLP", "ConvNet"), cell("paper", "MLP", "ConvNet")),
    }


@checked
def verdict(reading: Mapping[str, Any]) -> str:
    """Lesson 5. ``reading`` has for each of the rows A to E a word of `results.verdicts`, or its verdict."""
    if not isinstance(reading, Mapping) or not set(rows()) <= set(reading):
        raise NotYet(f"expected a dictionary with the keys {', '.join(rows())}, found `{reading}`.")
    words = {row: _word(row, reading[row]) for row in rows()}
    if not any(words.values()):
        raise NotYet(NOTHING)
    for row, word in words.items():
        if word not in WORDS:
            raise NotYet(f"row {row} says `{word}`: expected one of {', '.join(WORDS)}.")
    verdicts = {row: compare(*pair) for row, pair in rows().items()}
    for sentence, wrong in _wrong_readings(verdicts).items():
        if words == wrong:
            raise NotYet(sentence)
    for row, right in verdicts.items():
        if words[row] != right.word:
            raise NotYet(f"row {row} says {words[row]}, but {_because(right)}.")
    return "Of these five rows, only three allow a conclusion."


def _word(row: str, said: Any) -> str:
    if said is None or said is ...:
        return ""
    if not isinstance(said, str | Verdict):
        raise NotYet(f"row {row} is `{said!r}`: expected one of {', '.join(WORDS)}.")
    return said.word if isinstance(said, Verdict) else said.strip().lower()


def _because(right: Verdict) -> str:
    interval = f"the 95 % interval of its difference, {right.low:+.1f} to {right.high:+.1f},".replace("-", "−")
    if right.word in ("higher", "lower"):
        return f"{interval} does not contain 0"
    ends = "ends within" if right.word == "agrees" else "reaches further than"
    return f"{interval} contains 0 and {ends} {AGREES_WITHIN:g} points"


def _wrong_readings(verdicts: Mapping[str, Verdict]) -> dict[str, dict[str, str]]:
    """How known mistakes read the rows, by what is to be said to each."""

    def read(word: Callable[[Verdict, Sample, Sample], str | None]) -> dict[str, str]:
        """``word`` says what it reads in a row, None: whatever the sign of the difference says."""
        signs = {row: "higher" if right.difference > 0 else "lower" for row, right in verdicts.items()}
        return {row: word(right, *rows()[row]) or signs[row] for row, right in verdicts.items()}

    def overlap(right: Verdict, ours: Sample, theirs: Sample) -> str | None:
        return "agrees" if abs(right.difference) <= ours.std + theirs.std else None

    swapped = {"higher": "lower", "lower": "higher"}
    return {
        "the signs are swapped: the difference is the first number minus the second.": (
            read(lambda right, *_: swapped.get(right.word, right.word))
        ),
        "you asked whether the two ± overlap: they are the spread of single networks, not how well a mean is known. "
        "The uncertainty of a mean is ± divided by the square root of the number of sets.": read(overlap),
        "you asked whether the means differ by more than 2 points: that ignores ± and the number of sets.": (
            read(lambda right, *_: "agrees" if abs(right.difference) <= AGREES_WITHIN else None)
        ),
        "you found a difference in every row: either ± was ignored, or each network was counted as a draw of its own. "
        "Networks trained on one set share its luck, so count the sets.": read(lambda *_: None),
        "a wide interval that contains 0 does not mean that two numbers agree: where it reaches further than 2 "
        "points, you cannot tell.": read(lambda right, *_: "agrees" if right.word == "cannot tell" else right.word),
        "you took ± for the uncertainty of a mean. That is smaller: ± divided by the square root of the number of "
        "sets.": read(lambda right, *_: "lower" if right.word == "lower" else "cannot tell"),
    }


@checked
def alexnet_bug(function: Callable[..., Any]) -> str:
    """Lesson 7. ``function(network)`` returns the report's AlexNet without its fault, all the rest as it was."""
    suspect, images = (
        build("AlexNet", (1, 28, 28), 10, "report", width=8).double(),
        torch.randn(4, 1, 28, 28).double(),
    )
    assert isinstance(suspect, nn.Sequential)  # as all of `models` are
    body, last = suspect.eval()[:-2], suspect[-2]
    with torch.no_grad():
        last.weight *= 5 / last(body(images)).std()  # a network sure of itself, as after training: bounds show
        logits = last(body(images))
    shapes = [p.shape for p in suspect.parameters()]
    mended = ask(function, copy.deepcopy(suspect).train())
    written(mended)
    if not isinstance(mended, nn.Module):
        raise NotYet(f"expected a network, found `{type(mended).__name__}`.")
    found = ask(mended.eval(), images)
    if isinstance(found, Tensor) and found.ndim == 2 and found.shape[1] != 10:
        raise NotYet(
            f"a layer is missing: the network gives {found.shape[1]} numbers per image, expected one per class, 10."
        )
    found = tensor(found, logits.shape).detach()
    if [p.shape for p in mended.parameters()] != shapes:
        raise NotYet(
            "this is another network, since its layers have other shapes: repair the one that your function is given."
        )
    if same(_centred(found), _centred(logits)):
        return "The cross-entropy contains a softmax itself, so the outputs before it must not be limited to a range."
    _refuse_output(found, logits, mended)
    raise NotYet("the outputs are not those of the network's own layers: change nothing but the fault.")


def _refuse_output(found: Tensor, logits: Tensor, mended: nn.Module) -> None:
    """Say what is done to the logits, if it is a known mistake."""
    if same(found, logits.softmax(1)):
        dropout = any(isinstance(m, nn.Dropout) and m.p > 0 for m in mended.modules())
        first = "the fault is still there" if dropout else "dropout is not the fault, which is still there"
        loss = float(F.cross_entropy(torch.eye(10)[:1], torch.tensor([0])))
        raise NotYet(
            f"{first}: an image's outputs lie between 0 and 1 and sum to 1. Even if the network is certain of the "
            f"right class, the cross-entropy is then {loss:.3f}."
        )
    if same(found, logits.relu()):
        raise NotYet("the outputs are cut off at 0, and a class at 0 gets no gradient: no function belongs there.")
    if float(found.abs().max()) <= 1 < float(logits.abs().max()):
        raise NotYet("the outputs are still squeezed between two bounds, so the loss cannot come near 0.")


def _centred(outputs: Tensor) -> Tensor:
    """Without what the cross-entropy does not see: a number added to all outputs of an image."""
    return outputs - outputs.mean(1, keepdim=True)
