import itertools
import warnings
from contextlib import suppress
from functools import partial

import pytest
import torch

import dckit
from dckit.engine import as_torchs_own, device_name, pick_device, seeded, sent, tf32, versions
from dckit.engine import numbers as numbers_of


def test_auto_is_the_gpu_if_there_is_one_and_else_the_cpu():
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == torch.device("cpu")


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="unknown device 'gpu': expected 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"):
        pick_device("gpu")


@pytest.mark.parametrize(("name", "backend"), [("cuda", torch.cuda), ("mps", torch.backends.mps)])
def test_a_device_that_is_not_there_is_refused(name, backend):
    if backend.is_available():
        pytest.skip(f"this machine has {name}")
    with pytest.raises(ValueError, match=f"device '{name}' was asked for, but torch sees none on this machine"):
        pick_device(name)


def numbers(*entropy):
    with seeded(*entropy):
        return torch.rand(5).tolist()


def test_the_same_seed_gives_the_same_numbers_whatever_was_drawn_before():
    torch.manual_seed(1)
    first = numbers(3, 1, 4)
    torch.rand(17)
    assert numbers(3, 1, 4) == first


def test_every_seed_purpose_and_index_has_numbers_of_its_own():
    entropies = list(itertools.product(range(5), range(1, 5), range(50)))
    assert len({tuple(numbers(*entropy)) for entropy in entropies}) == len(entropies)


def test_the_random_state_outside_is_left_as_it_was():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    numbers(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_random_state_outside_is_restored_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="rand"), seeded(0):
        raise ValueError(f"rand {torch.rand(3)}")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("entropy", [(-1,), (0, -2), (-5, 1, 3)])
def test_a_negative_seed_is_refused(entropy):
    with pytest.raises(ValueError, match=rf"seed {min(entropy)} is negative: expected 0 or more"), seeded(*entropy):
        pass


def test_a_result_can_name_what_it_was_made_with():
    assert set(versions()) == {"dckit", "torch", "python"}
    assert versions()["torch"] == torch.__version__
    name, unit, threads = device_name(torch.device("cpu")).rsplit(", ", 2)
    assert name
    assert unit == torch.backends.cpu.get_cpu_capability()
    assert threads == f"{torch.get_num_threads()} threads"


@pytest.mark.parametrize(("processor", "precision", "warned"), [
    ("AVX2", "bfloat16", True), ("AVX2", "float32", False), ("AVX512", "bfloat16", False),
])  # fmt: skip
def test_slow_bfloat16_is_told_before_it_begins(digits, monkeypatch, processor, precision, warned):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    recipe = dckit.Recipe.published(1, "smoke").but(precision=precision)
    condensed = dckit.random_images(digits)
    for begin in (partial(dckit.condensing, digits), partial(dckit.evaluating, condensed, digits)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            begin(recipe, device="cpu")
        assert [w.category for w in found] == [RuntimeWarning] * warned


@pytest.mark.parametrize("on", [True, False])
def test_tf32_is_as_told_and_afterwards_as_before(on):
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    with suppress(KeyError), tf32(on):
        assert [backend.allow_tf32 for backend in backends] == [on, on]
        raise KeyError
    assert [backend.allow_tf32 for backend in backends] == before


def test_numbers_go_on_where_torchs_own_stood_for_them_and_those_outside_stay():
    with seeded(3, 1):
        expected = torch.rand(3).tolist(), torch.rand(2).tolist()
    before = torch.get_rng_state()
    generator = numbers_of(3, 1)
    with as_torchs_own(generator):
        first = torch.rand(3).tolist()
    assert (first, torch.rand(2, generator=generator).tolist()) == expected
    assert torch.equal(torch.get_rng_state(), before)
    with as_torchs_own(None):
        torch.rand(1)
    assert not torch.equal(torch.get_rng_state(), before)


def test_what_is_sent_to_the_cpu_stays():
    tensor = torch.rand(3)
    assert sent(tensor, torch.device("cpu")) is tensor
