"""Steps that a GPU replays: recorded once as a CUDA graph, so that it never waits for Python to launch a kernel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

WARM_UP = 3  # calls before one is recorded: libraries choose their kernels and take their workspaces


@dataclass(frozen=True)
class _Recording:
    graph: Any  # torch.cuda.CUDAGraph
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]


class Replay:
    """A step: ``function`` of tensors that gives a tuple of tensors, and computes with ``network``.

    On a GPU it is recorded for every stream and every list of shapes that it meets. What it does may depend on
    its arguments and on tensors that are changed in place, such as the network's weights; nothing else is looked at
    again. changes: tensors that it changes in place itself; recording leaves them as they were. Elsewhere, and with
    a network that draws random numbers, it is called as it is.
    """

    def __init__(
        self, function: Callable[..., tuple[Tensor, ...]], network: nn.Module, changes: Sequence[Tensor] = ()
    ) -> None:
        self.function, self.network, self.changes = function, network, changes
        self._recordings: dict[tuple[Any, ...], _Recording] = {}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Values of the function, in tensors of their own."""
        if not recordable(self.network, inputs[0].device):
            return self.function(*inputs)
        key = (torch.cuda.current_stream(), *(given.shape for given in inputs))
        if key not in self._recordings:
            self._recordings[key] = self._record(inputs)
        recording = self._recordings[key]
        with torch.no_grad():
            for own, given in zip(recording.inputs, inputs, strict=True):
                own.copy_(given)
        recording.graph.replay()
        return tuple(output.clone() for output in recording.outputs)

    def _record(self, inputs: Sequence[Tensor]) -> _Recording:
        own = [given.detach().clone() for given in inputs]
        before = [changed.detach().clone() for changed in self.changes]
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self.function(*own)
        here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self.function(*own)
        with torch.no_grad():
            for changed, was in zip(self.changes, before, strict=True):
                changed.copy_(was)
        return _Recording(graph, own, outputs)


def recordable(network: nn.Module, device: torch.device) -> bool:
    """Whether what is computed with the network on the device can be replayed, and gains by it."""
    return device.type == "cuda" and not draws(network)


def draws(network: nn.Module) -> bool:
    """Whether a pass through the network takes random numbers."""
    return any(isinstance(m, nn.Dropout) and m.training and m.p for m in network.modules())
