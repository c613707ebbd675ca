"""Pictures of what is remembered and of how networks are ranked, and tables of both."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..show import BLUE, MARKED, Picture, Table, kits_style, picture
from .choose import Ranked, best_of, rank_correlation
from .compared import BEST, KINDS, Estimate, Memories, Memory, after, beats, gain
from .remember import Remembered

STYLES = dict(zip(KINDS, MARKED, strict=True))
NAMES = {"condensed": "condensed", "herding": "herding", "random": "random", "early": "stopping early"}
NAMES |= {"none": "no memory", "whole": "whole dataset"}
FEW = 8  # networks: with fewer, the same ones drawn again and again make no interval
TICKS = (0, 50, 80, 90, 95, 98, 99, 99.5)  # accuracies in % on a scale that is stretched towards 100 %


@kits_style
def memory_curves(memories: Memories, protocol: str = "replay", ipc: int = 10, guess: float | None = None) -> Picture:
    """Accuracy after each step: of all classes seen so far, and of those of the first step, a line per kind of memory.

    With several orders, points are means and bars 95 % intervals over the orders. ipc: images per class of the memory.
    guess: a learner's, in %, of the first classes after the last step without memory. Raises ValueError where nothing
    was measured under this protocol at this size.
    """
    chosen = {kind: found for kind in KINDS if (found := found_in(memories, Memory(kind, ipc, protocol)))}
    if not chosen:
        raise ValueError(f"nothing was measured with protocol {protocol!r} and {ipc} images per class")
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    said = []
    for ax, first, title in zip(panels, (False, True), ("all classes so far", "the first classes"), strict=True):
        lines = {kind: estimates(found, first) for kind, found in chosen.items()}
        for place, (kind, line) in enumerate(lines.items()):
            aside = 0.0 if math.isnan(line[0].low) else 0.07 * (place - (len(lines) - 1) / 2)
            _draw_line(ax, line, kind, aside)
        _dress(ax, title, len(next(iter(lines.values()))))
        words = "; ".join(f"{NAMES[kind]}: " + ", ".join(map(str, line)) for kind, line in lines.items())
        said.append(f"{title}: {words}")
    if guess is not None:
        panels[1].axhline(guess, color="black", ls=":", lw=1.5)
        panels[1].annotate("your guess", (1, guess), (0, 3), textcoords="offset points")
    panels[0].set_ylabel("test accuracy in %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    alt = f"Test accuracy in % after each step, protocol {protocol}, {ipc} images per class. {'. '.join(said)}"
    return picture(figure, alt + ("" if guess is None else f". Your guess: {guess:g}"))


def found_in(memories: Memories, memory: Memory) -> Sequence[Remembered]:
    """What was measured with this memory, or nothing. No memory has no size, and no protocol but replay."""
    return memories.get(Memory("none", 0) if memory.kind == "none" and memory.protocol == "replay" else memory, ())


def estimates(found: Sequence[Remembered], first: bool) -> list[Estimate]:
    """A mean and its interval for each step."""
    return [Estimate.of(after(found, step, first)) for step in range(len(found[0].seen))]


def _draw_line(ax: Axes, line: Sequence[Estimate], kind: str, aside: float) -> None:
    """A line through the means, with bars where there are intervals, a little aside of those of other kinds."""
    colour, marker, dash = STYLES[kind]
    low, high = zip(*((e.mean - e.low, e.high - e.mean) for e in line), strict=True)
    bars = None if math.isnan(low[0]) else (low, high)
    steps, means = [1 + step + aside for step in range(len(line))], [e.mean for e in line]
    ax.errorbar(steps, means, bars, color=colour, marker=marker, ls=dash, ms=6, capsize=3, label=NAMES[kind])


def _dress(ax: Axes, title: str, steps: int) -> None:
    ax.set(title=title, xlabel="step", xticks=range(1, steps + 1))
    ax.spines[["top", "right"]].set_visible(False)


def gain_table(memories: Memories, note: str = "") -> Table:
    """By how many points the condensed memory remembers more than the others, at the end, with 95 % intervals."""
    rows = []
    for memory in sorted(memories, key=lambda m: (m.protocol != "replay", m.ipc, KINDS.index(m.kind))):
        if memory.kind in ("herding", "random") and memory._replace(kind="condensed") in memories:
            difference = gain(memories, memory)
            verdict = f"{'beats' if beats(difference) else 'does not beat'} {NAMES[memory.kind]}"
            rows.append((memory.protocol, str(memory.ipc), NAMES[memory.kind], str(difference), verdict))
    header = ("protocol", "images per class", "condensed minus", "points after the last step", "the condensed memory")
    return Table(header, tuple(rows), note)


@kits_style
def ranks(ranked: Mapping[str, Ranked]) -> Picture:
    """Each network's accuracy on the whole dataset against that on a set, a panel per way to rank.

    ranked: by the names of `WAYS`, "whole" among them. Filled points are the best third by the whole dataset. Both
    axes are stretched towards 100 %, where the good networks lie. Raises ValueError without "whole" or without others.
    """
    ways, true = _split(ranked)
    best = best_of(true, BEST)
    figure = Figure(figsize=(7.6, 3.5 * math.ceil(len(ways) / 2)), layout="constrained")
    axes = figure.subplots(math.ceil(len(ways) / 2), 2, squeeze=False)
    faces = ((BLUE, f"the best {len(best)}", best), ("white", "the others", set(range(len(true))) - set(best)))
    said = []
    for ax in axes.flat[len(ways) :]:
        ax.axis("off")
    for ax, (way, found) in zip(axes.flat, ways.items(), strict=False):
        for face, label, chosen in faces:
            x, y = ([_stretched(accuracies[i]) for i in chosen] for accuracies in (found.accuracies, true))
            ax.plot(x, y, "o", mfc=face, mec=BLUE, ms=7, label=label)
        places = [_stretched(tick) for tick in TICKS]
        ax.set_xticks(places, [f"{tick:g}" for tick in TICKS])
        ax.set_yticks(places, [f"{tick:g}" for tick in TICKS])
        ax.set(xlim=_reach(found.accuracies), ylim=_reach(true))
        correlation = rank_correlation(found.accuracies, true)[0]
        ax.set(title=f"{NAMES[way]}: rank correlation {correlation:.2f}", xlabel=f"accuracy in %: {NAMES[way]}")
        ax.set_ylabel("accuracy in %: whole dataset")
        ax.spines[["top", "right"]].set_visible(False)
        pairs = ", ".join(f"{a:.1f}/{b:.1f}" for a, b in zip(found.accuracies, true, strict=True))
        said.append(f"{NAMES[way]}: rank correlation {correlation:.2f}, accuracies {pairs}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    alt = f"{len(true)} networks, accuracy in % by a way to rank them and after the slash on the whole dataset. "
    return picture(figure, alt + ". ".join(said))


def _stretched(accuracy: float) -> float:
    """A place on an axis where 90, 99 and 99.9 % lie at equal distances."""
    return -math.log10(100.1 - accuracy)


def _reach(accuracies: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that shows all of these."""
    low, high = _stretched(min(accuracies)), _stretched(max(accuracies))
    margin = 0.08 * (high - low) + 0.02
    return low - margin, high + margin


def rank_table(ranked: Mapping[str, Ranked], made: Mapping[str, float] | None = None, note: str = "") -> Table:
    """For each way: rank correlations with 95 % intervals, the network that it puts first, and the seconds.

    made: seconds that a set took to be condensed or chosen, where they are known. Raises ValueError as `ranks`.
    """
    ways, true = _split(ranked)
    few = len(best_of(true, BEST))
    header = ("ranked by", f"all {len(true)}", f"best {few}", "its first reaches", "seconds")
    rows = []
    for way, found in ways.items():
        first = true[max(range(len(true)), key=lambda i: found.accuracies[i])]
        over = (_correlation(found.accuracies, true, share) for share in (1.0, BEST))
        rows.append((NAMES[way], *over, f"{first:.1f} %", _seconds(way, found, made)))
    rows.append((NAMES["whole"], "1", "1", f"{max(true):.1f} %", _seconds("whole", ranked["whole"], made)))
    said = "Rank correlation with the whole dataset and its 95 % interval, over all networks and over the best third. "
    said += "“Its first reaches”: accuracy, trained on the whole dataset, of the network that is ranked first."
    return Table(header, tuple(rows), f"{said} {note}".strip())


def _split(ranked: Mapping[str, Ranked]) -> tuple[dict[str, Ranked], Sequence[float]]:
    ways = {way: found for way, found in ranked.items() if way != "whole"}
    if "whole" not in ranked or not ways:
        raise ValueError(f"ranked by {', '.join(ranked) or 'nothing'}: expected 'whole' and at least one other way")
    return ways, ranked["whole"].accuracies


def _correlation(found: Sequence[float], true: Sequence[float], best: float) -> str:
    values = rank_correlation(found, true, best)
    if math.isnan(values[0]):
        return "none: all accuracies are equal"
    if len(best_of(true, best)) < FEW:
        return f"{values[0]:.2f}, too few for an interval".replace("-", "−")
    mean, low, high = (f"{value:.2f}" for value in values)
    return f"{mean} ({low} to {high})".replace("-", "−")


def _seconds(way: str, found: Ranked, made: Mapping[str, float] | None) -> str:
    own = (made or {}).get(way, 0.0)
    return f"{found.seconds:.0f}" + (f" and {own:.0f} for the set" if own >= 0.5 else "")
