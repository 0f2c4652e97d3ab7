"""Stored results of every command, as the screens get them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).resolve().parent.parent / "golden" / "results"


@pytest.fixture
def stored() -> Callable[[str], dict[str, Any]]:
    """Return a function that loads a stored result; every call gives a fresh copy to change."""

    def load(name: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        return result

    return load
