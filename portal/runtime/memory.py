"""Keeps the garbage collector quiet: once after the imports, and once after the first lists."""

from __future__ import annotations

import gc
from typing import Final

NEW_OBJECTS: Final = 20_000  # between two looks for garbage; Python's own 700 costs a tenth of a large start


def settle() -> None:
    """Let the garbage collector pass over what is here to stay, and look seldom: hardly anything here is in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 20)
