import hashlib

import numpy as np
import pytest
import torch

from dckit import load
from dckit.data import Split, denormalise, name_of
from dckit.data.builtin import TORCHVISION
from dckit.data.datasets import normalise

LABELS, PIXELS = "7994555514f84aea", "051bcadbd48bfa2f"
CLASS_SIZES = {"mnist": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]}


def checksum(*tensors):
    return hashlib.sha256(b"".join(t.contiguous().numpy().tobytes() for t in tensors)).hexdigest()[:16]


# The embedded digits


def test_digits_have_mnists_shape_and_a_fixed_split(digits):
    assert (digits.name, digits.shape) == ("digits", (1, 28, 28))
    assert digits.classes == tuple("0123456789")
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    assert digits.train.pixels.dtype == torch.uint8
    assert digits.train.labels.dtype == torch.int64
    # what every result on the digits depends on: if this fails, older results cannot be compared with newer ones
    assert checksum(digits.train.labels, digits.test.labels) == LABELS
    assert checksum(digits.train.pixels, digits.test.pixels) == PIXELS


def test_digits_are_split_class_by_class(digits):
    train, test = (torch.bincount(split.labels, minlength=10) for split in (digits.train, digits.test))
    assert ((test - (train + test) * 360 / 1797).abs() <= 1).all()


def test_no_digit_is_in_both_halves(digits):
    train, test = ({image.numpy().tobytes() for image in split.pixels} for split in (digits.train, digits.test))
    assert not train & test
    assert (len(train), len(test)) == (1437, 360)


def test_digits_stand_in_the_middle_with_an_empty_frame(digits):
    frame = digits.train.pixels.clone()
    frame[:, :, 4:24, 4:24] = 0
    assert int(frame.max()) == 0
    assert int(digits.train.pixels.max()) == 255


def test_digits_are_the_same_at_every_call(digits):
    again = load("Digits")
    assert torch.equal(again.train.pixels, digits.train.pixels)
    assert (again.mean, again.std) == (digits.mean, digits.std)


# Names


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("digits", "digits"),
        ("MNIST", "mnist"),
        ("CIFAR10", "cifar10"),
        ("flowers.npz", "flowers"),
        ("/some/where/My Flowers.npz", "My Flowers"),
        ("svhn.npz", "my-svhn"),
        ("~/Digits.npz", "my-Digits"),
    ],
)
def test_a_dataset_has_a_name_before_it_is_read(dataset, name):
    assert name_of(dataset) == name


def test_a_folder_goes_by_its_own_name(tmp_path, monkeypatch):
    for folder in ("flowers", "mnist"):
        (tmp_path / folder).mkdir()
    assert name_of(str(tmp_path / "flowers") + "/") == "flowers"
    assert name_of(str(tmp_path / "flowers" / ".." / "flowers")) == "flowers"
    assert name_of(str(tmp_path / "mnist")) == "my-mnist"
    monkeypatch.chdir(tmp_path / "flowers")
    assert name_of(".") == "flowers"
    monkeypatch.chdir(tmp_path)
    assert name_of("mnist") == "mnist"  # the word is the dataset's


@pytest.mark.parametrize("dataset", ["cats", "/no/such/folder", "mnist.zip"])
def test_what_is_no_dataset_has_no_name(dataset):
    with pytest.raises(ValueError, match=f"unknown dataset '{dataset}': expected one of digits, mnist") as error:
        name_of(dataset)
    assert "\n" not in str(error.value)


def test_a_dataset_is_read_under_the_name_it_goes_by(digits, tmp_path):
    for stem in ("flowers", "mnist"):
        path = tmp_path / f"{stem}.npz"
        train, test = digits.train, digits.test
        arrays = dict(x_train=train.pixels[:, 0], y_train=train.labels, x_test=test.pixels[:, 0], y_test=test.labels)
        np.savez(path, **{k: v.numpy() for k, v in arrays.items()})
        assert load(str(path)).name == name_of(str(path))


# Normalisation


def test_digits_have_mean_0_and_deviation_1(digits):
    assert float(digits.train.images.mean()) == pytest.approx(0, abs=5e-4)
    assert float(digits.train.images.std()) == pytest.approx(1, abs=5e-4)
    assert digits.train.images.dtype == torch.float32
    assert digits.mean == digits.train.mean == digits.test.mean
    assert digits.std == digits.train.std == digits.test.std


def test_the_reports_deviation_is_the_mean_of_each_images_own(digits):
    report = digits.normalised("report")
    pixels = digits.train.pixels.double() / 255
    each = [float(image.std()) for image in pixels]
    assert report.mean == pytest.approx(digits.mean)
    assert report.std == pytest.approx((sum(each) / len(each),), rel=1e-4)
    assert report.std != pytest.approx(digits.std, rel=1e-3)
    assert (report.train.mean, report.train.std) == (report.test.mean, report.test.std) == (report.mean, report.std)


def test_normalised_changes_normalisation_alone_and_can_be_undone(digits):
    report = digits.normalised("report")
    assert (digits.normalisation, report.normalisation) == ("published", "report")
    assert digits.normalised("published") is digits
    assert torch.equal(report.train.pixels, digits.train.pixels)
    assert torch.equal(report.test.labels, digits.test.labels)
    assert (report.name, report.classes) == (digits.name, digits.classes)
    assert report.normalised("published").std == digits.std
    assert load("digits", normalisation="report").std == report.std


def test_an_unknown_normalisation_is_refused(digits):
    with pytest.raises(ValueError, match="unknown normalisation 'none': expected one of published, report"):
        digits.normalised("none")
    with pytest.raises(ValueError, match="unknown normalisation 'none'"):
        load("digits", normalisation="none")


def test_normalising_is_by_channel_and_can_be_undone():
    pixels = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4).byte() * 2
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    images = normalise(pixels, mean, std)
    for c in range(3):
        torch.testing.assert_close(images[:, c], (pixels[:, c].float() / 255 - mean[c]) / std[c])
    torch.testing.assert_close(denormalise(images, mean, std), pixels.float() / 255)
    torch.testing.assert_close(normalise(pixels.float() / 255, mean, std), images)


def test_denormalised_images_are_cut_off_at_0_and_1():
    images = torch.tensor([-100.0, 0.0, 100.0]).view(3, 1, 1, 1)
    assert denormalise(images, (0.5,), (0.1,)).flatten().tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_pixels_stay_as_they_are_stored(dtype):
    pixels = torch.ones(2, 1, 2, 2, dtype=dtype)
    split = Split(pixels, torch.tensor([0, 1]), (0.5,), (0.5,))
    split.images.add_(1)
    split[:1][0].zero_()
    assert torch.equal(pixels, torch.ones(2, 1, 2, 2, dtype=dtype))


# Drawing


def test_a_sample_is_of_one_class_without_replacement(digits):
    torch.manual_seed(0)
    for c in range(10):
        images, labels = digits.train.sample(c, 30)
        assert images.shape == (30, 1, 28, 28)
        assert (labels == c).all()
        assert len({image.numpy().tobytes() for image in images}) == 30


def test_a_sample_of_more_than_there_are_is_all_of_them(digits):
    images, labels = digits.train.sample(3, 10_000)
    assert len(images) == len(labels) == int((digits.train.labels == 3).sum())


def test_a_draw_is_of_any_class_without_replacement(digits):
    torch.manual_seed(0)
    images, labels = digits.train.draw(200)
    assert len({image.numpy().tobytes() for image in images}) == 200
    assert len(labels.unique()) == 10
    assert len(digits.train.draw(10_000)[1]) == 1437


def test_images_and_labels_that_are_drawn_belong_together(digits):
    whole = {image.numpy().tobytes(): int(label) for image, label in zip(*digits.train[:], strict=True)}
    for images, labels in (digits.train.draw(50), digits.train.sample(4, 50), digits.train[10:20]):
        assert [whole[image.numpy().tobytes()] for image in images] == labels.tolist()


def test_two_draws_differ_unless_the_random_numbers_are_the_same(digits):
    torch.manual_seed(0)
    first, second = digits.train.sample(0, 5)[0], digits.train.sample(0, 5)[0]
    torch.manual_seed(0)
    assert torch.equal(digits.train.sample(0, 5)[0], first)
    assert not torch.equal(first, second)


def test_by_class_lists_every_image_once(digits):
    assert [len(members) for members in digits.train.by_class] == torch.bincount(digits.train.labels).tolist()
    assert sorted(torch.cat(digits.train.by_class).tolist()) == list(range(1437))
    assert all((digits.train.labels[members] == c).all() for c, members in enumerate(digits.train.by_class))


# The real ones


@pytest.mark.parametrize(
    ("name", "shape", "sizes", "published", "report"),
    [
        ("mnist", (1, 28, 28), (60_000, 10_000), ((0.1307,), (0.3081,)), ((0.1307,), (0.3015,))),
        ("fashionmnist", (1, 28, 28), (60_000, 10_000), ((0.2861,), (0.3530,)), ((0.2860,), (0.3205,))),
        (
            *("cifar10", (3, 32, 32), (50_000, 10_000)),
            *[((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))] * 2,
        ),
    ],
)
def test_real_datasets_have_their_sizes_and_normalisations(data_root, name, shape, sizes, published, report):
    if not (data_root / TORCHVISION[name][1]).exists():
        pytest.skip(f"needs {name} in the folder of DCKIT_DATA")
    real = load(name, root=data_root)
    assert (real.shape, len(real.train), len(real.test)) == (shape, *sizes)
    assert len(real.classes) == 10
    assert real.train.pixels.dtype == torch.uint8
    assert torch.bincount(real.train.labels).tolist() == CLASS_SIZES.get(name, [sizes[0] // 10] * 10)
    assert (real.mean, real.std) == published
    assert (real.normalised("report").mean, real.normalised("report").std) == report
    # the numbers are those of the pixels, as far as they were taken: over all pixels, or image by image
    pixels = real.train.pixels[:10_000].float().div(255).transpose(0, 1)
    assert pixels.flatten(1).mean(1).tolist() == pytest.approx(published[0], abs=0.005)
    assert pixels.flatten(2).std(-1).mean(1).tolist() == pytest.approx(report[1], abs=0.005)


def test_images_of_cifar10_stand_upright_with_channels_first(data_root):
    """In the files of one channel all rows follow one another; mixed up, neighbouring pixels would differ."""
    if not (data_root / "cifar-10-batches-py").exists():
        pytest.skip("needs cifar10 in the folder of DCKIT_DATA")
    pixels = load("cifar10", root=data_root).train.pixels[:200].float()
    along = (pixels[..., 1:] - pixels[..., :-1]).abs().mean()
    down = (pixels[..., 1:, :] - pixels[..., :-1, :]).abs().mean()
    across = (pixels[:, 0] - pixels[:, 2]).abs().mean()
    assert along < 20
    assert down < 20
    assert across < 40


def test_a_part_of_svhn_is_read_from_an_npz(data_root):
    if not (data_root / "svhn.npz").is_file():
        pytest.skip("needs svhn.npz in the folder of DCKIT_DATA")
    real = load(str(data_root / "svhn.npz"))
    assert (real.name, real.shape, len(real.train), len(real.test)) == ("my-svhn", (3, 32, 32), 9082, 2001)
    assert real.classes == tuple("0123456789")
    assert real.mean == pytest.approx((0.4377, 0.4438, 0.4728), abs=0.03)  # its own, near the whole dataset's
    assert real.normalised("report").std == pytest.approx((0.1201, 0.1231, 0.1052), abs=0.03)
