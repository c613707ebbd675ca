"""Your own arrays, and what a dataset is called: read right, or refused in one sentence."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from dckit import load
from dckit.data import name_of

GREY = np.random.default_rng(0).integers(0, 256, (12, 10, 9), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (12, 10, 9, 3), dtype=np.uint8)
Y = np.arange(12) % 3


def save(path, x=GREY, y=Y, keys=("x_train", "y_train", "x_test", "y_test"), x_test=None, y_test=None):
    """Images and labels as both halves, unless the test half is another."""
    arrays = (x, y, x if x_test is None else x_test, y if y_test is None else y_test)
    with open(path, "wb") as file:  # np.savez adds an ending
        np.savez(file, **dict(zip(keys, arrays, strict=True)))
    return path


def refused(path, says):
    with pytest.raises(ValueError, match=says) as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "mine.npz"


# Labels


@pytest.mark.parametrize(
    "labels", [Y[:, None], np.eye(3)[Y], np.eye(3, dtype=bool)[Y], np.eye(3, dtype=np.uint8)[Y], Y.astype(float)]
)
def test_labels_may_be_a_column_or_one_hot_or_whole_floats(mine, labels):
    real = load(save(mine, y=labels))
    assert real.classes == ("0", "1", "2")
    assert real.train.labels.tolist() == real.test.labels.tolist() == Y.tolist()
    assert real.train.labels.dtype == torch.int64


def test_a_column_of_words_or_of_bytes_is_read_as_words(mine):
    words = np.array(["ähre", "bee", "cat"])[Y]
    for labels in (words, words[:, None], np.char.encode(words, "utf-8"), np.char.encode(words, "utf-8")[:, None]):
        real = load(save(mine, y=labels))
        assert [real.classes[c] for c in real.test.labels] == words.tolist()
    assert (
        load(save(mine, y=np.char.encode(words, "utf-8"), y_test=words)).test.labels.tolist()
        == real.test.labels.tolist()
    )


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["10", "2", "1"], ("1", "2", "10")),
        ([10, 2, 1], ("1", "2", "10")),
        ([10.0, 2.0, -1.0], ("-1", "2", "10")),
        ([0.5, 10.0, 2.0], ("0.5", "2.0", "10.0")),
        ([b"10", b"2", b"1"], ("1", "2", "10")),
        (["10", "2", "a"], ("10", "2", "a")),
    ],
)
def test_classes_that_are_numbers_are_in_their_order(mine, names, classes):
    real = load(save(mine, y=np.array(names)[Y]))
    assert real.classes == classes
    text = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    read = [real.classes[c] for c in real.train.labels]
    assert read == [text[c] for c in Y] or [float(name) for name in read] == [float(names[c]) for c in Y]


def hot(rows):
    return np.array(rows)[Y]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (dict(y=np.where(Y == 0, np.nan, Y)), "y_train contains NaN or infinity"),
        (dict(y_test=np.where(Y == 0, np.nan, Y)), "y_test contains NaN or infinity"),
        (dict(y_test=np.where(Y == 0, np.inf, Y)), "y_test contains NaN or infinity"),
        (dict(y=hot([[1, 1, 0], [0, 1, 0], [0, 0, 1]])), r"y_train: labels of shape \(12, 3\): expected one label per"),
        (dict(y=hot([[0, 0, 0], [0, 1, 0], [0, 0, 1]])), r"y_train: labels of shape \(12, 3\): expected one label per"),
        (dict(y=hot([[0.2, 0.8], [1, 0], [0, 1]])), r"y_train: labels of shape \(12, 2\): expected one label per"),
        (dict(y=hot([[2, -1], [1, 0], [0, 1]])), r"y_train: labels of shape \(12, 2\): expected one label per"),
        (
            dict(y=np.eye(3)[Y], y_test=np.eye(4)[Y]),
            r"of shape \(12, 3\) and \(12, 4\): save those of both halves alike",
        ),
        (dict(y=np.eye(3)[Y], y_test=Y), r"of shape \(12, 3\) and \(12,\): save those of both halves alike"),
        (dict(y_test=Y.astype(str)), "y_train and y_test mix words and numbers"),
        (dict(y=np.array([b"\xff", b"b", b"c"])[Y]), "y_train: labels are bytes that are no UTF-8"),
        (dict(y=Y.astype(complex)), "y_train: labels of type complex128: expected numbers or words"),
        (dict(y=Y * 0), "every image is of one class"),
        (dict(y=(Y * 0)[:, None]), "every image is of one class"),
        (dict(y=Y[None]), r"12 images but labels of shape \(1, 12\): expected one label per image"),
        (dict(y=Y[:, None, None]), r"y_train: labels of shape \(12, 1, 1\): expected one label per image"),
        (dict(y=Y[:11]), r"12 images but labels of shape \(11,\): expected one label per image"),
        (dict(y=np.array(["", "b", "c"])[Y]), "y_train contains an empty word: give every image a label"),
        (dict(y_test=np.array([b" ", b"b", b"c"])[Y], y=np.array(["a", "b", "c"])[Y]), "y_test contains an empty word"),
        (dict(x=GREY[:0], y=Y[:0], x_test=GREY, y_test=Y), "x_train: no images"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(mine, labels, says):
    refused(save(mine, **labels), says)


# Images


@pytest.mark.parametrize("pixels", [COLOUR, COLOUR[..., :1], COLOUR / 255])
def test_channels_may_come_first(mine, pixels):
    last, first = load(save(mine, x=pixels)), load(save(mine, x=pixels.transpose(0, 3, 1, 2)))
    assert first.shape == (pixels.shape[3], 10, 9)
    assert torch.equal(first.train.pixels, last.train.pixels)
    expected = pixels.transpose(0, 3, 1, 2).astype(first.train.pixels.numpy().dtype)
    assert np.array_equal(first.test.pixels.numpy(), expected)


@pytest.mark.parametrize("shape", [(12, 3, 8, 3), (12, 1, 8, 3), (12, 3, 8, 1), (12, 3, 3, 3)])
def test_channels_that_may_be_first_or_last_are_refused(mine, shape):
    refused(save(mine, x=np.full(shape, 9, np.uint8)), r"x_train: images of shape .*x\.transpose\(0, 2, 3, 1\)")


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint16, np.int32, ">i4", np.uint64])
def test_whole_numbers_that_fit_are_read_as_uint8(mine, dtype):
    real = load(save(mine, x=GREY.astype(dtype)))
    assert real.train.pixels.dtype == torch.uint8
    assert np.array_equal(real.train.pixels[:, 0].numpy(), GREY)


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (GREY.astype(int) + 1, "images of type int64 from 1 to 256: expected uint8 or whole numbers in 0 to 255"),
        (GREY.astype(np.int8), "images of type int8 from -128 to 127: expected uint8"),
        (GREY.astype(np.uint16) * 257, "images of type uint16 from 0 to 65535: expected uint8"),
        (GREY > 9, "images of type bool: expected uint8, or float in 0 to 1"),
        (GREY.astype(np.float32), "found 0 to 255: save x / 255 instead"),
        (GREY / 255**2, "brightest pixel is 0.0039 of 1, nearly black: .* save x \\* 255 instead"),
        (GREY >> 7, r"all pixels are 0 or 1 of 255, nearly black: save \(x \* 255\).astype\('uint8'\) instead"),
        (GREY.astype(int) >> 7, "all pixels are 0 or 1 of 255, nearly black"),
        (GREY.astype(np.uint16) * 257, "if 65535 is white, save x / 65535 instead"),
        (GREY > 9, r"save \(x \* 255\).astype\('uint8'\) instead"),
        (GREY / 127.5 - 1, r"found -1 to 1: if -1 is black and 1 is white, save \(x \+ 1\) / 2 instead"),
        (GREY / 60 - 2, "found -2 to 2.25: save the images before they are normalised"),
        (GREY / 255 * (1 + 1e-6), r"found 0 to 1.000001: if that is a rounding error, save x.clip\(0, 1\) instead"),
        (np.where(GREY > 9, GREY / 255, np.nan), "without NaN; found NaN in "),
        (GREY.reshape(12, 90), r"save x.reshape\(-1, height, width\) instead"),
        (COLOUR.transpose(1, 2, 3, 0), r"\(10, 9, 3, 12\): .*save x.transpose\(3, 0, 1, 2\) instead"),
        (np.concatenate([COLOUR, COLOUR[..., :1]], 3), r"\(12, 10, 9, 4\): .*save x\[..., :3\] instead"),
        (GREY[:, :0, :0], r"images of \(1, 0, 0\) have no pixels"),
        (GREY[:, :, :0], r"images of \(1, 10, 0\) have no pixels"),
    ],
)
@pytest.mark.parametrize("half", ["x_train", "x_test"])
def test_images_that_cannot_be_meant_are_refused(mine, pixels, says, half):
    path = save(mine, **(dict(x=pixels, x_test=GREY) if half == "x_train" else dict(x_test=pixels)))
    refused(path, f"mine.npz, {half}: .*{says}")


def test_what_a_refusal_says_to_save_is_read(mine):
    expected = load(save(mine)).train.pixels
    for pixels in (GREY.astype(np.float32) / 255, GREY / 255**2 * 255):
        torch.testing.assert_close(load(save(mine, x=pixels)).train.pixels, expected / 255)
    assert load(save(mine, x=((GREY >> 7) * 255).astype("uint8"))).train.pixels.unique().tolist() == [0, 255]
    for pixels in ((GREY / 127.5 - 1 + 1) / 2, (GREY / 255 * (1 + 1e-6)).clip(0, 1), GREY.astype(int) * 257 / 65535):
        torch.testing.assert_close(load(save(mine, x=pixels)).train.pixels, expected / 255)
    assert torch.equal(load(save(mine, x=GREY.reshape(12, 90).reshape(-1, 10, 9))).train.pixels, expected)
    turned = COLOUR.transpose(1, 2, 3, 0).transpose(3, 0, 1, 2)
    assert torch.equal(load(save(mine, x=turned)).train.pixels, load(save(mine, x=COLOUR)).train.pixels)


@pytest.mark.parametrize("key", ["x_train", "y_test"])
def test_an_array_of_python_objects_is_named(mine, key):
    arrays = dict(x_train=GREY, y_train=Y, x_test=GREY, y_test=Y)
    np.savez(mine, **arrays | {key: arrays[key].astype(object)})
    refused(mine, rf"\({key} holds Python objects: save labels with y.astype\(int\) or y.astype\(str\)")


def test_a_single_array_is_told_how_to_save_four(mine):
    with open(mine, "wb") as file:
        np.save(file, GREY)
    refused(mine, r"\(it holds a single array: save all four with numpy.savez\)$")


def test_black_images_may_be_meant(mine):
    for pixels in (np.zeros_like(GREY), np.zeros(GREY.shape)):
        assert float(load(save(mine, x=pixels)).train.pixels.max()) == 0


# Names of arrays and of files


@pytest.mark.parametrize(
    "keys",
    [
        ("X_train", "y_train", "X_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("X_TRAIN", "Y_TRAIN", "X_TEST", "Y_TEST"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_other_names_of_arrays_are_read(mine, keys):
    real = load(save(mine, keys=keys, y=Y[:, None], x_test=GREY[::-1], y_test=Y[::-1][:, None]))
    assert np.array_equal(real.train.pixels[:, 0].numpy(), GREY)
    assert np.array_equal(real.test.pixels[:, 0].numpy(), GREY[::-1])
    assert (real.train.labels.tolist(), real.test.labels.tolist()) == (Y.tolist(), Y[::-1].tolist())
    refused(save(mine, keys=keys, y=Y * np.nan), f"{keys[1]} contains NaN")


def test_the_documented_names_come_first(mine):
    ours = dict(x_train=GREY, y_train=Y, x_test=GREY, y_test=Y)
    np.savez(mine, X_train=GREY[::-1], train_images=GREY[::-1], **ours, Y_TEST=Y[::-1])
    assert np.array_equal(load(mine).train.pixels[:, 0].numpy(), GREY)


def test_arrays_of_unknown_names_are_listed(mine):
    refused(
        save(mine, keys=("data", "target", "x_test", "y_test")), "no array 'x_train': .*; found data, target, x_test"
    )


@pytest.mark.parametrize("name", ["mine.NPZ", "mine.Npz", "mine.npz"])
def test_any_ending_and_paths_and_homes_are_understood(tmp_path, monkeypatch, name):
    path = save(tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for dataset in (path, str(path), f"~/{name}", Path("~") / name):
        real = load(dataset)
        assert real.name == name_of(dataset) == "mine"
        assert np.array_equal(real.train.pixels[:, 0].numpy(), GREY)


def test_a_path_is_a_folder_of_your_own_and_a_word_the_dataset(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (name_of("mnist"), name_of(Path("mnist"))) == ("mnist", "my-mnist")


@pytest.mark.parametrize("dataset", [None, 3, b"digits", ["digits"], 1.5, True])
@pytest.mark.parametrize("read", [load, name_of])
def test_what_is_neither_a_word_nor_a_path_is_refused(dataset, read):
    with pytest.raises(ValueError, match=rf"^dataset {re.escape(repr(dataset))}: expected a name such as 'digits'"):
        read(dataset)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("CIFAR-10", "cifar10"),
        ("cifar_10", "cifar10"),
        ("Fashion-MNIST", "fashionmnist"),
        ("mnits", "mnist"),
        ("digit", "digits"),
        ("SHVN", "svhn"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(slip, meant):
    refused(slip, f"^unknown dataset '{slip}': expected one of digits, mnist.*; did you mean '{meant}'\\?$")


@pytest.mark.parametrize("name", ["x.csv", "x.npy", "x.parquet", "x.zip", "x.pt", "x"])
def test_a_file_of_another_kind_is_told_what_is_expected(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    refused(tmp_path / name, rf"{name}' is a file of another kind: expected a file ending in \.npz, as numpy.savez")


def test_a_name_that_no_file_can_have_is_refused():
    refused("x" * 5000, "^unknown dataset")


def test_your_own_data_are_looked_for_here_and_then_in_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    save(tmp_path / "mine.npz")
    monkeypatch.chdir(tmp_path / "notebooks")
    assert load("mine.npz").train.labels.tolist() == Y.tolist()
    save(tmp_path / "notebooks" / "mine.npz", y=Y[::-1])
    assert load("mine.npz").train.labels.tolist() == Y[::-1].tolist()
    with pytest.raises(FileNotFoundError, match=f"no file {re.escape(str(tmp_path / 'notebooks' / 'other.npz'))}$"):
        load("other.npz")


@pytest.mark.parametrize("download", ["false", "True", 1, None])
def test_a_download_is_asked_for_with_true_or_false(download):
    with pytest.raises(ValueError, match=rf"download={download!r}: expected True or False"):
        load("digits", download=download)


@pytest.mark.parametrize("dataset", ["flowers", "", "/no/such/folder"])
def test_what_is_near_nothing_is_answered_without_a_guess(dataset):
    refused(dataset, "^unknown dataset .*, or a folder(; there is no /no/such/folder)?$")


def test_test_images_that_are_training_images_too_are_told(tmp_path):
    pixels = np.arange(12 * 64, dtype=np.uint8).reshape(12, 8, 8) // 3 + np.arange(12, dtype=np.uint8)[:, None, None]
    labels = np.tile([0, 1], 6)
    apart = tmp_path / "apart.npz"
    np.savez(apart, x_train=pixels[:8], y_train=labels[:8], x_test=pixels[8:], y_test=labels[8:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(apart)
        load("digits")  # whose training and test images are known
    shared = tmp_path / "shared.npz"
    np.savez(shared, x_train=pixels[:8], y_train=labels[:8], x_test=pixels[6:], y_test=labels[6:])
    with pytest.warns(UserWarning, match="2 of the 6 test images of shared are training images too") as told:
        load(shared)
    assert told[0].filename == __file__


def test_a_class_without_test_images_is_told(mine):
    save(mine, x_test=COLOUR[..., 0], y_test=Y % 2)
    with pytest.warns(UserWarning, match="mine has no test image of 1 of its 3 classes, such as '2'") as told:
        assert load(mine).classes == ("0", "1", "2")
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(save(mine, x_test=COLOUR[..., 0]))
