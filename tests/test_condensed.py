import errno
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import pil_to_tensor

from dckit import CondensedSet, evaluate, load, random_images
from dckit.show.plots import condensed_grid
from dckit.widgets.set_explorer import shown


@pytest.fixture
def condensed(digits):
    """Two images of each class, not only real ones: learned pixels leave the range of pictures."""
    real = random_images(digits, ipc=2)
    return replace(real, images=real.images + torch.linspace(-2, 2, 20).view(20, 1, 1, 1))


def write(path, condensed, **changes):
    """The file that ``save`` would write, with another card."""
    tensors = {"images": condensed.images, "labels": condensed.labels}
    save_file(tensors, path, metadata={"dckit": json.dumps(condensed.card | changes)})


def test_a_set_of_somebody_elses_is_sorted_by_class(digits, tmp_path):
    images, labels = torch.randn(20, 1, 28, 28), torch.arange(20) % 10
    torch.save((images, labels), tmp_path / "theirs.pt")
    condensed = CondensedSet.from_tensors(images.requires_grad_(), labels, digits, "theirs.pt")
    assert condensed.ipc == 2
    assert torch.equal(condensed.images[2 * 3 + 1], images[13].detach())
    condensed.save(tmp_path / "set.safetensors")
    assert CondensedSet.load(tmp_path / "set.safetensors").card["source"] == "theirs.pt"
    for n, odd in ((20, labels[:19]), (20, (labels + 1) * 2), (20, labels - 1), (9, labels[:9]), (0, labels[:0])):
        with pytest.raises(ValueError, match=r"expected (one label per image|the numbers of all 10 classes of digits)"):
            CondensedSet.from_tensors(images[:n], odd, digits)
    with pytest.raises(ValueError, match="the card speaks of"):
        CondensedSet.from_tensors(images[..., :20], labels, digits)


def test_a_set_may_have_more_images_of_some_classes(digits, quick, tmp_path):
    labels = torch.tensor([*range(10), 3, 9, 3])
    condensed = CondensedSet.from_tensors(torch.randn(13, 1, 28, 28), labels, digits)
    assert condensed.counts == [1, 1, 1, 3, 1, 1, 1, 1, 1, 2]
    assert condensed.ipc == 3
    rows = condensed.rows.view(3, 10, 1, 28, 28)
    assert torch.equal(rows[:, 3], condensed.pixels[3:6])
    assert torch.equal(rows[1:, :3], torch.ones(2, 3, 1, 28, 28))  # white
    assert "1 to 3 images per class" in condensed_grid(condensed).alt
    assert "digits, 1 image per class; columns: 0, 1" in condensed_grid(random_images(digits)).alt
    condensed.save_images(tmp_path / "pictures")
    found = sorted(str(path.relative_to(tmp_path / "pictures")) for path in tmp_path.rglob("*.png"))
    assert len(found) == 13
    assert found[3:6] == ["3/0.png", "3/1.png", "3/2.png"]
    condensed.save(tmp_path / "set.safetensors")
    again = CondensedSet.load(tmp_path / "set.safetensors")
    assert torch.equal(again.labels, labels.sort().values)
    assert len(evaluate(again, digits, quick, progress=False).accuracies) == 1
    assert "nearest to its 9" in shown(digits, {"theirs": [again]}, ["theirs"], 0, 9, 0).alt
    with pytest.raises(ValueError, match="image 1 of 'theirs': it has 1 of each class"):
        shown(digits, {"theirs": [again]}, ["theirs"], 0, 9, 1)


def test_a_set_comes_back_from_its_file_as_it_was(condensed, tmp_path):
    path = tmp_path / "new" / "folder" / "digits.safetensors"
    condensed.save(path)
    again = CondensedSet.load(str(path))
    assert torch.equal(again.images, condensed.images)
    assert torch.equal(again.labels, condensed.labels)
    assert again.labels.dtype == torch.int64
    assert again.card == condensed.card
    assert [file.name for file in path.parent.iterdir()] == ["digits.safetensors"]


def test_a_file_is_written_over_by_a_newer_one_and_readable_as_any_other(condensed, tmp_path):
    path, other = tmp_path / "digits.safetensors", tmp_path / "other"
    random_condensed = replace(condensed, images=torch.randn_like(condensed.images))
    random_condensed.save(path)
    condensed.save(path)
    assert torch.equal(CondensedSet.load(path).images, condensed.images)
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_a_set_knows_its_size(condensed):
    assert (len(condensed), condensed.ipc) == (20, 2)
    images, labels = condensed[3:5]
    assert torch.equal(images, condensed.images[3:5])
    assert labels.tolist() == [1, 2]
    assert torch.equal(condensed.to(torch.device("cpu")).images, condensed.images)


def test_a_tensor_dataset_feeds_a_data_loader(condensed):
    dataset = condensed.tensor_dataset()
    image, label = dataset[7]
    assert torch.equal(image, condensed.images[7])
    assert int(label) == 3
    images, labels = next(iter(DataLoader(dataset, batch_size=20)))
    assert torch.equal(images, condensed.images)
    assert torch.equal(labels, condensed.labels)


def test_pixels_undo_the_normalisation_and_are_cut_off(condensed, digits):
    pixels = condensed.pixels
    raw = condensed.images * digits.std[0] + digits.mean[0]
    assert raw.min() < 0
    assert raw.max() > 1
    assert (pixels.min(), pixels.max()) == (0, 1)
    inside = (raw >= 0) & (raw <= 1)
    torch.testing.assert_close(pixels[inside], raw[inside])
    assert set(pixels[~inside].tolist()) == {0.0, 1.0}


def test_pixels_of_real_images_are_their_pixels(digits):
    stored = {image.numpy().tobytes() for image in digits.train.pixels}
    for image in random_images(digits).pixels:
        assert (image * 255).round().byte().numpy().tobytes() in stored


# Pictures


def test_the_grid_has_a_column_for_each_class_and_a_row_for_each_image(condensed, tmp_path):
    path = tmp_path / "new" / "grid.png"
    condensed.save_grid(path)
    with Image.open(path) as picture:
        assert picture.size == (10 * 29 + 1, 2 * 29 + 1)
        grid = pil_to_tensor(picture)[0].float() / 255
    for i in range(20):
        c, row = i // 2, i % 2
        cell = grid[1 + 29 * row : 29 + 29 * row, 1 + 29 * c : 29 + 29 * c]
        torch.testing.assert_close(cell, condensed.pixels[i, 0], rtol=0, atol=1 / 255)
    assert (grid[0] == 1).all()
    assert [file.name for file in path.parent.iterdir()] == ["grid.png"]


def test_pictures_are_read_by_torchvisions_image_folder(condensed, tmp_path):
    condensed.save_images(tmp_path / "pictures")
    folder = ImageFolder(tmp_path / "pictures")
    assert folder.classes == list("0123456789")
    assert folder.targets == condensed.labels.tolist()
    for (picture, _), expected in zip(folder, condensed.pixels, strict=True):
        torch.testing.assert_close(pil_to_tensor(picture)[:1] / 255, expected, rtol=0, atol=1 / 255)
    assert {file.name for file in (tmp_path / "pictures" / "4").iterdir()} == {"0.png", "1.png"}


def with_classes(condensed, *names):
    two = condensed.card | {"classes": list(names)}
    return CondensedSet(condensed.images[:2].clone(), torch.arange(2), two)


def test_a_slash_in_a_class_makes_no_folder_of_its_own(condensed, tmp_path):
    with_classes(condensed, "T-shirt/top", "Trouser").save_images(tmp_path / "pictures")
    assert {folder.name for folder in (tmp_path / "pictures").iterdir()} == {"T-shirt-top", "Trouser"}


def test_classes_whose_folders_would_be_the_same_keep_all_of_their_pictures(condensed, tmp_path):
    with_classes(condensed, "a/b", "a-b").save_images(tmp_path / "pictures")
    assert len(list((tmp_path / "pictures").glob("*/*.png"))) == 2


def test_a_class_in_a_foreign_card_leads_to_no_place_outside_of_the_folder(condensed, tmp_path):
    with_classes(condensed, "..", "ok").save_images(tmp_path / "here" / "pictures")
    assert not list(tmp_path.glob("*.png"))
    assert not list((tmp_path / "here").glob("*.png"))


# What is refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (lambda c: dict(images=c.images[:, :, :20]), r"the card speaks of float32 images of \(1, 28, 28\)"),
        (lambda c: dict(images=c.images.double()), "the card speaks of float32 images .* torch.float64"),
        (lambda c: dict(labels=c.labels.int()), "sorted, and labels of int64"),
        (lambda c: dict(labels=c.labels.flip(0)), "do not fit the card's 10 classes: expected images of every class"),
        (lambda c: dict(labels=c.labels[:-1]), "20 images and 19 labels do not fit"),
        (lambda c: dict(images=c.images[:-1]), "19 images and 20 labels do not fit"),
        (lambda c: dict(images=c.images[:-2], labels=c.labels[:-2]), "18 images and 18 labels do not fit"),
        (lambda c: dict(images=c.images[:0], labels=c.labels[:0]), "0 images and 0 labels do not fit"),
        (lambda c: dict(card={}), "card"),
        (lambda c: dict(card=c.card | {"classes": ["a", "b", "c"]}), "do not fit the card's 3 classes"),
        (lambda c: dict(images=c.images / 0), "the images contain NaN or infinity: the run that made them diverged"),
        (lambda c: dict(images=c.images.clone().index_fill_(0, torch.tensor(3), float("inf"))), "NaN or infinity"),
    ],
)
def test_images_labels_and_card_must_fit(condensed, changes, says):
    with pytest.raises(ValueError, match=says):
        replace(condensed, **changes(condensed))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*set\.safetensors"):
        CondensedSet.load(tmp_path / "set.safetensors")
    with pytest.raises(FileNotFoundError, match="no file"):
        CondensedSet.load(tmp_path)


def test_a_set_of_the_kit_is_known_by_its_name(condensed, tmp_path, monkeypatch):
    mine = CondensedSet.load("mnist-1")
    assert (mine.card["dataset"], mine.ipc, mine.images.shape) == ("mnist", 1, (10, 1, 28, 28))
    with pytest.raises(FileNotFoundError, match=r"no file mnist-7, and none of the kit's own sets: .*mnist-1"):
        CondensedSet.load("mnist-7")
    monkeypatch.chdir(tmp_path)
    condensed.save("mnist-1")  # one's own file goes first
    assert len(CondensedSet.load("mnist-1")) == len(condensed)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 0.5, -1])
def test_a_truncated_file_is_refused(condensed, tmp_path, kept):
    path = tmp_path / "set.safetensors"
    condensed.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(ValueError, match=r"set\.safetensors is damaged or not a safetensors file") as error:
        CondensedSet.load(path)
    assert "\n" not in str(error.value)


def test_a_foreign_safetensors_file_is_refused(condensed, tmp_path):
    path = tmp_path / "set.safetensors"
    save_file({"images": condensed.images, "labels": condensed.labels}, path)
    with pytest.raises(ValueError, match="is a safetensors file without dckit's card"):
        CondensedSet.load(path)
    save_file({"images": condensed.images}, path, metadata={"dckit": "no json"})
    with pytest.raises(ValueError, match="is a safetensors file without dckit's card"):
        CondensedSet.load(path)


@pytest.mark.parametrize("missing", ["images", "labels"])
def test_a_file_without_images_or_labels_is_refused(condensed, tmp_path, missing):
    path = tmp_path / "set.safetensors"
    tensors = {"images": condensed.images, "labels": condensed.labels}
    del tensors[missing]
    save_file(tensors, path, metadata={"dckit": json.dumps(condensed.card)})
    with pytest.raises(ValueError, match=f"has no tensor '{missing}': not a condensed set of this kit"):
        CondensedSet.load(path)


@pytest.mark.parametrize(
    "card",
    [
        dict(shape=[3, 32, 32]),
        dict(shape=None),
        dict(shape=7),
        dict(classes=["0"]),
        dict(classes=10),
        dict(classes=None),
        dict(mean="x"),
        dict(std=None),
        dict(mean=[0.1, 0.2]),
        dict(normalisation=None),
    ],
    ids=str,
)
def test_a_card_that_does_not_fit_is_refused(condensed, tmp_path, card):
    path = tmp_path / "set.safetensors"
    write(path, condensed, **card)
    with pytest.raises(ValueError, match=r"set\.safetensors"):
        CondensedSet.load(path)


@pytest.mark.parametrize("card", ["[1]", "1", "null", '"card"'])
def test_a_card_that_is_no_dictionary_is_refused(condensed, tmp_path, card):
    path = tmp_path / "set.safetensors"
    save_file({"images": condensed.images, "labels": condensed.labels}, path, metadata={"dckit": card})
    with pytest.raises(ValueError, match=r"set\.safetensors"):
        CondensedSet.load(path)


@pytest.mark.parametrize("key", ["classes", "shape", "mean", "std", "normalisation", "dataset"])
def test_a_card_without_what_every_card_has_is_refused(condensed, tmp_path, key):
    path = tmp_path / "set.safetensors"
    card = {k: v for k, v in condensed.card.items() if k != key}
    save_file({"images": condensed.images, "labels": condensed.labels}, path, metadata={"dckit": json.dumps(card)})
    with pytest.raises(ValueError, match=r"set\.safetensors"):
        CondensedSet.load(path)


def test_a_file_of_nan_is_refused(condensed, tmp_path):
    path = tmp_path / "set.safetensors"
    tensors = {"images": condensed.images * float("nan"), "labels": condensed.labels}
    save_file(tensors, path, metadata={"dckit": json.dumps(condensed.card)})
    with pytest.raises(ValueError, match=r"set\.safetensors: the images contain NaN"):
        CondensedSet.load(path)


class _Creates:
    """An object whose unpickling makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_executed(condensed, tmp_path):
    evil, made = tmp_path / "set.safetensors", tmp_path / "made"
    evil.write_bytes(pickle.dumps(_Creates(made)))
    with pytest.raises(ValueError, match=r"is damaged or not a safetensors file.*CondensedSet.from_published"):
        CondensedSet.load(evil)
    assert not made.exists()
    pickle.loads(evil.read_bytes())  # the pickle would have worked
    assert made.exists()


# Nothing half written


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("crash"), KeyboardInterrupt()])
def test_a_file_whose_writing_fails_stays_as_it_was(condensed, tmp_path, monkeypatch, error):
    path = tmp_path / "set.safetensors"
    condensed.save(path)
    before = path.read_bytes()

    def fail(tensors, part, metadata):
        Path(part).write_bytes(b"half of it")
        raise error

    monkeypatch.setattr("dckit.engine.files.save_file", fail)
    with pytest.raises(type(error)):
        replace(condensed, images=condensed.images + 1).save(path)
    with pytest.raises(type(error)):
        condensed.save(tmp_path / "another.safetensors")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["set.safetensors"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded"),
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
        (SafetensorError("Error while serializing: I/O error: File too large (os error 27)"), "File too large"),
        (SafetensorError("Error while serializing"), "Error while serializing"),
    ],
)
def test_a_full_disk_is_told_in_a_sentence(condensed, tmp_path, monkeypatch, error, reason):
    def fail(tensors, part, metadata):
        raise error

    monkeypatch.setattr("dckit.engine.files.save_file", fail)
    with pytest.raises(OSError, match=rf"^cannot write .*set\.safetensors: {reason}; choose another folder$"):
        condensed.save(tmp_path / "set.safetensors")
    assert not list(tmp_path.iterdir())


def on_a_small_disk(script, folder):
    """What a Python script prints for which ``folder``, its argument, is a disk of 200 kB."""
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=200k tmpfs "$1"'
    try:
        subprocess.run([*alone, mount, "sh", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs Linux and user namespaces for a small disk")
    command = [*alone, f'{mount} && exec "$2" -c "$3" "$1"', "sh", folder, sys.executable, script]
    done = subprocess.run(command, stdout=-1, stderr=-1, text=True, cwd=Path(__file__).parents[1])
    assert not done.returncode, done.stderr
    return done


FULL = """
import sys
from pathlib import Path
import dckit
from dckit.engine import write_json
from dckit.method.checkpoint import save_checkpoint
from dckit.show import Table

disk, real = Path(sys.argv[1]), dckit.load("digits")
recipe = dckit.Recipe.published(1, "smoke").but(iterations=1, width=8)
*_, state = dckit.condensing(real, recipe)
writers = {
    "set.safetensors": dckit.CondensedSet.load("mnist-10").save,
    "checkpoint.safetensors": lambda path: save_checkpoint(path, state),
    "result.json": lambda path: write_json(path, list(range(30_000))),
    "table.md": lambda path: Table(("a",), (("x" * 200_000,),)).save(path),
    "grid.png": dckit.CondensedSet.load("mnist-10").save_grid,
}
(disk / "other files").write_bytes(bytes(180_000))
for name, write in writers.items():
    before = b"what was there"
    if "checkpoint" not in name:  # one that is there is read
        (disk / name).write_bytes(before)
    try:
        write(disk / name)
    except OSError as error:
        print(error)
    assert not (disk / name).exists() or (disk / name).read_bytes() == before, name
assert {path.name for path in disk.iterdir()} <= {"other files", *writers}
"""


def test_what_does_not_fit_on_a_disk_leaves_it_as_it_was(tmp_path):
    printed = on_a_small_disk(FULL, tmp_path).stdout.splitlines()
    names = ("set.safetensors", "checkpoint.safetensors", "result.json", "table.md", "grid.png")
    for line, name in zip(printed, names, strict=True):
        assert line == f"cannot write {tmp_path / name}: No space left on device; choose another folder"


LESSON = """
import sys
from pathlib import Path
import nbformat
from dckit.batch import lessons

disk, lesson = Path(sys.argv[1]), Path(sys.argv[1]).parent / "lesson.ipynb"
cells = [nbformat.v4.new_code_cell("size = 10", metadata={"tags": ["parameters"]})]
cells += [nbformat.v4.new_code_cell("print('x' * size)")]
kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lesson)
for size in ("50000", "300000"):
    assert lessons.main([str(lesson), "--out", str(disk), "-p", "size", size]) == 1
    assert [path.name for path in disk.iterdir()] == ["lesson.ipynb"]
    assert "x" * 50_000 in (disk / "lesson.ipynb").read_text()
"""


def test_a_lesson_that_does_not_fit_on_a_disk_says_what_is_kept(tmp_path):
    (tmp_path / "disk").mkdir()
    lines = on_a_small_disk(LESSON, tmp_path / "disk").stderr.splitlines()
    page, notebook = (tmp_path / "disk" / f"lesson.{suffix}" for suffix in ("html", "ipynb"))
    full = "No space left on device; choose another folder"
    assert [line for line in lines if line.startswith(("FAILED", "  as far"))] == [
        f"FAILED lesson: cannot write {page}: {full}",
        f"  as far as it came: {notebook}",
        f"FAILED lesson: cannot write {notebook}: {full}",
    ]


def test_a_card_that_json_cannot_hold_leaves_no_file(condensed, tmp_path):
    with pytest.raises(TypeError):
        replace(condensed, card=condensed.card | {"what": object()}).save(tmp_path / "set.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("save", ["save", "save_grid", "save_images"])
def test_a_place_that_cannot_be_written_is_told_in_a_sentence(condensed, tmp_path, save):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match=r"cannot write .*: .*; choose another folder") as error:
        getattr(condensed, save)(tmp_path / "file" / "below")
    assert "\n" not in str(error.value)
    assert (tmp_path / "file").read_text() == "here"


def test_a_set_cannot_be_written_over_a_folder(condensed, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"cannot write .*folder: "):
        condensed.save(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]


# Results of the published code


def published(path, experiments, **more):
    """A file as the published code writes it at the end of its run."""
    accuracies = {"ConvNet": [np.float64(91.5), np.float64(92.25)]}
    torch.save({"data": experiments, "accs_all_exps": accuracies} | more, path)
    return path


def test_a_result_of_the_published_code_is_imported(condensed, digits, tmp_path):
    others = [condensed.images + 1, condensed.labels]
    path = published(tmp_path / "res_DC_digits.pt", [[condensed.images, condensed.labels], others])
    for experiment in (0, 1):
        imported = CondensedSet.from_published(path, digits, experiment)
        assert torch.equal(imported.images, condensed.images + experiment)
        assert torch.equal(imported.labels, condensed.labels)
        assert imported.card["source"] == f"published code, res_DC_digits.pt, experiment {experiment}"
        assert (imported.card["dataset"], imported.card["method"]) == ("digits", "dc")
        assert imported.card["classes"] == list(digits.classes)
    imported.save(tmp_path / "set.safetensors")
    assert torch.equal(CondensedSet.load(tmp_path / "set.safetensors").images, condensed.images + 1)


def test_a_published_result_of_other_types_is_read_as_float32_and_int64(condensed, digits, tmp_path):
    path = published(tmp_path / "res.pt", [[condensed.images.double(), condensed.labels.int()]])
    imported = CondensedSet.from_published(path, digits)
    assert imported.images.dtype == torch.float32
    assert imported.labels.dtype == torch.int64


@pytest.mark.parametrize("experiment", [2, 5, -1])
def test_an_experiment_that_is_not_there_is_refused(condensed, digits, tmp_path, experiment):
    path = published(tmp_path / "res.pt", [[condensed.images, condensed.labels]] * 2)
    with pytest.raises(ValueError, match=f"no experiment {experiment} of the published code's results"):
        CondensedSet.from_published(path, digits, experiment)


def test_code_in_a_published_file_is_not_executed(condensed, digits, tmp_path):
    made = tmp_path / "made"
    path = published(tmp_path / "res.pt", [[condensed.images, condensed.labels]], more=_Creates(made))
    with pytest.raises(ValueError, match="nothing in it was executed"):
        CondensedSet.from_published(path, digits)
    assert not made.exists()
    torch.load(path, weights_only=False)  # the code would have worked
    assert made.exists()


def test_reading_a_published_file_opens_no_door_for_other_files(condensed, digits, tmp_path):
    CondensedSet.from_published(published(tmp_path / "a.pt", [[condensed.images, condensed.labels]]), digits)
    assert "scalar" not in str(torch.serialization.get_safe_globals())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        pickle.dumps(None, protocol=2),
        dict(),
        [1, 2],
        dict(data=[]),
        dict(data=None),
        dict(data=[[1, 2]]),
        dict(data=[[torch.zeros(2)]]),
        dict(data=torch.zeros(3)),
    ],
    ids=str,
)
def test_a_damaged_or_foreign_published_file_is_refused_in_one_sentence(digits, tmp_path, content):
    path = tmp_path / "res.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=r"res\.pt") as error:
        CondensedSet.from_published(path, digits)
    assert "\n" not in str(error.value)


def test_a_truncated_published_file_is_refused(condensed, digits, tmp_path):
    path = published(tmp_path / "res.pt", [[condensed.images, condensed.labels]])
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="no experiment 0 of the published code's results could be read"):
        CondensedSet.from_published(path, digits)


def test_a_published_file_of_another_dataset_is_refused(condensed, digits, tmp_path):
    colour = condensed.images.expand(-1, 3, -1, -1)
    path = published(tmp_path / "res.pt", [[colour, condensed.labels]])
    with pytest.raises(ValueError, match=r"images of \(1, 28, 28\), the images are \(3, 28, 28\)"):
        CondensedSet.from_published(path, digits)


def test_a_missing_published_file_is_named(digits, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*res\.pt"):
        CondensedSet.from_published(tmp_path / "res.pt", digits)


# The baseline


def test_random_images_are_real_ones_of_each_class_and_depend_on_the_seed(digits):
    condensed = random_images(digits, ipc=3, seed=1)
    members = {image.numpy().tobytes(): int(c) for image, c in zip(*digits.train[:], strict=True)}
    assert [members[image.numpy().tobytes()] for image in condensed.images] == condensed.labels.tolist()
    assert (condensed.card["method"], condensed.card["seed"], condensed.card["dataset"]) == ("random", 1, "digits")
    assert len({image.numpy().tobytes() for image in condensed.images}) == 30
    assert torch.equal(condensed.images, random_images(load("digits"), ipc=3, seed=1).images)
    assert not torch.equal(condensed.images, random_images(digits, ipc=3, seed=2).images)


@pytest.mark.parametrize("ipc", [0, -1, 140, 10_000])
def test_impossible_numbers_of_random_images_are_refused(digits, ipc):
    with pytest.raises(ValueError, match="images"):
        random_images(digits, ipc=ipc)
