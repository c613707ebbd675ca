"""Memory: how its size and its kind change what a network still knows after each step of new classes."""

from functools import partial

import ipywidgets as ui
from matplotlib.figure import Figure

from ..show import BLUE, ORANGE, Picture, kits_style, picture
from ..uses import KINDS, Memories, Memory, ShippedMemories
from ..uses.figures import NAMES, estimates, found_in
from .panel import STYLE, Panel, slider


@kits_style
def shown(memories: Memories, kind: str, ipc: int) -> Picture:
    """Accuracy after each step with one memory: of all classes so far, and of the first ones; without memory in grey.

    With several orders, points are means and bars 95 % intervals. Raises ValueError for what was not measured.
    """
    found = found_in(memories, Memory(kind, ipc))
    if not found:
        raise ValueError(f"memory {kind!r} with {ipc} images per class was not measured")
    figure = Figure(figsize=(6.8, 3.7), layout="constrained")
    ax = figure.add_subplot()
    steps = range(1, len(found[0].seen) + 1)
    if without := found_in(memories, Memory("none", 0)):
        means = [estimate.mean for estimate in estimates(without, first=True)]
        ax.plot(steps, means, ":", color="grey", lw=2, label="the first classes, no memory")
    said = []
    for first, colour, marker, dash in ((False, BLUE, "o", "-"), (True, ORANGE, "s", "--")):
        line, name = estimates(found, first), "the first classes" if first else "all classes so far"
        bars = [[e.mean - e.low for e in line], [e.high - e.mean for e in line]] if len(found) > 1 else None
        ax.errorbar(steps, [e.mean for e in line], bars, color=colour, marker=marker, ls=dash, capsize=3, label=name)
        said.append(f"{name} {', '.join(map(str, line))}")
    size = "" if kind == "none" else f", {ipc} image{'s' * (ipc > 1)} per class"
    title = f"{NAMES[kind]}{size}"
    ax.set(title=title, xlabel="step", ylabel="test accuracy in %", xticks=steps, ylim=(-4, 104))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return picture(figure, f"Memory: {title}, protocol replay. Accuracy in % after each step: {'; '.join(said)}")


def memory(memories: Memories | None = None) -> Panel:
    """Memory: choose its kind and its size, and see what is remembered after each step of the protocol "replay".

    memories: what was measured; None: what comes with the kit, so that it moves at once.
    """
    measured = ShippedMemories.load().memories if memories is None else memories
    replayed = [m for m in measured if m.protocol == "replay"]
    sizes = sorted({m.ipc for m in replayed if m.kind != "none"})
    kinds = [kind for kind in KINDS if any(m.kind == kind for m in replayed)]

    kind = ui.ToggleButtons(options=[(NAMES[k], k) for k in kinds], value=kinds[0], description="memory", style=STYLE)
    return Panel(partial(shown, measured), kind=kind, ipc=slider("images per class", sizes, sizes[-1]))
