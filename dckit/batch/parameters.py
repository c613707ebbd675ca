"""A lesson's parameters: what its cell says, what a command line gives, and whether the two fit.

Lessons call `check_parameters` in their set-up cell, so it needs neither papermill nor JupyterLab.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from types import EllipsisType
from typing import Any

from ..engine import expanded, json_or_text, project_folder

# What the kit's own lessons take. In a running lesson a given value has already replaced the default.
KINDS: Mapping[str, type] = {
    **dict.fromkeys(("dataset", "budget", "outputs", "protocol", "methods", "networks", "trained", "rebuilt"), str),
    **dict.fromkeys(("ipc", "seed", "short", "size"), int),
    "split": float,
    **dict.fromkeys(("download", "shipped", "questions"), bool),
}
_YES_NO = {"true": True, "True": True, "false": False, "False": False}
_EXPECTED = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text, in quotes (for papermill: -r in place of -p)",
}
_CONFLICT = re.compile(rb'(^\s*"?|\\n)<{7} ', re.MULTILINE)  # as git writes it, or a tool into a cell's source


def check_parameters(lesson: MutableMapping[str, Any]) -> None:
    """Give a running lesson's parameters the types they should have; call it with ``globals()``.

    lesson: the lesson's variables. The words true and false become True and False: as words, both would count as true.
    A relative folder of outputs lies in the checkout of the kit, wherever in it the lesson runs.
    Raises ValueError for a value of another type.
    """
    for name in KINDS.keys() & lesson.keys():
        lesson[name] = suited(name, lesson[name], KINDS[name])
    if "outputs" in lesson:  # JupyterLab runs a lesson in the folder of lessons, and the command line in the one above
        lesson["outputs"] = str(project_folder() / expanded(lesson["outputs"]))


def suited(name: str, value: Any, kind: type) -> Any:
    """A parameter's value as the ``kind`` it should have. Raises ValueError for a value of another type."""
    if kind is bool and isinstance(value, str) and value in _YES_NO:
        return _YES_NO[value]
    if kind in (float, str) and type(value) is int:  # papermill reads a folder's name such as 2024 as a number
        return kind(value)
    if kind in (EllipsisType, type(None)) or type(value) is kind or (kind is str and isinstance(value, PathLike)):
        return value
    raise ValueError(f"{name} {value!r}: expected {_EXPECTED.get(kind, f'a {kind.__name__}')}")


def typed(name: str, given: Any, kind: type) -> Any:
    """What a command line gave, as text or read already, as a parameter's ``kind``. Raises ValueError as `suited`."""
    value = json_or_text(given) if isinstance(given, str) else given
    return suited(name, given if kind is str and not isinstance(value, str) else value, kind)


def guess(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that is unknown: the nearest known one, or nothing."""
    near = get_close_matches(name.lower(), known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def defaults(notebook: Path) -> dict[str, Any]:
    """The names in a notebook's parameters cell and their values; ``...`` stands for one that has to be computed.

    Raises ValueError for a file that is not a notebook, and for a notebook without a kernel or a parameters cell.
    """
    kernel, cells = _read(notebook)
    if not kernel:
        raise ValueError(f"{notebook} names no kernel: open it in Jupyter, choose a Python kernel and save it")
    if not cells:
        raise ValueError(f"{notebook} has no parameters cell: tag a code cell 'parameters', or move the notebook away")
    try:
        lines = ast.parse(cells[0]).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{notebook}: its parameters cell is not Python: {error}") from None
    return {name: _plain(value) for line in lines for name, value in _assigned(line)}


def _read(notebook: Path) -> tuple[str, list[str]]:
    """The name of a notebook's kernel, and the code of its cells with the tag "parameters"."""
    try:
        content = notebook.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {notebook}: {error.strerror}") from None
    if not content.strip():
        raise ValueError(f"{notebook} is empty: restore it, or move it away")
    if _CONFLICT.search(content):
        raise ValueError(f"{notebook} has merge conflicts: resolve them, or restore the notebook")
    try:
        read = json.loads(content)
        cells = [cell for cell in read["cells"] if "parameters" in cell["metadata"].get("tags", ())]
        return read["metadata"].get("kernelspec", {}).get("name", ""), ["".join(cell["source"]) for cell in cells]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ValueError(f"{notebook} is not a notebook: restore it, or move it away") from None


def _assigned(line: ast.stmt) -> Iterable[tuple[str, ast.expr]]:
    """Name and value of a line such as ``ipc = 1`` or ``ipc: int = 1``."""
    targets = line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
    if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
        yield from ((target.id, line.value) for target in targets if isinstance(target, ast.Name))


def _plain(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):
        return ...
