"""How many threads the linear algebra library gets: one, where the user has not settled it.

OpenBLAS starts its threads when NumPy is imported and lets them spin: measured on two processors, 20 ms of
a 134 ms import and half of the processor time of a small fit; and at the many small products and systems of
a cross-validation they wait for each other (8.0 s of processor time against 3.0 s for the same work). Passes
over the rows bring threads of their own, and a large factorization asks for more (``core/threads.py``). It
has to be settled before NumPy is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS")
SPARED = "L2CLI_SPARED_THREADS"
"""Is set where the one thread is our choice, which a large factorization may overrule."""


def spare_threads(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Keep OpenBLAS at one thread unless the user has settled it; return whether that was done."""
    if "numpy" in sys.modules or any(name in environment for name in _SETTINGS):
        return False
    environment["OPENBLAS_NUM_THREADS"] = environment[SPARED] = "1"
    return True
