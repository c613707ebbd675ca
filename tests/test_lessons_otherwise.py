"""Lessons as other people run them: with a ready-made set, and on images of their own."""

from pathlib import Path

import nbformat
import numpy as np
import torch
from cells import code

import dckit
from dckit.batch import headless
from dckit.method import Scores

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def printed(notebook):
    outputs = [o for cell in nbformat.read(notebook, as_version=4).cells for o in cell.get("outputs", ())]
    return "".join(o.get("text", "") for o in outputs) + "".join(str(o.get("data", "")) for o in outputs)


def test_a_lesson_begins_with_the_kits_own_set(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("DCKIT_DATA", str(data_root))
    given = dict(dataset="mnist", shipped=True, outputs=str(tmp_path))
    ran = headless.execute(NOTEBOOKS / "00_start_here.ipynb", tmp_path / "ran.ipynb", given, html=False)
    assert not ran.error
    assert not list((tmp_path / "sets").glob("mnist-1-dc-*"))  # nothing was condensed
    assert f"{dckit.CondensedSet.load('mnist-1').card['accuracy']['mean']:.1f}" in printed(tmp_path / "ran.ipynb")


def test_stage_t_tests_the_kits_own_set_and_keeps_no_result_of_it(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("DCKIT_DATA", str(data_root))
    shown, tested, kept, scores = [], [], [], Scores((90.0,), 0.0, {"networks": 1})
    monkeypatch.setattr(dckit, "evaluate", lambda data, *rest: tested.append(data) or scores)
    parameters, setup, *cells = code(NOTEBOOKS / "03_stage_t.ipynb")
    names = {"display": shown.append}
    exec(parameters, names)
    names |= dict(dataset="mnist", shipped=True, outputs=str(tmp_path))
    exec(setup, names)
    names["measure"] = lambda run, *rest: kept.append(run.method) or scores
    for cell in cells[: next(i for i, cell in enumerate(cells) if "dckit.evaluate(" in cell) + 1]:
        exec(cell, names)
    made = dckit.CondensedSet.load("mnist-1")
    assert [each.card for each in tested] == [made.card]
    assert torch.equal(tested[0].images, made.images)
    assert kept == ["random", "whole"]
    assert [picture.alt for picture in shown] == [dckit.plots.condensed_grid(made).alt]
    assert not list(tmp_path.rglob("*.safetensors"))  # nothing was condensed


def test_a_lesson_runs_on_images_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    pixels = (rng.integers(0, 100, (90, 20, 24, 3)) + 70 * np.eye(3, dtype=int)[labels][:, None, None]).astype(np.uint8)
    whole = dict(x_train=pixels[:60], y_train=labels[:60], x_test=pixels[60:], y_test=labels[60:])
    np.savez(tmp_path / "three colours.npz", **whole)
    given = dict(dataset=str(tmp_path / "three colours.npz"), outputs=str(tmp_path))
    ran = headless.execute(NOTEBOOKS / "00_start_here.ipynb", tmp_path / "ran.ipynb", given, html=False)
    assert not ran.error
    (made,) = (tmp_path / "sets").glob("three%20colours-1-dc-*.safetensors")
    assert dckit.CondensedSet.load(made).images.shape == (3, 3, 20, 24)
