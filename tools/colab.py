"""Install the kit beside Colab's versions, refuse any change of them, and run every lesson.

make colab                    # makes the environment of tools/colab.txt, and runs this in it
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]


def installed() -> dict[str, str]:
    """Names and versions of all packages in this environment."""
    return {re.sub(r"[-_.]+", "-", found.name).lower(): found.version for found in distributions()}


def main() -> None:
    """Exit with a sentence where the kit changes a package, or a lesson fails."""
    before = installed()
    # The kit of this checkout; otherwise as the lessons' set-up cell installs it.
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(ROOT)], check=True)
    after = installed()
    kept = before.keys() - {"dckit"}
    changed = [f"{name} {before[name]} → {after.get(name)}" for name in sorted(kept) if after.get(name) != before[name]]
    if changed:
        sys.exit(f"installing the kit changes what Colab has: {', '.join(changed)}")
    print(f"installed beside Colab's packages: {', '.join(sorted(after.keys() - before.keys())) or 'nothing new'}")
    with tempfile.TemporaryDirectory() as folder:
        for lesson in sorted((ROOT / "notebooks").glob("*.ipynb")):
            print(lesson.stem, flush=True)
            copy = shutil.copy(lesson, folder)
            execute = [sys.executable, "-m", "jupyter", "execute", "--inplace", Path(copy).name]
            quiet = os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # a debugger's warning
            if subprocess.run(execute, cwd=folder, env=quiet).returncode:
                sys.exit(f"{lesson.stem} fails with Colab's versions, see above")


if __name__ == "__main__":
    main()
