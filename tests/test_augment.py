import oracles
import pytest
import torch

from dckit.method import augment as augmentations
from dckit.method import strategy
from dckit.method.augment import STRATEGIES, augment, rotate

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 20, 27)]


def draws(seed, images, names):
    """The random numbers that `augment` meets: which change each image gets, and that change's own."""
    height, width = images.shape[2:]
    torch.manual_seed(seed)
    choice = torch.randint(len(names), (len(images),))
    numbers = [None] * len(images)
    for i, name in enumerate(names):
        members = torch.nonzero(choice == i)[:, 0].tolist()
        if name == "crop":
            drawn = torch.randint(8, (2, len(members), 1))[:, :, 0].T.tolist()
        elif name == "scale":
            factors = 0.8 + 0.4 * torch.rand(2, len(members))
            drawn = [(int(h * height), int(w * width)) for h, w in factors.T]
        elif name == "rotate":
            drawn = torch.randint(-45, 45, (len(members),)).tolist()
        else:
            drawn = torch.randn(len(members), *images.shape[1:])
        for member, number in zip(members, drawn, strict=True):
            numbers[member] = (name, number)
    return numbers


def one_by_one(images, numbers):
    channel_means = images.transpose(0, 1).flatten(1).mean(1)
    changed = []
    for image, (name, number) in zip(images, numbers, strict=True):
        if name == "crop":
            changed.append(oracles.crop(image, *number, fill=channel_means))
        elif name == "scale":
            changed.append(oracles.scale(image, *number))
        elif name == "rotate":
            changed.append(oracles.rotate(image, number, fill=float(channel_means.mean())))
        else:
            changed.append(image + 0.001 * number)
    return torch.stack(changed)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rotation_equals_scipys_for_every_angle(shape):
    torch.manual_seed(0)
    images, degrees = torch.randn(90, *shape), torch.arange(-45, 45)
    found = rotate(images, degrees, torch.tensor(0.3))
    for image, angle, turned in zip(images, degrees.tolist(), found, strict=True):
        torch.testing.assert_close(turned, oracles.rotate(image, angle, 0.3), rtol=0, atol=1e-4, msg=f"{angle}°")


def test_rotation_by_nothing_leaves_the_image():
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(rotate(images, torch.zeros(2).long(), torch.tensor(9.0)), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize("names", list(STRATEGIES.values())[1:], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("n", [1, 40])
def test_every_change_equals_that_of_image_by_image(names, shape, n):
    named = {v: k for k, v in STRATEGIES.items()}[names]
    for seed in range(10 if n == 1 else 3):
        torch.manual_seed(1000 + seed)
        # channels and images of different means, since what is filled in is the batch's mean of each channel
        images = torch.randn(n, *shape) + torch.arange(1.0, shape[0] + 1).view(-1, 1, 1) + torch.rand(n, 1, 1, 1)
        numbers = draws(seed, images, names)
        torch.manual_seed(seed)
        torch.testing.assert_close(augment(images, named), one_by_one(images, numbers), rtol=0, atol=2e-4)


def test_strategies_are_those_that_the_published_code_has():
    assert STRATEGIES == {
        "none": (),
        "crop_scale_rotate": ("crop", "scale", "rotate"),
        "crop_noise": ("crop", "noise"),
    }


def test_crops_shift_by_minus_4_to_3_pixels_each_way(monkeypatch):
    monkeypatch.setitem(STRATEGIES, "crop", ("crop",))
    torch.manual_seed(0)
    place = torch.arange(28.0 * 28).view(1, 1, 28, 28).expand(1000, 1, 28, 28)
    middle = augment(place, "crop")[:, 0, 14, 14].long()
    rows, cols = middle // 28 - 14, middle % 28 - 14
    assert {(r, c) for r, c in zip(rows.tolist(), cols.tolist(), strict=True)} == {
        (r, c) for r in range(-4, 4) for c in range(-4, 4)
    }


def test_scales_lie_between_four_and_six_fifths_each_way(monkeypatch):
    monkeypatch.setitem(STRATEGIES, "scale", ("scale",))
    torch.manual_seed(0)
    ones = torch.ones(500, 1, 40, 40)
    scaled = augment(ones, "scale")[:, 0]
    heights, widths = (scaled.sum(1).amax(1), scaled.sum(2).amax(1))  # cut off at 40, on a canvas of zeros
    for sizes in (heights, widths):
        assert set(range(32, 41)) == {int(size) for size in sizes}
    assert not torch.equal(heights, widths)


def test_angles_are_whole_degrees_from_minus_45_to_44(monkeypatch):
    monkeypatch.setitem(STRATEGIES, "rotate", ("rotate",))
    angles = set()

    def look(images, degrees, fill):
        angles.update(degrees.tolist())
        return images

    monkeypatch.setattr("dckit.method.augment.rotate", look)
    torch.manual_seed(0)
    augment(torch.zeros(3000, 1, 2, 2), "rotate")
    assert angles == set(range(-45, 45))


@pytest.mark.parametrize("named", ["crop_scale_rotate", "crop_noise"])
def test_each_image_gets_one_change_and_all_changes_occur_alike(named, monkeypatch):
    counts = {}

    def count(name):
        def change(images, means, generator):
            counts[name] = len(images)
            return images + 1

        return change

    for name in STRATEGIES[named]:
        monkeypatch.setitem(augmentations._CHANGES, name, count(name))
    torch.manual_seed(0)
    changed = augment(torch.zeros(3000, 1, 2, 2), named)
    assert torch.equal(changed, torch.ones_like(changed))
    assert sum(counts.values()) == 3000
    assert min(counts.values()) > 0.9 * 3000 / len(counts)


@pytest.mark.parametrize("named", STRATEGIES)
def test_the_images_given_are_not_modified(named):
    images = torch.randn(20, 3, 12, 12)
    before = images.clone()
    for _ in range(5):
        changed = augment(images, named)
    assert torch.equal(images, before)
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert torch.equal(changed, images) == (named == "none")


def test_without_augmentation_no_random_number_is_drawn():
    before = torch.get_rng_state()
    augment(torch.randn(0, 1, 8, 8), "none")
    images = torch.zeros(4, 1, 8, 8)
    assert augment(images, "none") is images
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("dataset", "meaning"),
    [
        ("mnist", "crop_scale_rotate"),
        ("digits", "crop_scale_rotate"),
        ("fashionmnist", "none"),
        ("svhn", "none"),
        ("cifar10", "none"),
        ("my pictures", "none"),
    ],
)
def test_published_means_mnist_and_the_digits_only(dataset, meaning):
    assert strategy("published", dataset) == meaning


@pytest.mark.parametrize("named", STRATEGIES)
@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_a_named_strategy_is_used_on_every_dataset(named, dataset):
    assert strategy(named, dataset) == named
