"""Check of lesson 7's exercise: what is wrong with the report's AlexNet."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..method import build
from .answers import NotYet, ask, checked, same, tensor, written


@checked
def alexnet_bug(function: Callable[..., Any]) -> str:
    """Lesson 7. ``function(network)`` returns the report's AlexNet without its fault, all the rest as it was."""
    suspect = build("AlexNet", (1, 28, 28), 10, "report", width=8).double()
    images = torch.randn(4, 1, 28, 28).double()
    assert isinstance(suspect, nn.Sequential)  # as all of `networks` are
    body, last = suspect.eval()[:-2], suspect[-2]
    with torch.no_grad():
        last.weight *= 5 / last(body(images)).std()  # a network sure of itself, as after training
        logits = last(body(images))
    mended = ask(function, copy.deepcopy(suspect).train())
    written(mended)
    if not isinstance(mended, nn.Module):
        raise NotYet(f"expected a network, found `{type(mended).__name__}`.")
    found = tensor(ask(mended.eval(), images), logits.shape).detach()
    if same(_centred(found), _centred(logits)):
        return "The cross-entropy contains a softmax itself, so the outputs before it must not be limited to a range."
    if same(found, logits.softmax(1)):
        dropout = any(isinstance(m, nn.Dropout) and m.p > 0 for m in mended.modules())
        first = "the fault is still there" if dropout else "dropout is not the fault, which is still there"
        loss = float(F.cross_entropy(torch.eye(10)[:1], torch.tensor([0])))
        raise NotYet(
            f"{first}: an image's outputs lie between 0 and 1 and sum to 1. Even if the network is certain of the "
            f"right class, the cross-entropy is then {loss:.3f}."
        )
    raise NotYet("the outputs are not those of the network's own layers: change nothing but the fault.")


def _centred(outputs: Tensor) -> Tensor:
    """Without what the cross-entropy does not see: a number added to all outputs of an image."""
    return outputs - outputs.mean(1, keepdim=True)
