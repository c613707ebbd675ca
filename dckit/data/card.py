"""A condensed set's card: what it says about the dataset, and whether that fits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .datasets import ImageData


def base_card(real: ImageData) -> dict[str, Any]:
    """What a card says about the dataset."""
    return {
        "dataset": real.name,
        "classes": list(real.classes),
        "shape": list(real.shape),
        "normalisation": real.normalisation,
        "mean": list(real.mean),
        "std": list(real.std),
        "digest": real.digest,
    }


def refuse_other_data(path: str | Path, card: Mapping[str, Any], digest: str) -> None:
    """Raise ValueError if a card is of other pixels or labels than those of ``digest``. Version 0.1 kept no digest."""
    if card.get("digest", digest) != digest:
        raise ValueError(
            f"{path} was made from other images or labels, which were also called {card.get('dataset')!r}: "
            "give one of the two datasets another name, or delete the file"
        )


def is_card(card: Any) -> bool:
    """Whether a card that may come from anywhere says what `base_card` says, in the same types."""
    try:
        channels, height, width = card["shape"]
        return (
            all(isinstance(card[key], str) for key in ("dataset", "normalisation"))
            and all(isinstance(n, int) for n in (channels, height, width))
            and isinstance(card["classes"], list)
            and all(isinstance(name, str) for name in card["classes"])
            and len(card["mean"]) == len(card["std"]) == channels
            and all(isinstance(number, float) for number in (*card["mean"], *card["std"]))
        )
    except (KeyError, TypeError, ValueError):
        return False
