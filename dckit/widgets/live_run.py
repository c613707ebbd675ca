"""A run of stage C: what it will do, and the images as they form."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..data import CondensedSet, ImageData, load, name_of
from ..engine import expanded
from ..method import METRICS, Recipe
from ..results import PRINTED, Run
from ..show import BLUE, Picture, Table, draw_grid, kits_style, picture
from .panel import Panel, choice, slider

ROWS = 5  # of a set, shown while it forms
PLAYED = 7  # states of a recorded run, on a page without a kernel


@kits_style
def shown(condensed: CondensedSet) -> Picture:
    """A run of stage C as it stands: the images, the distance of each iteration so far, and the time of one."""
    card, classes = condensed.card, condensed.card["classes"]
    losses, of = card["losses"], Recipe.read(card["recipe"]).condensing.iterations
    shown = condensed.rows[: ROWS * len(classes)]
    rows = len(shown) // len(classes)
    figure = Figure(figsize=(9, 2.6 + rows), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(rows, 2.2))
    draw_grid(above, shown, len(classes), classes)
    below.plot(range(1, len(losses) + 1), losses, color=BLUE, lw=1.2)
    below.set(xlim=(0, of), xlabel="iteration", ylabel="mean distance of a class")
    below.spines[["top", "right"]].set_visible(False)
    said = f"iteration {card['iteration']} of {of}"
    if losses:
        said += f", distance {losses[-1]:.3g}, {card['seconds'] / len(losses):.2g} s per iteration"
    figure.suptitle(said)
    return picture(figure, f"{card['dataset']}, {said}; first distance {losses[0]:.3g}" if losses else said)


def plan(recipe: Recipe, kept: str | Path) -> tuple[Picture | Table, ...]:
    """What a run of stage C will do, beside the published choices, and how far it is, if ``kept`` holds it."""
    chosen, published = recipe.condensing, recipe.filled("published").condensing
    names = {
        "image_lr": "η_S, step of the images",
        "image_momentum": "momentum of the images",
        "network_lr": "η_θ, step of the network",
        "init": "start",
        "metric": "distance",
        "iterations": "K, networks drawn",
    }
    rows = tuple((text, str(getattr(chosen, name)), str(getattr(published, name))) for name, text in names.items())
    note = "Run the next cell: it begins, or continues where it stopped."
    pictures: tuple[Picture, ...] = ()
    if expanded(kept).exists():
        condensed = CondensedSet.load(kept)
        done, of = condensed.card["iteration"], chosen.iterations
        note = "Finished." if done == of else f"Stopped at iteration {done} of {of}: run the next cell to continue."
        pictures = (shown(condensed),)
    if chosen.matching_steps == 1:
        note += " With one image per class no network is trained, so η_θ changes nothing."
    return *pictures, Table((f"{recipe.ipc} per class, {recipe.budget} budget", "chosen", "published"), rows, note)


def recording(sets: Sequence[CondensedSet]) -> str:
    """A recorded run as tags that need no kernel: a slider over its iterations, which begins with the last.

    sets: of a run of stage C, in the order of their iterations. At most `PLAYED` of them are shown, evenly spaced.
    """
    steps = min(PLAYED, len(sets)) - 1
    kept = [sets[round(i * (len(sets) - 1) / steps)] for i in range(steps)] + [sets[-1]]
    by_iteration = {condensed.card["iteration"]: condensed for condensed in kept}
    iteration = slider("iteration", by_iteration, kept[-1].card["iteration"])
    return Panel(lambda iteration: shown(by_iteration[iteration]), iteration=iteration).played


class Live(Panel):
    """Choices for a run of stage C, and how far that run is; the next cell runs it, from `real`, `recipe` and `file`.

    It has no buttons that start and stop: while a cell works the kernel hears no click, so they would be dead. What
    stops a cell is the kernel's own interrupt; its file keeps the last state, and running the cell again goes on.

    recorded: the sets of a run, in the order of their iterations. A page without a kernel shows them in place of a new
    run.
    """

    def __init__(
        self,
        dataset: str,
        recipe: Recipe,
        seed: int = 0,
        outputs: str | Path = "outputs",
        download: bool = False,
        recorded: Sequence[CondensedSet] = (),
    ) -> None:
        self._network, self._budget = recipe.testing.network, recipe.budget
        choices, self._recorded = recipe.condensing, recorded
        self._seed, self._outputs, self._download = seed, outputs, download
        super().__init__(
            lambda **_: plan(self.recipe, self.file),
            {},
            dataset=choice("dataset", dict.fromkeys((dataset, "digits", *PRINTED)), dataset),
            ipc=choice("images per class", sorted({1, 2, 5, 10, recipe.ipc}), recipe.ipc),
            image_lr=choice("η_S", sorted({0.01, 0.03, 0.1, 0.3, 1.0, choices.image_lr}), choices.image_lr),
            network_lr=choice("η_θ", sorted({0.001, 0.01, 0.1, choices.network_lr}), choices.network_lr),
            image_momentum=choice("momentum", sorted({0.0, 0.5, 0.9, choices.image_momentum}), choices.image_momentum),
            init=choice("start", ("noise", "real"), choices.init),
            metric=choice("metric", METRICS, choices.metric),
        )

    @property
    def played(self) -> str:
        """The panel as tags that need no kernel: its plan, or else the recorded run, whose iterations can be chosen."""
        if not self._recorded:
            return super().played
        said = "Condensing live needs a running kernel. Here is a recorded run: choose an iteration."
        return f"<p>{said}</p>{recording(self._recorded)}"

    @property
    def recipe(self) -> Recipe:
        """The published recipe with the choices made."""
        values = self.values
        del values["dataset"]
        return Recipe.published(values.pop("ipc"), self._budget, self._network).but(**values)

    @property
    def real(self) -> ImageData:
        """The dataset chosen, loaded. Raises what `load` raises."""
        return load(self.values["dataset"], download=self._download)

    @property
    def file(self) -> Path:
        """Where the run keeps its state: one file for each choice, so that each goes on by itself."""
        run = Run(name_of(self.values["dataset"]), "dc", self.recipe, self._seed)
        return run.set_file(self._outputs)
