"""Your own pictures, as every viewer shows them: read right, or refused in one sentence."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from dckit import load

GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8
CLASSES = ("ant", "bee")


def folder(root, image=None, ending="png", **how):
    """The same picture, else a grey one, in both halves of two classes."""
    image = Image.fromarray(GREY) if image is None else image
    for half in ("train", "test"):
        for name in CLASSES:
            (root / half / name).mkdir(parents=True)
            image.save(root / half / name / f"0.{ending}", **how)
    return root


def first(root, **how):
    """The first picture as it was read: (height, width) if it is grey, else (height, width, 3)."""
    picture = load(root, **how).train.pixels[0].numpy()
    return picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)


def refused(root, says, **how):
    with pytest.raises(ValueError, match=says) as error:
        load(root, **how)
    assert "\n" not in str(error.value)


def flat(root, **numbers):
    """One folder of classes, each of so many pictures; the brightness of each tells which it is."""
    for name, n in numbers.items():
        (root / name).mkdir(parents=True)
        for i in range(n):
            Image.new("L", (4, 4), i).save(root / name / f"{i:03}.png")
    return root


# Turned, transparent, 16 bits


TURNED = {
    1: GREY,
    2: GREY[:, ::-1],
    3: GREY[::-1, ::-1],
    4: GREY[::-1],
    5: GREY.T,
    6: np.rot90(GREY, -1),
    7: GREY[::-1, ::-1].T,
    8: np.rot90(GREY),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "webp"])
def test_a_picture_is_turned_as_its_camera_says(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = first(folder(tmp_path / "insects", ending=ending, exif=exif, quality=100, lossless=True))
    read = read if read.ndim == 2 else read[..., 0]  # WebP knows no grey
    assert np.allclose(read, TURNED[orientation], atol=2)


def see_through(mode):
    """A picture whose left column is black, its middle half transparent black, its right fully transparent black."""
    black, alpha = np.zeros((4, 3), np.uint8), np.tile(np.array([255, 128, 0], np.uint8), (4, 1))
    if mode == "LA":
        return Image.merge("LA", [Image.fromarray(black), Image.fromarray(alpha)])
    return Image.merge("RGBA", [*[Image.fromarray(black)] * 3, Image.fromarray(alpha)])


@pytest.mark.parametrize(("mode", "ending"), [("LA", "png"), ("RGBA", "png"), ("RGBA", "webp"), ("RGBA", "tif")])
def test_transparency_lies_on_white(tmp_path, mode, ending):
    read = first(
        folder(tmp_path / "insects", see_through(mode), ending, **dict(lossless=True) if ending == "webp" else {})
    )
    assert read.ndim == (2 if mode == "LA" else 3)
    assert read.reshape(4, 3, -1)[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_transparent_colour_lies_on_white(tmp_path, mode, ending):
    grey = Image.fromarray(np.array([[10, 20, 30]], np.uint8))
    image = grey if mode == "L" else grey.convert("RGB")
    if ending == "gif" or mode == "P":
        image = grey.convert("P")
    key = 20 if image.mode != "RGB" else (20, 20, 20)
    read = first(folder(tmp_path / "insects", image, ending, transparency=key))
    assert read.reshape(3, -1)[:, 0].tolist() == [10, 255, 30]


def png(depth, kind, pixels, key):
    """A PNG file of one row, with a transparent colour in as many bits as its pixels. Kind 0 is grey, 2 is RGB."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    width = len(pixels) // (3 if kind == 2 else 1)
    bits = "".join(f"{value:0{depth}b}" for value in pixels)
    row = bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", struct.pack(f">{len(key)}H", *key)), (b"IDAT", zlib.compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in [*chunks, (b"IEND", b"")])


@pytest.mark.parametrize(
    ("depth", "pixels", "key", "seen"),
    [
        (1, [0, 1], 0, [255, 255]),
        (1, [0, 1], 1, [0, 255]),
        (2, [0, 1, 2], 1, [0, 255, 170]),
        (4, [0, 8, 1], 8, [0, 255, 17]),
        (8, [0, 8, 1], 8, [0, 255, 1]),
        (16, [0, 40_000, 25_700], 40_000, [0, 255, 100]),
    ],
)
def test_a_transparent_grey_is_found_at_any_depth(tmp_path, depth, pixels, key, seen):
    root = folder(tmp_path / "insects", Image.new("L", (len(pixels), 1)))
    (root / "train" / "ant" / "0.png").write_bytes(png(depth, 0, pixels, [key]))
    assert first(root)[0].tolist() == seen


def test_a_transparent_colour_that_cannot_be_found_is_refused(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "train" / "ant" / "0.png").write_bytes(png(16, 2, [300, 0, 0, 301, 0, 0], [300, 0, 0]))
    refused(root, r"ant.0\.png .*transparent colour in 16 bits: expected 8 bits per channel")


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_16_bits_are_scaled_to_8(tmp_path, ending):
    deep = np.array([[0, 257, 25_700, 65_535]], np.uint16)
    assert first(folder(tmp_path / "insects", Image.fromarray(deep), ending))[0].tolist() == [0, 1, 100, 255]


def test_16_bits_that_count_from_white_are_turned_round(tmp_path):
    deep = Image.fromarray(np.array([[0, 25_700, 65_535]], np.uint16))
    assert first(folder(tmp_path / "insects", deep, "tif", tiffinfo={262: 0}))[0].tolist() == [255, 155, 0]


@pytest.mark.parametrize(("mode", "dtype"), [("F", np.float32), ("I", np.int32)])
def test_pixels_without_a_known_range_are_refused(tmp_path, mode, dtype):
    root = folder(tmp_path / "insects")
    Image.fromarray(GREY.astype(dtype)).save(root / "train" / "ant" / "1.tif")
    refused(root, rf"ant.1\.tif .*mode {mode}: expected 8 or 16 bits per channel")


# What is left out


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "__MACOSX", ".git"])
def test_folders_of_programs_are_neither_classes_nor_read(tmp_path, name, capsys):
    root = folder(tmp_path / "insects")
    for where in (root / "train", root / "test", root / "train" / "ant"):
        (where / name).mkdir()
        (where / name / "0.png").write_bytes((root / "train" / "ant" / "0.png").read_bytes())
    real = load(root)
    assert (real.classes, [len(members) for members in real.train.by_class]) == (CLASSES, [1, 1])
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", ["._0.png", ".DS_Store", "Thumbs.db", "desktop.ini"])
def test_files_of_systems_are_passed_over_without_a_word(tmp_path, name, capsys):
    root = folder(tmp_path / "insects")
    for where in (root, root / "train", root / "train" / "ant"):
        (where / name).write_bytes(b"\0\5\x16\7")
    assert len(load(root).train) == 2
    assert not capsys.readouterr().out


def test_files_that_are_left_out_are_counted_in_one_line(tmp_path, capsys):
    root = folder(tmp_path / "insects")
    for where in ("train/ant/0.heic", "train/ant/0.txt", "test/bee/0.svg", "train/loose.png"):
        (root / where).write_bytes(b"")
    assert len(load(root).train) == 2
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "left out" in line
    assert ": 4 (" in line


@pytest.mark.parametrize("to", [".", "..", "../..", "../../.."])
def test_a_link_that_leads_back_up_adds_no_picture(tmp_path, to):
    root = folder(tmp_path / "insects")
    (root / "train" / "ant" / "back").symlink_to(to, target_is_directory=True)
    (root / "train" / "cat").symlink_to("..", target_is_directory=True)
    real = load(root)
    assert (real.classes, [len(members) for members in real.train.by_class]) == (CLASSES, [1, 1])


def test_links_elsewhere_are_followed_once(tmp_path):
    root = folder(tmp_path / "insects")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Image.fromarray(GREY).save(tmp_path / name / "0.png")
    (tmp_path / "one" / "on").symlink_to(tmp_path / "two", target_is_directory=True)
    (tmp_path / "two" / "on").symlink_to(tmp_path / "one", target_is_directory=True)
    for name in ("one", "two"):
        (root / "train" / "ant" / name).symlink_to(tmp_path / name, target_is_directory=True)
    assert [len(members) for members in load(root).train.by_class] == [3, 1]


def test_a_class_may_be_a_link(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "train" / "ant").rename(tmp_path / "ants")
    (root / "train" / "ant").symlink_to(tmp_path / "ants", target_is_directory=True)
    assert load(root).classes == CLASSES


def damaged(how, whole):
    bit = bytearray(whole)
    bit[whole.index(b"IDAT") - 1] ^= 0x80  # of a length
    return {
        "length": bytes(bit),
        "pgm": b"P5 16\x0716 255 " + bytes(256),
        "bomb": whole,
        "exif": b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0\xff\xff",
    }[how]


@pytest.mark.parametrize("how", ["length", "pgm", "bomb", "exif"])
def test_a_picture_is_named_whatever_its_reader_raises(tmp_path, how, monkeypatch):
    root = folder(tmp_path / "insects")
    path = root / "train" / "bee" / "1.png"
    photo(24, 24).save(path)
    path.write_bytes(damaged(how, path.read_bytes()))
    if how == "bomb":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    refused(root, r"bee.1\.png is not a picture that can be read \(.+\)$")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "its content is of no known kind of picture"),
        (b"<!doctype html>", "its content is of no known kind of picture"),
    ],
)
def test_the_reason_names_no_object_of_the_program(tmp_path, content, reason):
    root = folder(tmp_path / "insects")
    (root / "train" / "bee" / "1.png").write_bytes(content)
    refused(root, rf"bee.1\.png is not a picture that can be read \({reason}\)$")


def test_a_link_to_itself_is_told_in_words(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "train" / "bee" / "1.png").symlink_to("1.png")
    refused(root, r"bee.1\.png is not a picture that can be read \([A-Z][a-z ]+\)$")


def test_a_large_picture_is_read_without_a_warning_and_a_huge_one_is_refused(tmp_path, monkeypatch):
    root = folder(tmp_path / "insects", photo(24, 24))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        assert load(root).shape == (3, 24, 24)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    refused(root, r"\(it has more than 200 pixels: save it smaller\)$")


def test_a_broken_link_is_named(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "train" / "bee" / "1.png").symlink_to("nowhere.png")
    refused(root, r"bee.1\.png is not a picture that can be read")


# Sizes


def photo(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_pictures_of_several_sizes_are_refused_with_the_way_out(tmp_path):
    root = folder(tmp_path / "insects")
    photo(8, 5).save(root / "train" / "bee" / "1.png")
    refused(root, r"bee.1\.png has \(8, 5\) pixels, the first picture \(6, 5\): .*size=")
    assert load(root, size=4).shape == (3, 4, 4)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (31, 57), (9, 8), (12, 12), (300, 12)])
def test_size_is_the_shorter_side_and_then_the_middle(tmp_path, shape):
    root = folder(tmp_path / "insects", photo(*shape))
    expected = v2.CenterCrop(12)(v2.Resize(12)(photo(*shape)))
    assert np.array_equal(first(root, size=12), np.asarray(expected))


@pytest.mark.parametrize("size", [(6, 8), (3, 12), (10, 2)])
def test_size_may_be_height_and_width(tmp_path, size):
    root = folder(tmp_path / "insects", photo(20, 16))
    read = first(root, size=size)
    assert read.shape == (*size, 3)
    assert np.array_equal(read, first(root, size=list(size)))
    whole = np.asarray(photo(20, 16))
    scale = max(size[0] / 16, size[1] / 20)
    top, left = (16 - size[0] / scale) / 2, (20 - size[1] / scale) / 2
    middle = whole[round(top) : round(16 - top), round(left) : round(20 - left)]
    assert read.mean() == pytest.approx(middle.mean(), abs=6)


def test_numpys_numbers_are_sizes_and_shares(tmp_path):
    root = folder(tmp_path / "insects")
    assert load(root, size=np.int64(4)).shape == load(root, size=[np.int32(4), 4]).shape == (1, 4, 4)
    one = flat(tmp_path / "one", ant=4, bee=4)
    assert len(load(one, split=np.float32(0.25)).test) == len(load(one, split=0.25).test) == 2


def test_pictures_that_no_memory_holds_are_refused(tmp_path, monkeypatch):
    root = folder(tmp_path / "insects")
    refused(root, "4 pictures of 200000 × 200000 pixels are too many for the memory: load with size=", size=200_000)
    monkeypatch.setattr("dckit.data.pictures.MOST", 4 * 5 * 6 * 3)
    assert load(root).shape == (1, 5, 6)
    monkeypatch.setattr("dckit.data.pictures.MOST", 4 * 5 * 6 * 3 - 1)
    refused(root, "4 pictures of 5 × 6 pixels are too many for the memory: load with size=")


def test_a_picture_is_turned_before_it_is_cut(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    root = folder(tmp_path / "insects", photo(20, 10), exif=exif)
    assert np.array_equal(first(root, size=(20, 10)), np.rot90(np.asarray(photo(20, 10)), -1))


@pytest.mark.parametrize("size", [0, -1, 2.5, "32", True, (32,), (32, 0), (1, 2, 3), float("nan")])
def test_a_size_that_is_none_is_refused(tmp_path, size):
    refused(folder(tmp_path / "insects"), "^size=.*expected a number of pixels such as 32", size=size)


# Halves


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_another_name_of_the_test_half_is_read_unless_there_is_test(tmp_path, name):
    root = folder(tmp_path / "insects")
    (root / "test").rename(root / name)
    assert len(load(root).test) == 2
    for kind in CLASSES:
        (root / "test" / kind).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(GREY).save(root / "test" / kind / f"{i}.png")
    assert len(load(root).test) == 6


def test_numeric_classes_are_in_the_order_of_numbers(tmp_path):
    root = flat(tmp_path / "numbers", **{"10": 2, "2": 3, "1": 4})
    real = load(root, split=0.5)
    assert real.classes == ("1", "2", "10")
    assert [len(members) for members in real.train.by_class] == [2, 1, 1]
    (root / "1").rename(root / "a")
    assert load(root, split=0.5).classes == ("10", "2", "a")


def brightnesses(split):
    return [sorted(split.pixels[members].amax((1, 2, 3)).tolist()) for members in split.by_class]


def test_one_folder_of_classes_is_split_class_by_class(tmp_path):
    real = load(flat(tmp_path / "one", ant=10, bee=25), split=0.2)
    train, test = brightnesses(real.train), brightnesses(real.test)
    assert [len(part) for part in (*train, *test)] == [8, 20, 2, 5]
    assert [sorted(a + b) for a, b in zip(train, test, strict=True)] == [list(range(10)), list(range(25))]
    assert test[1] != list(range(5))  # drawn, not the first or the last
    assert test[1] != list(range(20, 25))


def test_a_split_is_always_the_same_wherever_the_folder_lies(tmp_path, monkeypatch):
    once = load(flat(tmp_path / "one", ant=10, bee=25), split=0.2)
    real_iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: reversed(list(real_iterdir(self))))
    again = load(flat(tmp_path / "elsewhere" / "two", ant=10, bee=25, wasp=9), split=0.2)
    assert brightnesses(again.test)[:2] == brightnesses(once.test)


@pytest.mark.parametrize("split", [0, 1, -0.1, 1.5, "0.2", True, float("nan")])
def test_a_split_that_is_no_share_is_refused(tmp_path, split):
    refused(flat(tmp_path / "one", ant=4, bee=4), "^split=.*expected the test half's share", split=split)


@pytest.mark.parametrize("split", [0.1, 0.9])
def test_a_split_that_leaves_a_class_without_pictures_is_refused(tmp_path, split):
    refused(
        flat(tmp_path / "one", ant=20, bee=2), "2 pictures of class 'bee'.*leaves one half without any", split=split
    )


def test_a_folder_without_halves_is_refused_with_the_way_out(tmp_path):
    refused(flat(tmp_path / "one", ant=4, bee=4), "has no folder 'train': expected train/class/… .*split=0.2")


@pytest.mark.parametrize("half", ["test", "val"])
def test_halves_are_not_split_again(tmp_path, half):
    root = folder(tmp_path / "insects")
    (root / "test").rename(root / half)
    refused(root, "has a folder 'train' of classes already: leave split= out", split=0.2)
    (root / "train").rename(root / "x")
    refused(root, f"has a folder '{half}' of classes already", split=0.2)


@pytest.mark.parametrize(("one", "other"), [("Train", "Test"), ("training", "testing"), ("Training", "Valid")])
def test_halves_of_other_names_are_no_classes(tmp_path, one, other):
    root = folder(tmp_path / "insects")
    (root / "train").rename(root / one)
    (root / "test").rename(root / other)
    refused(root, f"has a folder '{one}' of classes already: leave split= out, and call the two", split=0.2)
    refused(root, f"has no folder 'train': expected .*; folders in it: {', '.join(sorted((one, other)))}$")


def test_a_single_half_is_split_as_the_refusal_says(tmp_path):
    flat(tmp_path / "insects" / "train", ant=4, bee=4)
    with pytest.raises(ValueError, match="has a folder 'train' of classes already: give the folder '") as error:
        load(tmp_path / "insects", split=0.25)
    named = str(error.value).split("'")[-2]
    assert [len(members) for members in load(named, split=0.25).test.by_class] == [1, 1]


def test_one_name_written_in_two_ways_is_one_class(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "train" / "ant").rename(root / "train" / "\u00e4nt")  # ä as Windows and Linux write it
    (root / "test" / "ant").rename(root / "test" / "a\u0308nt")  # and as macOS does: a, then the dots
    assert load(root).classes == ("bee", "\u00e4nt")


def test_a_class_of_one_half_alone_is_named_with_what_is_expected(tmp_path):
    root = folder(tmp_path / "insects")
    (root / "test" / "ant").rename(root / "test" / "Ant")
    refused(root, "class 'Ant' is in only one of train and test: expected folders of the same names in both")


def test_a_class_may_be_called_train(tmp_path):
    assert load(flat(tmp_path / "vehicles", bus=4, train=4), split=0.25).classes == ("bus", "train")


def test_a_single_class_is_refused(tmp_path):
    refused(flat(tmp_path / "one", ant=4), "every image is of one class", split=0.25)


@pytest.mark.parametrize("option", [dict(size=32), dict(split=0.2)])
@pytest.mark.parametrize("dataset", ["digits", "mnist", "mine.npz"])
def test_options_of_folders_are_refused_elsewhere(dataset, option):
    refused(dataset, f"^{next(iter(option))}=.* is for a folder of images, not for '{dataset}'", **option)


def test_a_home_and_a_path_are_understood(tmp_path, monkeypatch):
    folder(tmp_path / "insects")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load("~/insects").name == load(Path("~/insects")).name == load(tmp_path / "insects").name == "insects"
    refused("~nobody-of-this-name/insects", "unknown dataset '~nobody")
