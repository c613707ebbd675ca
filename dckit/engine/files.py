"""Reading and writing files. A file is written under a temporary name, then moved, so it is never incomplete."""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_CARD = "dckit"  # key of the card in a safetensors file's metadata


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to. It replaces ``path`` if the block ends without an error.

    Missing folders are made. Raises OSError, with a short message, if nothing can be written.
    """
    path = expanded(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; choose another folder") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        part.replace(path)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}; choose another folder") from None
    finally:
        with suppress(OSError):  # if the disk has become read-only, the message above says more
            part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def expanded(path: str | Path) -> Path:
    """A path with ~ replaced by the home folder; without a home folder, ~ stays.

    Raises ValueError for a value that is not a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path {path!r}: expected text, such as 'outputs'")
    return Path(os.path.expanduser(path))


def project_folder() -> Path:
    """The checkout of the kit that contains the current folder, such as its ``notebooks``; else the current folder."""
    here = Path.cwd()
    checkouts = (p for p in (here, *here.parents) if (p / "pyproject.toml").is_file() and (p / "notebooks").is_dir())
    return next(checkouts, here)


def json_or_text(text: str) -> Any:
    """The value of a typed text: a number, true, false or null as in JSON, otherwise the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON."""
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write tensors and a card (anything JSON can hold) as one safetensors file. Raises OSError as `replacing` does."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as part:
        try:
            save_file(whole, part, metadata={_CARD: json.dumps(card)})
        except SafetensorError as error:  # raised for a full disk, but not an OSError
            reason = re.search(r"I/O error: (.+) \(os error", str(error))
            raise OSError(reason[1] if reason else str(error)) from None


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the card of a file that ``write_tensors`` wrote. Nothing is unpickled.

    Raises FileNotFoundError, or ValueError for a file that is damaged, of another format, or without a card.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({error}); "
            "the published code's .pt results are read by CondensedSet.from_published"
        ) from None
    try:
        return tensors, json.loads(metadata[_CARD])
    except (KeyError, ValueError):
        raise ValueError(
            f"{path} is a safetensors file without dckit's card: not a condensed set of this kit"
        ) from None
