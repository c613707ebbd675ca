"""Random numbers that depend only on a seed, without changing torch's global generator."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import torch


def whole(seed: Any) -> int:
    """A seed as a plain int. Raises ValueError unless it is a whole number, 0 or more."""
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise ValueError(f"seed {seed!r}: expected a whole number, 0 or more")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative: expected 0 or more")
    return int(seed)


def numbers(*entropy: int) -> torch.Generator:
    """A generator of random numbers that depend only on ``entropy``, such as ``(seed, purpose, index)``.

    Each iteration of stage C and each network of stage T has a separate generator. So a resumed run gets the same
    numbers as an uninterrupted one, and two recipes with the same seed get the same networks. Raises ValueError as
    `whole` does.
    """
    return torch.Generator().manual_seed(int(np.random.SeedSequence([*map(whole, entropy)]).generate_state(1)[0]))


_torchs_own = threading.RLock()  # held while torch's global generator is replaced


@contextmanager
def as_torchs_own(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, torch's global random numbers come from ``generator``. Outside, the global generator is unchanged.

    This is for functions that take no generator, such as the initialisation of layers. Only one thread at a time can be
    inside. With None nothing changes.
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
    """Inside, torch's global random numbers are those of `numbers`. Outside, the global generator is unchanged."""
    with as_torchs_own(numbers(*entropy)):
        yield
