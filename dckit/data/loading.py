"""Loading a dataset by its name: the embedded digits, torchvision's four, or your own file or folder."""

import os
import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from ..engine import expanded, project_folder, steady
from . import arrays, builtin, pictures
from .datasets import ImageData, Split, digest_of, mean_and_std

# Digests of the training labels, by which one dataset's files in another one's folder are noticed.
LABELS = {"mnist": "3c8bc5f7ed3196a0", "fashionmnist": "891f3e9184599cc6", "cifar10": "9f9e40f843f7fc88"}


@steady()
def load(
    name: str | Path,
    root: str | Path | None = None,
    download: bool = False,
    normalisation: str = "published",
    size: int | tuple[int, int] | None = None,
    split: float | None = None,
) -> ImageData:
    """Load a dataset.

    name: ``"digits"`` (1,797 real handwritten digits that come with scikit-learn, in MNIST's shape), ``"mnist"``,
    ``"fashionmnist"``, ``"svhn"``, ``"cifar10"``, a file ``"my.npz"`` or a folder of images. root: torchvision's data
    folder, else the environment variable DCKIT_DATA, else ``data``. Relative files and folders are looked for in the
    current folder, then in the kit's checkout. download: fetch what is missing. size, split: only for a folder of
    images: the size to resize and crop them to, the share of each class to test on (`image_folder`).
    Warns where test images of your own data are training images too, or a class has no test image. Raises ValueError
    for an unknown name or unusable data, FileNotFoundError for missing files.
    """
    if not isinstance(download, bool):  # the word "false" counts as true
        raise ValueError(f"download={download!r}: expected True or False")
    raw = _read(name, root, download, size, split)
    _refuse_swapped(raw)
    if raw.name != "digits" and raw.name not in builtin.TORCHVISION:
        for remark in _odd(raw):
            warnings.warn(remark, stacklevel=3)
    mean, std = mean_and_std(raw.name, raw.train[0], normalisation)
    train, test = (Split(pixels, labels, mean, std) for pixels, labels in (raw.train, raw.test))
    classes = tuple(name.encode("utf-8", "replace").decode() for name in raw.classes)  # a folder's name may be broken
    return ImageData(raw.name, classes, train, test, normalisation)


def _refuse_swapped(raw: builtin.Raw) -> None:
    if raw.name not in builtin.TORCHVISION:
        return
    found = digest_of(raw.train[1])
    for name, known in LABELS.items():
        if name != raw.name and found == known:
            raise ValueError(f"the files of {raw.name} are those of {name}: they lie in the wrong folder, move them")


def _odd(raw: builtin.Raw) -> Iterator[str]:
    """Sentences about test images that make an accuracy say something else than it seems to."""
    seen = {image.numpy().tobytes() for image in raw.train[0]}
    repeated = sum(image.numpy().tobytes() in seen for image in raw.test[0])
    if repeated:
        yield (
            f"{repeated} of the {len(raw.test[0])} test images of {raw.name} are training images too: "
            "networks know them already, so take them out of one of the two"
        )
    counts = raw.test[1].bincount(minlength=len(raw.classes)).tolist()
    if missing := [name for name, n in zip(raw.classes, counts, strict=True) if not n]:
        yield (
            f"{raw.name} has no test image of {len(missing)} of its {len(counts)} classes, such as {missing[0]!r}: "
            "an accuracy says nothing about them, so add some"
        )


def name_of(dataset: str | Path) -> str:
    """The name that a dataset goes by in files and tables, without reading it. Raises ValueError for no dataset.

    Your own mnist.npz need not be MNIST: as "my-mnist" it has neither MNIST's normalisation nor its published numbers.
    A word such as "mnist" is the dataset, ``Path("mnist")`` a folder of your own.
    """
    known = ("digits", *builtin.TORCHVISION)
    if not isinstance(dataset, (str, Path)):
        raise ValueError(
            f"dataset {dataset!r}: expected a name such as 'digits', the path of a file ending in .npz, or of a folder"
        )
    if isinstance(dataset, str) and dataset.lower() in known:
        return dataset.lower()
    path = _place(dataset)
    if not _is_npz(path) and not (str(dataset) and os.path.isdir(path)):
        if os.path.isfile(path):
            raise ValueError(
                f"dataset {str(dataset)!r} is a file of another kind: expected a file ending in .npz, "
                f"as numpy.savez writes it with x_train, y_train, x_test, y_test, or a folder of images"
            )
        near = get_close_matches(str(dataset).lower().replace("-", "").replace("_", ""), known, n=1)
        raise ValueError(
            f"unknown dataset {dataset!r}: expected one of {', '.join(known)}, a file ending in .npz, or a folder"
            + (f"; did you mean {near[0]!r}?" if near else f"; there is no {path}" if os.sep in str(dataset) else "")
        )
    name = path.stem if _is_npz(path) else path.resolve().name
    return f"my-{name}" if name.lower() in known else name


def _place(dataset: str | Path) -> Path:
    """Where a file or folder of your own lies: a relative path may count from the kit's checkout, too."""
    path = expanded(dataset).absolute()
    elsewhere = project_folder() / expanded(dataset)
    return elsewhere if not os.path.exists(path) and os.path.exists(elsewhere) else path


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz" and not os.path.isdir(path)


def _read(
    dataset: str | Path,
    root: str | Path | None,
    download: bool,
    size: int | tuple[int, int] | None,
    split: float | None,
) -> builtin.Raw:
    name, path = name_of(dataset), _place(dataset)
    ours = name == "digits" or name in builtin.TORCHVISION
    if not ours and not _is_npz(path):
        return pictures.image_folder(path, size, split)._replace(name=name)
    for option, value in (("size", size), ("split", split)):
        if value is not None:
            raise ValueError(f"{option}={value!r} is for a folder of images, not for {str(dataset)!r}: leave it out")
    if name == "digits":
        return builtin.digits()
    if ours:
        folder = expanded(root or os.environ.get("DCKIT_DATA") or "data")
        places = dict.fromkeys((folder.absolute(), project_folder() / folder))
        return builtin.torchvision_set(name, list(places), download)
    return arrays.npz(path)._replace(name=name)
