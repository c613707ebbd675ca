"""The tables: every printed number as its source has it, every verdict as the statistics books have it."""

import csv
import io
import re
import shlex
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from scipy import stats

import dckit
from dckit import Recipe
from dckit.batch import lessons
from dckit.engine import json_or_text
from dckit.method import Scores, without_batch_norm
from dckit.results import (
    METHODS,
    NETWORKS,
    Result,
    Run,
    Sample,
    compare,
    difference,
    figures,
    pooled,
    printed,
    runs,
    table_1,
    table_2,
    table_3,
)
from dckit.results.details import switched
from dckit.results.measured import in_words
from dckit.results.paper_tables import OF_TABLE_1, beside, own_table
from dckit.results.recipe_words import protocol_recipe
from dckit.results.verdicts import reference
from dckit.show import Table

ROOT = Path(__file__).parents[1]
NAMES = {"MNIST": "mnist", "FashionMNIST": "fashionmnist", "SVHN": "svhn", "CIFAR10": "cifar10"}

# The report's three tables as it prints them, typed anew: its own numbers, and in brackets those of the paper.
TABLE_1 = """
MNIST 1 91.7±0.5 87.1±0.5 | MNIST 10 97.4±0.2 95.7±0.1 | FashionMNIST 1 70.5±0.6 68.1±0.2
FashionMNIST 10 82.3±0.4 80.9±0.2 | SVHN 1 31.2±1.4 31.4±0.7 | SVHN 10 76.1±0.6 74.3±0.4
CIFAR10 1 28.3±0.5 29.3±0.6 | CIFAR10 10 44.9±0.5 43.1±0.3
"""
TABLE_2 = """
MLP 66.8±0.7 (70.5±1.2) 68.5±2.2 (63.9±6.5) 10.9±3.0 (77.3±5.8) 10.3±3.6 (70.9±11.6)
ConvNet 72.8±1.0 (69.6±1.6) 87.7±0.7 (91.7±0.5) 9.6±2.8 (85.3±1.8) 11.7±2.9 (85.1±3.0)
LeNet 47.6±3.6 (71.0±1.6) 53.8±5.4 (90.3±1.2) 11.7±3.4 (85.0±1.7) 10.4±2.0 (84.7±2.4)
AlexNet 21.2±4.2 (72.1±1.7) 62.3±3.4 (87.5±1.6) 25.0±10.1 (84.0±2.8) 19.5±5.9 (82.7±2.9)
"""
TABLE_3 = """
LeNet 74.3±0.9 (71.0±1.6) 82.9±1.2 (90.3±1.2) 70.8±8.5 (85.0±1.7) 75.5±1.1 (84.7±2.4)
AlexNet 75.4±0.6 (72.1±1.7) 82.9±1.5 (87.5±1.6) 73.7±3.3 (84.0±2.8) 75.6±1.5 (82.7±2.9)
"""


def result(method="dc", seed=0, accuracies=(90.0, 92.0), dataset="mnist", recipe=None, **recipe_of):
    run = Run(dataset, method, recipe or protocol_recipe(**{"protocol": "published", **recipe_of}), seed)
    card = {"recipe": asdict(run.recipe), "set": {"method": method}}
    return Result(run, Scores(tuple(accuracies), 1.0, card))


def column(table, name):
    i = table.header.index(name)
    return [row[i] for row in table.rows]


def row_of(table, *key):
    (row,) = [row for row in table.rows if row[: len(key)] == key]
    return dict(zip(table.header, row, strict=True))


def test_table_1_holds_what_the_report_printed_of_both():
    table = table_1([])
    for cell in TABLE_1.strip().replace("\n", " | ").split(" | "):
        dataset, ipc, paper, report = cell.split()
        row = row_of(table, dataset, ipc, "condensed images")
        assert [row["paper"], row["report"]] == [paper.replace("±", " ± "), report.replace("±", " ± ")]


@pytest.mark.parametrize(
    ("text", "table"),
    [(TABLE_2, table_2([], "report")), (TABLE_3, table_3([]))],
    ids=["table 2", "table 3"],
)
def test_tables_2_and_3_hold_what_the_report_printed_of_both(text, table):
    count = 0
    for line in text.strip().splitlines():
        condensed_with, *cells = re.split(r" (?!\()", line)
        for trained, cell in zip(NETWORKS, cells, strict=False):
            report, paper = re.fullmatch(r"(.*) \((.*)\)", cell).groups()
            row = row_of(table, condensed_with, trained)
            assert [row["paper"], row["report"]] == [paper.replace("±", " ± "), report.replace("±", " ± ")]
            count += 1
    assert count == len(table.rows)


@pytest.mark.parametrize("source", ["paper", "report"])
def test_every_number_of_the_sources_tables_is_in_its_cell_and_none_besides(source):
    cells = {
        (c["dataset"], str(c["ipc"] or "all"), METHODS[c["method"]]): f"{c['mean']:.1f} ± {c['std']:.1f}"
        for c in reference(source)["table1"]
    }
    table = table_1([])
    assert len(table.rows) == 4 * (3 * 5 + 1)
    for row in table.rows:
        assert row[table.header.index(source)] == cells.pop(row[:3], "–")
    assert not cells
    pairs = {
        (c["condensed_with"], c["trained"]): f"{c['mean']:.1f} ± {c['std']:.1f}"
        for c in reference(source)["table2"]["cells"]
    }
    table = table_2([])
    assert len(table.rows) == 36
    for row in table.rows:
        assert row[table.header.index(source)] == pairs.pop(row[:2], "–")
    assert not pairs


def test_other_images_have_no_printed_numbers():
    assert printed("paper", "table1", "digits", ipc=1, method="dc") is None
    assert printed("report", "table2", "my-mnist", condensed_with="MLP", trained="MLP") is None


@pytest.mark.parametrize(
    ("ours", "theirs", "error", "free"),
    [
        (Sample(91.0, 0.6, 5, 20), Sample(91.7, 0.5, 5, 20), (0.6**2 / 5 + 0.5**2 / 5) ** 0.5, 4),
        (Sample(87.1, 0.5, 1, 20), Sample(91.7, 0.9, 5, 20), (0.9**2 / 1 + 0.9**2 / 5) ** 0.5, 4),  # borrows 0.9
        (Sample(87.1, 1.5, 1, 20), Sample(91.7, 0.9, 5, 20), (1.5**2 / 1 + 0.9**2 / 5) ** 0.5, 4),
        (Sample(91.0, 0.6, 7, 3), Sample(87.1, 0.5, 1, 20), (0.6**2 / 7 + 0.6**2 / 1) ** 0.5, 6),
        (Sample(87.0, 0.2, 1, 3), Sample(87.1, 0.5, 1, 20), (2 * 0.5**2) ** 0.5, 19),
        (Sample(99.0, 0.0, 1, 1), Sample(99.6, 0.0, 5, 20), (0.05**2 / 1 + 0.05**2 / 5) ** 0.5, 4),  # rounding
    ],
)
def test_the_interval_is_students_with_sets_as_draws(ours, theirs, error, free):
    verdict = compare(ours, theirs)
    low, high = stats.t.interval(0.95, free, loc=ours.mean - theirs.mean, scale=error)
    assert (verdict.low, verdict.high) == pytest.approx((low, high))
    back = compare(theirs, ours)
    assert (back.difference, back.low, back.high) == pytest.approx((-verdict.difference, -high, -low))


@pytest.mark.parametrize(
    ("mean", "std", "sets", "word"),
    [
        (91.7, 0.5, 5, "agrees"),
        (93.0, 0.5, 5, "higher"),
        (90.0, 0.5, 5, "lower"),
        (91.0, 2.0, 5, "cannot tell"),
        (91.7, 0.5, 1, "agrees"),
        (91.0, 0.5, 1, "cannot tell"),
    ],
)
def test_the_word_follows_from_the_interval(mean, std, sets, word):
    verdict = compare(Sample(mean, std, sets, 20), Sample(91.7, 0.5, 5, 20))
    assert verdict.word == word
    holds_0 = verdict.low <= 0 <= verdict.high
    assert holds_0 == (word in ("agrees", "cannot tell"))
    assert str(verdict).endswith(word)


def test_more_sets_never_widen_the_interval():
    widths = [compare(Sample(90, 0.5, sets, 20), Sample(91.7, 0.5, 5, 20)) for sets in (1, 2, 3, 5, 10)]
    assert all(a.high - a.low > b.high - b.low for a, b in pairwise(widths))


def test_pooled_takes_all_networks_of_all_sets():
    both = pooled([result(accuracies=(90, 92)), result(seed=1, accuracies=(94, 100))])
    assert both == Sample(94.0, pytest.approx((14.0) ** 0.5), 2, 2)
    assert pooled([result("whole", accuracies=(99, 98))]) == Sample(98.5, 0.5, 2, 1)


def test_a_measured_cell_shows_accuracy_sets_recipe_and_verdicts():
    saved = [result(accuracies=(90, 92)), result(seed=1, accuracies=(92, 94)), result(dataset="digits")]
    row = row_of(table_1(saved), "MNIST", "1", "condensed images")
    assert (row["this kit"], row["sets × networks"], row["recipe"]) == ("92.0 ± 1.4", "2 × 2", "published, full [2]")
    assert row["kit − paper"] == str(compare(Sample(92, 2**0.5, 2, 2), Sample(91.7, 0.5, 5, 20)))
    assert row["kit − report"] == str(compare(Sample(92, 2**0.5, 2, 2), Sample(87.1, 0.5, 1, 20)))
    assert sum(text.startswith("no run") for text in column(table_1(saved), "this kit")) == 63


def test_the_largest_budget_counts_and_a_changed_recipe_does_not():
    changed = protocol_recipe("published", 1, "full").but(image_momentum=0.0)
    lesson = [result(budget="lesson", accuracies=(90, 91)), result(recipe=changed, accuracies=(1, 2))]
    assert row_of(table_1(lesson), "MNIST", "1", "condensed images")["recipe"] == "published, lesson [2]"
    both = [*lesson, result(budget="full", accuracies=(80, 81))]
    row = row_of(table_1(both), "MNIST", "1", "condensed images")
    assert (row["recipe"], row["this kit"]) == ("published, full [2]", "80.5 ± 0.5")
    assert row_of(table_1(both, protocol="report"), "MNIST", "1", "condensed images")["this kit"].startswith("no run")


def test_a_cell_shows_the_run_nearest_the_printed_recipe_and_never_the_most_accurate():
    full = protocol_recipe("published", 1, "full")
    fewer, few, many = (full.but(networks=3, **more) for more in ({}, {"real_batch": 8}, {"real_batch": 16}))
    lesson = result(budget="lesson", accuracies=(90, 91, 98))  # four fields from full
    near = result(recipe=few, accuracies=(95, 96, 97))
    nearer = result(recipe=many, accuracies=(80, 81, 82))  # as many fields, more real images
    nearest = result(recipe=fewer, accuracies=(50, 51, 52))
    for saved, recipe, accuracy in (
        ([lesson], "published, lesson", "93.0 ± 3.6"),
        ([lesson, near], "published, full, 8 real images per class", "96.0 ± 0.8"),
        ([near, nearer, lesson], "published, full, 16 real images per class", "81.0 ± 0.8"),
        ([near, nearest, nearer, lesson], "published, full", "51.0 ± 0.8"),
    ):
        row = row_of(table_1(saved), "MNIST", "1", "condensed images")
        assert (row["recipe"], row["this kit"]) == (f"{recipe} [2]", accuracy)
    (command,) = re.findall(r"\[2\] `(.*?)`", table_1([near]).note)
    assert command.endswith('-p budget full -p methods dc -p protocol "published + real_batch=8 + networks=3"')


def test_the_whole_dataset_has_one_row_whatever_the_images_per_class():
    saved = [result("whole", accuracies=(99.0,))]
    row = row_of(table_1(saved), "MNIST", "all", "the whole dataset")
    assert (row["this kit"], row["sets × networks"]) == ("99.0", "1 network")


@pytest.mark.parametrize(
    ("method", "passes"), [("herding", True), ("nearest", True), ("whole", True), ("random", False)]
)
def test_the_passes_over_all_images_are_named_where_a_network_makes_them(method, passes):
    found = result(method, protocol="published + whole_epochs=10 + whole_networks=2")
    *_, recipe = in_words([found], "published")
    assert recipe == ("published, full, 10 passes over all images" if passes else "published, full")


def test_the_recipe_column_names_the_choices_and_not_who_filled_them_in():
    as_published = switched(Recipe.report(), difference(Recipe.report(), Recipe.published()), Recipe.published())
    assert as_published.protocol == "report"
    saved = [result(recipe=as_published)]
    assert row_of(table_1(saved), "MNIST", "1", "condensed images")["recipe"] == "published, full [2]"


def test_table_3_is_the_reports_code_with_the_published_networks():
    cell = dict(network="LeNet", trained="ConvNet")
    saved = [
        result(protocol="report + networks", accuracies=(82, 84), **cell),
        result(protocol="report", accuracies=(50, 52), **cell),
        result(protocol="published", accuracies=(90, 91), **cell),
    ]
    row = row_of(table_3(saved), "LeNet", "ConvNet")
    assert (row["this kit"], row["recipe"]) == ("83.0 ± 1.0", "report + networks, full [2]")
    assert row_of(table_2(saved, "report"), "LeNet", "ConvNet")["this kit"] == "51.0 ± 1.0"
    assert row_of(table_2(saved), "LeNet", "ConvNet")["this kit"] == "90.5 ± 0.5"


MEASURED = [result(budget="smoke"), result("herding", budget="lesson"), result("whole")]


@pytest.mark.parametrize(
    "table",
    [
        *(table_1([]), table_1([], protocol="report"), table_2([]), table_2([], "report"), table_3([])),
        *(table_1(MEASURED), table_2(MEASURED)),
    ],
    ids=["1", "1 report", "2", "2 report", "3", "1 measured", "2 measured"],
)
def test_the_command_below_a_cell_asks_for_that_cell(table):
    commands = dict(re.findall(r"\[(\d+)\] `(.*?)`", table.note))
    kit, recipe = table.header.index("this kit"), table.header.index("recipe")
    for row in table.rows:
        measured = not row[kit].startswith("no run")
        number = re.fullmatch(r".* \[(\d+)\]", row[recipe] if measured else row[kit])[1]
        python, _, package, command, *arguments = shlex.split(commands[number])
        assert (python, package, command) == ("python", "dckit", "lessons")
        args = lessons._parser().parse_args(arguments)
        (notebook,) = args.notebook
        given = {name: json_or_text(text) for name, text in args.parameter}
        defaults = {"methods": " ".join(OF_TABLE_1)} if "04" in notebook.name else {}
        assert lessons.parameters_for(ROOT / notebook, given) == given
        asked = runs(**(defaults | given))
        assert given["budget"] == (row[recipe].split()[1] if measured else "full")
        if "method" in table.header:
            dataset, ipc, method = NAMES[row[0]], row[1], row[2]
            assert any(
                (r.dataset, METHODS[r.method]) == (dataset, method) and ipc in (str(r.recipe.ipc), "all") for r in asked
            )
        else:
            pairs = ((r.recipe.condensing.network, r.recipe.testing.network) for r in asked)
            assert row[:2] in [(without_batch_norm(condensed), trained) for condensed, trained in pairs]


def test_your_own_images_stand_alone():
    saved = [result(m, dataset="digits", budget="smoke") for m in ("random", "dc", "whole")]
    table = own_table([*saved, result(dataset="mnist", budget="smoke")], "digits", 1)
    assert column(table, "method") == [METHODS[m] for m in ("random", "dc", "whole")]
    assert not {"paper", "report"} & set(table.header)
    assert "not the paper's images" in table.note
    assert "not the paper's images" not in own_table([result()], "mnist", 1).note


def test_what_the_largest_class_alone_reaches_is_told(digits, quick):
    few = torch.cat([digits.train.by_class[3][:40], *(digits.train.by_class[c][:4] for c in range(3))])
    test = torch.cat([digits.test.by_class[c][:n] for c, n in ((3, 15), (0, 3), (1, 1), (2, 1))])
    train, test = (
        replace(s, pixels=s.pixels[i], labels=s.labels[i]) for s, i in ((digits.train, few), (digits.test, test))
    )
    unbalanced = replace(digits, name="mine", train=train, test=test, classes=digits.classes[:4])
    scores = dckit.evaluate(dckit.random_images(unbalanced, 1), unbalanced, quick, progress=False)
    assert scores.card["majority"] == 75.0
    assert "largest class reaches 75.0 %" in beside({"random": scores}).note
    assert "largest class" not in own_table([result()], "mnist", 1).note  # older results do not know


def test_a_table_as_markdown_csv_and_latex(tmp_path):
    table = Table(("a | b", "100 %"), (("1 ± 2", 'x_y, z & − "q"'), ("{5} × 6", "no run [1]")), "a note of 50 %")
    rows = [line.replace(r"\|", "!").strip("| ").split(" | ") for line in table.markdown.splitlines()[:4]]
    assert [row[0].replace("!", "|") for row in rows] == ["a | b", "---", "1 ± 2", "{5} × 6"]
    assert [tuple(row) for row in csv.reader(io.StringIO(table.csv))] == [table.header, *table.rows]
    assert r"1 $\pm$ 2 & x\_y, z \& $-$ " in table.latex
    assert r"\{5\} $\times$ 6" in table.latex
    assert r"a note of 50 \%" in table.latex
    assert not re.search(r"(?<!\\)[%#_]", table.latex.replace("\\textbackslash", ""))
    for suffix, text in (("md", table.markdown), ("csv", table.csv), ("tex", table.latex), ("json", table.json)):
        table.save(tmp_path / f"t.{suffix}")
        assert (tmp_path / f"t.{suffix}").read_text(encoding="utf-8") == text
    with pytest.raises(ValueError, match=r"t.xlsx: expected a name that ends in .md, .csv, .tex, .json"):
        table.save(tmp_path / "t.xlsx")


def test_pictures_say_their_numbers():
    saved = [result("herding", accuracies=(89, 90)), result(accuracies=(91, 92), ipc=10)]
    alt = figures.accuracy_by_ipc(saved, "mnist").alt
    assert "herding: paper 89.2 ± 1.6 % at 1, 93.7 ± 0.3 % at 10, 94.9 ± 0.2 % at 50; this kit 89.5 ± 0.5 % at 1" in alt
    assert "condensed images: paper 91.7 ± 0.5 % at 1" in alt
    assert "this kit 91.5 ± 0.5 % at 10" in alt
    assert "forgetting: paper 35.5" in alt
    cells = figures.cells_of(saved, "mnist", ipc=10)
    assert cells == {("ConvNet", "ConvNet"): Sample(91.5, 0.5, 1, 2)}
    assert figures.cells_of(saved, "mnist", ipc=10, protocol="report") == {}  # which has no VGG11 and no ResNet18
    picture = figures.heatmaps({"paper": figures.printed_cells("paper"), "this kit": cells})
    assert "paper: MLP to MLP 70.5 ± 1.2, MLP to ConvNet 63.9 ± 6.5" in picture.alt
    assert picture.alt.endswith("this kit: ConvNet to ConvNet 91.5 ± 0.5")
    assert picture.png.startswith(b"\x89PNG")


def test_each_set_stands_on_its_own():
    saved = [result(seed=1, accuracies=(80, 81)), result(), result("random", seed=3), result(dataset="digits")]
    assert figures.by_set([*saved, result("herding")], "mnist") == {
        "random real images, seed 3": (90.0, 92.0),
        "condensed images, seed 1": (80, 81),
        "condensed images, seed 0": (90.0, 92.0),
    }


def test_the_methods_of_table_1_are_those_of_the_paper():
    assert {c["method"] for c in reference("paper")["table1"]} == set(OF_TABLE_1)


def test_a_recipe_in_words_says_all_where_nothing_limits_the_test_images():
    found = result(budget="smoke", protocol="published + test_images=null")
    assert row_of(table_1([found]), "MNIST", "1", "condensed images")["recipe"].startswith(
        "published, smoke, all test images"
    )
