"""A recipe: all choices of stages C and T. A protocol and a budget fill them in.

A protocol says *how* something is computed, a budget only *how much*. ``full`` computes everything in the protocol;
``lesson`` and ``smoke`` change only the amounts in ``AMOUNTS`` of both stages. These amounts must never change, because
the names of results contain the budget. Other amounts need a new budget with a new name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from ..data import ImageData
from .choices import Choices, check, plain
from .dc import DC
from .dd import DD
from .dm import DM
from .dsa import DSA
from .testing import Testing

ALGORITHMS: dict[str, Any] = {"dc": DC, "dsa": DSA, "dm": DM, "dd": DD}  # of stage C, by method
BUDGETS = ("full", "lesson", "smoke")
PROTOCOLS = ("published", "report")
PARTS = ("condensing", "testing")


@dataclass(frozen=True)
class Recipe:
    """All choices of one way to condense and test; the defaults are those of the published code at 1 image per class.

    Make one with ``Recipe.published`` or ``Recipe.report``, and change fields with ``but``. condensing: the choices of
    an algorithm of stage C. testing: those of stage T. Raises ValueError for a value of the wrong type or out of range.
    """

    ipc: int = 1  # images per class
    protocol: Literal["published", "report"] = "published"  # that made it, before any `but`
    budget: Literal["full", "lesson", "smoke"] = "full"
    condensing: Any = field(default_factory=DC)
    testing: Testing = field(default_factory=Testing)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ipc", plain(self.ipc))
        check("ipc", self.ipc, int)
        check("protocol", self.protocol, Literal[PROTOCOLS])
        check("budget", self.budget, Literal[BUDGETS])

    @classmethod
    def published(cls, ipc: int = 1, budget: str = "full", network: str = "ConvNet", method: str = "dc") -> "Recipe":
        """The published code's choices (its newest version) for ``ipc`` images per class.

        network: one of Table 2's six; VGG11 and ResNet18 are condensed with batch norm, as published.
        """
        return cls.filled_by("published", ipc, budget, network, method)

    @classmethod
    def report(cls, ipc: int = 1, budget: str = "full", network: str = "ConvNet") -> "Recipe":
        """The report's choices, also those that only its notebook shows."""
        return cls.filled_by("report", ipc, budget, network, "dc")

    @classmethod
    def filled_by(cls, protocol: Any, ipc: int, budget: Any, network: str, method: str = "dc") -> "Recipe":
        """`published` or `report`, chosen by name. Raises ValueError for an unknown value, or the report without DC."""
        check("ipc", ipc := plain(ipc), int)
        check("budget", budget, Literal[BUDGETS])
        check("network", network, str)
        if method not in ALGORITHMS:
            raise ValueError(f"unknown method {method!r}: expected one of {', '.join(ALGORITHMS)}")
        if protocol == "report" and method != "dc":
            raise ValueError(f"the report has no {method}: expected dc")
        condensing = getattr(ALGORITHMS[method], protocol)(ipc, budget, network)
        testing = getattr(Testing, protocol)(budget, without_batch_norm(network))
        return cls(ipc, protocol, budget, condensing, replace(testing, **condensing.TESTING))

    @property
    def method(self) -> str:
        """The name of the algorithm of stage C, such as "dc"."""
        return str(self.condensing.method)

    def filled(self, protocol: str) -> "Recipe":
        """The unchanged recipe of a protocol with the same images per class, budget, method and networks."""
        network = without_batch_norm(self.condensing.network)
        base = Recipe.filled_by(protocol, self.ipc, self.budget, network, self.method)
        return base.but(**{part: {"network": getattr(self, part).network} for part in PARTS})

    def but(self, **changes: Any) -> "Recipe":
        """This recipe with some fields changed.

        A field that both stages have, such as ``width=64``, is set in both; ``testing={"width": 64}`` sets it in one.
        Raises ValueError for an unknown field, and for protocol, budget and method, which cannot be changed.
        """
        if not {"protocol", "budget", "method"}.isdisjoint(changes):
            raise ValueError("protocol, budget and method are chosen by Recipe.published or Recipe.report, not changed")
        named = {part: changes.pop(part, {}) for part in PARTS}
        has = {part: [f.name for f in fields(getattr(self, part))] for part in PARTS}
        known = dict.fromkeys(("ipc", *has["condensing"], *has["testing"]))
        for part, own in named.items():
            if not isinstance(own, Mapping):
                raise ValueError(f'{part} {own!r}: expected fields and values, such as {part}={{"width": 64}}')
            for name in own:
                if name not in has[part]:
                    raise ValueError(f"{part} has no field {name!r}: it has {', '.join(has[part])}")
        for name in changes:
            if name not in known:
                raise ValueError(f"a recipe has no field {name!r}: it has {', '.join(known)}")
        if isinstance(changes.get("network"), str):
            named["testing"] = {"network": without_batch_norm(changes["network"])} | named["testing"]
        parts = {}
        for part, own in named.items():
            both = {name: value for name, value in changes.items() if name in has[part]}
            parts[part] = replace(getattr(self, part), **both | own)
        return replace(self, ipc=changes.get("ipc", self.ipc), **parts)

    def differences(self, base: "Recipe", parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
        """The decisive fields in which this recipe differs from ``base``, with the values of this recipe.

        A field that both parts have is named with its part, such as "testing.width", unless both parts are asked for
        and have the same new value.
        """
        found: dict[str, dict[str, Any]] = {part: {} for part in parts}
        for part in parts:
            other = getattr(base, part)
            theirs = asdict(other) | other.decisive
            found[part] = {k: v for k, v in getattr(self, part).decisive.items() if theirs[k] != v}
        shared = {f.name for f in fields(Choices)} if len(parts) > 1 else set()
        said = {}
        for part, its in found.items():
            for name, value in its.items():
                alike = all(name in other and other[name] == value for other in found.values())
                said[name if name not in shared or alike else f"{part}.{name}"] = value
        return said

    def as_json(self) -> dict[str, Any]:
        """The recipe as a dictionary for JSON, which `read` reads."""
        own = {"ipc": self.ipc, "protocol": self.protocol, "budget": self.budget, "method": self.method}
        return own | {part: asdict(getattr(self, part)) for part in PARTS}

    @classmethod
    def read(cls, card: Mapping[str, Any]) -> "Recipe":
        """A recipe from what `as_json`, or version 0.1 of the kit, wrote. Raises ValueError for anything else."""
        try:
            if "condensing" not in card:
                return _read_flat(card)
            condensing = ALGORITHMS[card["method"]](**card["condensing"])
            return cls(card["ipc"], card["protocol"], card["budget"], condensing, Testing(**card["testing"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a recipe of this version of the kit ({error})") from None


def refuse_confused(real: Any, recipe: Any) -> None:
    """Raise ValueError unless these are a dataset and a recipe: a name alone is easily given in their place."""
    for name, value, kind, how in (
        ("real", real, ImageData, 'a dataset, such as dckit.load("digits")'),
        ("recipe", recipe, Recipe, "a recipe, such as dckit.Recipe.published()"),
    ):
        if not isinstance(value, kind):
            given = repr(value) if isinstance(value, str | int | None) else f"of type {type(value).__name__}"
            raise ValueError(f"{name} {given}: expected {how}")


def without_batch_norm(network: str) -> str:
    """The network of stage T that belongs to a network of stage C: the published code tests without batch norm."""
    return network.removesuffix("_AP").removesuffix("BN")


# Version 0.1 had one list of fields for both stages. Some had other names, and two no longer exist.
FLAT = {"test_network": "network", "test_version": "version", "test_width": "width"}
GONE = {"sets", "last_network_update"}


def _read_flat(card: Mapping[str, Any]) -> Recipe:
    """A recipe of version 0.1, where None meant "as in stage C". Fields that older files lack get their defaults."""
    names = {part: {f.name for f in fields(kind)} for part, kind in (("condensing", DC), ("testing", Testing))}
    strangers = set(card) - {"ipc", "protocol", "budget", *FLAT, *GONE}.union(*names.values())
    if strangers or card.get("last_network_update"):
        raise KeyError(min(strangers, default="last_network_update"))
    parts = {part: {name: card[name] for name in own if name in card} for part, own in names.items()}
    parts["testing"]["network"] = without_batch_norm(card["network"])
    parts["testing"] |= {new: card[old] for old, new in FLAT.items() if card.get(old) is not None}
    condensing, testing = DC(**parts["condensing"]), Testing(**parts["testing"])
    return Recipe(card["ipc"], card["protocol"], card["budget"], condensing, testing)
