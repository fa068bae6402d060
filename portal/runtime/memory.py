"""Keeps memory small and the garbage collector quiet: once after the imports, and once after the first lists."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

NEW_OBJECTS: Final = 20_000  # between two looks for garbage; Python's own 700 costs a tenth of a large start
LARGE_BLOCK: Final = 256 * 1024  # bytes: a page of a list, and not what is read of a watch at once
M_MMAP_THRESHOLD: Final = -3  # as in malloc.h
M_TRIM_THRESHOLD: Final = -1


def settle() -> None:
    """Let the garbage collector pass over what is here to stay, and look seldom: hardly anything here is in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 20)


def return_large_blocks() -> None:
    """Have large blocks of memory given back to the system when they are freed, where the C library can (glibc).

    By itself it cuts them out of its heap once it has seen one freed. What is kept of a list then lies between the
    holes that the list's pages left: a seventh of the memory that 10,000 Ingresses take.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK)
