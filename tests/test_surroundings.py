"""What surrounds a run changes nothing: matplotlib's settings, the language, a terminal that knows few letters."""

import os
import subprocess
import sys

import matplotlib
import pytest
from PIL import Image

from dckit import Recipe, load, plots, random_images
from dckit.results import Run

SCRIPT = """
import hashlib, sys
import dckit
from dckit import plots
from dckit.results import figures
real = dckit.load("digits")
recipe = dckit.Recipe.published(budget="smoke", network="MLP").but(
    iterations=2, real_batch=4, networks=2, epochs_augmented=2, epochs=2)
condensed = dckit.condense(real, recipe)
scores = dckit.evaluate(condensed, real, recipe)
made = [plots.condensed_grid(condensed), plots.curves({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "x", "y", "two lines"),
        plots.bars({"a": 1.0}, "accuracy in %", "a bar"), figures.accuracy_by_ipc([], "mnist")]
print("RESULT", scores.accuracies, condensed.images.double().sum().item(),
      *(hashlib.sha256(picture.png).hexdigest()[:12] for picture in made))
"""
STYLE = """
backend: svg
image.origin: lower
axes.facecolor: black
figure.facecolor: black
axes.prop_cycle: cycler('color', ['r'])
font.size: 30
lines.linewidth: 9
savefig.dpi: 10
image.cmap: gray
"""


def run(folder, **environment):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "MATPLOTLIB"))}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, env=own | environment, capture_output=True)
    assert not done.stderr, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(b"RESULT")]
    return line


def test_neither_matplotlibs_settings_nor_the_language_change_a_number_or_a_picture(tmp_path):
    usual = run(tmp_path)
    (tmp_path / "matplotlibrc").write_text(STYLE)
    plain = dict(LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert run(tmp_path, MATPLOTLIBRC=str(tmp_path / "matplotlibrc"), **plain) == usual


def test_drawing_leaves_the_users_settings_as_they_were():
    with matplotlib.rc_context({"image.origin": "lower", "font.size": 31.0}):
        plots.bars({"a": 1.0}, "x", "a bar")
        assert (matplotlib.rcParams["image.origin"], matplotlib.rcParams["font.size"]) == ("lower", 31.0)


def test_classes_of_any_name_are_drawn(tmp_path):
    names = ["$\\frac{$", "5 $ or 6 $", os.fsdecode(b"broken \xff"), "ш"]
    for half in ("train", "test"):
        for value, name in enumerate(names):
            (tmp_path / half / name).mkdir(parents=True)
            Image.new("L", (8, 8), 60 * value).save(tmp_path / half / name / "1.png")
    real = load(str(tmp_path))
    assert set(real.classes) == {*names[:2], "broken ?", "ш"}
    drawn = plots.condensed_grid(random_images(real, 1, 0))
    assert all(name in drawn.alt for name in real.classes)
    assert drawn.html.encode()
    plots.bars(dict.fromkeys(real.classes, 1.0), "x", "bars of all classes")


@pytest.mark.parametrize("command", [["lessons", "nowhere…"], ["grid", "nowhere±.toml"], ["unknown…"], ["--help"]])
def test_the_command_survives_a_terminal_that_knows_few_letters(command, tmp_path):
    environment = os.environ | dict(PYTHONIOENCODING="ascii", LC_ALL="C.UTF-8")
    done = subprocess.run([sys.executable, "-m", "dckit", *command], cwd=tmp_path, env=environment, capture_output=True)
    assert b"Traceback" not in done.stderr
    assert done.stdout + done.stderr


def test_a_long_name_makes_a_file_that_can_be_written_and_is_its_own(tmp_path):
    names = ["x" * 240 + end for end in "ab"] + ["ш" * 90]
    files = {Run(name, "dc", Recipe.published(), seed).result_file(tmp_path) for name in names for seed in (0, 1)}
    assert len(files) == 6
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    assert len({Run(name, "dc", Recipe.published(), 0).setting for name in names}) == 3
    first, second = (Run(names[0], "dc", Recipe.published(), seed).setting for seed in (0, 1))
    assert first == second


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"momentum": 1.0}, "momentum 1.0: expected 0 or more, and less than 1"),
        ({"image_momentum": 1.5}, "image_momentum 1.5: expected 0 or more, and less than 1"),
        ({"networks": 10**9}, "networks 1000000000: expected more than 0, and less than 10001"),
    ],
)
def test_what_cannot_end_well_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Recipe.published().but(**change)
