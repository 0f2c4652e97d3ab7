"""How many threads the linear algebra gets: one for a small file, its own choice otherwise.

OpenBLAS starts its threads when NumPy is imported and lets them spin: measured on two processors, 20 ms of
a 134 ms import and half of the processor time of a small fit. A file of some thousand numbers has no work
for a second thread. It has to be settled before NumPy is imported, from the size of the file, and where the
user has not settled it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import MutableMapping, Sequence

SMALL_BYTES = 1 << 18
"""A text of a quarter of a megabyte holds about forty thousand numbers."""
_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS")
# A compressed file or Parquet may hold far more than its size says.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"PAR1")


def spare_threads(inputs: Sequence[str], environment: MutableMapping[str, str] = os.environ) -> bool:
    """Keep OpenBLAS at one thread if all inputs are small plain files; return whether that was done."""
    if "numpy" in sys.modules or any(name in environment for name in _SETTINGS):
        return False
    if not inputs or not all(_is_small(path) for path in inputs):
        return False
    environment["OPENBLAS_NUM_THREADS"] = "1"
    return True


def _is_small(path: str) -> bool:
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode) or about.st_size > SMALL_BYTES:
            return False
        with open(path, "rb") as stream:
            return not stream.read(4).startswith(_COMPRESSED)
    except (OSError, ValueError):
        return False
