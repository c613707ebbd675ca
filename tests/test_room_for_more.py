"""Room for more: a new algorithm is one file, and neither it nor a new field renames anything that was measured."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from runs import assert_same_run, last

import dckit
from dckit.method import ALGORITHMS, Recipe
from dckit.method.algorithm import Algorithm, noise_or_real
from dckit.results import Run, measure, read, runs
from dckit.widgets import live_run

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "dckit" / "results" / "reference" / "results"


@dataclass(frozen=True)
class Means(Algorithm):
    """Images move to the mean image of their class, times a learned factor: all by Adam."""

    method: ClassVar[str] = "means"
    iterations: int = 6
    rate: float = 0.05

    @classmethod
    def published(cls, ipc, budget, network):
        return cls(network=network)

    def start(self, real, ipc, generator):
        learned = {"images": noise_or_real("noise", real, ipc, generator), "factor": torch.ones(())}
        moments = {f"{name} {moment}": torch.zeros_like(t) for name, t in learned.items() for moment in MOMENTS}
        return learned | moments | {"step": torch.zeros(())}

    def ready(self, real, labels):
        classes = range(len(real.classes))

        def step(learned, generator):
            goal = torch.stack([real.train.sample(c, 8, generator)[0].mean(0) for c in classes])[labels]
            own = {name: learned[name].clone().requires_grad_() for name in ("images", "factor")}
            adam = torch.optim.Adam(own.values(), self.rate)
            for name, tensor in own.items():
                kept = {moment: learned[f"{name} {moment}"].clone() for moment in MOMENTS}
                adam.state[tensor] = kept | {"step": learned["step"].clone()}
            loss = (own["images"] * own["factor"] - goal).square().mean()
            loss.backward()
            adam.step()
            after = {f"{name} {moment}": adam.state[t][moment] for name, t in own.items() for moment in MOMENTS}
            return {name: t.detach() for name, t in own.items()} | after | {"step": learned["step"] + 1}, loss.detach()

        return step


MOMENTS = ("exp_avg", "exp_avg_sq")


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setitem(ALGORITHMS, "means", Means)
    small = dict(networks=2, epochs_augmented=3, epochs=3, width=8)
    return Recipe.published(ipc=2, budget="smoke", method="means").but(**small)


def test_a_new_algorithm_condenses_and_is_tested_measured_and_read_again(recipe, digits, tmp_path):
    condensed = dckit.condense(digits, recipe, progress=False)
    assert condensed.images.shape == (20, 1, 28, 28)
    assert len(dckit.evaluate(condensed, digits, recipe, progress=False).accuracies) == 2
    run = Run("digits", "means", recipe)
    scores = measure(run, digits, tmp_path)
    assert read(run.result_file(tmp_path)).run == run
    assert read(run.result_file(tmp_path)).scores.accuracies == scores.accuracies
    assert torch.equal(dckit.CondensedSet.load(run.set_file(tmp_path)).images, condensed.images)
    assert recipe.but(rate=0.1).condensing.rate == 0.1
    (named,) = runs("digits", 2, "smoke", methods="means", protocol="published + rate=0.1 + width=8")
    assert "rate=0.1" in named.name
    assert "iteration 6 of 6" in live_run.shown(condensed).alt


def test_its_own_learned_tensors_and_moments_survive_a_pause(recipe, digits, tmp_path):
    whole = last(dckit.condensing(digits, recipe, seed=3))
    file = tmp_path / "paused.safetensors"
    for state in dckit.condensing(digits, recipe, seed=3, checkpoint=file):
        if state.iteration == 3:
            break
    assert state.learned["factor"] != 1
    assert state.learned["images exp_avg_sq"].abs().max() > 0
    resumed = dckit.condensing(digits, recipe, seed=3, checkpoint=file)
    assert next(resumed).iteration == 4
    end = last(resumed)
    assert_same_run(end, whole)
    assert set(end.learned) == set(whole.learned)
    assert all(torch.equal(end.learned[name], tensor) for name, tensor in whole.learned.items())


FIELDS = {  # file → what a new field follows there
    "choices.py": "    width: int = 128",
    "algorithm.py": "    iterations: int = 1000",
    "dc.py": "    matching_steps: int = 1",
    "testing.py": "    batch: int = 256",
}
NAMES = """
import pathlib, sys
import dckit
from dckit.data import shipped_sets
from dckit.method import ALGORITHMS, Recipe
from dckit.results import read, with_shipped
assert pathlib.Path(dckit.__file__).is_relative_to(pathlib.Path.cwd()), dckit.__file__
import dckit.method.means
new = {"new_choices", "new_algorithm", "new_dc", "new_testing"}
assert new <= {*vars(Recipe.published().condensing), *vars(Recipe.published().testing)}
assert Recipe.published(method="means").condensing.method == "means"
results = with_shipped([])
print("\\n".join(sorted(result.run.name for result in results)))
for name in shipped_sets():
    Recipe.read(dckit.CondensedSet.load(name).card["recipe"])
"""


def test_new_fields_and_a_new_algorithm_rename_no_result(tmp_path):
    shutil.copytree(ROOT / "dckit", tmp_path / "dckit", ignore=shutil.ignore_patterns("__pycache__"))
    method = tmp_path / "dckit" / "method"
    for file, line in FIELDS.items():
        text = (method / file).read_text()
        assert text.count(line) == 1
        (method / file).write_text(text.replace(line, f"    new_{Path(file).stem}: float = 1.0\n{line}"))
    (method / "means.py").write_text(
        "from dataclasses import dataclass\n"
        "from .algorithm import Algorithm\n"
        "from .recipes import ALGORITHMS\n"
        "@dataclass(frozen=True)\n"
        "class Means(Algorithm):\n"
        "    method = 'means'\n"
        "    @classmethod\n"
        "    def published(cls, ipc, budget, network):\n"
        "        return cls(network=network)\n"
        "    def start(self, real, ipc, generator): ...\n"
        "    def ready(self, real, labels): ...\n"
        "ALGORITHMS['means'] = Means\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", NAMES], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert found == sorted(path.stem for path in SHIPPED.glob("*.json"))
