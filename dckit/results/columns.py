"""The two columns of Table 2 that stay near chance in the report, with single parts of their networks replaced.

A column of Table 2 is a network that is trained on the images. The rows here are versions of this network. All of them
are trained on the same condensed images, those of the report's recipe.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..show import MARKED, Picture, Table, kits_style, new_axes, picture
from .figures import Cells
from .measured import Cell, Measured, theirs_of

# How stage T trains: what `protocol_recipe` reads after "report".
TRAININGS = {
    "report": "",
    "+ optimiser": " + optimiser",
    "published": " + optimiser + augmentation + epochs",
}
# Versions of a network, in the same form.
LENETS = {
    "as the report built it": "",
    "ReLU for sigmoid": " + testing.version=report with ReLU",
    "as published": " + networks",
}
ALEXNETS = {
    "as the report built it": "",
    "without softmax": " + testing.version=report without softmax",
    "without dropout": " + testing.version=report without dropout",
    "without both": " + testing.version=report without softmax and dropout",
    "as published": " + networks",
}
AXES = ("network", "training (stage T)")
HELPS = 20.0  # points of test accuracy: by so much more, a network that was near chance has learned something


def protocol_of(versions: Mapping[str, str], version: str, training: str) -> str:
    """The report's recipe with this version of a network and this training, in words for `protocol_recipe`."""
    return f"report{versions[version]}{TRAININGS[training]}"


def column(measured: Measured, versions: Mapping[str, str], network: str, budget: str = "lesson") -> Cells:
    """The accuracy of each version of a network with each training, as far as they were measured.

    All are trained on the report's images of MNIST, 1 per class. versions: `LENETS` or `ALEXNETS`. network: "LeNet" or
    "AlexNet". Returns samples by (version, training).
    """
    cell, pairs = Cell("mnist", 1, "dc", "ConvNet", network), product(versions, TRAININGS)
    found = {pair: measured.sample(cell, protocol_of(versions, *pair), budget) for pair in pairs}
    return {pair: sample for pair, sample in found.items() if sample}


def best(cells: Cells, version: str) -> float:
    """The highest mean accuracy in % that a version reaches with any training."""
    return max(sample.mean for (of, _), sample in cells.items() if of == version)


def culprit(start: float, mended: Mapping[str, float]) -> str:
    """Which of two faults causes a low accuracy: the one whose removal alone raises it by more than 20 points.

    start: the accuracy in % with both faults. mended: for each fault, the accuracy without this fault alone. Returns
    the name of the fault, "both" if removing either one raises the accuracy, or "together" if removing one is not
    enough.
    """
    helped = [name for name, accuracy in mended.items() if accuracy > start + HELPS]
    return helped[0] if len(helped) == 1 else "both" if helped else "together"


def slopes(network: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """The norm of the gradient with respect to the weights of each convolution and linear layer, first layer first.

    The gradient is that of the mean cross-entropy of all ``images``. Raises ValueError for a network without such
    layers.
    """
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    if not weights:
        raise ValueError("the network has no convolution and no linear layer")
    gradients = torch.autograd.grad(F.cross_entropy(network(images), labels), weights)
    return {f"layer {n}": float(gradient.norm()) for n, gradient in enumerate(gradients, 1)}


@kits_style
def draw_slopes(networks: Mapping[str, Mapping[str, float]]) -> Picture:
    """Draw the results of `slopes` for several networks as lines over the layers, on a logarithmic scale."""
    figure, ax = new_axes()
    for (name, layers), (colour, marker, dash) in zip(networks.items(), MARKED, strict=False):
        ax.plot(list(layers), list(layers.values()), dash, marker=marker, color=colour, label=name)
    ax.set(yscale="log", ylabel="length of the gradient")
    ax.yaxis.set_major_formatter("{x:g}")  # powers of ten in plain digits, since the kit's style draws no formulas
    figure.legend(loc="outside upper left", ncols=len(networks), frameon=False)
    said = (
        f"{name}: " + ", ".join(f"{layer} {slope:.2g}" for layer, slope in layers.items())
        for name, layers in networks.items()
    )
    return picture(figure, "Length of the gradient in each layer. " + "; ".join(said))


def beside(
    measured: Measured, networks: Sequence[str], yours: Mapping[tuple[str, str], str], dataset: str = "digits"
) -> Table:
    """Accuracies on ConvNet's images of MNIST, 1 per class, by both recipes: paper, report, this kit and you.

    networks: the networks trained on the images, two rows each. yours: your accuracies as texts, by (network, "report"
    or "published"). dataset: the dataset of your accuracies.
    """
    rows = []
    for network, protocol in product(networks, ("report", "published")):
        cell, kit = Cell("mnist", 1, "dc", "ConvNet", network), "not measured yet"
        paper = "–" if protocol == "report" else str(theirs_of("paper", "table2", cell) or "–")
        report = str(theirs_of("report", "table2", cell) or "–") if protocol == "report" else "–"
        for budget in ("smoke", "lesson", "full"):  # the largest one that was measured stays
            if sample := measured.sample(cell, protocol, budget):
                kit = f"{sample} ({budget}, {sample.sets} × {sample.networks})"
        rows.append((network, protocol, paper, report, kit, yours.get((network, protocol), "")))
    return Table(("trained", "recipe", "paper", "report", "this kit, MNIST", f"you, {dataset}"), tuple(rows))
