"""What comes with the kit: memories and rankings of networks, as `tools/uses.py` has measured them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .choose import Ranked
from .compared import Memories, Memory
from .remember import Remembered

FOLDER = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class ShippedMemories:
    """Memories over several orders of classes. The card names dataset, recipes, amounts, seeds, versions, seconds."""

    memories: Memories
    card: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path = FOLDER / "remember.json") -> "ShippedMemories":
        """Read what ``python tools/uses.py remember`` wrote."""
        card = json.loads(Path(path).read_text(encoding="utf-8"))
        found: dict[Memory, list[Remembered]] = {}
        for order in card["orders"]:
            for curve in order["curves"]:
                seen, first = tuple(curve["seen"]), tuple(curve["first"])
                key = Memory(curve["memory"], curve["ipc"], curve["protocol"])
                found.setdefault(key, []).append(Remembered(seen, first, len(seen)))
        return cls(found, card)

    def __str__(self) -> str:
        orders, recipe = len(self.card["orders"]), self.card["recipes"][0]
        images, teacher = f"{self.card['test_images']:,} test images", _epochs(self.card["teacher_epochs"])
        return (
            f"{self.card['dataset']}, {orders} order{'s' * (orders > 1)} of the classes with sets of their own, "
            f"{images}. {_condensed(recipe)}; herding's teacher: {teacher}"
        )


@dataclass(frozen=True)
class ShippedRanks:
    """Accuracies of the variants of ConvNet, one `Ranked` per way to rank them, and the seconds that a set took."""

    ranks: dict[str, Ranked]
    made: dict[str, float]
    card: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path = FOLDER / "choose.json") -> "ShippedRanks":
        """Read what ``python tools/uses.py choose`` wrote."""
        card = json.loads(Path(path).read_text(encoding="utf-8"))
        ranks = {
            way: Ranked(tuple(found["accuracies"]), len(found["accuracies"]), found["seconds"])
            for way, found in card["ways"].items()
        }
        return cls(ranks, {way: found["made"] for way, found in card["ways"].items()}, card)

    def __str__(self) -> str:
        card = self.card
        return (
            f"{card['dataset']}, {len(card['variants'])} networks, {card['recipe']['ipc']} images per class, seen "
            f"{_epochs(card['set_epochs'])}; the whole dataset: {_epochs(card['whole_epochs'])}. "
            f"{_condensed(card['recipe'])}; herding's teacher: {_epochs(card['teacher_epochs'])}"
        )


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' * (count != 1)}"


def _condensed(recipe: dict[str, Any]) -> str:
    """How the sets were condensed, in words."""
    iterations = recipe["condensing"]["iterations"]
    return f"Condensed by {recipe['method'].upper()} at budget {recipe['budget']}, {iterations} iterations"
