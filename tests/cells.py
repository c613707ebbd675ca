"""The code of a lesson, to run or to read without a kernel."""

import json
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager


def code(notebook: Path) -> list[str]:
    """The lesson's code cells as Python; magics become calls of get_ipython()."""
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    return [TransformerManager().transform_cell("".join(cell["source"])) for cell in cells]
