"""What tests of stage C and of its checkpoints share."""

import torch


def last(states):
    *_, state = states
    return state


def assert_same_run(a, b):
    """Bit for bit, but for the time that it took."""
    assert (a.iteration, a.iterations, a.losses) == (b.iteration, b.iterations, b.losses)
    assert torch.equal(a.labels, b.labels)
    assert set(a.learned) == set(b.learned)
    assert all(torch.equal(tensor, b.learned[name]) for name, tensor in a.learned.items())
