"""Accuracy against what condensing costs: which choices are worth their time.

python -m benchmarks.frontier      measure what has no result yet (hours for all of it on two cores), write the page
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.page import PAGE, fill
from benchmarks.points import RESULTS, SECONDS, WAYS, Point, frontier, panels, points, results, seconds_of, work
from dckit import Recipe, load
from dckit.engine import write_json
from dckit.method import DC, strategy
from dckit.results import PRINTED, printed, read_all
from dckit.show import BLUE, ORANGE, Picture, Table, kits_style, picture
from dckit.show.plots import GREEN

LESSON = Recipe.published(1, "lesson").but(precision="bfloat16")
TICKS = (5, 10, 20, 50, 100, 200, 400)
STARTS = {  # how images start, and η_S: as what they are drawn
    **{("noise", 0.1): ("o", BLUE), ("noise", 0.3): ("o", ORANGE)},
    **{("real", 0.1): ("^", BLUE), ("real", 0.3): ("^", ORANGE), ("real", 1.0): ("^", GREEN)},
}


def write_page(every: Sequence[Point], page: Path = PAGE) -> None:
    """Draw and write what was measured."""
    for ipc in (1, 10):
        drawn = draw({panel: of for panel, of in panels(every).items() if panel[1] == ipc})
        drawn.save(page.with_name(f"frontier-{ipc}.png"))
        fill(page, f"frontier {ipc}", f"![{drawn.alt}](frontier-{ipc}.png)")
    fill(page, "frontier table", table(every).markdown)


@kits_style
def draw(of: Mapping[tuple[str, int], Sequence[Point]]) -> Picture:
    """A panel for each dataset and size: accuracy over seconds, a line along the frontier, and where `lesson` is."""
    figure = Figure(figsize=(4 * len(of), 4), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, len(of), squeeze=False)[0])
    starts = {p.started for found in of.values() for p in found}
    said = []
    for ax, ((dataset, ipc), found) in zip(axes, of.items(), strict=True):
        for start in (start for start in STARTS if start in starts):
            _draw_points(
                ax,
                start,
                [p for p in found if p.started == start],
            )
        best = frontier(found)
        ax.plot([p.seconds for p in best], [p.mean for p in best], color="grey", lw=1, zorder=0)
        for lesson in (p for p in found if replace(p.run.recipe, testing=LESSON.testing) == LESSON):
            ax.annotate("lesson", (lesson.seconds, lesson.mean), (4, -12), textcoords="offset points", fontsize=8)
        if paper := printed("paper", "table1", dataset, ipc=ipc, method="dc"):
            ax.axhline(paper.mean, color="black", lw=0.8, ls=":")
            ax.annotate(f"paper, {paper.mean:g} %", (0.02, paper.mean), xycoords=("axes fraction", "data"), va="bottom")
        ax.set(xscale="log", xlabel="seconds of condensing", title=f"{PRINTED[dataset]}, {ipc} per class")
        shown = [tick for tick in TICKS if 0.8 * found[0].seconds < tick < 1.3 * found[-1].seconds]
        ax.set_xticks(shown, [str(tick) for tick in shown])
        ax.minorticks_off()
        ax.grid(color="lightgrey", lw=0.5)
        ax.spines[["top", "right"]].set_visible(False)
        path = ", ".join(f"{p.mean:.1f} % after {p.seconds:.0f} s" for p in best)
        said.append(f"{PRINTED[dataset]}, images per class: {ipc}, best: {path}")
    axes[0].set_ylabel("test accuracy, %")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(STARTS), fontsize=8)
    return picture(figure, "Accuracy over seconds of condensing. " + "; ".join(said) + ".")


def _draw_points(ax: Axes, start: tuple[str, float], mine: Sequence[Point]) -> None:
    marker, colour = STARTS[start]
    label = f"{'real images' if start[0] == 'real' else 'noise'}, η_S {start[1]:g}"
    for trained in (False, True):
        found = [p for p in mine if (p.run.recipe.condensing.matching_steps > 1) == trained]
        ax.errorbar(
            *([p.seconds for p in found], [p.mean for p in found], [p.spread for p in found]),
            fmt=marker,
            color=colour,
            markersize=5,
            mfc="white" if trained else colour,
            label=None if trained else label,
        )


def table(of: Iterable[Point]) -> Table:
    """Every point: what was chosen, what it cost, what it reached."""
    header = (
        *("images", "ipc", "start, rate", "real", "width", "T, ς_θ, η_θ"),
        *("iterations", "epochs of stage T", "precision", "condensing", "accuracy", "sets × networks"),
    )
    rows = []
    for point in of:
        recipe, its, test = point.run.recipe, point.run.recipe.condensing, point.run.recipe.testing
        augmented = strategy(test.augmentation, point.run.dataset) != "none"
        spread = f" ± {point.spread:.1f}" if point.spread else ""
        rows.append(
            (
                *(PRINTED[point.run.dataset], str(recipe.ipc), point.start, str(its.real_batch), str(its.width)),
                _training(its),
                *(str(its.iterations), str(test.epochs_augmented if augmented else test.epochs), its.precision),
                *(f"{point.seconds:.0f} s", f"{point.mean:.1f}{spread} %"),
                f"{len(point.accuracies)} × {test.networks}",
            )
        )
    note = "Accuracy: mean and standard deviation over sets, each the mean of its networks on the whole test set."
    return Table(header, tuple(rows), note)


def _training(choices: DC) -> str:
    between = f"{choices.network_steps}, {choices.network_lr:g}" if choices.matching_steps > 1 else "–"
    return f"{choices.matching_steps}, {between}"


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
