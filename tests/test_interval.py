"""Reading a difference: the widget's interval beside Student's, and what checks say to right and wrong readings."""

from itertools import product
from statistics import fmean

import pytest
import torch
from scipy import stats

from dckit import check, widgets
from dckit.check.answers import NOTHING
from dckit.results import printed, printed_cells
from dckit.widgets.interval import EDGE, SETS, shown, verdict_of


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Another test may have run a lesson's set-up cell, which names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


@pytest.mark.parametrize(("difference", "deviation", "sets"), [(-4.6, 0.5, 1), (1.0, 1.0, 3), (-0.2, 2.0, 20)])
def test_the_picture_says_students_interval(difference, deviation, sets):
    reach = stats.t.ppf(0.975, max(sets, 5) - 1) * deviation * (1 / sets + 1 / 5) ** 0.5
    said = f"{difference:+.1f} ({difference - reach:+.1f} to {difference + reach:+.1f})".replace("-", "−")
    picture = shown(difference, deviation, sets)
    assert said in picture.alt
    assert f"Difference of {sets} set{'s' * (sets > 1)} and 5 sets, deviation {deviation:.1f} points" in picture.alt
    assert picture.png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("difference", "deviation", "sets", "says"),
    [
        (-4.6, 0.5, 1, "lower. The 95 % interval does not contain 0 and reaches further than ±2 points"),
        (1.0, 0.1, 5, "higher. The 95 % interval does not contain 0 and reaches within ±2 points"),
        (0.5, 0.5, 5, "agrees. The 95 % interval contains 0 and reaches within ±2 points"),
        (0.5, 2.0, 5, "cannot tell. The 95 % interval contains 0 and reaches further than ±2 points"),
    ],
)
def test_the_picture_says_the_verdict_and_why(difference, deviation, sets, says):
    assert shown(difference, deviation, sets).alt.endswith(says)


def test_the_widget_begins_with_the_reports_number_beside_the_papers():
    panel = widgets.interval()
    paper, report = (printed(source, "table1", "mnist", ipc=1, method="dc") for source in ("paper", "report"))
    off = round(report.mean - paper.mean, 1)
    assert panel.values == {"difference": off, "deviation": paper.std, "sets": report.sets}
    assert shown(off, paper.std, report.sets).html in panel.html


def test_the_widget_follows_its_controls_and_holds_every_interval():
    panel = widgets.interval()
    for name, value in {"difference": 0.0, "deviation": 1.0, "sets": 20}.items():
        panel.controls[name].value = value
    assert shown(0.0, 1.0, 20).html in panel.html
    sliders = panel.controls["difference"], panel.controls["deviation"]
    for difference, deviation, sets in product(*((s.min, s.max) for s in sliders), SETS):
        found = verdict_of(difference, deviation, sets)
        assert -EDGE <= found.low <= found.high <= EDGE


@pytest.mark.parametrize(
    ("deviation", "sets", "says"),
    [(-0.5, 1, "deviation -0.5: expected 0 or more"), (0.5, 0, "sets 0: expected 1 or more")],
)
def test_bad_values_are_one_sentence(deviation, sets, says):
    with pytest.raises(ValueError, match=says):
        shown(1.0, deviation, sets)


# how many sets


def smallest(factor=None, sides=2):
    """By the statistics books: so many sides of n sets, deviation 1, means 1 apart. factor: of all n, None: t's."""
    reach = [(n, (factor or stats.t.ppf(0.975, n - 1)) * (sides / n) ** 0.5) for n in range(2, 100)]
    return next(n for n, points in reach if points < 1)


@pytest.mark.parametrize("kind", [int, float, str, torch.tensor])
def test_the_smallest_number_of_sets_is_accepted(kind):
    found = check.sets_needed(kind(smallest()))
    assert found.right == (kind is not str)
    assert ("22 in all" in str(found)) == found.right


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (1, "one set on each side says nothing about the spread"),
        (3, "with 3 sets on each side the interval still contains 0"),
        (4, "with 4 sets on each side"),
        (smallest(sides=1), "the root has a term for each"),
        (smallest(factor=1.96), "use Student's"),
        (smallest() - 1, "just miss it"),
        (20, "20 sets are enough, but fewer"),
        (0, "expected a whole number"),
        (10.5, "expected a whole number"),
        (float("inf"), "NaN or infinity"),
        ([1, 2], "the shape is wrong"),
        ("many", "expected one number"),
        (lambda: 11, "expected one number"),
    ],
)
def test_another_number_of_sets_is_told_what_is_wrong(answer, says):
    found = check.sets_needed(answer)
    assert not found.right
    assert says in str(found)


@pytest.mark.parametrize("stub", [None, ...])
def test_no_number_yet_is_told_so(stub):
    assert str(check.sets_needed(stub)) == f"Not yet: {NOTHING}"


# the darkest row or column


def lines(cells, average=fmean):
    every = {}
    for (made, trained), mean in cells.items():
        every.setdefault(("row", made), []).append(mean)
        every.setdefault(("column", trained), []).append(mean)
    return {line: average(means) for line, means in every.items()}


def darkest(cells):
    means = lines(cells)
    return min(means, key=means.get)


def of(kind):
    return lambda cells: min((m, line) for line, m in lines(cells).items() if line[0] == kind)[1]


def swapped(cells):
    kind, name = darkest(cells)
    return {"row": "column", "column": "row"}[kind], name


def by_sum(cells):
    means = lines(cells, sum)
    return min(means, key=means.get)


@pytest.mark.parametrize("answer", [darkest, lambda cells: list(darkest(cells))])
def test_the_darkest_line_is_accepted(answer):
    found = check.darkest(answer)
    assert found.right, found
    report = {pair: sample.mean for pair, sample in printed_cells("report").items()}
    kind, name = darkest(report)
    assert f"the {kind} of {name}" in str(found)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (swapped, "rows and columns are swapped"),
        (of("row"), "a column is darker than every row"),
        (of("column"), "a row is darker than every column"),
        (by_sum, "the lowest sum"),
        (lambda cells: ("row", "MLP"), "the mean of column AlexNet is lower"),
        (lambda cells: darkest(cells)[1], 'expected "row" or "column" and a name'),
        (lambda cells: 7, "found `7`"),
    ],
)
def test_another_line_is_told_what_is_wrong(answer, says):
    found = check.darkest(answer)
    assert not found.right
    assert says in str(found)
