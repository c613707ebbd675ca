"""Methods that came before or after gradient matching: printed accuracies beside those that this kit measured.

The report does not treat these methods.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from ..show import Table
from .measured import Cell, Measured, in_words, theirs_of
from .run import command
from .store import Result
from .verdicts import DRAWN, PRINTED, Sample, compare, points, pooled, reference

FAMILY = {"dc": "DC", "dsa": "DSA", "dm": "DM"}
SIZES = (1, 10, 50)  # images per class
NOT_YET = "Not measured yet; filled by (`-p budget lesson` for a first look):"


def family(known: Sequence[Result], dataset: str) -> Table:
    """DC, DSA and DM on one dataset: the printed accuracy, the kit's accuracy, and whether they agree.

    known: results to look in. dataset: one of the paper's four. Raises ValueError for another dataset.
    """
    if dataset not in PRINTED:
        raise ValueError(f"nothing is printed for {dataset!r}: expected one of {', '.join(PRINTED)}")
    measured, rows, missing = Measured(known), [], dict[str, int]()
    for (method, name), ipc in product(FAMILY.items(), SIZES):
        cell, verdict = Cell(dataset, ipc, method), ""
        mean, std = _printed(cell)
        theirs = "–" if mean is None else f"{mean:.1f}" if std is None else f"{mean:.1f} ± {std:.1f}"
        if found := measured.of(cell):
            own, kit = in_words(found, "published"), pooled(found)
            if mean is not None and std is not None:
                verdict = str(compare(kit, Sample(mean, std, *DRAWN["paper"])))
            elif mean is not None:
                verdict = points(kit.mean - mean)
        else:
            asked = command("04_table_1", dataset=dataset, ipc=ipc, budget="full", methods=method)
            missing[asked] = len(missing) + 1
            own = (f"no run [{missing[asked]}]", "", "")
        rows.append((name, str(ipc), theirs, *own, verdict))
    header = ("method", "images per class", "printed", "this kit", "sets × networks", "recipe", "kit − printed")
    sources = " ".join(f"{table['name']}: {table['source']}." for table in reference("family").values())
    note = (
        f"Accuracy in %, tested with ConvNet. Printed: DC: the paper's Table 1. {sources} –: no number was found. All "
        "printed numbers count as 5 sets × 20 networks, the defaults of the published code. The last "
        "column has the difference in points, its 95 % interval and a verdict. Where no deviation was printed, it has "
        "the difference alone. The report does not treat DSA and DM."
    )
    return Table(header, tuple(rows), note + listed(NOT_YET, missing))


def _printed(cell: Cell) -> tuple[float | None, float | None]:
    """Mean and deviation as printed; None for what was not printed."""
    if cell.method == "dc":
        paper = theirs_of("paper", "table1", cell)
        return (paper.mean, paper.std) if paper else (None, None)
    of = (PRINTED[cell.dataset], cell.ipc)
    cells = reference("family")[cell.method]["cells"]
    return next(((its["mean"], its["std"]) for its in cells if (its["dataset"], its["ipc"]) == of), (None, None))


def listed(said: str, commands: Mapping[str, int]) -> str:
    """The end of a note: what ``commands`` do, and a paragraph for each with its number. Nothing without commands."""
    texts = (f"\n\n[{number}] `{asked}`" for asked, number in commands.items())
    return f"\n\n{said}{''.join(texts)}" if commands else ""


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
