"""Finds an icon's outline by what people write: `mdi:home`, `nas`, `mdi-home`, `simple-icons:x`, `si-x`.

The sets are zip files whose small members hold one line per icon (`tests/web/icon_sets.py` builds them), so that
finding one icon reads a few kilobytes and keeping a set costs no memory.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from msgspec import Struct

PREFIXES: Final = {
    "mdi": "mdi", "simple-icons": "simple-icons", "simpleicons": "simple-icons", "si": "simple-icons",
}  # fmt: skip
DASHED: Final = ("mdi", "simple-icons", "si")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,80}")


class Outline(Struct, frozen=True):
    """One icon: a path in a 24 by 24 box, and the brand's colour as `aabbcc` where it has one."""

    path: str
    brand: str


class IconName(Struct, frozen=True):
    """An icon of a set."""

    set: str
    slug: str


def name_from_text(text: str) -> IconName | None:
    """Return the icon that a text names, None where it names none of ours; a bare name is one of `mdi`."""
    written = text.strip().lower()
    prefix, colon, slug = written.partition(":")
    if not colon:
        prefix, slug = _dashed(written)
    known = PREFIXES.get(prefix)
    return IconName(known, slug) if known and _NAME.fullmatch(slug) else None


def _dashed(written: str) -> tuple[str, str]:
    for prefix in DASHED:
        if written.startswith(f"{prefix}-"):
            return prefix, written.removeprefix(f"{prefix}-")
    return "mdi", written


class IconSets:
    """Reads the icons of a folder of sets."""

    def __init__(self, folder: Path) -> None:
        self._archives = {name: zipfile.ZipFile(folder / f"{name}.zip") for name in sorted(set(PREFIXES.values()))}

    def find(self, name: IconName) -> Outline | None:
        """Return an icon's outline, None where the set has none; in a brand's name, dashes do not matter."""
        spellings = (name.slug,) if name.set == "mdi" else (name.slug, re.sub(r"[^a-z0-9]", "", name.slug))
        return next((found for slug in spellings if (found := self._line(name.set, slug)) is not None), None)

    def _line(self, icon_set: str, slug: str) -> Outline | None:
        try:
            member = self._archives[icon_set].read(slug[:2]).decode()
        except KeyError:
            return None
        for line in member.splitlines():
            own, brand, path = line.split("\t")
            if own == slug:
                return Outline(path, brand)
        return None
