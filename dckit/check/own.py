"""Check of the lesson about one's own images: a folder of classes, split into training and test pictures."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .answers import NotYet, ask, checked, written

Files = Mapping[str, Sequence[str]]  # pictures of each class

SHARE = 0.2
SIZES = {"ant": 2, "bee": 25, "wasp": 60}  # pictures per class: 20 % of two pictures round to none
SEEDS = 6  # of which all draw the same pictures of a large class by no chance


@checked
def split_by_class(function: Callable[..., Any]) -> str:
    """Lesson 13. ``function(files, share, seed)`` returns the pictures to train on and those to test on.

    files: a list of pictures for each class, by its name; both results are such dictionaries too. share: of each class
    for the test. Every class has at least one picture in both halves, and the same seed gives the same split.
    """
    halves = [_split(function, SHARE, seed) for seed in range(SEEDS)]
    for train, test in halves:
        _disjoint(train, test)
    train, test = halves[0]
    _shares(train, test)
    _, other = _split(function, 0.9, 0)
    if abs(len(other["wasp"]) - 0.9 * SIZES["wasp"]) >= 1:
        raise NotYet(f"`share` is ignored: with 0.9, {len(other['wasp'])} of 60 pictures are for the test.")
    _drawn([test for _, test in halves])
    if any(_as_sets(_split(function, SHARE, 0)) != _as_sets(halves[0]) for _ in range(3)):
        raise NotYet(
            "the same seed gives another split each time. Then pictures move between the halves from run to run."
        )
    return "Each class is split by itself, the halves share no picture, and the same seed gives the same split."


def _split(function: Callable[..., Any], share: float, seed: int) -> tuple[Files, Files]:
    """Both halves. Raises NotYet unless they are dictionaries of all classes."""
    found = ask(function, _files(), share, seed)
    written(found)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise NotYet("expected two results: the pictures to train on, and the pictures to test on.")
    for half, name in zip(found, ("training", "test"), strict=True):
        if not isinstance(half, Mapping) or not all(isinstance(members, list | tuple) for members in half.values()):
            raise NotYet(f"the {name} half is no dictionary with a list of pictures for each class.")
        if missing := [kind for kind in SIZES if not half.get(kind)]:
            raise NotYet(_without(missing[0], SIZES[missing[0]], name, share))
        if strange := [kind for kind in half if kind not in SIZES]:
            raise NotYet(f"the {name} half has a class {strange[0]!r}, which is not in `files`.")
    return found[0], found[1]


def _files() -> dict[str, list[str]]:
    return {kind: [f"{kind}/{number:02}.png" for number in range(count)] for kind, count in SIZES.items()}


def _without(kind: str, count: int, half: str, share: float) -> str:
    of_two = f" {share} of {count} rounds to {round(share * count)}: make it at least 1." if half == "test" else ""
    of_two = " Keep at least one picture to train on." if half == "training" and share > 0.5 else of_two
    return f"class {kind!r}, which has {count} pictures, has none in the {half} half.{of_two}"


def _disjoint(train: Files, test: Files) -> None:
    """Raise NotYet unless every picture of a class is in exactly one half, under its class."""
    for kind, files in _files().items():
        if strange := [picture for picture in (*train[kind], *test[kind]) if picture not in files]:
            raise NotYet(f"class {kind!r} has {strange[0]!r}, which is not one of its pictures.")
        both = Counter((*train[kind], *test[kind]))
        if shared := set(train[kind]) & set(test[kind]):
            raise NotYet(
                f"{len(shared)} pictures of class {kind!r} are in both halves. Networks would be tested on pictures "
                "that they were trained on."
            )
        if max(both.values()) > 1:
            raise NotYet(f"a picture of class {kind!r} comes twice in one half.")
        if lost := len(files) - len(both):
            raise NotYet(f"{lost} pictures of class {kind!r} are in neither half.")


def _shares(train: Files, test: Files) -> None:
    """Raise NotYet unless the test half has its share of each class."""
    counts = {kind: len(test[kind]) for kind in SIZES}
    wanted = {kind: SHARE * count for kind, count in SIZES.items()}
    if all(abs(counts[kind] - wanted[kind]) < 1 for kind in SIZES):
        return
    if all(abs(len(train[kind]) - wanted[kind]) < 1 for kind in SIZES):
        raise NotYet("the halves come in the other order: `share` is the part for the test, which comes second.")
    if len(set(counts.values())) == 1:
        raise NotYet(
            f"every class has {counts['bee']} test pictures: take `share` of each class, so that it grows with it."
        )
    if abs(sum(counts.values()) - SHARE * sum(SIZES.values())) < 2:
        raise NotYet(
            f"all pictures were split together, so that {counts['bee']} of 25 and {counts['wasp']} of 60 are for the "
            "test: split each class by itself."
        )
    raise NotYet(f"{counts['bee']} of 25 pictures are for the test, expected {wanted['bee']:.0f}, for `share` {SHARE}.")


def _drawn(tests: Sequence[Files]) -> None:
    """Raise NotYet where every seed takes the same pictures."""
    for kind in ("bee", "wasp"):
        if len({frozenset(test[kind]) for test in tests}) > 1:
            continue
        files, taken = _files()[kind], set(tests[0][kind])
        for where, ends in (("first", files[: len(taken)]), ("last", files[-len(taken) :])):
            if taken == set(ends):
                raise NotYet(
                    f"the test half has the {where} pictures of each class. Files often lie in the order in which they "
                    "were taken, so draw at random."
                )
        raise NotYet("every seed gives the same split: draw with `seed`.")


def _as_sets(halves: tuple[Files, Files]) -> list[dict[str, frozenset[str]]]:
    return [{kind: frozenset(members) for kind, members in half.items()} for half in halves]
