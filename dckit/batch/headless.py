"""Run a notebook headless in a process of its own: an executed notebook, a page that opens offline, time and memory."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from ..engine import replacing


@dataclass(frozen=True)
class Execution:
    """What came of one notebook: seconds, the kernel's peak memory in MB (0 where unknown), and what went wrong.

    kept: whether it lies under the name ``notebook``, as far as it came.
    """

    notebook: Path
    seconds: float
    megabytes: float
    error: str = ""
    kept: bool = True

    def __str__(self) -> str:
        memory = f"{self.megabytes:6.0f} MB" if self.megabytes else "memory not measured"
        return f"{self.notebook.stem:24} {self.seconds:6.1f} s {memory}  {self.error or 'ok'}"


def execute(
    notebook: Path,
    executed: Path,
    parameters: Mapping[str, Any],
    html: bool = True,
    folder: Path | None = None,
    threads: int | None = None,
) -> Execution:
    """Execute ``notebook`` with papermill in a process of its own, and keep it as ``executed``; html: and as a page.

    Until it is over it lies beside ``executed`` under one of the names of `unfinished`. A failed notebook is kept as
    far as it came, and its error returned, not raised. folder: where the notebook runs; None: here. threads: that torch
    may use; None: as many as it likes.
    """
    started, kept, megabytes, error = time.monotonic(), False, 0.0, ""
    part = executed.with_name(f".{executed.stem}.{uuid4().hex}.ipynb")
    job = [str(notebook), str(part), dict(parameters), html and sys.stderr.isatty()]
    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        limit = {"OMP_NUM_THREADS": str(threads)} if threads else {}
        with own_gpu() as shown:
            error, megabytes = _in_a_process(job, os.environ | shown | limit, folder or Path.cwd())
        if _whole(part):
            part.replace(executed)
            kept = True
            drop_widgets(executed)
            if html:
                with replacing(executed.with_suffix(".html")) as page_part:
                    page_part.write_text(page(executed), encoding="utf-8")
    except OSError as failed:
        reason = f"cannot write {executed}: {failed.strerror}; choose another folder"
        reason = reason if failed.strerror else str(failed)
        error = f"{error}; {reason}" if kept and error else reason  # a process that could not write told no reason
    with suppress(OSError):  # of a disk that has become read-only
        part.unlink(missing_ok=True)
    return Execution(executed, time.monotonic() - started, megabytes, error, kept)


def _whole(part: Path) -> bool:
    """Whether a notebook was written to the end. Raises OSError if there is no room for more."""
    try:
        json.loads(part.read_bytes())
        return True
    except ValueError:
        with part.open("ab") as file:  # a process that found the disk full has left it full, and does not say why
            file.write(bytes(2**20))
        return False


def unfinished(executed: Path) -> list[Path]:
    """What `execute` has begun and not ended of this notebook, or left behind when it was killed."""
    return list(executed.parent.glob(f".{executed.stem}.*.ipynb"))


@contextmanager
def own_gpu() -> Iterator[dict[str, str]]:
    """Wait for one of this machine's GPUs that no other run has; gives the environment that shows it alone.

    Without GPUs nothing is waited for, and the environment is empty. The locks are the operating system's: it opens
    them when a process dies.
    """
    from filelock import FileLock, Timeout

    count = torch.cuda.device_count()
    names = (os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))).split(",")[:count]
    while names:
        for name in names:
            lock = Path(tempfile.gettempdir(), re.sub(r"[^\w-]", "_", f"dckit-{Path.home().name}-gpu-{name}"))
            try:
                with FileLock(lock, timeout=0):
                    yield {"CUDA_VISIBLE_DEVICES": name}
                    return
            except Timeout:
                continue
        time.sleep(0.2)
    yield {}


_running = set[subprocess.Popen[str]]()


def _in_a_process(job: list[Any], environment: Mapping[str, str], folder: Path) -> tuple[str, float]:
    """Error and megabytes of a notebook, executed in a new process: its memory is known, its death costs no other."""
    # A script, and no module of this package: importing that would cost each notebook 3 s and 400 MB for torch.
    command = [sys.executable, str(Path(__file__).with_name("notebook_script.py")), json.dumps(job)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, cwd=folder, text=True) as process:
        assert process.stdout is not None
        _running.add(process)
        printed = process.stdout.read().splitlines()
    if process not in _running:
        raise CancelledError
    _running.remove(process)
    if process.returncode != 0:
        return f"its process ended with {process.returncode}: killed, or out of memory?", 0.0
    error, megabytes = json.loads(printed[-1])
    return error, megabytes


def stop_all() -> None:
    """End every notebook that is being executed for this process; each stays unfinished."""
    while _running:
        pipe = _running.pop().stdin
        assert pipe is not None
        pipe.close()  # the process ends its kernel, then itself


def drop_widgets(notebook: Path) -> None:
    """Leave of each widget what needs no kernel: the tags that play what it had drawn. Its own controls are dead."""
    import nbformat

    cells = nbformat.read(notebook, as_version=4)
    if cells.metadata.pop("widgets", None) is None:
        return
    for output in (output for cell in cells.cells for output in cell.get("outputs", ())):
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    with replacing(notebook) as part:
        part.write_text(nbformat.writes(cells) + "\n", encoding="utf-8")


def page(notebook: Path) -> str:
    """An executed notebook as one HTML page that needs no server and no network: formulas become MathML."""
    import nbformat
    from nbconvert import HTMLExporter

    cells = nbformat.read(notebook, as_version=4)
    for cell in cells.cells:
        if cell.cell_type == "markdown":
            cell.source = _formulas(cell.source)
    title = re.search(r"^# (.+)", cells.cells[0].source, flags=re.MULTILINE)
    name = title[1] if title else notebook.stem
    body, _ = HTMLExporter(template_name="lab").from_notebook_node(cells, {"metadata": {"name": name}})
    body = body.replace("<head>", '<head><meta name="dckit-page" content="lesson">', 1)  # no kernel: check/guess.js
    # nbconvert's prompts, and some colours of its code, are too pale to read; its links are told by their colour alone.
    looks = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    body = body.replace("</head>", f"<style>\n{looks}</style></head>", 1)
    return re.sub(r'<script[^>]*src="https?://[^>]*>\s*</script>', "", body)


def _formulas(text: str) -> str:
    """Markdown with $$…$$ and $…$ as MathML, which browsers draw by themselves. Code is left alone."""
    from latex2mathml.converter import convert

    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1].strip(), display="block"), parts[i], flags=re.DOTALL)
        parts[i] = re.sub(r"\$([^$\n]+)\$", lambda m: convert(m[1]), parts[i])
    return "".join(parts)
