"""Builds `static/icons/mdi.zip` and `simple-icons.zip` from the packages that carry the icons as compiled modules.

Run it when a newer set is wanted, in an environment of its own (the packages are not needed at run time):

    python3 -m venv build/icons
    build/icons/bin/pip install material-design-icons-pack simple-icons-pack
    build/icons/bin/python tests/web/icon_sets.py static/icons

Every icon of both sets is one path in a 24 by 24 box, so a line `slug TAB brand colour TAB path` says all. Lines lie in
members named by the first two characters of the slug: to find one icon, one small member is read.
"""

from __future__ import annotations

import re
import sys
import warnings
import zipfile
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

SETS = {"mdi": "material_design_icons_pack", "simple-icons": "simple_icons_pack"}
A_FIXED_MOMENT = (1980, 1, 1, 0, 0, 0)
PATH = re.compile(r'<path [^>]*?d="([^"]+)"')
NOT_FOR_EVERYBODY = re.compile(r"-(NC|ND)\b")
"""Icons that may not be used commercially or not be recoloured stay out."""


def icons_of(package: str) -> list[Any]:
    """Return the icons of a package that may travel with portal."""
    icons = [value for name, value in vars(import_module(package)).items() if name.isupper() and hasattr(value, "svg")]
    return [icon for icon in icons if not NOT_FOR_EVERYBODY.search(str(getattr(icon, "license", "")))]


def own_licences(icons: list[Any]) -> str:
    """Return a line `licence: slugs` for the icons that have a licence of their own."""
    by_licence: defaultdict[str, list[str]] = defaultdict(list)
    for icon in icons:
        if getattr(icon, "license", None):
            by_licence[str(icon.license)].append(icon.slug)
    return "".join(f"{licence}: {', '.join(sorted(slugs))}\n" for licence, slugs in sorted(by_licence.items()))


def lines_of(icons: list[Any]) -> dict[str, str]:
    """Return a line per icon, by slug."""
    return {
        icon.slug: f"{icon.slug}\t{getattr(icon, 'hex', '')}\t{found.group(1)}\n"
        for icon in icons
        if (found := PATH.search(icon.svg)) is not None
    }


def write_set(target: Path, lines: dict[str, str]) -> None:
    """Write a set, byte for byte the same each time."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for slug in sorted(lines):
        members[slug[:2]].append(lines[slug])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members):
            archive.writestr(
                zipfile.ZipInfo(name, A_FIXED_MOMENT), "".join(members[name]), zipfile.ZIP_DEFLATED, compresslevel=9
            )


def main(folder: Path) -> None:
    """Write both sets into `folder`."""
    warnings.simplefilter("ignore")
    for name, package in SETS.items():
        icons = icons_of(package)
        lines = lines_of(icons)
        (folder / f"LICENSES.{name}").write_text(own_licences(icons), encoding="utf-8")
        write_set(folder / f"{name}.zip", lines)
        sys.stdout.write(f"{name}: {len(lines)} icons, {(folder / f'{name}.zip').stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
