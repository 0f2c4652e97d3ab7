"""The ``l2cli`` command: ``python -m l2cli`` and the installed script both start here."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line with ``sys.argv`` and leave with its exit status."""
    # Imported here so that `import l2cli.__main__` (a spawned worker does it) costs nothing.
    from l2cli.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
