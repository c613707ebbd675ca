"""The choices of stage T: how networks are trained on a set, and on what they are tested."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .choices import Choices


@dataclass(frozen=True)
class Testing(Choices):
    """The choices of stage T; the defaults are those of the published code."""

    networks: int = 20  # fresh networks trained on each set
    epochs: int = 301  # passes over S; the published code says 300, but does one more
    epochs_augmented: int = 1001  # passes with augmentation
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005
    lr_drop: float = 0.1  # factor on lr after half of the epochs, when momentum restarts at 0; 1: no drop
    batch: int = 256
    augmentation: Literal["published", "none", "crop_scale_rotate", "crop_noise", "dsa", "dsa_without_flip"] = (
        "published"  # that of DC, on MNIST only
    )
    test_images: int | None = None  # how many, always the same ones; None: all
    whole_networks: int = 5  # networks trained on the whole dataset, for comparison; the paper gives no number
    whole_epochs: int = 100  # passes over the whole dataset; the paper gives no number

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(networks=3, test_images=2000, whole_networks=1, whole_epochs=3),
        "smoke": dict(
            **dict(width=32, networks=6, epochs_augmented=101, test_images=400),
            **dict(whole_networks=1, whole_epochs=5),
        ),
    }

    @property
    def of_teacher(self) -> dict[str, Any]:
        """The decisive fields for the training of one network on the whole dataset."""
        unused = {"networks", "epochs", "epochs_augmented", "augmentation", "test_images", "whole_networks"}
        return {name: value for name, value in self.decisive.items() if name not in unused}

    @classmethod
    def published(cls, budget: str, network: str) -> "Testing":
        """The choices of the published code for this network, with the amounts of a budget."""
        return cls(network=network, **cls.AMOUNTS[budget])

    @classmethod
    def report(cls, budget: str, network: str) -> "Testing":
        """The choices of the report's code, which trains by plain gradient descent."""
        plain = dict(epochs=300, epochs_augmented=300, momentum=0.0, weight_decay=0.0, lr_drop=1.0)
        built: dict[str, Any] = dict(network=network, version="report", normalisation="report", augmentation="none")
        return cls(**plain | built | cls.AMOUNTS[budget])
