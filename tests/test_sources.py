import gzip
import re
import shutil
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from dckit import load


def assert_one_sentence(error):
    message = str(error.value)
    assert "\n" not in message
    assert len(message) > 20


# Your own arrays


def arrays(**changes):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 9), dtype=np.uint8)
    whole = dict(x_train=pixels[:8], y_train=np.arange(8) % 3, x_test=pixels[8:], y_test=np.arange(4) % 3)
    return {key: value for key, value in (whole | changes).items() if value is not None}


def save(path, **changes):
    np.savez(path, **arrays(**changes))
    return str(path)


def test_grey_arrays_are_loaded(tmp_path):
    real = load(save(tmp_path / "mine.npz"))
    plain = arrays()
    assert (real.name, real.classes, real.shape) == ("mine", ("0", "1", "2"), (1, 10, 9))
    assert torch.equal(real.train.pixels[:, 0], torch.from_numpy(plain["x_train"]))
    assert torch.equal(real.test.pixels[:, 0], torch.from_numpy(plain["x_test"]))
    assert real.train.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert real.train.labels.dtype == torch.int64
    assert real.mean == pytest.approx((plain["x_train"].mean() / 255,), abs=6e-5)
    assert real.std == pytest.approx((plain["x_train"].std(ddof=1) / 255,), abs=6e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_come_last_in_the_file_and_first_in_the_dataset(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 10, 9, channels), dtype=np.uint8)
    real = load(save(tmp_path / "mine.npz", x_train=pixels, x_test=pixels[:4]))
    assert real.shape == (channels, 10, 9)
    assert len(real.mean) == len(real.std) == channels
    for c in range(channels):
        assert torch.equal(real.train.pixels[:, c], torch.from_numpy(pixels[..., c].copy()))
        assert real.mean[c] == pytest.approx(pixels[..., c].mean() / 255, abs=6e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_in_0_to_1_are_loaded(tmp_path, dtype):
    x = (arrays()["x_train"] / 255).astype(dtype)
    real = load(save(tmp_path / "mine.npz", x_train=x, x_test=x[:4]))
    assert real.train.pixels.dtype == torch.float32
    torch.testing.assert_close(real.train.pixels[:, 0].numpy(), x.astype(np.float32))
    assert float(real.train.images.std()) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["cat", "dog", "ant"], ("ant", "cat", "dog")),
        ([7, 3, 11], ("3", "7", "11")),
        ([True, False, True], ("False", "True")),
    ],
)
def test_labels_may_be_words_or_any_numbers(tmp_path, labels, classes):
    y = np.array(labels)[np.arange(8) % 3]
    real = load(save(tmp_path / "mine.npz", y_train=y, y_test=y[:4]))
    assert real.classes == classes
    assert [real.classes[i] for i in real.train.labels] == [str(word) for word in y]
    assert [real.classes[i] for i in real.test.labels] == [str(word) for word in y[:4]]


def test_an_image_without_contrast_can_still_be_normalised(tmp_path):
    real = load(save(tmp_path / "mine.npz", x_train=np.full((8, 4, 4), 9, np.uint8), x_test=np.zeros((4, 4, 4), "u1")))
    assert torch.isfinite(real.train.images).all()


@pytest.mark.parametrize("name", ["mnist.npz", "cifar10.npz"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_that_shares_its_name_with_a_known_dataset_keeps_its_own_shape(tmp_path, name, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 10, 9, channels), dtype=np.uint8)
    real = load(save(tmp_path / name, x_train=pixels, x_test=pixels[:4]))
    assert real.train.images.shape[1:] == real.shape
    assert len(real.mean) == channels


def floats(value):
    x = np.full((8, 10, 9), 0.5, np.float32)
    x[3, 2, 1] = value
    return x


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(x_train=None), "has no array 'x_train': expected x_train, y_train, x_test, y_test"),
        (dict(y_test=None), "has no array 'y_test'"),
        (dict(y_test=np.array([0, 1, 2, 9])), "label 9 is in y_test but not in y_train"),
        (dict(x_train=floats(1.5)), "float images must lie in 0 to 1, without NaN; found .*1.5"),
        (dict(x_train=floats(-0.1)), "float images must lie in 0 to 1, without NaN; found -0.1"),
        (dict(x_train=floats(np.nan)), "float images must lie in 0 to 1, without NaN"),
        (dict(x_train=floats(np.inf)), "float images must lie in 0 to 1, without NaN; found .*inf"),
        (dict(x_train=np.zeros((8, 90), np.uint8)), r"images of shape \(8, 90\): expected \(N, height, width\)"),
        (dict(x_train=np.zeros((8, 10, 9, 2), np.uint8)), r"images of shape \(8, 10, 9, 2\)"),
        (dict(x_train=np.zeros((8, 4, 10, 9), np.uint8)), r"images of shape \(8, 4, 10, 9\)"),
        (dict(x_train=np.array(3)), r"images of shape \(\)"),
        (dict(x_train=np.zeros((8, 10, 9), bool)), "images of type bool: expected uint8, or float in 0 to 1"),
        (dict(x_train=np.zeros((5, 10, 9), np.uint8)), r"5 images but labels of shape \(8,\)"),
        (dict(x_test=np.zeros((5, 10, 9), np.uint8)), r"5 images but labels of shape \(4,\)"),
        (dict(y_train=np.zeros((8, 2), int), y_test=np.zeros(4, int)), r"labels of shape \(8, 2\) and \(4,\)"),
        (dict(y_train=np.array(0), y_test=np.zeros(4, int)), r"8 images but labels of shape \(\)"),
        (dict(x_test=np.zeros((0, 10, 9), np.uint8), y_test=np.zeros(0, int)), "no images"),
        (dict(x_test=np.zeros((4, 9, 9), np.uint8)), r"training images of \(1, 10, 9\) but test images of \(1, 9, 9\)"),
        (dict(x_test=np.zeros((4, 10, 9, 3), np.uint8)), r"of \(1, 10, 9\) but test images of \(3, 10, 9\)"),
        (dict(x_train=np.zeros((8, 10, 9), object)), "is damaged or not an npz file of plain arrays"),
        (dict(y_train=np.array(["a"] * 8, object)), "is damaged or not an npz file of plain arrays"),
    ],
)
def test_arrays_that_make_no_dataset_are_refused_in_one_sentence(tmp_path, changes, says):
    path = save(tmp_path / "mine.npz", **changes)
    with pytest.raises(ValueError, match=says) as error:
        load(path)
    assert "mine" in str(error.value)
    assert_one_sentence(error)


def test_a_missing_npz_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*mine\.npz"):
        load(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, 0.99])
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_truncated_npz_is_refused(tmp_path, kept, write):
    path = tmp_path / "mine.npz"
    write(path, **arrays())
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(ValueError, match=r"mine\.npz is damaged or not an npz file") as error:
        load(str(path))
    assert_one_sentence(error)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_an_npz_with_a_flipped_byte_is_refused_or_loads_the_same(tmp_path, write):
    path = tmp_path / "mine.npz"
    write(path, **arrays())
    whole, expected = path.read_bytes(), load(str(path))
    refused = 0
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            real = load(str(path))
        except ValueError:
            refused += 1
        else:
            assert torch.equal(real.train.pixels, expected.train.pixels)
            assert torch.equal(real.train.labels, expected.train.labels)
    assert refused > 10


@pytest.mark.parametrize("content", [b"hello", b"\x80\x04]\x94.", b"PK\x03\x04"])
def test_another_file_named_npz_is_refused(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"mine\.npz is damaged or not an npz file") as error:
        load(str(tmp_path / "mine.npz"))
    assert_one_sentence(error)


def test_a_single_array_named_npz_is_refused(tmp_path):
    with open(tmp_path / "mine.npz", "wb") as file:
        np.save(file, arrays()["x_train"])
    with pytest.raises(ValueError, match=r"mine\.npz is damaged or not an npz file"):
        load(str(tmp_path / "mine.npz"))


# Your own pictures


def pictures(folder, mode="L", size=(6, 5), classes=("ant", "bee")):
    """Two pictures of each class to train and one to test, each of another brightness."""
    level = 0
    for split, n in (("train", 2), ("test", 1)):
        for name in classes:
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                level += 10
                picture(folder / split / name / f"{i}.png", mode, size, level)
    return str(folder)


def picture(path, mode="L", size=(6, 5), level=0):
    colour = {"L": level, "1": level % 20, "P": level}.get(mode, (level, 0, 255 - level, 255)[: len(mode)])
    Image.new(mode, size, colour).save(path)


def test_a_folder_of_grey_pictures_has_one_channel(tmp_path):
    real = load(pictures(tmp_path / "insects"))
    assert (real.name, real.classes, real.shape) == ("insects", ("ant", "bee"), (1, 5, 6))
    assert real.train.labels.tolist() == [0, 0, 1, 1]
    assert real.test.labels.tolist() == [0, 1]
    assert real.train.pixels[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    assert real.test.pixels[:, 0, 0, 0].tolist() == [50, 60]
    assert real.train.pixels.dtype == torch.uint8


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_folder_of_coloured_pictures_has_three_channels(tmp_path, mode):
    real = load(pictures(tmp_path / "insects", mode))
    assert real.shape == (3, 5, 6)
    assert real.train.pixels[:, :, 0, 0].tolist() == [[level, 0, 255 - level] for level in (10, 20, 30, 40)]
    assert len(real.std) == 3


def test_one_coloured_picture_gives_all_of_them_three_channels(tmp_path):
    folder = pictures(tmp_path / "insects")
    picture(tmp_path / "insects" / "test" / "bee" / "0.png", "RGB", level=60)
    real = load(folder)
    assert real.shape == (3, 5, 6)
    assert real.train.pixels[0, :, 0, 0].tolist() == [10, 10, 10]
    assert real.test.pixels[1, :, 0, 0].tolist() == [60, 0, 195]


def test_black_and_white_pictures_are_0_and_255(tmp_path):
    real = load(pictures(tmp_path / "insects", "1"))
    assert real.shape == (1, 5, 6)
    assert set(real.train.pixels.unique().tolist()) == {0, 255}


def test_a_16_bit_picture_among_others_is_not_turned_white(tmp_path):
    folder = pictures(tmp_path / "insects")
    deep = np.linspace(0, 65535, 30, dtype=np.uint16).reshape(5, 6)
    Image.fromarray(deep).save(tmp_path / "insects" / "train" / "ant" / "0.png")
    assert torch.equal(load(folder).train.pixels[0, 0], torch.from_numpy((deep / 257).round().astype(np.uint8)))


def test_a_folder_without_a_test_folder_is_refused(tmp_path):
    folder = pictures(tmp_path / "insects")
    shutil.rmtree(tmp_path / "insects" / "test")
    with pytest.raises(ValueError, match="has no folder 'test': expected train/class/… and test/class/…"):
        load(folder)


def test_classes_that_are_in_one_half_only_are_refused(tmp_path):
    folder = pictures(tmp_path / "insects")
    (tmp_path / "insects" / "test" / "bee").rename(tmp_path / "insects" / "test" / "wasp")
    with pytest.raises(ValueError, match="class 'bee' is in only one of train and test"):
        load(folder)


def test_a_class_without_pictures_is_refused(tmp_path):
    folder = pictures(tmp_path / "insects")
    (tmp_path / "insects" / "test" / "bee" / "0.png").unlink()
    with pytest.raises(ValueError, match="bee") as error:
        load(folder)
    assert_one_sentence(error)


def test_a_folder_without_classes_is_refused(tmp_path):
    for split in ("train", "test"):
        (tmp_path / "insects" / split).mkdir(parents=True)
    with pytest.raises(ValueError, match="class folder") as error:
        load(str(tmp_path / "insects"))
    assert_one_sentence(error)


@pytest.mark.parametrize("where", ["train/bee/1.png", "test/bee/0.png"])
def test_a_picture_of_another_size_is_named(tmp_path, where):
    folder = pictures(tmp_path / "insects")
    picture(tmp_path / "insects" / where, size=(5, 6))
    with pytest.raises(ValueError, match=rf"{where} has \(5, 6\) pixels, the first picture \(6, 5\)"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"no picture", b"half"])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    folder = pictures(tmp_path / "insects", size=(60, 50))
    path = tmp_path / "insects" / "train" / "bee" / "0.png"
    path.write_bytes(path.read_bytes()[:60] if content == b"half" else content)
    with pytest.raises(ValueError, match=r"bee.0\.png is not a picture that can be read") as error:
        load(folder)
    assert_one_sentence(error)


# Torchvision's datasets


def test_an_unknown_dataset_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="unknown dataset 'mnits': expected one of digits, mnist, fashionmnist, svhn"):
        load("mnits")


@pytest.mark.parametrize("name", ["mnist", "fashionmnist", "svhn", "cifar10"])
def test_a_dataset_that_is_not_there_says_how_to_get_it(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"{name} is not in the folder ") as error:
        load(name, root=tmp_path)
    for hint in (str(tmp_path), "root=", "DCKIT_DATA", "download=True", " MB"):
        assert hint in str(error.value)
    assert_one_sentence(error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("variable", "folder"), [("elsewhere", "elsewhere"), ("", "data"), (None, "data")])
def test_the_folder_is_root_else_dckit_data_else_data(tmp_path, monkeypatch, variable, folder):
    monkeypatch.chdir(tmp_path)
    if variable is None:
        monkeypatch.delenv("DCKIT_DATA", raising=False)
    else:
        monkeypatch.setenv("DCKIT_DATA", variable)
    with pytest.raises(FileNotFoundError, match=f"mnist is not in the folder '{tmp_path / folder}'"):
        load("mnist")
    with pytest.raises(FileNotFoundError, match=f"mnist is not in the folder '{tmp_path}/here'"):
        load("mnist", root="here")


def test_a_relative_folder_is_looked_for_here_and_then_in_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path / "notebooks")
    tried = re.escape(f"'{tmp_path}/notebooks/here' or '{tmp_path}/here'")
    with pytest.raises(FileNotFoundError, match=f"mnist is not in the folder {tried}"):
        load("mnist", root="here")
    tiny_mnist(tmp_path / "here")
    assert len(load("mnist", root="here").train) == MNIST_FILES["train"]


MNIST_FILES = {"train": 30, "t10k": 20}


def tiny_mnist(root):
    """Files as MNIST's, but of 30 and 20 random images."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for half, n in MNIST_FILES.items():
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        (raw / f"{half}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + images.tobytes())
        labels = (np.arange(n) % 10).astype(np.uint8)
        (raw / f"{half}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels.tobytes())
    return raw


def test_files_like_mnists_are_read(tmp_path):
    tiny_mnist(tmp_path)
    real = load("MNIST", root=tmp_path)
    expected = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    assert (real.name, real.shape, len(real.train), len(real.test)) == ("mnist", (1, 28, 28), 30, 20)
    assert torch.equal(real.train.pixels[:, 0], torch.from_numpy(expected))
    assert real.train.labels.tolist() == [i % 10 for i in range(30)]
    assert len(real.classes) == 10


@pytest.mark.parametrize(
    ("normalisation", "name", "mean", "std"),
    [
        ("published", "mnist", (0.1307,), (0.3081,)),
        ("report", "mnist", (0.1307,), (0.3015,)),
        ("published", "fashionmnist", (0.2861,), (0.3530,)),
        ("report", "fashionmnist", (0.2860,), (0.3205,)),
    ],
)
def test_known_datasets_are_normalised_by_the_numbers_of_the_protocol(tmp_path, normalisation, name, mean, std):
    tiny_mnist(tmp_path)
    (tmp_path / "FashionMNIST").symlink_to(tmp_path / "MNIST", target_is_directory=True)
    real = load(name, root=tmp_path, normalisation=normalisation)
    assert (real.mean, real.std) == (mean, std)
    torch.testing.assert_close(real.train.images, (real.train.pixels / 255 - mean[0]) / std[0])


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "gone", "zipped"])
def test_damaged_mnist_files_end_in_one_sentence(tmp_path, file, damage):
    path = tiny_mnist(tmp_path) / file
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"truncated": whole[:-5], "empty": b"", "zipped": gzip.compress(whole)}[damage])
    with pytest.raises(ValueError, match=r"the files of mnist in .* are incomplete or damaged") as error:
        load("mnist", root=tmp_path)
    assert "download=True" in str(error.value)
    assert_one_sentence(error)


def test_images_and_labels_of_different_numbers_are_refused(tmp_path):
    raw = tiny_mnist(tmp_path)
    shutil.copy(raw / "t10k-labels-idx1-ubyte", raw / "train-labels-idx1-ubyte")
    with pytest.raises(ValueError, match=r"mnist: 30 images but labels of shape \(20,\)"):
        load("mnist", root=tmp_path)


def test_half_of_cifar10s_files_end_in_one_sentence(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x02}q\x01")
    with pytest.raises(ValueError, match=r"the files of cifar10 in .* are incomplete or damaged") as error:
        load("cifar10", root=tmp_path)
    assert_one_sentence(error)


def test_half_of_svhns_files_end_in_one_sentence(tmp_path):
    (tmp_path / "train_32x32.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(ValueError, match=r"the files of svhn in .* are incomplete or damaged") as error:
        load("svhn", root=tmp_path)
    assert_one_sentence(error)


def test_a_damaged_batch_of_cifar10_is_refused(data_root, tmp_path):
    if not (data_root / "cifar-10-batches-py").exists():
        pytest.skip("needs cifar10 in the folder of DCKIT_DATA")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for file in (data_root / "cifar-10-batches-py").iterdir():
        (folder / file.name).symlink_to(file.resolve())
    assert len(load("cifar10", root=tmp_path).train) == 50_000
    whole = (folder / "data_batch_3").read_bytes()
    (folder / "data_batch_3").unlink()
    (folder / "data_batch_3").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"the files of cifar10 in .* are incomplete or damaged") as error:
        load("cifar10", root=tmp_path)
    assert_one_sentence(error)
