"""The loops of stage C as one picture: what is repeated, how often, and what each step changes."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .plots import BLUE, GREEN, ORANGE, Picture, kits_style, picture

GREY = "#595959"  # dark enough to read on white


@kits_style
def stage_c(K: int, T: int, steps: int) -> Picture:
    """Draw the nested loops of Algorithm 1, with the paper's letters and the names of the recipe's fields.

    K: networks drawn (`iterations`). T: matching steps with each network (`matching_steps`). steps: ς, the network's
    steps between two matching steps (`network_steps`). With one matching step the network is never trained, so its box
    is dashed. Raises ValueError unless K and T are 1 or more, and steps is 0 or more.
    """
    for name, value, least in (("K", K, 1), ("T", T, 1), ("steps", steps, 0)):
        if value < least:
            raise ValueError(f"{name} {value}: expected {least} or more")
    trained = T > 1 and steps > 0
    figure = Figure(figsize=(6.4, 4.5))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 64), ylim=(0, 45))
    ax.axis("off")
    _box(ax, (1, 6, 62, 33), BLUE, f"↻ K = {K} time{'s' * (K > 1)} (iterations): draw a fresh network θ")
    _box(ax, (4, 8.5, 56, 25.5), ORANGE, f"↻ T = {T} time{'s' * (T > 1)} (matching_steps):")
    _box(ax, (6.5, 11, 24, 17.5), ORANGE, "for each class c:")
    _box(ax, (33.5, 11, 24, 17.5), GREEN if trained else GREY, "then, on all images S:", "-" if trained else "--")
    matching = ["one matching step of", "the images of class c:", "down the distance D,", "step size η_S (image_lr)"]
    training = [f"ς = {steps} step{'s' * (steps != 1)} of the network", "(network_steps), down its"]
    if trained:
        training += ["loss, η_θ (network_lr);", "not after the last round"]
    else:
        training += ["loss: left out here,", "since T = 1" if T == 1 else "since ς = 0"]
    for x, lines in ((18.5, matching), (45.5, training)):
        for i, line in enumerate(lines):
            ax.text(x, 23.2 - 3.1 * i, line, ha="center", va="center", fontsize=10.5)
    ax.annotate("", (33.4, 19), (30.6, 19), arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.8})
    ax.text(32, 42.3, "start: the images S are noise", ha="center", va="center", fontsize=11)
    ax.text(32, 2.6, f"end: the condensed set S, after K · T = {K * T} matching steps", ha="center", fontsize=11)
    for top, end in ((41, 39.2), (5.8, 4.3)):
        ax.annotate("", (32, end), (32, top), arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.8})
    return picture(figure, _words(K, T, steps, trained))


def _box(ax: Axes, place: tuple[float, float, float, float], colour: str, title: str, line: str = "-") -> None:
    """A frame at x, y, width, height, with a title at its top."""
    x, y, width, height = place
    style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=1.2", "fill": False, "lw": 2}
    ax.add_patch(FancyBboxPatch((x, y), width, height, ec=colour, ls=line, **style))
    ax.text(x + 1.3, y + height - 2.5, title, color=colour, va="center", weight="bold", fontsize=11)


def _words(K: int, T: int, steps: int, trained: bool) -> str:
    between = f"then ς = {steps} steps of the network on all images, but not after the last round"
    if not trained:
        between = f"no training of the network between them, since {'T = 1' if T == 1 else 'ς = 0'}"
    times = [f"{n} time{'s' * (n > 1)}" for n in (K, T)]
    return (
        f"Two nested loops. Outer loop, K = {times[0]}: draw a fresh network. Inner loop, T = {times[1]}: for each "
        f"class one matching step of its images down the distance D; {between}. "
        f"The images start as noise, and after {K * T} matching steps they are the condensed set"
    )
