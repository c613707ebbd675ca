"""Run lessons headless, one process each: executed notebooks, pages that open offline, time and peak memory.

python -m dckit.lessons notebooks --out outputs -p dataset mnist -p budget lesson
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from .files import replacing


@dataclass(frozen=True)
class Run:
    """What came of one notebook: seconds, the kernel's peak memory in MB (0 where unknown), and what went wrong."""

    notebook: Path
    seconds: float
    megabytes: float
    error: str = ""

    def __str__(self) -> str:
        memory = f"{self.megabytes:6.0f} MB" if self.megabytes else "memory not measured"
        return f"{self.notebook.stem:24} {self.seconds:6.1f} s {memory}  {self.error or 'ok'}"


def run(notebook: Path, out: Path, parameters: Mapping[str, Any]) -> Run:
    """Execute ``notebook`` with papermill into the folder ``out`` in a process of its own, and make its HTML page.

    A failed notebook is kept as far as it came, and its error returned, not raised.
    """
    started = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error, megabytes = pool.submit(_execute, notebook, out / notebook.name, dict(parameters)).result()
    return Run(out / notebook.name, time.monotonic() - started, megabytes, error)


def _execute(notebook: Path, executed: Path, parameters: dict[str, Any]) -> tuple[str, float]:
    import papermill

    error = ""
    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        papermill.execute_notebook(
            *(notebook, executed, parameters),
            kernel_name="python3",
            progress_bar=sys.stderr.isatty(),
            cwd=Path.cwd(),
            extra_arguments=["--log-level=40"],  # errors alone: each kernel warns that its TCP is not encrypted
        )
    except papermill.PapermillExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    except OSError as failed:
        return f"cannot write {executed}: {failed.strerror}; choose another folder", 0.0
    with replacing(executed.with_suffix(".html")) as part:
        part.write_text(page(executed), encoding="utf-8")
    return error, _peak_of_children()


def _peak_of_children() -> float:
    """Peak resident memory in MB of the largest process that this one started and outlived: the kernel."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit


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
    return re.sub(r'<script[^>]*src="https?://[^>]*>\s*</script>', "", body)


def _formulas(text: str) -> str:
    """Markdown with $$…$$ and $…$ as MathML, which browsers draw by themselves. Code is left alone."""
    from latex2mathml.converter import convert

    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1].strip(), display="block"), parts[i], flags=re.DOTALL)
        parts[i] = re.sub(r"\$([^$\n]+)\$", lambda m: convert(m[1]), parts[i])
    return "".join(parts)


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``given`` that the notebook has in its parameters cell."""
    import papermill

    return {name: given[name] for name in papermill.inspect_notebook(notebook) if name in given}


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the lessons that the command line names; 1 if any failed."""
    args = _parser().parse_args(None if arguments is None else list(arguments))
    out = args.out.resolve()
    given = {"outputs": str(out)} | {name: _value(text) for name, text in args.parameter}
    notebooks = [n for path in args.notebook for n in (sorted(path.glob("*.ipynb")) if path.is_dir() else [path])]
    try:
        chosen = _choose(notebooks, given)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    started, runs = time.time(), []
    for number, (notebook, parameters) in enumerate(chosen, 1):
        print(f"lesson {number} of {len(chosen)}: {notebook.stem} …", flush=True)
        runs.append(run(notebook, out, parameters))
        print(runs[-1], flush=True)
    failed = [r for r in runs if r.error]
    _summary(out, failed, started)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dckit.lessons", description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path, nargs="+", help="a notebook, or a folder of them")
    parser.add_argument("--out", type=Path, default=Path("outputs"), help="folder for all results (default: outputs)")
    parser.add_argument(
        *("-p", "--parameter"), nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="as papermill's"
    )
    return parser


def _value(text: str) -> Any:
    """A parameter from the command line: a number, true, false, null, or else a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _choose(notebooks: list[Path], given: Mapping[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """Each notebook with its parameters. Raises ValueError for one that is missing, or a parameter that none has."""
    for notebook in notebooks:
        if not notebook.is_file():
            raise ValueError(f"no notebook {notebook}")
    if not notebooks:
        raise ValueError("no notebooks in the folder that was named")
    chosen = [(notebook, parameters_for(notebook, given)) for notebook in notebooks]
    known = {name for _, parameters in chosen for name in parameters}
    for name in given:
        if name not in known and name != "outputs":
            raise ValueError(f"no lesson has a parameter {name!r}: see the cell below a lesson's title")
    return chosen


def _summary(out: Path, failed: list[Run], started: float) -> None:
    scores = out / "scores.json"
    if not failed and scores.is_file() and scores.stat().st_mtime >= started:  # not an earlier run's
        print("\n" + json.loads(scores.read_text(encoding="utf-8"))["text"])
    for r in failed:
        print(f"\nFAILED {r.notebook.stem}: {r.error}\n  as far as it came: {r.notebook}", file=sys.stderr)
    print(f"\nexecuted notebooks, pages and pictures: {out}\nopen first: {out / '00_start_here.html'}")


if __name__ == "__main__":
    sys.exit(main())
