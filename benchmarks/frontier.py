"""Accuracy against what condensing costs: which choices are worth their time.

python -m benchmarks.frontier      measure what has no result yet (hours for all of it on two cores), write the page
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.page import PAGE, fill
from benchmarks.points import RESULTS, SECONDS, WAYS, Point, frontier, panels, points, results, seconds_of, work
from dckit import load
from dckit.augment import strategy
from dckit.compare import PRINTED, printed
from dckit.files import write_json
from dckit.plots import MARKED, Picture, picture
from dckit.results import read_all
from dckit.tables import Table

STARTS = ("noise, η_S 0.1", "noise, η_S 0.3", "real images, η_S 0.3", "real images, η_S 1")


def write_page(every: Sequence[Point], page: Path = PAGE) -> None:
    """Draw and write what was measured."""
    drawn = draw(panels(every))
    drawn.save(page.with_name("frontier.png"))
    fill(page, "frontier", f"![{drawn.alt}](frontier.png)")
    fill(page, "frontier table", table(every).markdown)


def draw(of: Mapping[tuple[str, int], Sequence[Point]]) -> Picture:
    """A panel for each dataset and number of images: accuracy over seconds, and a line along the frontier."""
    figure = Figure(figsize=(4.4 * len(of), 3.6), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, len(of), squeeze=False)[0])
    said = []
    for ax, ((dataset, ipc), found) in zip(axes, of.items(), strict=True):
        for start, (colour, marker, _) in zip(STARTS, MARKED, strict=True):
            mine = [p for p in found if p.start == start]
            ax.errorbar(
                [p.seconds for p in mine],
                [p.mean for p in mine],
                yerr=[p.spread for p in mine],
                fmt=marker,
                color=colour,
                markersize=5,
                label=start,
            )
        best = frontier(found)
        ax.plot([p.seconds for p in best], [p.mean for p in best], color="grey", lw=1, zorder=0)
        paper = printed("paper", "table1", dataset, ipc=ipc, method="dc")
        if paper:
            ax.axhline(paper.mean, color="black", lw=0.8, ls=":")
            ax.annotate(f"paper, {paper.mean:g} %", (0.02, paper.mean), xycoords=("axes fraction", "data"), va="bottom")
        ax.set(
            xscale="log",
            xlabel="seconds of condensing",
            title=f"{PRINTED[dataset]}, {ipc} image{'s' * (ipc > 1)}/class",
        )
        ax.grid(color="lightgrey", lw=0.5)
        ax.spines[["top", "right"]].set_visible(False)
        path = ", ".join(f"{p.mean:.1f} % after {p.seconds:.0f} s" for p in best)
        said.append(f"{PRINTED[dataset]}, {ipc} images per class, best: {path}")
    axes[0].set_ylabel("test accuracy, %")
    axes[-1].legend(fontsize=8, loc="lower right")
    return picture(figure, "Accuracy over seconds of condensing. " + "; ".join(said) + ".")


def table(of: Iterable[Point]) -> Table:
    """Every point: what was chosen, what it cost, what it reached."""
    header = ("images", "ipc", "start, rate", "real", "width", "T, ς_θ", "iterations", "epochs of stage T", "precision")
    rows = []
    for point in of:
        recipe, epochs = point.run.recipe, strategy(point.run.recipe.augmentation, point.run.dataset) != "none"
        spread = f" ± {point.spread:.1f}" if point.spread else ""
        rows.append(
            (
                *(PRINTED[point.run.dataset], str(recipe.ipc), point.start, str(recipe.real_batch), str(recipe.width)),
                f"{recipe.matching_steps}, {recipe.network_steps if recipe.matching_steps > 1 else '–'}",
                *(str(recipe.iterations), str(recipe.epochs_augmented if epochs else recipe.epochs), recipe.precision),
                *(f"{point.seconds:.0f} s", f"{point.mean:.1f}{spread} %", str(len(point.accuracies))),
            )
        )
    note = "Accuracy: mean and standard deviation over sets, each the mean of 3 networks on the whole test set."
    return Table((*header, "condensing", "accuracy", "sets"), tuple(rows), note)


def main() -> None:
    """Measure what is missing, and write the page."""
    for way in WAYS:
        for seed in range(way.sets):
            for result in results(way, load(way.dataset), seed, RESULTS):
                print(result.run.name, result.scores, flush=True)
    found, skipped = read_all(RESULTS)
    print(*skipped, sep="\n", file=sys.stderr)
    seconds = json.loads(SECONDS.read_text(encoding="utf-8")) if SECONDS.exists() else {}
    for run in (result.run for result in found):
        if work(run) not in seconds:
            seconds[work(run)] = round(seconds_of(run.recipe, run.dataset), 4)
            write_json(SECONDS, seconds)
    write_page(points(found, seconds))


if __name__ == "__main__":
    main()
