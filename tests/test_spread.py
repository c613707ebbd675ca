"""What more networks, sets and epochs do to a spread: widget and exercise; and the picture of the loops."""

import json
import math
import re
import statistics
from pathlib import Path

import pytest
import torch

from dckit import check, widgets
from dckit.check.answers import NOTHING
from dckit.check.reading import SPREAD as RIGHT
from dckit.results import printed
from dckit.show import stage_c
from dckit.widgets.spread import Summary, shown

EPOCHS = [10, 20]
# Two sets of three networks: set by set, network by network, after 10 and after 20 epochs.
MEASURED = [[[50.0, 60.0], [51.0, 64.0], [58.0, 65.0]], [[40.0, 70.0], [43.0, 74.0], [46.0, 78.0]]]


def rows(found):
    return {row[0]: row[1:] for row in found[1].rows}


def test_one_set_is_summed_up_by_its_networks():
    values = [60.0, 64.0, 65.0]
    mean, deviation, error = Summary.of(torch.tensor([values]).double())
    assert (mean, deviation) == pytest.approx((statistics.fmean(values), statistics.pstdev(values)))
    assert error == pytest.approx(statistics.stdev(values) / math.sqrt(3))  # the textbook's standard error


def test_several_sets_are_the_draws_of_the_standard_error():
    first, second = [60.0, 64.0, 65.0], [70.0, 74.0, 78.0]
    mean, deviation, error = Summary.of(torch.tensor([first, second]).double())
    assert mean == pytest.approx(statistics.fmean(first + second))
    assert deviation == pytest.approx(statistics.pstdev(first + second))
    assert error == pytest.approx(statistics.stdev([63.0, 74.0]) / math.sqrt(2))


def test_the_picture_has_the_numbers_that_are_asked_for():
    alt = shown(MEASURED, EPOCHS, sets=1, networks=2, epoch=10)[0].alt
    assert alt == "1 set × 2 networks after 10 epochs: 50.5 ± 0.5 %, standard error 0.5. Mean of each set: 50.5"
    alt = shown(torch.tensor(MEASURED), EPOCHS, sets=2, networks=3, epoch=20)[0].alt
    assert alt.startswith("2 sets × 3 networks after 20 epochs: 68.5 ± 6.2 %, standard error 5.5. ")
    assert alt.endswith("Mean of each set: 63.0, 74.0")


def test_the_table_says_what_one_more_of_each_would_change():
    found = shown(MEASURED, EPOCHS, sets=1, networks=2, epoch=10)
    assert found[1].header[2:] == ("with one network more per set", "with one set more", "with 20 epochs")
    assert rows(found) == {
        "mean in %": ("50.5", "53.0, grows by 2.5", "46.0, shrinks by 4.5", "62.0, grows by 11.5"),
        "±: deviation of all networks": ("0.5", "3.6, grows by 3.1", "4.6, grows by 4.1", "2.0, grows by 1.5"),
        "standard error": ("0.5", "2.5, grows by 2.0", "4.5, grows by 4.0", "2.0, grows by 1.5"),
    }
    assert "nothing about other sets" in found[1].note


def test_what_does_not_change_stays_and_what_was_not_measured_is_said():
    same = [[[50.0, 50.0], [52.0, 52.0]]]
    assert rows(shown(same, EPOCHS, 1, 2, 10))["mean in %"] == ("51.0", "not measured", "not measured", "51.0, stays")
    assert rows(shown(same, EPOCHS, 1, 2, 20))["mean in %"][1:] == ("not measured",) * 3
    assert "counts sets" in shown(MEASURED, EPOCHS, 2, 1, 10)[1].note


def test_one_network_has_no_deviation():
    found = shown(MEASURED, EPOCHS, 1, 1, 10)
    assert "50.0 %, standard error unknown" in found[0].alt
    assert rows(found)["±: deviation of all networks"][:2] == ("unknown", "0.5")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(sets=3), "sets 3: expected 1 to 2"),
        (dict(sets=0), "sets 0: expected 1 to 2"),
        (dict(networks=4), "networks 4: expected 1 to 3"),
        (dict(epoch=15), "epoch 15: expected one of 10, 20"),
        (dict(epochs=[10]), "sets × networks × 1 checkpoints"),
        (dict(accuracies=[1.0, 2.0]), "expected accuracies of sets × networks"),
        (dict(accuracies=[]), "expected accuracies of sets × networks"),
    ],
)
def test_what_was_not_measured_is_refused_in_one_sentence(changes, sentence):
    given = dict(accuracies=MEASURED, epochs=EPOCHS, sets=1, networks=1, epoch=10) | changes
    with pytest.raises(ValueError, match=re.escape(sentence)):
        shown(**given)


def test_the_widget_follows_its_controls():
    panel = widgets.spread(torch.tensor(MEASURED), EPOCHS)
    for control in panel.controls.values():
        assert type(control).__module__.startswith("ipywidgets.widgets.")
        assert control.description
        assert not control.continuous_update
    panel.controls["epoch"].value = 10
    assert "1 set × 2 networks after 10 epochs: 50.5 ± 0.5 %" in panel.html
    panel.controls["sets"].value = 2
    panel.controls["networks"].value = 3
    assert "2 sets × 3 networks after 10 epochs: 48.0 ± 5.9 %" in panel.html
    with pytest.raises(ValueError, match="expected accuracies of sets"):
        widgets.spread([[50.0]], EPOCHS)


# The exercise about ±


def test_the_right_reading_is_accepted():
    assert check.spread_reading(RIGHT).right
    assert check.spread_reading({row: f" {word.upper()} " for row, word in RIGHT.items()}).right
    assert check.spread_reading(RIGHT | {"A": True, "B": False}).right


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"A": "no", "B": "yes"}, "read ± as the uncertainty of the mean"),
        ({"B": "yes"}, "± and the standard error as one thing"),
        ({"C": "no"}, "think about C again: compare √(n − 1)"),
        ({"D": "yes"}, "as if they were sets"),
        ({"D": "no"}, "cannot say that it will fall outside"),
        ({"E": "no"}, "think about E again: the paper takes one deviation over 5 × 20 networks"),
        ({"A": "cannot tell"}, "think about A again: the deviation 0.5 says how far single networks fall from 91.7"),
        ({"A": "no", "E": "no"}, "think about A again"),
        ({"D": "yes", "E": "cannot tell"}, "think about D again: how many sets did the report's 20 networks"),
        ({"C": "maybe"}, "question C has the answer `maybe`: expected one of yes, no, cannot tell"),
        ({"C": 3}, "question C has the answer `3`"),
        ({"C": None}, "question C has the answer ``"),
    ],
)
def test_a_wrong_reading_is_told_what_is_wrong(wrong, says):
    found = check.spread_reading(RIGHT | wrong)
    assert not found.right
    assert says in str(found)


@pytest.mark.parametrize("stub", [None, ..., dict.fromkeys("ABCDE"), dict.fromkeys("ABCDE", ...)])
def test_an_untouched_reading_is_told_so(stub):
    assert str(check.spread_reading(stub)) == f"Not yet: {NOTHING}"


@pytest.mark.parametrize("junk", [{"A": "yes"}, 3, "yes", [], lambda: 1])
def test_what_is_no_reading_is_refused(junk):
    assert "expected a dictionary with the keys A, B, C, D, E" in str(check.spread_reading(junk))


def test_the_lesson_asks_about_the_numbers_that_were_printed():
    cells = json.loads((Path(__file__).parents[1] / "notebooks" / "03_stage_t.ipynb").read_text())["cells"]
    (text,) = (t for cell in cells if "read two printed numbers" in (t := "".join(cell["source"])))
    paper, report = (printed(source, "table1", "mnist", ipc=1, method="dc") for source in ("paper", "report"))
    assert f"**{paper}** ({paper.sets} sets × {paper.networks} networks)" in text
    assert f"**{report}** ({report.sets} set × {report.networks} networks)" in text
    assert f"between {paper.mean - paper.std:.1f} and {paper.mean + paper.std:.1f} %" in text
    assert f"between {report.mean - report.std:.1f} and {report.mean + report.std:.1f} %" in text


# The picture of the loops


def test_the_picture_of_stage_c_says_how_often_each_loop_runs():
    alt = stage_c(1000, 10, 50).alt
    assert "K = 1000 times" in alt
    assert "T = 10 times" in alt
    assert "ς = 50 steps of the network" in alt
    assert "after 10000 matching steps" in alt


@pytest.mark.parametrize(("T", "steps", "why"), [(1, 50, "T = 1"), (10, 0, "ς = 0")])
def test_a_network_that_is_never_trained_is_drawn_otherwise(T, steps, why):
    untrained, trained = stage_c(200, T, steps), stage_c(200, 10, 50)
    assert f"no training of the network between them, since {why}" in untrained.alt
    assert untrained.png != trained.png


@pytest.mark.parametrize(("given", "sentence"), [((0, 1, 1), "K 0"), ((1, 0, 1), "T 0"), ((1, 1, -1), "steps -1")])
def test_loops_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(ValueError, match=f"{sentence}: expected"):
        stage_c(*given)
