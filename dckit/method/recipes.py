"""A recipe: every choice of stage C and of stage T, the two protocols that fill them in, and the budgets.

A protocol says *how*, a budget only *how much*. ``full`` takes nothing away from the protocol; ``lesson`` and
``smoke`` change the amounts in ``AMOUNTS`` of either stage and nothing else. These are frozen, since results are named
by them: other amounts are another budget, with a name of its own.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from .choices import Choices, check, plain
from .dc import DC
from .dd import DD
from .dm import DM
from .dsa import DSA

ALGORITHMS: dict[str, Any] = {"dc": DC, "dsa": DSA, "dm": DM, "dd": DD}  # of stage C, by the name of the method
BUDGETS = ("full", "lesson", "smoke")
PROTOCOLS = ("published", "report")
PARTS = ("condensing", "testing")


@dataclass(frozen=True)
class Testing(Choices):
    """The choices of stage T; the defaults are the published code's."""

    networks: int = 20  # fresh networks trained on each set
    epochs: int = 301  # passes over S; the published "300" runs one more
    epochs_augmented: int = 1001  # passes where the augmentation is on
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005
    lr_drop: float = 0.1  # factor on lr after half of the epochs, with momentum starting over; 1: never
    batch: int = 256
    augmentation: Literal["published", "none", "crop_scale_rotate", "crop_noise", "dsa", "dsa_without_flip"] = (
        "published"  # DC's, on MNIST only
    )
    test_images: int | None = None  # a fixed choice of the test set; None: all of it
    whole_networks: int = 5  # networks trained on the whole dataset, for comparison; the paper names no number
    whole_epochs: int = 100  # passes over it; the paper names no number

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(networks=3, test_images=2000, whole_networks=1, whole_epochs=3),
        "smoke": dict(
            **dict(width=32, networks=6, epochs_augmented=101, test_images=400),
            **dict(whole_networks=1, whole_epochs=5),
        ),
    }

    @classmethod
    def published(cls, budget: str, network: str) -> "Testing":
        """The published code's choices for networks of this kind."""
        return cls(network=network, **cls.AMOUNTS[budget])

    @classmethod
    def report(cls, budget: str, network: str) -> "Testing":
        """The report's: plain gradient descent."""
        plain = dict(epochs=300, epochs_augmented=300, momentum=0.0, weight_decay=0.0, lr_drop=1.0)
        built: dict[str, Any] = dict(network=network, version="report", normalisation="report", augmentation="none")
        return cls(**plain | built | cls.AMOUNTS[budget])


@dataclass(frozen=True)
class Recipe:
    """One way to condense and to test; the defaults are the published code's at 1 image per class.

    Fill it with ``Recipe.published`` or ``Recipe.report`` and vary it with ``but``. Its two parts are ``condensing``,
    the choices of an algorithm, and ``testing``, those of stage T. Raises ValueError for a value that cannot be meant.
    """

    ipc: int = 1  # images per class
    protocol: Literal["published", "report"] = "published"  # what filled it, before any `but`
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
        """The report's choices, those it does not mention included: everything its notebook does."""
        return cls.filled_by("report", ipc, budget, network, "dc")

    @classmethod
    def filled_by(cls, protocol: Any, ipc: int, budget: Any, network: str, method: str = "dc") -> "Recipe":
        """`published` or `report`, by its name."""
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
        """The recipe of a protocol that has this one's size, budget, method and networks: what it is a variation of."""
        network = without_batch_norm(self.condensing.network)
        base = Recipe.filled_by(protocol, self.ipc, self.budget, network, self.method)
        return base.but(**{part: {"network": getattr(self, part).network} for part in PARTS})

    def but(self, **changes: Any) -> "Recipe":
        """This recipe with some fields changed.

        A field's name finds its part. What both stages have, such as ``width=64``, is set for both;
        ``testing={"width": 64}`` sets it for one. Raises ValueError for a field that there is none of.
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
        """The fields in which it differs from another recipe, as far as they make a difference, with its own values.

        Where both parts are asked for and differ alike, a field is named alone, else with its part, as "testing.width".
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
        """Everything that JSON needs to hold it; `read` understands it."""
        own = {"ipc": self.ipc, "protocol": self.protocol, "budget": self.budget, "method": self.method}
        return own | {part: asdict(getattr(self, part)) for part in PARTS}

    @classmethod
    def read(cls, card: Mapping[str, Any]) -> "Recipe":
        """A recipe that `as_json`, or version 0.1 of the kit, wrote. Raises ValueError for anything else."""
        try:
            if "condensing" not in card:
                return _read_flat(card)
            condensing = ALGORITHMS[card["method"]](**card["condensing"])
            return cls(card["ipc"], card["protocol"], card["budget"], condensing, Testing(**card["testing"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a recipe of this version of the kit ({error})") from None


def without_batch_norm(network: str) -> str:
    """The network of stage T where stage C has ``network``: the published code tests without batch norm."""
    return network.removesuffix("_AP").removesuffix("BN")


# Version 0.1 had one list of fields for both stages: some by another name, two that are gone.
FLAT = {"test_network": "network", "test_version": "version", "test_width": "width"}
GONE = {"sets", "last_network_update"}


def _read_flat(card: Mapping[str, Any]) -> Recipe:
    """A recipe of version 0.1, where None stood for "as in stage C", and fields came to be that older files lack."""
    names = {part: {f.name for f in fields(kind)} for part, kind in (("condensing", DC), ("testing", Testing))}
    strangers = set(card) - {"ipc", "protocol", "budget", *FLAT, *GONE}.union(*names.values())
    if strangers or card.get("last_network_update"):
        raise KeyError(min(strangers, default="last_network_update"))
    parts = {part: {name: card[name] for name in own if name in card} for part, own in names.items()}
    parts["testing"]["network"] = without_batch_norm(card["network"])
    parts["testing"] |= {new: card[old] for old, new in FLAT.items() if card.get(old) is not None}
    condensing, testing = DC(**parts["condensing"]), Testing(**parts["testing"])
    return Recipe(card["ipc"], card["protocol"], card["budget"], condensing, testing)
