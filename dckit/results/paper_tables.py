"""Tables 1 to 3: the numbers of the paper, the report and this kit, and whether they agree."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..method import Scores
from ..show import Table
from .family_table import NOT_YET, listed
from .family_table import against_dd as against_dd
from .family_table import family as family
from .measured import BUILT, NETWORKS, REBUILT, Cell, Measured, in_words, networks_of, protocol_of, theirs_of
from .run import METHODS, Run, command
from .store import Result
from .verdicts import PRINTED, compare, pooled, printed

OF_TABLE_1 = tuple(method for method in METHODS if method not in ("nearest", "dsa", "dm", "dd"))
_COLUMNS = ("paper", "report", "this kit", "sets × networks", "recipe", "kit − paper", "kit − report")


def table_1(results: Sequence[Result], datasets: Sequence[str] = tuple(PRINTED), protocol: str = "published") -> Table:
    """The paper's Table 1: each method for 1, 10 or 50 images per class, tested with ConvNet.

    protocol: the kit's recipe, as for `protocol_recipe`.
    """
    rows = [
        (Cell(dataset, ipc, method), (PRINTED[dataset], str(ipc), METHODS[method]))
        for dataset in datasets
        for ipc in (1, 10, 50)
        for method in OF_TABLE_1
        if method != "whole"
    ]
    rows += [(Cell(dataset, 1, "whole"), (PRINTED[dataset], "all", METHODS["whole"])) for dataset in datasets]
    return _table("table1", rows, ("dataset", "images/class", "method"), results, protocol)


def table_2(results: Sequence[Result], protocol: str = "published", networks: Sequence[str] = NETWORKS) -> Table:
    """The paper's Table 2: MNIST, 1 image per class, condensed with one network and tested with another.

    protocol "report": the report's Table 2, with the four networks that it built, its versions of LeNet and AlexNet
    among them.
    """
    networks = [n for n in networks if n in networks_of(protocol)]
    rows = [(Cell("mnist", 1, "dc", c, t), (c, t)) for c in networks for t in networks]
    return _table("table2", rows, ("condensed with", "trained"), results, protocol)


def table_3(results: Sequence[Result]) -> Table:
    """The report's Table 3: the report's code, but with LeNet and AlexNet as published."""
    rows = [(Cell("mnist", 1, "dc", c, t), (c, t)) for c in REBUILT for t in BUILT]
    return _table("table3", rows, ("condensed with", "trained"), results, "report + networks")


def setting(
    results: Sequence[Result],
    dataset: str,
    ipc: int,
    network: str = "ConvNet",
    trained: Sequence[str] = ("ConvNet",),
    protocol: str = "published",
) -> Table:
    """One dataset and number of images per class.

    With ConvNet in both stages it shows every method, as Table 1; otherwise condensed images, as Table 2 or 3. trained:
    the networks of stage T, one row each. protocol: for the report's Table 3 it is "report + networks".
    """
    if network == "ConvNet" and tuple(trained) == ("ConvNet",):
        by_method = [(Cell(dataset, 1 if m == "whole" else ipc, m), (METHODS[m],)) for m in OF_TABLE_1]
        return _table("table1", by_method, ("method",), results, protocol)
    name = "table3" if protocol == "report + networks" else "table2"
    pairs = [(Cell(dataset, ipc, "dc", network, t), (network, t)) for t in trained]
    return _table(name, pairs, ("condensed with", "trained"), results, protocol)


def own_table(results: Sequence[Result], dataset: str, ipc: int, protocol: str = "published") -> Table:
    """The measured accuracy of each method on one dataset, without printed numbers."""
    measured, rows = Measured(results), []
    for method in METHODS:
        found = measured.of(Cell(dataset, 1 if method == "whole" else ipc, method), protocol)
        if found:
            rows.append((METHODS[method], *in_words(found, protocol)))
    note = f"{dataset}, {ipc} image{'s' * (ipc > 1)} per class."
    if dataset not in PRINTED:
        note += " These are not the paper's images, so there is nothing to compare with."
    note += _guessing(next((r.scores.card for r in reversed(results) if r.run.dataset == dataset), {}))
    return Table(("method", "accuracy in %", "sets × networks", "recipe"), tuple(rows), note)


def _guessing(card: Mapping[str, Any]) -> str:
    """The accuracy without looking at the images: 10 % for ten classes of equal size, more if one class is large."""
    if "majority" not in card:
        return ""
    return f" Always answering with the largest class reaches {card['majority']:.1f} %."


def _table(
    name: str,
    cells: Sequence[tuple[Cell, tuple[str, ...]]],
    keys: tuple[str, ...],
    results: Sequence[Result],
    protocol: str,
) -> Table:
    measured, rows, done, missing = Measured(results), [], dict[str, int](), dict[str, int]()
    for cell, key in cells:
        theirs = [theirs_of(source, name, cell) for source in ("paper", "report")]
        found = measured.of(cell, protocol)
        asked = _command(name, cell, protocol, found[0].run if found else None)
        number = (done if found else missing).setdefault(asked, len(done) + len(missing) + 1)
        texts = [str(sample or "–") for sample in theirs]
        if found:
            accuracy, count, recipe = in_words(found, protocol)
            verdicts = [str(compare(pooled(found), sample)) if sample else "" for sample in theirs]
            rows.append((*key, *texts, accuracy, count, f"{recipe} [{number}]", *verdicts))
        else:
            rows.append((*key, *texts, f"no run [{number}]", "", "", "", ""))
    return Table((*keys, *_COLUMNS), tuple(rows), _note(done, missing))


def _command(table: str, cell: Cell, protocol: str, run: Run | None) -> str:
    """The command that measured a cell. If none did: the command that would measure it and its neighbours."""
    how = protocol_of(run, protocol) if run else protocol
    how = "" if how == "published" else how
    what = {"dataset": cell.dataset, "ipc": cell.ipc, "budget": run.recipe.budget if run else "full"}
    if table == "table1":
        return command("04_table_1", **what, methods=cell.method if run else "", protocol=how)
    trained = " ".join(networks_of(protocol))
    return command("05_tables_2_and_3", **what, networks=cell.network, trained=trained, protocol=how)


def _note(done: Mapping[str, int], missing: Mapping[str, int]) -> str:
    note = (
        "Accuracy in %, mean ± deviation over all networks. The paper's: 5 sets × 20 networks; the report's: 1 × 20. "
        "kit − paper and kit − report: difference in points, its 95 % interval and a verdict (see "
        "`dckit.results.verdicts`). "
        "Both differences are those of the run whose recipe stands in its column. Where both sides have one set, the "
        "interval knows nothing about how sets differ, and is too narrow."
    )
    note += listed("Measured by (`-p seed 0` for the first set, `1` for the second):", done)
    return note + listed(NOT_YET, missing)


def beside(measured: Mapping[str, Scores]) -> Table:
    """Measured accuracies beside those of the paper and the report for the same dataset.

    measured: scores by method, with the keys of `METHODS`. A dataset that the paper does not use is shown beside the
    numbers for MNIST, as the header says.
    """
    card = next(iter(measured.values())).card
    dataset, recipe = card["dataset"], card["recipe"]
    theirs = dataset if dataset in PRINTED else "mnist"
    rows = []
    for method, scores in measured.items():
        cell = {"ipc": None if method == "whole" else recipe["ipc"], "method": method}
        mine = f"{scores.mean:.1f}" + (f" ± {scores.std:.1f}" if len(scores.accuracies) > 1 else "")
        others = [str(printed(source, "table1", theirs, **cell) or "–") for source in ("paper", "report")]
        rows.append((METHODS[method], *others, mine))
    header = ("accuracy in %", f"paper, {PRINTED[theirs]}", f"report, {PRINTED[theirs]}", f"you, {dataset}")
    return Table(header, tuple(rows), _measured_by(measured, dataset, recipe))


def _measured_by(measured: Mapping[str, Scores], dataset: str, recipe: Mapping[str, Any]) -> str:
    networks = ", ".join(f"{len(s.accuracies)} ({METHODS[m]})" for m, s in measured.items())
    note = f"Yours: {recipe['protocol']} protocol at the {recipe['budget']} budget, one set, networks: {networks}. "
    note += "The paper's: 5 sets × 20 networks; the report's: 1 set × 20 networks; both at their full budgets."
    note += "" if dataset in PRINTED else f" The {dataset} are other images: their numbers cannot be compared."
    return note + _guessing(next(iter(measured.values())).card)
