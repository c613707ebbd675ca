"""The files of a folder of your own pictures: which of them are of which class, in which half."""

from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import Any
from unicodedata import normalize

import torch

from .builtin import in_order

Classes = dict[str, list[Path]]  # the pictures of each class, in the order of classes
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("test", "val", "valid", "validation")  # the first that there is
HALVES = ("train", "training", *TEST_FOLDERS, "testing")  # what people call the folders of both halves
LEFT_BY_SYSTEMS = ("__macosx", "thumbs.db", "desktop.ini")


def halves(path: Path, left_out: list[Path]) -> list[Classes]:
    """Pictures to train on and to test on, from two folders."""
    test = next((path / name for name in TEST_FOLDERS if (path / name).is_dir()), path / "test")
    for folder in (path / "train", test):
        if not folder.is_dir():
            found = ", ".join(entry.name for entry in _folders(path)[:5]) or "none"
            raise ValueError(
                f"the folder {path} has no folder {folder.name!r}: expected train/class/… and test/class/…, "
                f"or class/… and split=0.2 to test on that share of each class; folders in it: {found}"
            )
    halves = [_classes(folder, left_out) for folder in (path / "train", test)]
    odd = in_order(set(halves[0]) ^ set(halves[1]))
    if odd:
        raise ValueError(
            f"{path}: class {odd[0]!r} is in only one of train and {test.name}: "
            f"expected folders of the same names in both"
        )
    return halves


def parts(path: Path, split: Any, left_out: list[Path]) -> list[Classes]:
    """Pictures to train on and to test on, from one folder of classes: a share ``split`` of each class for the test."""
    if isinstance(split, bool) or not isinstance(split, Real) or not 0 < float(split) < 1:
        raise ValueError(f"split={split!r}: expected the test half's share of each class, such as 0.2")
    there = [folder for folder in _folders(path) if folder.name.casefold() in HALVES and _folders(folder)]
    there.sort(key=lambda folder: HALVES.index(folder.name.casefold()))
    if there:
        mend = "leave split= out, and call the two folders train and test"
        mend = mend if len(there) > 1 else f"give the folder {str(there[0])!r} in its place"
        raise ValueError(f"split={split}: {path} has a folder {there[0].name!r} of classes already: {mend}")
    train: Classes = {}
    test: Classes = {}
    for name, files in _classes(path, left_out).items():
        n = round(float(split) * len(files))
        if not 0 < n < len(files):
            raise ValueError(
                f"split={split} of the {len(files)} pictures of class {name!r} in {path} leaves one half without any: "
                f"expected one at least in both, choose another share or add pictures"
            )
        order = torch.randperm(len(files), generator=torch.Generator().manual_seed(0)).tolist()
        test[name], train[name] = ([files[i] for i in sorted(part)] for part in (order[:n], order[n:]))
    return [train, test]


def _classes(folder: Path, left_out: list[Path]) -> Classes:
    """Pictures of each class in a folder. What else lies there is added to ``left_out``."""
    left_out += [entry for entry in _entries(folder) if not entry.is_dir()]
    classes: Classes = {}
    for entry in _folders(folder):
        files = sorted(_files(entry, _above(entry)), key=lambda file: (str(file.parent), file.name))
        known = [file for file in files if file.suffix.lower() in ENDINGS]
        left_out += [file for file in files if file.suffix.lower() not in ENDINGS]
        if not known:
            raise ValueError(f"{entry} contains no picture: expected files that end in {', '.join(ENDINGS)}")
        classes.setdefault(normalize("NFC", entry.name), []).extend(known)  # macOS writes ä as a and dots
    if not classes:
        raise ValueError(f"there is no class folder in {folder}: expected a folder of pictures for each class")
    return {name: classes[name] for name in in_order(classes)}


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, without what systems and programs put there for themselves."""
    return [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith(".") and entry.name.lower() not in LEFT_BY_SYSTEMS
    ]


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, but no link that leads back up."""
    above = _above(folder)
    return [entry for entry in _entries(folder) if entry.is_dir() and entry.resolve() not in above]


def _above(folder: Path) -> set[Path]:
    """The real places of a folder and of all above it, on the way that was taken and on the way without links."""
    return {way.resolve() for way in (folder, *folder.absolute().parents)} | set(folder.resolve().parents)


def _files(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """All files below a folder. A real folder is entered once, if it is not in ``seen``: links may lead in circles."""
    for entry in _entries(folder):
        if not entry.is_dir():
            yield entry
        elif entry.resolve() not in seen:
            seen.add(entry.resolve())
            yield from _files(entry, seen)
