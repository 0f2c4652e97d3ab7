"""Options of the test suite."""

from __future__ import annotations

import os

# two workers of two threads each would wait for one another at every product; set before NumPy is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--overwrite``: write the stored answers anew (tests/golden, the screens of the README)."""
    parser.addoption(
        "--overwrite", action="store_true", help="write stored answers anew instead of comparing with them"
    )
