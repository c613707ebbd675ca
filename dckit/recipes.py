"""Every choice of stage C and stage T in one frozen dataclass, the two protocols that fill it, and the budgets.

A protocol says *how*, a budget only *how much*. ``full`` takes nothing away from the protocol; ``lesson`` and
``smoke`` change the amounts in ``BUDGETS`` and nothing else.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .models import NETWORKS, Version

# T and ς_θ for images/class, as the published code has them. It refuses other numbers: see `loops`.
LOOPS = {1: (1, 1), 10: (10, 50), 20: (20, 25), 30: (30, 20), 40: (40, 15), 50: (50, 10)}

BUDGETS: dict[str, dict[str, Any]] = {
    "full": {},
    "lesson": dict(
        **dict(iterations=240, real_batch=8, sets=1, networks=3),
        **dict(test_images=2000, whole_networks=1, whole_epochs=3),
    ),
    "smoke": dict(
        **dict(iterations=200, real_batch=8, width=32, sets=1, networks=6),
        **dict(epochs_augmented=101, test_images=400, whole_networks=1, whole_epochs=5),
    ),
}


@dataclass(frozen=True)
class Recipe:
    """One way to condense and to test; the defaults are the published code's at 1 image/class.

    Fill it with ``Recipe.published`` or ``Recipe.report`` and vary it with ``but``. Letters are the paper's.
    Raises ValueError for a value that cannot be meant.
    """

    ipc: int = 1  # images per class
    protocol: Literal["published", "report"] = "published"  # what filled it, before any `but`
    budget: Literal["smoke", "lesson", "full"] = "full"
    # the network θ
    network: str = "ConvNet"
    version: Version = "published"  # "original": as the report built it
    width: int = 128  # channels of ConvNet's layers; others shrink alike below 128, see `build`
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"  # how it multiplies; TF32 is a GPU's alone
    # stage C: the matching loss
    metric: Literal["layerwise", "mse", "cos"] = "layerwise"  # D
    by_class: bool = True  # match class after class, or one batch of all classes
    real_batch: int = 256  # real images of each class in a matching step, drawn without replacement
    norm_images: int = 16  # real images of each class that set batch norm's statistics before a matching step
    normalisation: Literal["published", "report"] = "published"
    # stage C: the synthetic images
    init: Literal["noise", "real"] = "noise"
    image_lr: float = 0.1  # η_S
    image_momentum: float = 0.5
    # stage C: the loops
    iterations: int = 1000  # K, draws of θ0. The code runs one more after the accuracy it reports, and saves that
    matching_steps: int = 1  # T
    network_steps: int = 1  # ς_θ, epochs over S after a matching step
    last_network_update: bool = False  # the paper also updates θ after a draw's last matching step, when it is over
    network_lr: float = 0.01  # η_θ
    network_momentum: float = 0.0  # 0.5 in the published code until July 2021
    network_batch: int | None = 256  # synthetic images in a network step; None: all of S
    sets: int = 5  # condensed sets that a result is taken over
    # stage T
    test_network: str | None = None  # None: the network of stage C, with instance norm where that has batch norm
    test_version: Version | None = None  # of the network of stage T; None: as version
    test_width: int | None = None  # of the network of stage T; None: as width
    networks: int = 20  # fresh networks trained on each set
    epochs: int = 301  # passes over S; the published "300" runs one more
    epochs_augmented: int = 1001  # passes where the augmentation is on
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005
    lr_drop: float = 0.1  # factor on lr after half of the epochs, with momentum starting over; 1: never
    batch: int = 256
    augmentation: Literal["published", "none", "crop_scale_rotate", "crop_noise"] = "published"  # on MNIST only
    test_images: int | None = None  # a fixed choice of the test set; None: all of it
    whole_networks: int = 5  # networks trained on the whole dataset, for comparison; the paper names no number
    whole_epochs: int = 100  # passes over it; the paper names no number

    def __post_init__(self) -> None:
        hints = get_type_hints(Recipe)
        for field in fields(self):
            _check(field.name, getattr(self, field.name), hints[field.name])
            if hints[field.name] is float:  # 0 and 0.0 are one choice, and must have one name
                object.__setattr__(self, field.name, float(getattr(self, field.name)))

    @classmethod
    def published(cls, ipc: int = 1, budget: str = "full", network: str = "ConvNet") -> "Recipe":
        """The published code's choices (its newest version) for ``ipc`` images per class.

        network: one of Table 2's six; VGG11 and ResNet18 are condensed with batch norm, as published.
        """
        matching_steps, network_steps = loops(ipc)
        return cls(
            ipc=ipc,
            protocol="published",
            network={"VGG11": "VGG11BN", "ResNet18": "ResNet18BN_AP"}.get(network, network),
            matching_steps=matching_steps,
            network_steps=network_steps,
            image_lr=0.01 if network == "MLP" else 0.1,  # named in the published readme only
        )._reduced(budget)

    @classmethod
    def report(cls, ipc: int = 1, budget: str = "full", network: str = "ConvNet") -> "Recipe":
        """The report's choices, those it does not mention included: everything its notebook does."""
        return cls(
            ipc=ipc,
            protocol="report",
            network=network,
            version="original",
            normalisation="report",
            image_momentum=0.0,
            matching_steps=ipc,
            network_steps=loops(ipc)[1],
            network_batch=None,
            sets=1,
            epochs=300,
            epochs_augmented=300,
            momentum=0.0,
            weight_decay=0.0,
            lr_drop=1.0,
            augmentation="none",
        )._reduced(budget)

    def _reduced(self, budget: str) -> "Recipe":
        amounts = dict(BUDGETS.get(budget, {}))  # an unknown budget is refused below, as any field's value is
        if "iterations" in amounts:
            # Named for T = 1 and η_S = 0.1: T matching steps do T times the work of one, and small ones go less far.
            steps = min(self.iterations, round(amounts["iterations"] * 0.1 / self.image_lr))
            amounts["iterations"] = max(5, steps // self.matching_steps)
        return replace(self, **amounts, budget=budget)  # type: ignore[arg-type]

    def but(self, **changes: Any) -> "Recipe":
        """This recipe with some fields changed; ``name`` tells which."""
        unknown = sorted(set(changes) - {f.name for f in fields(self)})
        if unknown:
            raise ValueError(f"a recipe has no field {unknown[0]!r}: it has {', '.join(f.name for f in fields(self))}")
        if not {"protocol", "budget"}.isdisjoint(changes):
            raise ValueError("protocol and budget are chosen by Recipe.published or Recipe.report, not changed")
        return replace(self, **changes)

    @property
    def name(self) -> str:
        """Protocol and budget, and every field that differs from what these two fill in."""
        fill = Recipe.report if self.protocol == "report" else Recipe.published
        plain = asdict(fill(self.ipc, self.budget, self.network))
        changes = [f"{k}={v}" for k, v in asdict(self).items() if plain[k] != v]
        return f"{self.protocol}, {self.budget} budget" + (f", with {', '.join(changes)}" if changes else "")

    @property
    def tested_with(self) -> str:
        """The network of stage T."""
        return self.test_network or self.network.removesuffix("_AP").removesuffix("BN")

    @property
    def test_build(self) -> tuple[str, str]:
        """Name and version of the network of stage T."""
        return self.tested_with, self.test_version or self.version

    @property
    def tested(self) -> "Recipe":
        """This recipe with the network of stage T in the place of stage C's."""
        name, version = self.test_build
        return self.but(network=name, version=version, width=self.test_width or self.width)

    @property
    def stage_c(self) -> dict[str, Any]:
        """The choices that decide which images stage C makes. Recipes that share them share their condensed sets.

        A network that is matched once and not trained afterwards is never trained: how it would be is left out.
        """
        left_out = set() if self.matching_steps > 1 or self.last_network_update else _NETWORK_TRAINING
        return self._chosen(_STAGE_C - left_out) | {"version": _version(self.network, self.version)}

    @property
    def stage_t(self) -> dict[str, Any]:
        """The choices that decide what stage T measures, with the network's name and version written out."""
        name, version = self.test_build
        network = {"test_network": name, "test_version": _version(name, version), "width": self.tested.width}
        return self._chosen(_STAGE_T) | network

    def _chosen(self, names: set[str]) -> dict[str, Any]:
        # float32 goes unnamed: results from before there was a choice keep their names.
        left_out = {"precision"} if self.precision == "float32" else set()
        return {k: v for k, v in asdict(self).items() if k in names - left_out}


def loops(ipc: int) -> tuple[int, int]:
    """T and ς_θ for ``ipc`` images per class: the published table, and for other numbers what it suggests.

    That is T = ipc up to 50, and about 500 network steps in all, at most 50 at a time. Above 50 the authors advise
    (50, 10), which this gives.
    """
    _check("ipc", ipc, int)
    steps = min(ipc, 50)
    return LOOPS.get(ipc, (steps, min(50, 500 // steps)))


_FIELDS = [f.name for f in fields(Recipe)]
_STAGE_C = {*_FIELDS[: _FIELDS.index("sets")]} - {"protocol", "budget"}
_STAGE_T = {*_FIELDS[_FIELDS.index("test_network") :], "normalisation", "precision"} - {"test_width"}
_NETWORK_TRAINING = {"network_steps", "network_lr", "network_momentum", "network_batch"}


def _version(network: str, version: str) -> str:
    """The version of a network; "published" where the other one is the same."""
    versions = NETWORKS.get(network, {})
    return "published" if versions.get(version) is versions.get("published") else version


_LARGEST = 1e38  # of float32, the images' type, nearly
_ZERO_ALLOWED = {"image_momentum", "network_momentum", "network_steps", "momentum", "weight_decay"}


def _check(name: str, value: Any, hint: Any) -> None:
    """Raise ValueError unless ``value`` suits the type of the field and, where it is a number, is in range."""
    options = get_args(hint)
    if get_origin(hint) is Literal:
        if value not in options:
            raise ValueError(f"unknown {name} {value!r}: expected one of {', '.join(options)}")
        return
    if value is None and type(None) in options:
        return
    kind = next((o for o in options if o is not type(None)), hint)
    if get_origin(kind) is Literal:
        return _check(name, value, kind)
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{name} {value!r}: expected {'a number' if kind is float else kind.__name__}")
    if kind in (int, float) and not (0 < value < _LARGEST or (value == 0 and name in _ZERO_ALLOWED)):
        low = "0 or more" if name in _ZERO_ALLOWED else "more than 0"
        raise ValueError(f"{name} {value!r}: expected {low}, and less than {_LARGEST:g}")
