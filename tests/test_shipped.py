"""What comes with the kit: measured results, and every sentence and number that rests on them."""

import re
from itertools import product
from pathlib import Path
from statistics import fmean

import pytest

from dckit import Recipe
from dckit.batch.grid_cells import jobs_of
from dckit.results import (
    NETWORKS,
    Cell,
    Measured,
    cells_of,
    compare,
    difference,
    pooled,
    printed_cells,
    steps,
    with_shipped,
)
from dckit.results.ladders import effect
from dckit.results.measured import BUILT, theirs_of

ROOT = Path(__file__).parents[1]
SHIPPED = with_shipped([])
MEASURED = Measured(SHIPPED)
DETAILS = [d.name for d in difference(Recipe.report(1, "lesson"), Recipe.published(1, "lesson"))]


def on_mnist(protocol, trained="ConvNet", budget="lesson"):
    found = MEASURED.of(Cell("mnist", 1, "dc", "ConvNet", trained), protocol, budget)
    assert found, protocol
    return found


@pytest.mark.parametrize("grid", ["ladder", "lenet", "alexnet"])
def test_the_grids_of_lesson_6_have_been_run(grid):
    names = {result.run.name for result in SHIPPED}
    missing = [run.name for cell in jobs_of(ROOT / f"notebooks/grids/{grid}.toml", {}) for run in cell.runs]
    assert not set(missing) - names


def test_every_shipped_result_says_how_it_was_measured():
    for result in SHIPPED:
        card = result.scores.card
        assert {"dckit", "torch", "python"} <= set(card["versions"])
        assert card["device"]
        assert result.scores.seconds > 0
        if result.run.method == "dc":
            assert card["set"]["iteration"] == result.run.recipe.condensing.iterations


def ladder(start, sign):
    return [on_mnist(f" {sign} ".join([start, *DETAILS[:n]])) for n in range(len(DETAILS) + 1)]


def test_the_reports_recipe_lands_below_the_published_one_and_the_steps_add_up_both_ways():
    up, down = ladder("report", "+"), ladder("published", "-")
    whole = effect(up[0], up[-1])
    assert whole.low > 0
    assert whole.sets == 3
    for rungs, sign in ((up, 1), (down, -1)):
        found = steps(DETAILS, rungs)
        assert {e.sets for e in found.values()} == {3}
        assert sign * sum(e.difference for e in found.values()) == pytest.approx(whole.difference)


def test_what_lesson_6_says_of_the_details():
    climb = steps(DETAILS, ladder("report", "+"))
    alone = {d: effect(on_mnist("report"), on_mnist(f"report + {d}")) for d in DETAILS}
    last = {d: effect(on_mnist(f"published - {d}"), on_mnist("published")) for d in DETAILS}
    whole = effect(on_mnist("report"), on_mnist("published")).difference
    for found in (climb, alone, last):
        augmentation = max(found.values(), key=lambda e: e.difference)
        assert found["augmentation"] == augmentation
        assert augmentation.low > 0
        assert abs(found["optimiser"].difference) < 0.5 > abs(found["normalisation"].difference)
    assert climb["augmentation"].difference > sum(e.difference for e in climb.values()) / 2
    assert all(e.low < 0 < e.high for name, e in climb.items() if name != "augmentation")
    assert sum(e.difference for e in alone.values()) < 0.6 * whole
    assert sum(e.difference for e in last.values()) > whole
    assert last["augmentation"].low > alone["augmentation"].high
    assert alone["padding"].high < 0 < last["padding"].high


def test_the_dark_columns_are_dark_and_the_published_ones_are_not():
    built = {"LeNet": "lesson", "AlexNet": "smoke"}
    for network, budget in built.items():
        assert pooled(on_mnist("report", network, budget)).mean < 15
        for protocol in ("published", "report + networks"):
            assert pooled(on_mnist(protocol, network, budget)).mean > 40


def test_what_lesson_7_says_of_the_faults():
    def mean(network, budget, fault):
        return pooled(on_mnist(f"report{fault}", network, budget)).mean

    sigmoid_trained_better = mean("LeNet", "lesson", " + optimiser + augmentation + epochs")
    assert mean("LeNet", "lesson", " + test_version=report with ReLU") > 2 * sigmoid_trained_better
    mended = {what: f" + test_version=report without {what}" for what in ("softmax", "dropout", "softmax and dropout")}
    assert mean("AlexNet", "smoke", mended["dropout"] + " + optimiser") < 15
    assert (
        mean("AlexNet", "smoke", mended["softmax"])
        < 20
        < 40
        < mean("AlexNet", "smoke", mended["softmax"] + " + optimiser")
    )


WITH_8_REAL = ("AlexNet", "VGG11BN", "ResNet18BN_AP")  # condensed with 8 real images per class
AT_REPORT = (SHIPPED, "mnist", 1, "report")


def mean_of(cells, axis, network):
    return fmean(mean for pair, mean in cells.items() if pair[axis] == network)


def test_what_lesson_5_says_of_table_2():
    paper = {pair: sample.mean for pair, sample in printed_cells("paper").items()}
    assert paper.keys() == set(product(NETWORKS, NETWORKS))
    others = {network: mean_of(paper, 0, network) for network in NETWORKS}
    assert min(others, key=others.get) == "MLP"  # only its images teach most networks less
    assert min(mean for network, mean in others.items() if network != "MLP") > others["MLP"] + 5

    report, kit = ({p: s.mean for p, s in found.items()} for found in (printed_cells("report"), cells_of(*AT_REPORT)))
    assert kit.keys() == report.keys() == set(product(BUILT, BUILT))
    for table in (report, kit):
        assert max(mean_of(table, 1, network) for network in ("LeNet", "AlexNet")) < 20  # near chance
        assert min(mean_of(table, 1, network) for network in ("MLP", "ConvNet")) > 35
        rows = {network: mean_of(table, 0, network) for network in BUILT}
        assert max(rows["LeNet"], rows["AlexNet"]) < rows["ConvNet"]
    off = {pair: abs(kit[pair] - report[pair]) for pair in kit}
    assert max(BUILT, key=lambda network: mean_of(off, 0, network)) == "AlexNet"


def table_1(ipc, dataset, *methods):
    """What the kit measured and the paper printed, of those methods that the kit has measured in this row."""
    kit = {method: MEASURED.sample(Cell(dataset, ipc, method)) for method in methods}
    as_in_the_paper = {"nearest": "herding"}
    paper = {m: theirs_of("paper", "table1", Cell(dataset, ipc, as_in_the_paper.get(m, m))) for m in methods}
    return {method: (sample, paper[method]) for method, sample in kit.items() if sample}


ROWS = tuple(product((1, 10, 50), ("mnist", "fashionmnist", "cifar10")))


@pytest.mark.parametrize(("ipc", "dataset"), ROWS)
def test_what_the_page_of_results_says_of_the_rows_of_table_1(ipc, dataset):
    row = table_1(ipc, dataset, "random", "k_center", *(["herding"] if ipc == 1 else []))
    assert not {compare(kit, paper).word for kit, paper in row.values()} & {"higher", "lower"}
    assert all(kit.mean < paper.mean for kit, paper in table_1(ipc, dataset, "forgetting").values())
    row = table_1(ipc, dataset, "random", *(["dc", "herding"] if ipc == 1 else ["nearest", "k_center"]))
    by_kit, by_paper = (sorted(row, key=lambda method: row[method][side].mean) for side in (0, 1))
    assert by_kit == by_paper


@pytest.mark.parametrize(("ipc", "dataset"), [row for row in ROWS if row[0] > 1])
def test_what_the_page_of_results_says_of_herding(ipc, dataset):
    (herding, printed), (nearest, _) = table_1(ipc, dataset, "herding", "nearest").values()
    assert abs(nearest.mean - printed.mean) < min(3, herding.mean - printed.mean)


@pytest.mark.parametrize("dataset", ["mnist", "fashionmnist", "cifar10"])
def test_what_the_page_of_results_says_of_twenty_draws(dataset):
    cell = Cell(dataset, 10, "dc")
    kit = {protocol: MEASURED.sample(cell, protocol) for protocol in ("published", "report")}
    printed = {"published": theirs_of("paper", "table1", cell), "report": theirs_of("report", "table1", cell)}
    assert all(compare(kit[protocol], printed[protocol]).word == "lower" for protocol in kit)
    assert 0 < kit["published"].mean - kit["report"].mean < 2


def test_what_the_page_of_results_says_of_table_2():
    cells = {pair: MEASURED.of(Cell("mnist", 1, "dc", *pair), "published") for pair in product(NETWORKS, NETWORKS)}
    for runs in cells.values():
        recipe = runs[0].run.recipe
        assert recipe.condensing.width == recipe.testing.width == 128
        assert recipe.condensing.iterations == 1000
        assert recipe.testing.epochs_augmented == 1001
        assert recipe.testing.test_images is None
        assert recipe.testing.networks in (3, 20)
        assert recipe.condensing.real_batch == (8 if recipe.condensing.network in WITH_8_REAL else 256)
    paper = printed_cells("paper")
    gaps = {pair: abs(pooled(runs).mean - paper[pair].mean) for pair, runs in cells.items()}
    assert fmean(gaps.values()) < 2
    assert max(gaps, key=gaps.get) == ("MLP", "AlexNet")


@pytest.mark.parametrize(("protocol", "networks"), [("published", NETWORKS), ("report", BUILT)])
def test_what_the_heat_maps_show_was_measured_at_full(protocol, networks):
    shown = {pair: MEASURED.of(Cell("mnist", 1, "dc", *pair), protocol) for pair in product(networks, networks)}
    assert {run.run.recipe.budget for runs in shown.values() for run in runs} == {"full"}
    assert all(shown.values())


def test_what_the_page_of_results_says_of_the_reports_tables():
    gaps = []
    for table, protocol, made_with in (("table2", "report", BUILT[:3]), ("table3", "report + networks", BUILT)):
        report, kit = printed_cells("report", table), cells_of(SHIPPED, "mnist", protocol=protocol)
        gaps += [abs(kit[pair].mean - report[pair].mean) for pair in report if pair[0] in made_with]
    assert len(gaps) == 12 + 8
    assert fmean(gaps) < 2.5


def test_what_the_page_of_results_says_where_neither_recipe_augments():
    for dataset in ("fashionmnist", "cifar10"):
        report, published = (MEASURED.sample(Cell(dataset, 1), protocol) for protocol in ("report", "published"))
        assert report.mean > published.mean
        assert report.sets == published.sets == 1
    report, paper = (theirs_of(source, "table1", Cell("cifar10", 1)).mean for source in ("report", "paper"))
    assert report - paper == pytest.approx(1.0)


def test_what_the_page_of_results_says_of_the_reports_fashionmnist():
    runs = [r for r in SHIPPED if r.run.dataset == "fashionmnist" and r.run.recipe.protocol == "report"]
    assert len(runs) >= 8
    assert min(run.scores.mean for run in runs) > 71


def rows_of(page):
    """The rows of its tables of results: recipe, dataset, images per class, networks, budget, accuracy, count."""
    table = r"^\| `([^`]+)` \| (\w+) \| (\d+) \| (\w+) → (\w+) \| (\w+) \| ([^|]+) \| (\d+ × \d+) \|$"
    return re.findall(table, (ROOT / page).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("row", rows_of("docs/protocol.md"), ids=lambda row: "-".join(row[:5]))
def test_the_protocol_pages_numbers_are_those_of_the_results(row):
    protocol, dataset, ipc, network, trained, budget, accuracy, count = row
    sample = pooled(MEASURED.of(Cell(dataset, int(ipc), "dc", network, trained), protocol, budget))
    assert (accuracy, count) == (str(sample), f"{sample.sets} × {sample.networks}")


def test_the_protocol_page_has_tables_of_this_form():
    assert len(rows_of("docs/protocol.md")) >= 20
