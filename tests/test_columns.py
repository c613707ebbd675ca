"""The dark columns taken apart, the numbers beside them, and what a ± holds."""

import math
import re
import statistics

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dckit import build
from dckit.method.networks import NETWORKS
from dckit.results import Cell, Measured, columns, pooled, printed, protocol_recipe, spread, spread_table, with_shipped

KNOWN = Measured(with_shipped([]))


@pytest.mark.parametrize(
    ("versions", "network", "budget"), [(columns.LENETS, "LeNet", "lesson"), (columns.ALEXNETS, "AlexNet", "smoke")]
)
def test_a_column_has_the_report_s_images_and_each_version_of_the_network(versions, network, budget):
    cells = columns.column(KNOWN, versions, network, budget)
    assert {version for version, _ in cells} == set(versions)
    recipes = [protocol_recipe(columns.protocol_of(versions, *pair), 1, budget, "ConvNet", network) for pair in cells]
    assert len({recipe.condensing for recipe in recipes}) == 1
    assert len({recipe.testing for recipe in recipes}) == len(cells)
    assert {recipe.testing.version for recipe in recipes} <= set(NETWORKS[network])
    for pair, sample in cells.items():
        protocol = columns.protocol_of(versions, *pair)
        assert sample == pooled(KNOWN.of(Cell("mnist", 1, "dc", "ConvNet", network), protocol, budget))


def test_a_column_leaves_out_what_was_not_measured():
    assert columns.column(Measured([]), columns.LENETS, "LeNet") == {}


def test_the_best_training_of_a_version():
    cells = columns.column(KNOWN, columns.LENETS, "LeNet")
    for version in columns.LENETS:
        assert columns.best(cells, version) == max(cells[version, training].mean for training in columns.TRAININGS)


@pytest.mark.parametrize(
    ("mended", "blamed"),
    [
        ({"a": 50, "b": 12}, "a"),
        ({"a": 12, "b": 50}, "b"),
        ({"a": 50, "b": 60}, "both"),
        ({"a": 12, "b": 14}, "together"),
        ({"a": 30, "b": 30.1}, "b"),
    ],
)
def test_who_is_to_blame(mended, blamed):
    assert columns.culprit(10, mended) == blamed


def test_slopes_are_the_lengths_of_each_layers_gradient():
    torch.manual_seed(0)
    network, images, labels = build("LeNet", (1, 28, 28), 10, "report"), torch.randn(4, 1, 28, 28), torch.arange(4)
    found = columns.slopes(network, images, labels)
    weights = [p for p in network.parameters() if p.ndim > 1]
    expected = torch.autograd.grad(F.cross_entropy(network(images), labels), weights)
    assert list(found) == [f"layer {n}" for n in range(1, 6)]
    assert list(found.values()) == pytest.approx([float(g.norm()) for g in expected])
    assert columns.slopes(network, images, labels) == found  # nothing adds up from call to call


def test_slopes_of_a_network_without_layers_are_refused():
    with pytest.raises(ValueError, match="no convolution and no linear layer"):
        columns.slopes(nn.Flatten(), torch.randn(2, 3, 1, 1), torch.arange(2))


def test_the_picture_of_slopes_says_every_number():
    picture = columns.draw_slopes({"sigmoid": {"layer 1": 0.001, "layer 2": 0.5}, "ReLU": {"layer 1": 0.1}})
    assert picture.alt.endswith("sigmoid: layer 1 0.001, layer 2 0.5; ReLU: layer 1 0.1")
    assert picture.png.startswith(b"\x89PNG")


def test_numbers_stand_beside_their_own_recipe():
    table = columns.beside(KNOWN, ("ConvNet", "LeNet"), {("LeNet", "report"): "12.3"}, "my images")
    assert table.header[-1] == "you, my images"
    rows = {row[:2]: row[2:] for row in table.rows}
    assert list(rows) == [(n, p) for n in ("ConvNet", "LeNet") for p in ("report", "published")]
    for (network, protocol), (paper, report, kit, mine) in rows.items():
        source, theirs = ("paper", paper) if protocol == "published" else ("report", report)
        assert theirs == str(printed(source, "table2", "mnist", condensed_with="ConvNet", trained=network))
        assert "–" in (paper, report)
        assert mine == ("12.3" if (network, protocol) == ("LeNet", "report") else "")
        budget = re.fullmatch(r"\d+\.\d ± \d+\.\d \((\w+), \d+ × \d+\)", kit)[1]
        found = pooled(KNOWN.of(Cell("mnist", 1, "dc", "ConvNet", network), protocol, budget))
        assert kit == f"{found} ({budget}, {found.sets} × {found.networks})"
        assert (budget == "full") == bool(KNOWN.of(Cell("mnist", 1, "dc", "ConvNet", network), protocol, "full"))
    assert columns.beside(Measured([]), ("MLP",), {}).rows[0][4] == "not measured yet"


def test_a_spread_is_of_networks_inside_sets_and_of_the_sets_means():
    sets = [[1.0, 3.0], [5.0, 9.0], [2.0, 2.0]]
    found = spread(sets)
    assert found.networks == pytest.approx(math.sqrt((2 + 8 + 0) / 3))
    assert found.luck == pytest.approx(found.networks / math.sqrt(2))
    assert found.sets == pytest.approx(statistics.stdev([2, 7, 2]))


def test_equal_sets_scatter_by_luck():
    torch.manual_seed(0)
    found = spread((80 + torch.randn(4000, 3)).tolist())
    assert found.sets == pytest.approx(found.luck, rel=0.05)


@pytest.mark.parametrize("sets", [[], [[1.0, 2.0]], [[1.0], [2.0]], [[1.0, 2.0], [1.0, 2.0, 3.0]]])
def test_a_spread_of_too_few_is_refused(sets):
    with pytest.raises(ValueError, match="expected two sets or more"):
        spread(sets)


def test_the_table_of_spreads():
    (row,) = spread_table({"report": spread([[1.0, 3.0], [5.0, 7.0]])}).rows
    assert row == ("report", "1.41", "1.00", "2.83", "2.8")
