"""Lesson 13: its drawn pictures, what it says of anybody's own, its exercise, and all of it on another folder."""

import random
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from cells import code
from PIL import Image

import dckit
from dckit import check
from dckit.batch import headless
from dckit.data import draw_shapes, remarks

LESSON = Path(__file__).parents[1] / "notebooks" / "13_your_own_images.ipynb"


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """The lesson's set-up cell names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


# The drawn pictures


def test_the_shapes_are_drawn_again_by_their_seed(tmp_path):
    one, same, other = (dckit.load(draw_shapes(tmp_path / str(i), seed)) for i, seed in enumerate((0, 0, 1)))
    assert one.digest == same.digest != other.digest
    assert (one.classes, one.shape) == (("circle", "square", "triangle"), (3, 40, 60))
    for half in (one.train, one.test):
        assert half.labels.bincount().tolist() == [20, 20, 20]
    whole = torch.cat([one.train.pixels, one.test.pixels])
    assert len(whole.unique(dim=0)) == 120


def test_shapes_lie_within_their_picture_and_differ_by_class(tmp_path):
    real = dckit.load(draw_shapes(tmp_path))
    filled = []  # how much of the box around it each shape fills
    for picture in real.train.pixels.flatten(2):
        colours, numbers = picture.unique(dim=1, return_counts=True)
        shape = (picture == colours[:, [int(numbers.argmax())]]).all(0).view(40, 60)  # the most frequent colour
        assert not torch.cat([shape[0], shape[-1], shape[:, 0], shape[:, -1]]).any()
        filled.append(float(shape.sum() / (shape.any(0).sum() * shape.any(1).sum())))
    circle, square, triangle = ([filled[i] for i in members] for members in real.train.by_class)
    assert max(triangle) < 0.6 < min(circle) <= max(circle) < 0.9 < min(square)


# What the lesson says to anybody's own pictures


def own(folder, **counts):
    """A folder with both halves; of each class so many training pictures, and two test pictures. No two are alike."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        for half, n in (("train", count), ("test", 2)):
            (folder / half / name).mkdir(parents=True)
            for i in range(n):
                pixels = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
                pixels[..., 1] = pixels[..., 0]  # two channels alike are not grey yet
                Image.fromarray(pixels).save(folder / half / name / f"{i}.png")
    return folder


def loaded(tmp_path, capsys, dataset, **given):
    """What the lesson's set-up cell prints for a dataset, and the dataset that it has loaded."""
    parameters, setup = code(LESSON)[:2]
    names = {}
    exec(parameters, names)
    names |= dict(dataset=str(dataset), outputs=str(tmp_path / "outputs"), ipc=1) | given
    exec(setup, names)
    return capsys.readouterr().out, names["real"]


def test_two_hundred_classes(tmp_path, capsys):
    said, real = loaded(tmp_path, capsys, own(tmp_path / "many", **{f"kind-{i:03}": 2 for i in range(200)}))
    assert len(real.classes) == 200
    assert "400 training images and 400 test images of 200 classes. They are 12 pixels high and 16 wide" in said
    assert "With 200 classes, guessing classifies about 0.5 % correctly" in said
    assert "about 20 times as much as with ten classes" in said
    assert "unbalanced" not in said
    assert "pixels, " not in said


def test_large_pictures(tmp_path, capsys):
    said, _ = loaded(tmp_path, capsys, draw_shapes(tmp_path / "large"), size=320)
    assert "102,400 pixels, 100 times as many as one of 32 × 32, and takes about as many times as long." in said
    assert "Load a folder with size=32 to make its pictures smaller." in said


def test_a_class_with_one_image(tmp_path, capsys):
    insects = own(tmp_path / "insects", ant=10, bee=1)
    said, _ = loaded(tmp_path, capsys, insects)
    assert "The smallest class, 'bee', has 1 training image." in said
    assert "unbalanced: 'ant' has 10 training images. A network that always answers 'ant' classifies 50.0 %" in said
    assert "adds 25.0 points" in said
    with pytest.raises(ValueError, match="ipc 2: expected 1 to 1 images per class, as many as 'bee' has"):
        loaded(tmp_path, capsys, insects, ipc=2)
    with pytest.raises(ValueError, match=r"1 pictures of class 'bee'.*leaves one half without any.*or add pictures"):
        loaded(tmp_path, capsys, insects / "train", split=0.2)


def test_colour_beside_grey(tmp_path, capsys):
    insects = own(tmp_path / "insects", ant=3, bee=3)
    said, _ = loaded(tmp_path, capsys, insects)
    assert "grey" not in said
    for i in range(2):
        path = insects / "train" / "ant" / f"{i}.png"
        Image.open(path).convert("L").save(path)
    said, real = loaded(tmp_path, capsys, insects)
    assert "2 of the 6 training images are grey, the others are not: the grey ones got three equal channels." in said
    assert real.shape[0] == 3


def test_grey_alone_and_colour_alone_are_named(tmp_path, capsys):
    insects = own(tmp_path / "insects", ant=2, bee=2)
    assert "in colour." in loaded(tmp_path, capsys, insects)[0]
    for path in insects.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    said, real = loaded(tmp_path, capsys, insects)
    assert "16 wide, in grey." in said
    assert "three equal channels" not in said
    assert real.shape[0] == 1


def test_an_unreadable_file_and_several_sizes(tmp_path, capsys):
    insects = own(tmp_path / "insects", ant=2, bee=2)
    Image.new("RGB", (30, 20)).save(insects / "train" / "bee" / "1.png")
    with pytest.raises(ValueError, match=r"1\.png has \(30, 20\) pixels.*or load with size="):
        loaded(tmp_path, capsys, insects)
    assert loaded(tmp_path, capsys, insects, size=8)[1].shape == (3, 8, 8)
    (insects / "train" / "bee" / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1\.png is not a picture that can be read") as error:
        loaded(tmp_path, capsys, insects)
    assert "\n" not in str(error.value)


def test_sizes_are_for_folders_alone(tmp_path, capsys):
    assert loaded(tmp_path, capsys, "digits", size=12, split=0.2)[1].shape == (1, 28, 28)
    assert loaded(tmp_path, capsys, "shapes")[1].shape == (3, 20, 30)
    assert loaded(tmp_path, capsys, "shapes", size=12)[1].shape == (3, 12, 12)


def test_a_large_dataset_gets_no_sentence_about_few_images(digits):
    assert not any("points" in said for said in remarks(digits)) or len(digits.test) < 1000
    assert remarks(digits)[0].startswith("digits: 1437 training images and 360 test images of 10 classes.")
    assert not any(word in " ".join(remarks(digits)) for word in ("unbalanced", "guessing", "equal channels"))


# The exercise


def of_each(take):
    """A split that gives ``take(pictures, share, numbers)`` of each class to the test, and the rest to the training."""

    def split(files, share, seed):
        numbers = random.Random(seed)
        test = {name: take(list(pictures), share, numbers) for name, pictures in files.items()}
        return {name: [p for p in pictures if p not in test[name]] for name, pictures in files.items()}, test

    return split


def count(pictures, share):
    return min(max(1, round(share * len(pictures))), len(pictures) - 1)


drawn = of_each(lambda pictures, share, numbers: numbers.sample(pictures, count(pictures, share)))


def with_torch(files, share, seed):
    """Indices from torch, tuples, rounded up."""
    g, train, test = torch.Generator().manual_seed(seed), {}, {}
    for name, pictures in sorted(files.items()):
        order = torch.randperm(len(pictures), generator=g).tolist()
        n = min(-int(-share * len(pictures) // 1), len(pictures) - 1)
        test[name], train[name] = (tuple(pictures[i] for i in part) for part in (order[:n], order[n:]))
    return train, test


def in_place(files, share, seed):
    """Shuffles what it was given, with a global source that it seeds."""
    random.seed(seed)
    for pictures in files.values():
        random.shuffle(pictures)
    return (
        {name: p[count(p, share) :] for name, p in files.items()},
        {name: p[: count(p, share)] for name, p in files.items()},
    )


@pytest.mark.parametrize("answer", [drawn, with_torch, in_place])
def test_right_splits_are_accepted(answer):
    found = check.split_by_class(answer)
    assert found.right, found


def together(files, share, seed):
    everything = [(name, p) for name, pictures in files.items() for p in pictures]
    chosen = set(random.Random(seed + 3).sample(everything, round(share * len(everything))))
    for name, pictures in files.items():  # not by luck: at least one of each in both halves
        chosen = chosen | {(name, pictures[0])} if not any(n == name for n, _ in chosen) else chosen
        chosen -= {(name, pictures[1])} if all((name, p) in chosen for p in pictures) else set()
    halves = [[(n, p) for n, p in everything if ((n, p) in chosen) == test] for test in (False, True)]
    return tuple({name: [p for n, p in half if n == name] for name in files} for half in halves)


def changed(change):
    """The right split, and then something done to its halves."""

    def split(files, share, seed):
        train, test = drawn(files, share, seed)
        return change(train, test)

    return split


WRONG = {
    "stub": ("there is no answer", lambda *_: None),
    "one half": ("expected two results", changed(lambda train, test: train)),
    "lists": ("training half is no dictionary", changed(lambda train, test: (list(train), list(test)))),
    "one name": ("test half is no dictionary", changed(lambda train, test: (train, dict.fromkeys(test, "x")))),
    "no class": ("'wasp', which has 60 pictures, has none in the test", changed(lambda a, b: (a, b.pop("wasp") and b))),
    "strange class": ("class 'fly', which is not", changed(lambda a, b: (a | {"fly": ["fly/0.png"]}, b))),
    "rounded": (
        "0.2 of 2 rounds to 0",
        of_each(lambda p, share, numbers: numbers.sample(p, round(share * len(p)))),
    ),
    "no training": (
        "Keep at least one picture to train on",
        of_each(lambda p, share, numbers: numbers.sample(p, max(1, round(share * len(p))))),
    ),
    "overlap": (
        "pictures of class 'bee' are in both halves",
        changed(lambda a, b: (a | {"bee": a["bee"] + b["bee"]}, b)),
    ),
    "lost": ("1 pictures of class 'wasp' are in neither half", changed(lambda a, b: (a | {"wasp": a["wasp"][1:]}, b))),
    "twice": ("comes twice in one half", changed(lambda a, b: (a | {"bee": a["bee"] + a["bee"][:1]}, b))),
    "another class": (
        "has 'bee/00.png', which is not one of its",
        changed(lambda a, b: (a | {"ant": a["ant"] + ["bee/00.png"]}, b)),
    ),
    "list in a list": (
        "has ['ant/00.png'], which is not one of its",
        changed(lambda a, b: (a, b | {"ant": [["ant/00.png"]]})),
    ),
    "other order": ("come in the other order", changed(lambda train, test: (test, train))),
    "one each": ("every class has 1 test pictures", of_each(lambda p, share, numbers: numbers.sample(p, 1))),
    "half": ("of 25 pictures are for the test, expected 5", of_each(lambda p, share, n: n.sample(p, len(p) // 2))),
    "together": ("all pictures were split together", together),
    "fixed share": ("`share` is ignored", of_each(lambda p, share, numbers: numbers.sample(p, count(p, 0.2)))),
    "first": ("has the first pictures", of_each(lambda p, share, numbers: p[: count(p, share)])),
    "last": ("has the last pictures", of_each(lambda p, share, numbers: p[-count(p, share) :])),
    "one seed": ("draw with `seed`", lambda files, share, seed: drawn(files, share, 0)),
    "no seed": ("gives another split each time", lambda files, share, seed: drawn(files, share, random.random())),
    "error": ("your code raised", lambda files, share, seed: files[0]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_split_is_told_what_is_wrong(name):
    says, answer = WRONG[name]
    found = check.split_by_class(answer)
    assert not found.right
    assert says in found.text


# The whole lesson on other pictures


def test_the_lesson_runs_on_a_folder_of_ones_own(tmp_path):
    """Three classes of 20 pictures of 40×60 in one folder, to be split: stripes that lie, stand or cross."""
    rng = np.random.default_rng(3)
    for kind in ("cross", "lie", "stand"):
        (tmp_path / "stripes" / kind).mkdir(parents=True)
        for number in range(20):
            y, x = np.mgrid[:40, :60] + rng.integers(0, 12, 2)[:, None, None]
            waves = [np.sin(y / 2) * (kind != "stand"), np.sin(x / 2) * (kind != "lie")]
            pixels = (120 + 50 * sum(waves) + rng.normal(0, 15, (40, 60))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "stripes" / kind / f"{number}.jpg")
    given = dict(dataset=str(tmp_path / "stripes"), size=20, split=0.25, ipc=2, outputs=str(tmp_path / "out"))
    ran = headless.execute(LESSON, tmp_path / "ran.ipynb", given, html=False)
    assert not ran.error
    cells = nbformat.read(tmp_path / "ran.ipynb", as_version=4).cells
    printed = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", ()))
    assert (
        "45 training images and 15 test images of 3 classes. They are 20 pixels high and 20 wide, in grey." in printed
    )
    (kept,) = (tmp_path / "out" / "own").glob("stripes-*.safetensors")
    made = dckit.CondensedSet.load(kept)
    assert (made.card["method"], made.images.shape) == ("dm", (6, 1, 20, 20))
    elsewhere = kept.with_suffix("")
    assert torch.equal(dckit.CondensedSet.load(elsewhere / "set.safetensors").images, made.images)
    assert sorted(p.parent.name for p in (elsewhere / "pictures").rglob("*.png")) == sorted(2 * made.card["classes"])
    assert float(re.search(r"another loop: ([\d.]+) % correct", printed)[1]) > 50
