"""Fetching a dataset, from a local server that stands in for torchvision's mirror."""

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch
from torchvision.datasets import MNIST

import dckit


@pytest.fixture
def mirror(data_root, tmp_path, monkeypatch):
    """A folder with MNIST's four packed files, served where torchvision looks for its mirror."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for packed in (data_root / "MNIST" / "raw").glob("*.gz"):
        shutil.copy(packed, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        yield folder
        server.shutdown()


def test_a_dataset_is_fetched_checked_and_loaded(mirror, data_root, tmp_path, capfd):
    real = dckit.load("mnist", root=tmp_path / "data", download=True)
    assert torch.equal(real.train.pixels, dckit.load("mnist", root=data_root).train.pixels)
    printed = capfd.readouterr()
    assert "fetching mnist (12 MB)" in printed.out
    assert "100%" in printed.err  # torchvision's progress
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["MNIST"]
    shutil.rmtree(mirror)
    dckit.load("mnist", root=tmp_path / "data", download=True)  # what is there is not fetched again


def test_nothing_is_fetched_unless_asked_for(mirror, tmp_path):
    with pytest.raises(FileNotFoundError, match="download=True"):
        dckit.load("mnist", root=tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_download_that_fails_leaves_nothing_behind(mirror, tmp_path, harm):
    last = mirror / "t10k-labels-idx1-ubyte.gz"
    last.unlink() if harm == "missing" else last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(RuntimeError, match=r"mnist could not be fetched .*; nothing was kept") as error:
        dckit.load("mnist", root=tmp_path / "data", download=True)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "data").iterdir())
