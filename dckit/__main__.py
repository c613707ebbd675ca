"""The command ``dckit``, also ``python -m dckit``: ``lessons`` and ``grid``."""

import sys
from io import TextIOWrapper

from .batch import grid, lessons

COMMANDS = {"lessons": lessons.main, "grid": grid.main}
USAGE = "usage: dckit lessons NOTEBOOK_OR_FOLDER … | dckit grid FILE.toml …     (-h after either lists its options)"


def main() -> int:
    """Run the command named by the first argument; returns its exit status, 2 for an unknown command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may know no "…"
    name, arguments = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if name in COMMANDS:
        return COMMANDS[name](arguments)
    if name in ("-h", "--help"):
        print(USAGE)
        return 0
    print(f"unknown command {name!r}: expected lessons or grid\n{USAGE}" if name else USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
