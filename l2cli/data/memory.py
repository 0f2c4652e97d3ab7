"""How much memory the machine has."""

from __future__ import annotations

import os


def physical_memory() -> int:
    """Return the bytes of physical memory; 8 GB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 << 30
