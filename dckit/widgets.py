"""Widgets: controls over the plain functions that draw, with ipywidgets' own controls alone, which Colab has too."""

import html
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as ui

from . import lab, views
from .compare import PRINTED
from .data import ImageData, load, name_of
from .matching import METRICS
from .plots import Picture
from .recipes import Recipe
from .results import Result
from .runs import Run
from .tables import Table
from .three_columns import NETWORKS, networks_of, setting

Shown = Picture | Table | Sequence[Picture | Table]
_VIEW = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Controls, and below them what ``draw`` makes of their values; drawn anew whenever one of them changes.

    Where no front end listens, as under papermill or on an exported page, it is what was drawn first, and no controls.
    Raises what ``draw`` raises for the first values; later errors stand in the panel, as a sentence.
    """

    def __init__(self, draw: Callable[..., Shown], **controls: Any) -> None:
        self.controls = controls
        self._draw = draw
        self._shown = ui.HTML(_html(draw(**self.values)))
        row = ui.Box(list(controls.values()), layout=ui.Layout(flex_flow="row wrap"))  # wraps on a narrow screen
        self._box = ui.VBox([row, self._shown])
        for control in controls.values():
            control.observe(self._redraw, "value")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def html(self) -> str:
        """What is shown now."""
        return str(self._shown.value)

    def _redraw(self, change: object) -> None:
        # Changes come one after another, and each one draws the values of all controls: the last one has the last word.
        try:
            self._shown.value = _html(self._draw(**self.values))
        except Exception as error:  # else it ends in a log that nobody reads
            sentence = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
            self._shown.value = f'<p role="alert"><b>This does not work:</b> {html.escape(sentence)}</p>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        # A front end shows the richest that it can: the widget, or else the picture. Never both.
        view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
        return {_VIEW: view, "text/html": self.html, "text/plain": f"controls: {', '.join(self.controls)}"}


def _html(shown: Shown) -> str:
    parts = [shown] if isinstance(shown, Picture | Table) else shown
    tags = "".join(part.html for part in parts)
    return f'<div class="jp-RenderedHTMLCommon" style="overflow-x: auto">{tags}</div>'  # JupyterLab's look of tables


def _choice(description: str, options: Iterable[Any], value: Any) -> ui.Dropdown:
    return ui.Dropdown(options=list(options), value=value, description=description, style=_style())


def _style() -> dict[str, str]:
    return {"description_width": "initial"}


def _classes(real: ImageData) -> list[tuple[str, int]]:
    return [(name, label) for label, name in enumerate(real.classes)]


def distance(real: ImageData, label: int = 0, seed: int = 0) -> Panel:
    """Distance lab: fade noise into a real image, see two gradients layer by layer, and how far apart they are."""

    def draw(**values: Any) -> Picture:
        return lab.distance(real, seed=seed, **values)

    blend = ui.FloatSlider(
        value=0.5, min=0.0, max=1.0, step=0.05, description="blend", continuous_update=False, style=_style()
    )
    network, metric = _choice("network", NETWORKS, "ConvNet"), _choice("metric", METRICS, "layerwise")
    return Panel(draw, blend=blend, network=network, metric=metric, label=_choice("class", _classes(real), label))


class Live(Panel):
    """Choices for a run of stage C, and how far that run is; the next cell runs it, from `real`, `recipe` and `file`.

    It has no buttons that start and stop: while a cell works the kernel hears no click, so they would be dead. What
    stops a cell is the kernel's own interrupt; its file keeps the last state, and running the cell again goes on.
    """

    def __init__(
        self, dataset: str, recipe: Recipe, seed: int = 0, outputs: str | Path = "outputs", download: bool = False
    ) -> None:
        self._network, self._budget = recipe.testing.network, recipe.budget
        choices = recipe.condensing
        self._seed, self._outputs, self._download = seed, outputs, download
        super().__init__(
            lambda **_: views.plan(self.recipe, self.file),
            dataset=_choice("dataset", dict.fromkeys((dataset, "digits", *PRINTED)), dataset),
            ipc=_choice("images per class", sorted({1, 2, 5, 10, recipe.ipc}), recipe.ipc),
            image_lr=_choice("η_S", sorted({0.01, 0.03, 0.1, 0.3, 1.0, choices.image_lr}), choices.image_lr),
            network_lr=_choice("η_θ", sorted({0.001, 0.01, 0.1, choices.network_lr}), choices.network_lr),
            image_momentum=_choice("momentum", sorted({0.0, 0.5, 0.9, choices.image_momentum}), choices.image_momentum),
            init=_choice("start", ("noise", "real"), choices.init),
            metric=_choice("metric", METRICS, choices.metric),
        )

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


def explore(real: ImageData, runs: views.Runs) -> Panel:
    """Set explorer: scrub through the iterations of runs, see an image's nearest real ones, set two runs side by side.

    runs: a list of sets for each name, such as ``[s.condensed for s in condense(…)]``.
    """

    def draw(run: str, beside: str, **values: Any) -> Picture:
        return views.explore(real, runs, [run] if beside in ("", run) else [run, beside], **values)

    first = next(iter(runs))
    iterations = sorted({s.card.get("iteration", 0) for sets in runs.values() for s in sets})
    controls: dict[str, ui.Widget] = {
        "run": _choice("set", runs, first),
        "beside": _choice("beside it", [("nothing", ""), *((name, name) for name in runs)], ""),
        "iteration": ui.SelectionSlider(
            options=iterations,
            value=iterations[-1],
            description="iteration",
            continuous_update=False,
            style=_style(),
        ),
        "label": ui.ToggleButtons(
            options=_classes(real), value=0, description="class", style=_style() | {"button_width": "auto"}
        ),
    }
    if (ipc := min(sets[0].ipc for sets in runs.values())) > 1:
        controls["number"] = _choice("image", ((n + 1, n) for n in range(ipc)), 0)
    return Panel(draw, **controls)


def switches(results: Sequence[Result], budget: str = "lesson") -> Panel:
    """Protocol switches: each hidden detail as the report has it or, switched on, as published, and what that gave."""

    def draw(**on: bool) -> Shown:
        return views.switches(results, [name for name, value in on.items() if value], budget)

    # A tick, and no button that is lit: a state that is not told by colour.
    return Panel(draw, **{name: ui.Checkbox(value=False, description=name, indent=False) for name in views.HIDDEN})


def tables(results: Sequence[Result], dataset: str = "mnist", ipc: int = 1, protocol: str = "published") -> Panel:
    """Table explorer: the paper's number, the report's and the kit's for a dataset, a size and a pair of networks."""

    def draw(trained: tuple[str, ...], protocol: str, **values: Any) -> Table:
        if trained == NETWORKS:
            trained = networks_of(protocol)
        return setting(results, trained=trained, protocol=protocol, **values)

    hows = dict.fromkeys((protocol, "published", "report", "report + networks"))
    trained = [*((name, (name,)) for name in NETWORKS), ("each of them", NETWORKS)]
    return Panel(
        draw,
        dataset=_choice("dataset", dict.fromkeys((dataset, "digits", *PRINTED)), dataset),
        ipc=_choice("images per class", sorted({1, 10, 50, ipc}), ipc),
        network=_choice("condensed with", NETWORKS, "ConvNet"),
        trained=_choice("trained", trained, ("ConvNet",)),
        protocol=_choice("recipe", hows, protocol),
    )
