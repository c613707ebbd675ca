"""The fields that every algorithm and stage T have in common, and the check of all fields when they are set."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from .networks import NETWORKS, Version

LARGEST = 1e38  # nearly the largest number of float32, the type of the images
BELOW = {"image_momentum": 1, "network_momentum": 1, "momentum": 1, "networks": 10_001, "whole_networks": 10_001}
ZERO_ALLOWED = {"image_momentum", "network_momentum", "network_steps", "momentum", "weight_decay"}


@dataclass(frozen=True)
class Choices:
    """The network of a stage, and how it computes. Each algorithm adds more fields, and so does stage T.

    Raises ValueError for a value of the wrong type or out of range.
    """

    network: str = "ConvNet"
    version: Version = "published"  # "report": as the report built it
    width: int = 128  # channels of ConvNet's layers; below 128 larger networks shrink too, see `build`
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"  # of products; TF32 needs a GPU
    normalisation: Literal["published", "report"] = "published"  # statistics to normalise by

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            value = plain(getattr(self, field.name))
            value = renamed(value) if field.name == "version" else value
            check(field.name, value, hints[field.name])
            if hints[field.name] is float:
                value = float(value)  # 0 and 0.0 are the same choice, and must give the same file name
            object.__setattr__(self, field.name, value)

    @property
    def decisive(self) -> dict[str, Any]:
        """The fields that affect the result: if they are equal, so are the images, or the accuracies."""
        versions = NETWORKS.get(self.network, {})
        same = versions.get(self.version) is versions.get("published")
        return asdict(self) | ({"version": "published"} if same else {})


def renamed(version: Any) -> Any:
    """The present name of a network's version: version 0.1 of the kit called the report's networks "original"."""
    return version.replace("original", "report", 1) if isinstance(version, str) else version


def plain(value: Any) -> Any:
    """A NumPy number as a Python number, which JSON can hold; any other value unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def check(name: str, value: Any, hint: Any) -> None:
    """Raise ValueError unless ``value`` has the type of the field ``name`` and, if a number, is in its range."""
    options = get_args(hint)
    if get_origin(hint) is Literal:
        if value not in options:
            raise ValueError(f"unknown {name} {value!r}: expected one of {', '.join(options)}")
        return
    if value is None and type(None) in options:
        return
    kind = next((o for o in options if o is not type(None)), hint)
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{name} {value!r}: expected {'a number' if kind is float else kind.__name__}")
    below = BELOW.get(name, LARGEST)
    if kind in (int, float) and not (0 < value < below or (value == 0 and name in ZERO_ALLOWED)):
        low = "0 or more" if name in ZERO_ALLOWED else "more than 0"
        raise ValueError(f"{name} {value!r}: expected {low}, and less than {below:g}")
