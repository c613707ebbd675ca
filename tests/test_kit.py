"""The kit's own results and sets: `tools/kit.py`, what it writes, and what comes in the package."""

import json
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops

from benchmarks import plain
from dckit import CondensedSet, Recipe, condense, evaluate, load
from dckit.batch import lessons
from dckit.data import SHIPPED, shipped_sets
from dckit.engine import json_or_text
from dckit.results import Run, runs, with_shipped, words_of
from dckit.results.recipe_words import protocol_recipe
from dckit.results.store import save
from tools import kit, ship

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "dckit/results/reference"
RESULTS = with_shipped([])
SUMMARY = json.loads((REFERENCE / "kit.json").read_text(encoding="utf-8"))["results"]
PAGES = ("README.md", "docs/results.md", "docs/methods.md")


def test_what_the_tool_writes_is_what_is_there(tmp_path):
    for page in PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).write_text((ROOT / page).read_text(encoding="utf-8"), encoding="utf-8")
    kit.write(tmp_path, RESULTS)
    for written in ("dckit/results/reference/kit.json", *PAGES):
        assert (tmp_path / written).read_text(encoding="utf-8") == (ROOT / written).read_text(encoding="utf-8")
    drawn = {path.name for path in (tmp_path / "docs").glob("*.png")}
    assert drawn
    assert drawn <= {path.name for path in (ROOT / "docs").glob("*.png")}
    for name in drawn:
        new, old = Image.open(tmp_path / "docs" / name), Image.open(ROOT / "docs" / name)
        if new.info["Software"] == old.info["Software"]:  # other versions of matplotlib draw a little otherwise
            assert new.size == old.size, name
            assert ImageChops.difference(new.convert("RGB"), old.convert("RGB")).getbbox() is None, name


def test_seconds_stand_beside_what_was_tested_as_published():
    shown = Recipe.published(10, method="dm").but(iterations=300, networks=2, precision="bfloat16")
    assert kit._tested_as_published(Run("mnist", "dm", shown))
    for changes in (dict(test_images=2000), dict(epochs_augmented=100), dict(testing={"network": "LeNet"})):
        assert not kit._tested_as_published(Run("mnist", "dm", shown.but(**changes)))
    assert not kit._tested_as_published(Run("mnist", "dm", shown.but(network="LeNet")))
    assert not kit._tested_as_published(Run("mnist", "random", Recipe.published(10)))


def test_every_result_is_in_one_line_of_the_summary():
    files = [file for line in SUMMARY for file in line["files"]]
    assert sorted(files) == sorted(f"results/{r.run.name}.json" for r in RESULTS)


@pytest.mark.parametrize("line", SUMMARY, ids=lambda line: Path(line["files"][0]).stem)
def test_a_line_sums_up_its_files_and_its_command_measures_them_anew(line):
    found = [json.loads((REFERENCE / file).read_text(encoding="utf-8")) for file in line["files"]]
    accuracies = torch.tensor([a for result in found for a in result["accuracies"]], dtype=torch.float64)
    assert line["mean"] == pytest.approx(accuracies.mean().item(), abs=0.006)
    assert line["std"] == pytest.approx(accuracies.std(correction=0).item(), abs=0.006)
    assert line["seeds"] == [result["seed"] for result in found]

    _, _, kit, command, *arguments = shlex.split(line["command"])
    assert (kit, command) == ("dckit", "lessons")
    args = lessons._parser().parse_args(arguments)
    given = {name: json_or_text(text) for name, text in args.parameter}
    assert lessons.parameters_for(ROOT / args.notebook[0], given) == given
    given.pop("questions", None)
    (run,) = runs(**given)
    assert f"results/{run.name}.json" == line["files"][0]


def test_words_for_a_recipe_mean_that_recipe():
    for result in RESULTS:
        recipe = result.run.recipe
        networks = recipe.condensing.network, recipe.testing.network
        again = protocol_recipe(words_of(recipe), recipe.ipc, recipe.budget, *networks, recipe.method)
        assert again.condensing.decisive == recipe.condensing.decisive
        assert again.testing.decisive == recipe.testing.decisive
    assert words_of(Recipe.published(10)) == "published"
    assert words_of(Recipe.report(1, "lesson", "LeNet")) == "report"
    assert words_of(Recipe.published().but(init="real", image_lr=0.3)) == "published + init=real + image_lr=0.3"


def test_the_sets_are_small_and_tell_how_they_were_made():
    assert {f"{name}-{ipc}" for name in ("mnist", "fashionmnist", "cifar10") for ipc in (1, 10)} <= set(shipped_sets())
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 20e6
    for name in shipped_sets():
        condensed = CondensedSet.load(name)
        card = condensed.card
        made = Recipe.read(card["recipe"])
        of_method = "" if made.method == "dc" else f"-{made.method}"
        assert name == card["name"] == f"{card['dataset']}-{condensed.ipc}{of_method}"
        assert made.condensing.iterations == card["iteration"]
        assert {"seed", "versions", "device", "seconds"} <= set(card)
        published = Recipe.published(condensed.ipc, method=made.method)
        tests = {"accuracy": published}
        if of_method:
            tests["plain_accuracy"] = published.but(augmentation="none")
        for test, recipe in tests.items():
            accuracy, precision = card[test], card[test]["testing"]["precision"]
            tested = recipe.but(networks=len(accuracy["accuracies"]), testing={"precision": precision}).testing
            assert accuracy["testing"] == tested.decisive
            assert min(accuracy["accuracies"]) <= accuracy["mean"] <= max(accuracy["accuracies"])


def test_one_network_has_no_deviation():
    assert kit._reached({"mean": 98.41, "std": 0.0, "accuracies": [98.41]}) == "98.4 (1 network)"
    assert kit._reached({"mean": 96.5, "std": 0.52, "accuracies": [96.0, 97.0]}) == "96.5 ± 0.5 (2 networks)"


@pytest.mark.parametrize("name", ["fashionmnist-1", "cifar10-1"])
def test_a_set_teaches_plain_code_what_its_card_says(data_root, name):
    condensed = CondensedSet.load(name)
    real = load(condensed.card["dataset"], root=data_root)
    torch.manual_seed(0)
    (found,) = plain.evaluate(condensed.images, condensed.labels, real, Recipe.published().but(networks=1))
    accuracy = condensed.card["accuracy"]
    assert found == pytest.approx(accuracy["mean"], abs=max(5 * accuracy["std"], 1))


def test_a_set_is_shipped_with_its_name_and_its_accuracy(digits, quick, tmp_path, monkeypatch):
    recipe = quick.but(networks=2)
    run = Run("digits", "dc", recipe)
    condensed = condense(digits, recipe, checkpoint=run.set_file(tmp_path))
    monkeypatch.setattr(ship, "SHIPPED", tmp_path)
    monkeypatch.setattr(ship.Recipe, "published", lambda ipc, method: quick)
    monkeypatch.setattr("sys.argv", ["ship", "digits-1", str(run.set_file(tmp_path)), "--networks", "2"])
    ship.main()
    card = CondensedSet.load(tmp_path / "digits-1.safetensors").card
    scores = evaluate(condensed, digits, recipe)
    assert card["name"] == "digits-1"
    assert card["accuracy"]["accuracies"] == list(scores.accuracies)
    assert card["accuracy"]["testing"] == recipe.testing.decisive

    save(run, scores, tmp_path)
    monkeypatch.setattr(ship, "evaluating", None)  # what has a result is not tested again
    ship.main()
    assert CondensedSet.load(tmp_path / "digits-1.safetensors").card["accuracy"]["mean"] == round(scores.mean, 2)
