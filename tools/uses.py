"""Measure what ten images per class are good for: remembering classes, and choosing a network.

python tools/uses.py remember --data .data     # some ten idle minutes on two cores
python tools/uses.py choose --data .data       # some thirty
Stop it at any time: the same command goes on after the last order, or the last set, that was finished.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from dckit import CondensedSet, Recipe, condensing, load, random_images
from dckit.data import ImageData, Split
from dckit.engine import device_name, numbers, versions, write_json
from dckit.method import chosen_images, ranking
from dckit.uses import WAYS, Amounts, Memory, Ranked, amounts, course, equal_cost, ranked, remembering
from dckit.uses.shipped import FOLDER

SIZES, ORDERS, TEACHER = (1, 2, 5, 10), 5, 2  # images per class; orders of classes; epochs of herding's teacher
TEST, TEST_IMAGES = 10, 2000  # what a seed is for, see `numbers`; test images after each step of `remember`


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python tools/uses.py", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("remember", "choose"))
    parser.add_argument("--data", help="folder with torchvision's dataset")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--budget", default="lesson", help="of steps, epochs and networks (default: lesson)")
    parser.add_argument("--condensed", default="smoke", help="budget at which DM condenses (default: smoke)")
    parser.add_argument("--iterations", type=int, help="of DM, in place of the budget's")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the file that is written")
    asked = parser.parse_args()
    real = load(asked.dataset, root=asked.data) if asked.data else load(asked.dataset)
    recipe = Recipe.published(SIZES[-1], asked.condensed, method="dm")
    if asked.iterations:
        recipe = recipe.but(iterations=asked.iterations)
    amount, path = amounts(asked.budget), asked.out / f"{asked.what}.json"
    if asked.what == "remember":
        remember(real, recipe, amount, path)
    else:
        choose(real, recipe, amount, path)


def remember(
    real: ImageData,
    recipe: Recipe,
    amount: Amounts,
    path: Path,
    sizes: Sequence[int] = SIZES,
    orders: int = ORDERS,
    **chosen: int,
) -> None:
    """Write what is remembered in several orders of the classes; each has sets, teacher and networks of its own.

    ``"replay"`` is measured at all sizes, ``"anew"`` at the last one. chosen: fields of `Course`. Raises ValueError
    where the file holds other amounts.
    """
    chosen = {"epochs": amount.epochs} | chosen
    choices = asdict(course(real, 0, amount.steps, **chosen))
    head = {
        **{"dataset": real.name, "digest": real.digest, "budget": amount.name},
        "recipes": [recipe.but(ipc=ipc).as_json() for ipc in sizes],
        "teacher": recipe.testing.decisive,
        "teacher_epochs": TEACHER,
        "test_images": min(TEST_IMAGES, len(real.test)),
        "steps": amount.steps,
        "course": {name: value for name, value in choices.items() if name != "order"},
        "orders": [],
    }
    content, tested = _resumed(path, head, "orders"), _fewer(real, TEST_IMAGES)
    done = {order["seed"] for order in content["orders"]}
    for seed in (seed for seed in range(orders) if seed not in done):
        its = course(real, seed, amount.steps, **chosen)
        started, made, curves = time.monotonic(), dict[str, float](), []
        sets = _sets(real, recipe, sizes, seed, made)
        todo: dict[Memory, CondensedSet | None] = {Memory("none", 0): None}
        todo |= {Memory(kind, ipc): found for (kind, ipc), found in sets.items()}
        todo |= {Memory(kind, ipc, "anew"): s for (kind, ipc), s in sets.items() if ipc == sizes[-1]}
        for (kind, ipc, protocol), memory in todo.items():
            last = _last(remembering(tested, memory, its, protocol, seed))
            curves.append({"memory": kind, "ipc": ipc, "protocol": protocol, "seen": last.seen, "first": last.first})
            print(f"order {seed}, {protocol}, {kind}, {ipc} per class: {last}", flush=True)
        order = {"seed": seed, "order": its.order, "curves": curves, "made": made}
        content["orders"].append(order | {"seconds": round(time.monotonic() - started)} | _where())
        write_json(path, content)


def choose(real: ImageData, recipe: Recipe, amount: Amounts, path: Path, seed: int = 0) -> None:
    """Write the accuracies of the variants, ranked in each of the `WAYS`, a way at a time.

    Raises ValueError where the file holds other amounts.
    """
    head = {
        **{"dataset": real.name, "digest": real.digest, "budget": amount.name},
        "recipe": recipe.as_json(),
        "teacher": recipe.testing.decisive,
        "teacher_epochs": TEACHER,
        "test_images": len(real.test),
        "variants": [dict(variant) for variant in amount.variants],
        "set_epochs": amount.set_epochs,
        "whole_epochs": amount.whole_epochs,
        "seed": seed,
        "ways": {},
    }
    content, made = _resumed(path, head, "ways"), dict[str, float]()
    for way in (way for way in WAYS if way not in content["ways"]):
        data: CondensedSet | Split = real.train
        how = {"epochs": amount.set_epochs}
        if way == "early":
            how = equal_cost(real, amount.set_epochs * recipe.ipc * len(real.classes))
        elif way == "whole":
            how = {"epochs": amount.whole_epochs}
        else:
            data = _sets(real, recipe, (recipe.ipc,), seed, made, (way,))[way, recipe.ipc]
        found = _last(_said(way, ranked(data, real, amount.variants, seed=seed, **how)))
        own = {"accuracies": found.accuracies, "seconds": round(found.seconds, 1), "made": made.get(way, 0.0)}
        content["ways"][way] = own | how | _where()
        write_json(path, content)


def _sets(
    real: ImageData,
    recipe: Recipe,
    sizes: Sequence[int],
    seed: int,
    made: dict[str, float],
    kinds: Sequence[str] = ("condensed", "random", "herding"),
) -> dict[tuple[str, int], CondensedSet]:
    """The sets of each kind and size. made: gets the seconds that each kind took."""
    found: dict[tuple[str, int], CondensedSet] = {}
    for kind in kinds:
        with _timed(kind, made):
            if kind == "herding":
                teacher = recipe.but(whole_epochs=TEACHER)
                orders = _last(ranking(real, teacher, seed)).orders
                sets = [chosen_images(real, orders, "herding", ipc, seed) for ipc in sizes]
            elif kind == "random":
                sets = [random_images(real, ipc, seed) for ipc in sizes]
            else:
                sets = [_last(condensing(real, recipe.but(ipc=ipc), seed)).condensed for ipc in sizes]
        found |= {(kind, ipc): one for ipc, one in zip(sizes, sets, strict=True)}
    return found


@contextmanager
def _timed(what: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[what] = round(time.monotonic() - started, 1)
    print(f"{what}: made in {seconds[what]:.0f} s", flush=True)


def _where() -> dict[str, Any]:
    return {"versions": versions(), "device": device_name(torch.device("cpu"))}


def _resumed(path: Path, head: Mapping[str, Any], growing: str) -> dict[str, Any]:
    """The file's content, or its head where there is no file yet. Raises ValueError for a file with another head."""
    fresh: dict[str, Any] = json.loads(json.dumps(head))
    if not path.exists():
        return fresh
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found | {growing: fresh[growing]} != fresh:
        other = [key for key in fresh if key != growing and found.get(key) != fresh[key]]
        raise ValueError(f"{path} was measured with another {', '.join(other)}: move it away to measure anew")
    return found


def _fewer(real: ImageData, count: int) -> ImageData:
    """The same dataset with ``count`` of its test images, always the same ones."""
    test = real.test
    index = torch.randperm(len(test), generator=numbers(0, TEST))[:count]
    return replace(real, test=Split(test.pixels[index], test.labels[index], test.mean, test.std))


def _last(states: Iterable[Any]) -> Any:
    return deque(states, maxlen=1).pop()


def _said(way: str, states: Iterable[Ranked]) -> Iterator[Ranked]:
    for state in states:
        print(f"{way}: {state}, {state.seconds:.0f} s", flush=True)
        yield state


if __name__ == "__main__":
    main()
