"""Steps recorded as CUDA graphs: a GPU replays them without waiting for Python to launch each kernel.

Recording is off by default: a GPU then runs plain PyTorch. The environment variable ``DCKIT_CUDA_GRAPHS=1`` switches
it on. The first replay of a recording is compared with the direct call. If recording or replaying fails, or the numbers
differ, the kit warns, and this process continues without recordings.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

SWITCH = "DCKIT_CUDA_GRAPHS"
WARM_UP = 3  # calls before the recorded one, in which libraries choose kernels and allocate memory
RTOL = 1e-3  # tolerance between a replay and the direct call, relative to the largest change in a tensor
ATOL = 1e-6  # absolute tolerance, added to it: where a gradient is 0, there are only rounding errors, which may differ


@dataclass(frozen=True)
class _Recording:
    graph: Any  # torch.cuda.CUDAGraph
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]

    def replay(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        _put(self.inputs, inputs)
        self.graph.replay()
        return tuple(output.clone() for output in self.outputs)


class Replay:
    """A step that may be recorded: a ``function`` of tensors that returns a tuple of tensors and uses ``network``.

    On a GPU with recording switched on, it is recorded once for each stream and each list of input shapes. A replay
    uses the present values of its arguments and of tensors that are changed in place, such as the network's weights.
    All else stays as it was when recorded. changes: all tensors that the function itself changes in place. On other
    devices, and with a network that draws random numbers, the function is called directly.
    """

    trusted: ClassVar[bool] = True  # False after a recording has failed in this process

    def __init__(
        self, function: Callable[..., tuple[Tensor, ...]], network: nn.Module, changes: Sequence[Tensor] = ()
    ) -> None:
        self.function, self.network, self.changes = function, network, changes
        self._recordings: dict[tuple[Any, ...], _Recording] = {}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The results of the function, in new tensors. Warns once per process if a recording fails."""
        if not recordable(self.network, inputs[0].device):
            return self.function(*inputs)
        key = (torch.cuda.current_stream(), *(given.shape for given in inputs))
        if key not in self._recordings:
            return self._called_and_recorded(key, inputs)
        return self._recordings[key].replay(inputs)

    def _called_and_recorded(self, key: tuple[Any, ...], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Call the function directly, then record it. Results and changes are those of the direct call."""
        before = _copies(self.changes)
        outputs = self.function(*inputs)
        after = _copies(self.changes)
        try:
            with _on_this_stream_afterwards():
                recording = self._record(inputs)
                _put(self.changes, before)
                found = [*recording.replay(inputs), *self.changes]
            _compare(found, [*outputs, *after], [*map(torch.zeros_like, outputs), *before])
            self._recordings[key] = recording
        except Exception as error:
            Replay.trusted = False
            reason = str(error).partition("\n")[0] or type(error).__name__
            message = f"CUDA graphs are off from now on, and steps run directly, because a recording failed: {reason}"
            warnings.warn(message, RuntimeWarning, stacklevel=3)
        finally:
            _put(self.changes, after)
        return outputs

    def _record(self, inputs: Sequence[Tensor]) -> _Recording:
        own = _copies(inputs)
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self.function(*own)
        here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self.function(*own)
        return _Recording(graph, own, outputs)


def graphs_on() -> bool:
    """Whether GPUs record steps: ``DCKIT_CUDA_GRAPHS`` is 1, and no recording has failed in this process."""
    return os.environ.get(SWITCH) == "1" and Replay.trusted


def recordable(network: nn.Module, device: torch.device) -> bool:
    """Whether steps with this network on this device are recorded."""
    return device.type == "cuda" and graphs_on() and not draws(network)


def draws(network: nn.Module) -> bool:
    """Whether a forward pass of the network draws random numbers."""
    return any(isinstance(m, nn.Dropout) and m.training and m.p for m in network.modules())


def _on_this_stream_afterwards() -> AbstractContextManager[Any]:
    """On exit, make the present stream current again: after a failed recording, torch stays on that one's stream."""
    return torch.cuda.stream(torch.cuda.current_stream())


def _compare(found: Sequence[Tensor], wanted: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    """Raise RuntimeError unless ``found`` equals ``wanted``. Tolerances are relative to the change from ``before``."""
    for tensors in zip(found, wanted, before, strict=True):
        end, right_end, start = (tensor.double() for tensor in tensors)
        largest_move = float((right_end - start).nan_to_num(0, 0, 0).abs().max())
        if not torch.allclose(end, right_end, rtol=0, atol=RTOL * largest_move + ATOL, equal_nan=True):
            raise RuntimeError("its first replay gave other numbers than the direct call")


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _put(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)
