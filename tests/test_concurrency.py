import threading
import time
from contextlib import contextmanager

import pytest
import torch

from dckit.engine import exhausted, side_by_side
from dckit.engine.threads import STREAMS, _streams


@pytest.fixture
def threads():
    """Two threads, whatever the machine has; afterwards as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


def test_side_by_side_keeps_the_order_and_gives_each_item_one_thread(threads):
    def slow_at_first(number, text):
        time.sleep(0.05 / (1 + number))
        return number, text, torch.get_num_threads(), threading.get_ident()

    items = [(n, str(n)) for n in range(6)]
    found = list(side_by_side(slow_at_first, items, torch.device("cpu")))
    assert [(n, text) for n, text, *_ in found] == items
    assert {count for *_, count, _ in found} == {1}
    assert len({ident for *_, ident in found}) == threads
    assert torch.get_num_threads() == threads


def test_on_another_device_items_go_one_after_another(threads):
    found = side_by_side(lambda n: threading.get_ident(), [(0,), (1,)], torch.device("meta"))
    assert set(found) == {threading.get_ident()}


def test_what_is_shared_out_shares_out_to_those_that_are_idle(threads):
    """Two items on two threads: the one that takes long gets help once the other one is over."""
    own = set()

    def inner(_):
        time.sleep(0.02)
        return threading.get_ident()

    def outer(count):
        found = list(side_by_side(inner, [(n,) for n in range(count)], torch.device("cpu")))
        own.add((threading.get_ident(), len(set(found))))
        return len(set(side_by_side(inner, [(n,) for n in range(10)], torch.device("cpu")))) if count > 1 else 0

    assert list(side_by_side(outer, [(1,), (3,)], torch.device("cpu"))) == [0, 2]
    assert {helpers for _, helpers in own} == {1}


def test_an_error_side_by_side_is_raised_and_the_threads_are_given_back(threads):
    def fails(number):
        raise KeyError(number)

    with pytest.raises(KeyError):
        list(side_by_side(fails, [(0,), (1,)], torch.device("cpu")))
    assert torch.get_num_threads() == threads


def test_elsewhere_iterators_take_a_step_each_in_turn_and_end_in_their_last_values():
    told = []

    def count(name, n):
        for k in range(n):
            told.append(f"{name}{k}")
            yield k * 10

    assert exhausted([count("a", 3), count("b", 1), count("c", 2)], torch.device("meta")) == [20, 0, 10]
    assert told == ["a0", "b0", "c0", "a1", "c1", "a2"]


def test_on_a_cpu_iterators_run_side_by_side_to_their_ends(threads):
    def count(n):
        for _ in range(n):
            time.sleep(0.01)
            yield threading.get_ident()

    assert len(set(exhausted([count(3), count(3)], torch.device("cpu")))) == threads


class Stream:
    """A stream that writes down who waits for whom."""

    def __init__(self, log, name):
        self.log, self.name = log, name

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")


@pytest.fixture
def streams(monkeypatch):
    """Stand-ins for a GPU's streams; returns what happens on them, in order."""
    log = []
    main = Stream(log, "main")

    @contextmanager
    def stream(other):
        log.append(f"on {other.name}")
        yield

    _streams.cache_clear()
    names = iter(range(100))
    monkeypatch.setattr(torch.cuda, "Stream", lambda *_: Stream(log, next(names)))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: main)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    yield log
    _streams.cache_clear()


GPU = torch.device("cuda")


def test_on_a_gpu_items_are_dealt_out_to_streams_that_wait_and_are_waited_for(streams):
    def double(n):
        streams.append(n)
        return 2 * n

    for _ in range(2):
        streams.clear()
        assert list(side_by_side(double, [(n,) for n in range(6)], GPU)) == [0, 2, 4, 6, 8, 10]
        steps = [f"{k} waits for main" for k in range(STREAMS)]
        for n in range(6):
            steps += [f"on {n % STREAMS}", n]
        assert streams == [*steps, *(f"main waits for {k}" for k in range(STREAMS))]


def test_one_item_runs_where_it_is(streams):
    assert list(side_by_side(lambda n: n, [(3,)], GPU)) == [3]
    assert streams == []


def test_on_a_gpu_each_takes_its_turns_on_a_stream_of_its_own_and_is_waited_for_after_an_error_too(streams):
    def fails():
        yield 1
        raise KeyError

    with pytest.raises(KeyError):
        exhausted([fails(), fails()], GPU)
    waits = ["0 waits for main", "1 waits for main"], ["main waits for 0", "main waits for 1"]
    assert streams == [*waits[0], "on 0", "on 1", "on 0", *waits[1]]
