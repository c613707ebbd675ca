"""Build the book: the executed lessons and the documents as one site that needs no server and no network.

python tools/book.py --out outputs              # lessons that are not among the outputs yet are run first
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"


def main(arguments: Iterable[str] | None = None) -> int:
    """Build the book in the folder of outputs; 1, and a sentence, where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python tools/book.py", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("outputs"), help="folder of the executed lessons (default: outputs)"
    )
    out = parser.parse_args(None if arguments is None else list(arguments)).out.resolve()
    try:
        if not all(importlib.util.find_spec(name) for name in ("sphinx", "myst_nb", "furo")):
            raise ValueError("the book needs Sphinx, MyST-NB and Furo: pip install --editable '.[book]'")
        run_missing(out)
        build(out)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"the book: {out / 'book' / 'index.html'}")
    return 0


def run_missing(out: Path) -> None:
    """Run the lessons that ``out`` does not have. Raises ValueError if one fails."""
    missing = [str(lesson) for lesson in LESSONS if not (out / lesson.name).is_file()]
    if missing:
        from dckit.batch import lessons

        if lessons.main([*missing, "--out", str(out)]):
            raise ValueError("no book: a lesson failed, see above")


def build(out: Path) -> None:
    """Replace ``out``/book, or leave the earlier one and raise ValueError for a failed lesson or a dead link."""
    with tempfile.TemporaryDirectory(prefix=".book-", dir=out) as folder:
        source, site = Path(folder) / "source", Path(folder) / "site"
        stage(out, source)
        sphinx = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--doctree-dir", f"{folder}/doctrees"]
        sphinx += ["--conf-dir", str(source / "docs")]
        if subprocess.run([*sphinx, str(source), str(site)]).returncode:
            raise ValueError("no book: see above what Sphinx found in a lesson or document")
        shutil.rmtree(out / "book", ignore_errors=True)
        site.rename(out / "book")


def stage(out: Path, source: Path) -> None:
    """Lay documents and executed lessons out as they lie in the repository, so that links hold in both."""
    import nbformat

    for name in ("dckit", "docs", "notebooks/grids"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("docs/index.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for lesson in LESSONS:
        notebook = nbformat.read(out / lesson.name, as_version=4)
        if notebook.metadata.get("papermill", {}).get("exception"):
            raise ValueError(f"{out / lesson.name} ended in an error: delete it, and it is run again")
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [still(output) for output in cell.outputs if not only_a_widget(output)]
                without_folders(cell)
        notebook.metadata.pop("widgets", None)
        nbformat.write(notebook, source / "notebooks" / lesson.name)


def only_a_widget(output: Any) -> bool:
    """Whether nothing is left of an output on a page without Python."""
    return set(output.get("data", ())) == {WIDGET, "text/plain"}


def still(output: Any) -> Any:
    """The output without its widget: what comes with it, and needs no Python, takes its place."""
    output.get("data", {}).pop(WIDGET, None)
    return output


def without_folders(cell: Any) -> None:
    """Take the folder of outputs on this machine from the parameters that a run was given."""
    if "injected-parameters" in cell.metadata.get("tags", ()):
        lines = [line for line in cell.source.splitlines() if not line.startswith("outputs =")]
        cell.source = "\n".join(lines)
        if lines == ["# Parameters"]:
            cell.metadata.tags.append("remove-cell")  # MyST-NB does


if __name__ == "__main__":
    sys.exit(main())
