from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import ctypes
from portal.runtime.memory import return_large_blocks

def is_in_heap(block):
    maps = open("/proc/self/maps").read().splitlines()
    heap = next(line.split()[0].split("-") for line in maps if line.endswith("[heap]"))
    return int(heap[0], 16) <= id(block) < int(heap[1], 16)

blocks = bytearray(8_000_000)  # freed once, a block of this size counts as small from then on
del blocks
before = is_in_heap(bytes(1_000_000))
return_large_blocks()
print(before, is_in_heap(bytes(4_000_000)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such threshold")
def test_a_large_block_lies_outside_of_the_heap_however_many_were_freed() -> None:
    root = Path(__file__).parents[2]

    done = subprocess.run([sys.executable, "-c", LOOK], cwd=root, check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["True", "False"]
