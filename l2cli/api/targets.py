"""Several targets in one run: the results of the single targets, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ENVELOPE = ("schema", "version", "level", "data", "settings", "warnings")
"""Keys that every result has, whatever the command."""


def joined(contents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the result of several targets: the common keys, and under ``targets`` those of the command.

    A warning that every target has is told once; any other names its target.
    """
    names = [str(content["data"]["target"]) for content in contents]
    result = {key: contents[0][key] for key in ENVELOPE}
    result["data"] = {key: value for key, value in result["data"].items() if key != "target_sd"}
    result["data"] |= {"target": None, "targets": names}
    result["warnings"] = _warnings(contents, names)
    result["targets"] = [
        {"target": name, "target_sd": content["data"]["target_sd"], **_own_keys(content)}
        for name, content in zip(names, contents, strict=True)
    ]
    return result


def _own_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a command, those of a refit inside likewise."""
    own = {key: value for key, value in content.items() if key not in ENVELOPE}
    return own | ({"refit": _own_keys(own["refit"])} if "refit" in own else {})


def _warnings(contents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    common = [w for w in contents[0]["warnings"] if all(w in content["warnings"] for content in contents)]
    return common + [
        {**warning, "message": f"target '{name}': {warning['message']}", "target": name}
        for name, content in zip(names, contents, strict=True)
        for warning in content["warnings"]
        if warning not in common
    ]


def stacked(arrays: Sequence[npt.ArrayLike]) -> FloatArray:
    """Return arrays of the targets under a new first axis, the shorter ones filled up with NaN at the end."""
    parts = [np.asarray(array, dtype=np.float64) for array in arrays]
    longest = max((part.shape[-1] for part in parts if part.ndim), default=0)
    return np.stack(
        [
            np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, longest - part.shape[-1])], constant_values=np.nan)
            if part.ndim
            else part
            for part in parts
        ]
    )
