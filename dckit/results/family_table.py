"""Methods that came before or after gradient matching: printed accuracies beside those that this kit measured.

The report does not treat these methods.
"""

from collections.abc import Sequence

from ..show import Table
from .measured import Cell, Measured, recipe_of, theirs_of
from .run import command
from .store import Result
from .verdicts import DRAWN, PRINTED, Sample, compare, pooled, reference

FAMILY = {"dc": "DC", "dsa": "DSA", "dm": "DM"}
SIZES = (1, 10, 50)  # images per class


def family(known: Sequence[Result], dataset: str) -> Table:
    """DC, DSA and DM on one dataset: the printed accuracy, the kit's accuracy, and whether they agree.

    known: results to look in. dataset: one of the paper's four. Raises ValueError for another dataset.
    """
    if dataset not in PRINTED:
        raise ValueError(f"nothing is printed for {dataset!r}: expected one of {', '.join(PRINTED)}")
    measured, rows, missing = Measured(known), [], list[str]()
    for method, name in FAMILY.items():
        for ipc in SIZES:
            cell = Cell(dataset, ipc, method)
            found = measured.of(cell)
            kit = pooled(found) if found else None
            theirs = _printed(cell, kit)
            verdict = str(compare(kit, theirs)) if kit and theirs else ""
            if found and kit:
                own = (str(kit), f"{kit.sets} × {kit.networks}", recipe_of(found[0].run, "published"))
            else:
                missing.append(_command(cell))
                own = (f"no run [{len(missing)}]", "", "")
            rows.append((name, str(ipc), _text(cell), *own, verdict))
    header = ("method", "images per class", "printed", "this kit", "sets × networks", "recipe", "kit − printed")
    return Table(header, tuple(rows), _note(missing))


def against_dd() -> Table:
    """The paper's comparison of DC with dataset distillation (its Table 3), which uses DD's networks."""
    content = reference("paper")["table3_dd"]
    rows = []
    for cell in content["cells"]:
        dd, dc = ("–" if pair is None else f"{pair[0]:.1f} ± {pair[1]:.1f}" for pair in (cell["dd"], cell["dc"]))
        rows.append((cell["dataset"], str(cell["ipc"]), dd, dc))
    note = (
        "Accuracy in %, from the paper's Table 3. Networks: LeNet for MNIST, AlexCifarNet for CIFAR10. –: not printed."
    )
    return Table(("dataset", "images per class", "DD", "DC"), tuple(rows), note)


def _cell(cell: Cell) -> tuple[float, float | None] | None:
    """Mean and deviation as printed; the deviation is None if none was printed."""
    if cell.method == "dc":
        paper = theirs_of("paper", "table1", cell)
        return (paper.mean, paper.std) if paper else None
    for printed in reference("family")[cell.method]["cells"]:
        if (printed["dataset"], printed["ipc"]) == (PRINTED[cell.dataset], cell.ipc):
            return printed["mean"], printed["std"]
    return None


def _printed(cell: Cell, kit: Sample | None) -> Sample | None:
    """The printed accuracy as a sample; a deviation that was not printed is taken from the kit."""
    found = _cell(cell)
    if found is None or kit is None:
        return None
    mean, std = found
    return Sample(mean, kit.std if std is None else std, *DRAWN["paper"])


def _text(cell: Cell) -> str:
    found = _cell(cell)
    if found is None:
        return "–"
    mean, std = found
    return f"{mean:.1f}" if std is None else f"{mean:.1f} ± {std:.1f}"


def _command(cell: Cell) -> str:
    return command("04_table_1", dataset=cell.dataset, ipc=cell.ipc, budget="full", methods=cell.method)


def _note(missing: Sequence[str]) -> str:
    sources = " ".join(f"{table['name']}: {table['source']}." for table in reference("family").values())
    note = (
        f"Accuracy in %, tested with ConvNet. Printed: DC: the paper's Table 1. {sources} –: no number was found. All "
        "printed numbers count as 5 sets × 20 networks, the defaults of the published code. Where no deviation was "
        "printed, the comparison takes the kit's. kit − printed: difference in points, its 95 % interval, a verdict. "
        "The report does not treat DSA and DM."
    )
    if missing:
        note += "\n\nNot measured yet; filled by (`-p budget lesson` for a first look):"
        note += "".join(f"\n\n[{number}] `{asked}`" for number, asked in enumerate(missing, 1))
    return note
