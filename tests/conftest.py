import os
from pathlib import Path

import pytest
import torch

import dckit

os.environ["DCKIT_HEADLESS"] = "1"  # a solved exercise is kept nowhere
torch.set_num_threads(1)  # the tests' tensors are small: more threads would only wait for one another


@pytest.fixture(scope="session")
def digits():
    return dckit.load("digits")


@pytest.fixture
def quick():
    """A recipe that takes a second: the published one in small."""
    return dckit.Recipe.published().but(
        **dict(iterations=3, real_batch=8, width=8, networks=1),
        **dict(epochs=3, epochs_augmented=3, test_images=100, whole_networks=1, whole_epochs=1),
    )


@pytest.fixture(scope="session")
def data_root():
    """Torchvision's data folder with the real datasets, which this project does not carry."""
    root = os.environ.get("DCKIT_DATA")
    if not root or not (Path(root) / "MNIST").is_dir():
        pytest.skip("needs real MNIST: set DCKIT_DATA")
    return Path(root)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A folder of outputs with a book in it, made once for all tests."""
    pytest.importorskip("sphinx", reason="needs the extra book")
    import books

    out = books.executed(tmp_path_factory.mktemp("book") / "outputs")
    assert books.tool.main(["--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def chromium():
    """Chromium under Playwright, or the reason why not."""
    import browsers

    with browsers.chromium() as browser:
        yield browser
