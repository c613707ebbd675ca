"""What a matching step costs as it grows: more images per class, a larger real batch, a wider network."""

from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import timing
from benchmarks.cases import Case
from dckit.show import BLUE, Picture, kits_style, picture

SWEEPS = {  # field of the recipe: its values, the others as published at one image per class, but 32 real images
    "ipc": (1, 2, 5, 10, 20, 50),
    "real_batch": (8, 32, 64, 128, 256),
    "width": (16, 32, 64, 128, 256),
}
NAMES = {"ipc": "images per class", "real_batch": "real images of a class", "width": "width of the ConvNet"}


def sweep(device: str, rounds: int) -> dict[str, list[tuple[int, float]]]:
    """Seconds of a matching step for one class, MNIST's shape, float32, at each value of each field."""
    found: dict[str, list[tuple[int, float]]] = {}
    for field, values in SWEEPS.items():
        for value in values:
            amounts = {"real_batch": 32} | ({} if field == "ipc" else {field: value})
            case = Case("matching step, a class", ipc=value if field == "ipc" else 1, amounts=tuple(amounts.items()))
            seconds = timing.seconds(case, ("float32",), device, rounds)["float32"]
            found.setdefault(field, []).append((value, median(seconds) / case.units))
    return found


@kits_style
def draw(found: dict[str, list[tuple[int, float]]], machine: str) -> Picture:
    """A panel a field, both axes logarithmic."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, len(found), sharey=True))
    for ax, (field, points) in zip(axes, found.items(), strict=True):
        x, y = zip(*points, strict=True)
        ax.plot(x, [1000 * seconds for seconds in y], "o-", color=BLUE)
        ax.set(xscale="log", yscale="log", xlabel=NAMES[field])
        ax.set_xticks(x, [str(value) for value in x])
        ax.minorticks_off()
        ax.grid(color="lightgrey", lw=0.5)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("ms of a matching step, a class")
    said = (f"{NAMES[field]}: " + ", ".join(f"{1000 * s:.3g} ms at {v}" for v, s in p) for field, p in found.items())
    return picture(figure, f"Cost of a matching step for one class on {machine}. " + "; ".join(said))
