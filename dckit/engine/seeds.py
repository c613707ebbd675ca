"""Random numbers that depend on a seed alone, and torch's own left as they were."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import torch


def whole(seed: Any) -> int:
    """A seed as a plain int. Raises ValueError for anything but a whole number of at least 0."""
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise ValueError(f"seed {seed!r}: expected a whole number, 0 or more")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative: expected 0 or more")
    return int(seed)


def numbers(*entropy: int) -> torch.Generator:
    """Random numbers that depend on ``entropy`` alone.

    Each iteration of stage C and each network of stage T has numbers of its own, from ``(seed, stage, index)``. So a
    run resumed at iteration k meets the same as one that was never stopped, and two recipes with one seed meet the same
    networks. Raises ValueError as `whole`.
    """
    return torch.Generator().manual_seed(int(np.random.SeedSequence([*map(whole, entropy)]).generate_state(1)[0]))


_torchs_own = threading.RLock()  # held while torch's own random numbers stand for others


@contextmanager
def as_torchs_own(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, torch's own random numbers are those of ``generator``, which goes on from there; outside they stay.

    For what takes no generator, as the first weights of a network. One thread at a time. None changes nothing.
    """
    if generator is None:
        yield
        return
    with _torchs_own, torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        try:
            yield
        finally:
            generator.set_state(torch.get_rng_state())


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Inside, torch's own random numbers depend on ``entropy`` alone, as `numbers`; those outside stay as they were."""
    with as_torchs_own(numbers(*entropy)):
        yield
