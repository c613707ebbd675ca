"""Write the kit's public address, which is chosen in pyproject.toml alone, into badges, set-up cells and the citation.

make address                                    # after changing Repository in pyproject.toml
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GITHUB = "https://github.com/"


def chosen() -> str:
    """Owner and name, as pyproject.toml has them."""
    address = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    slug = str(address).removeprefix(GITHUB).strip("/")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", slug):
        sys.exit(f"Repository {address!r} in pyproject.toml: expected {GITHUB}owner/name")
    return slug


def written() -> str:
    """Owner and name, as the last run wrote them into the citation."""
    found = re.search(rf'repository-code: "{GITHUB}(.+)"', (ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return found[1] if found else sys.exit("CITATION.cff has no repository-code: cannot tell the address in use")


def main() -> None:
    """Replace the old address by the new one, wherever it stands."""
    old, new = written(), chosen()
    for path in (*ROOT.glob("notebooks/*.ipynb"), ROOT / "README.md", ROOT / "CITATION.cff"):
        text = path.read_text(encoding="utf-8")
        if old != new and old in text:
            path.write_text(text.replace(old, new), encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {new}")


if __name__ == "__main__":
    main()
