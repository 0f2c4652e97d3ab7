"""Options of the test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--overwrite``: write the stored answers anew (tests/golden, the screens of the README)."""
    parser.addoption(
        "--overwrite", action="store_true", help="write stored answers anew instead of comparing with them"
    )
