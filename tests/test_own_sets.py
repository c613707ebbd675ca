"""Condensed sets that others have made, and class names of any kind: read and written right, or refused."""

import pickle
from pathlib import Path

import pytest
import torch

from dckit import CondensedSet
from dckit.data import normalise

IMAGES = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
PIXELS = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(10)


@pytest.mark.parametrize(
    "labels",
    [LABELS, LABELS[:, None], LABELS.double(), LABELS.numpy(), LABELS.tolist(), torch.eye(10), torch.eye(10).bool()],
)
@pytest.mark.parametrize("images", [IMAGES, IMAGES.double(), IMAGES.numpy(), IMAGES.tolist()])
def test_whatever_can_mean_one_thing_is_read(digits, images, labels):
    found = CondensedSet.from_tensors(images, labels, digits)
    assert torch.equal(found.images, IMAGES)
    assert torch.equal(found.labels, LABELS)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (PIXELS, r"images from \S+ to \S+: expected normalised images.*: pass dckit.data.normalise\(images, real.mean"),
        (PIXELS * 255, r"expected normalised images, .*: pass dckit.data.normalise\(images / 255, real.mean"),
        ((PIXELS * 255).byte(), r"images of torch.uint8: expected floats, .*: pass dckit.data.normalise\(images, real"),
        (IMAGES + 0j, "images of torch.complex64: expected floats"),
        (IMAGES.permute(0, 2, 3, 1), r"\(10, 28, 28, 1\): pass images.permute\(0, 3, 1, 2\), channels come first"),
        (IMAGES.expand(10, 3, 28, 28), r"images of \(1, 28, 28\), the images are \(3, 28, 28\)"),
        (IMAGES[:, 0], r"images of \(1, 28, 28\), the images are \(28, 28\)"),
        (IMAGES[:9], "9 images and 10 labels: expected one label per image"),
        (IMAGES * float("nan"), "images contain NaN"),
        ("images.pt", "images of type str: expected a tensor of numbers"),
        (None, "images of type NoneType: expected a tensor of numbers"),
    ],
)
def test_images_that_cannot_be_meant_are_refused(digits, images, says):
    with pytest.raises(ValueError, match=says):
        CondensedSet.from_tensors(images, LABELS, digits)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS + 1, "labels .*: expected the numbers of all 10 classes of digits, which begin with 0"),
        (LABELS - 1, "expected the numbers of all 10 classes of digits"),
        (LABELS + 0.5, "label 0.5: expected whole numbers"),
        (LABELS * float("nan"), "label nan: expected whole numbers"),
        (torch.full((10, 10), 0.1), r"labels of shape \(10, 10\): expected one label per image, or rows of a single 1"),
        ([str(label) for label in range(10)], "labels of type list: expected a tensor of numbers"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(digits, labels, says):
    with pytest.raises(ValueError, match=says):
        CondensedSet.from_tensors(IMAGES, labels, digits)


def test_what_a_refusal_says_to_pass_is_read(digits):
    plain = CondensedSet.from_tensors(normalise(PIXELS, digits.mean, digits.std), LABELS, digits)
    torch.testing.assert_close(plain.pixels, PIXELS)
    eight = (PIXELS * 255).byte()
    again = CondensedSet.from_tensors(normalise(eight, digits.mean, digits.std), LABELS, digits)
    torch.testing.assert_close(again.pixels, eight.float() / 255)
    last = IMAGES.permute(0, 2, 3, 1)
    assert torch.equal(CondensedSet.from_tensors(last.permute(0, 3, 1, 2), LABELS, digits).images, IMAGES)


def test_a_source_may_be_a_path(digits, tmp_path):
    CondensedSet.from_tensors(IMAGES, LABELS, digits, source=Path("theirs/images.pt")).save(tmp_path / "a.safetensors")
    assert CondensedSet.load(tmp_path / "a.safetensors").card["source"] == str(Path("theirs/images.pt"))


def test_a_published_set_is_brought_in_order_or_its_file_is_named(digits, tmp_path):
    torch.save({"data": [[IMAGES.flip(0), LABELS.flip(0)]]}, tmp_path / "res.pt")
    assert torch.equal(CondensedSet.from_published(tmp_path / "res.pt", digits).images, IMAGES)
    torch.save({"data": [[IMAGES, LABELS + 1]]}, tmp_path / "res.pt")
    with pytest.raises(ValueError, match=r"res\.pt: labels .*: expected the numbers of all 10 classes of digits"):
        CondensedSet.from_published(tmp_path / "res.pt", digits)


def test_nobody_is_advised_to_execute_a_foreign_file(digits, tmp_path):
    (tmp_path / "res.pt").write_bytes(pickle.dumps(print, protocol=2))
    with pytest.raises(
        ValueError, match=r"\(it is damaged, or holds more than tensors, numbers, lists and dic"
    ) as error:
        CondensedSet.from_published(tmp_path / "res.pt", digits)
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize(
    "names",
    [("Cat", "cat"), ("cat ", "cat"), ("", "cat"), ("a/b", "a:b"), ("l" * 300, "ä" * 200), ("l" * 300, "l" * 299)],
)
def test_classes_of_any_name_get_a_folder_each(digits, tmp_path, names):
    card = CondensedSet.from_tensors(IMAGES, LABELS, digits).card
    classes = [*names, *map(str, range(2, 10))]
    CondensedSet(IMAGES, LABELS, card | {"classes": classes}).save_images(tmp_path)
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")]
    assert {len(path.parts) for path in found} == {2}
    assert len({path.parent.name.casefold().strip() for path in found}) == len(found) == 10
