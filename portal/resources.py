"""Finds what travels with portal and is not code, in a wheel and in a checkout alike: templates, static files, CRDs."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent

PLACES: Final = {
    "templates": (PACKAGE / "templates", PACKAGE.parent / "templates"),
    "static": (PACKAGE / "static", PACKAGE.parent / "static"),
    "crds": (PACKAGE / "crds", PACKAGE.parent / "config" / "crds"),
}
"""In a wheel the folders lie in the package; in a checkout beside it."""


class MissingResourceError(Exception):
    """A folder that belongs to portal is not there: the installation is damaged."""


def folder(name: str, places: tuple[Path, ...] = ()) -> Path:
    """Return the folder `templates`, `static` or `crds`. Raises MissingResourceError."""
    for path in places or PLACES[name]:
        if path.is_dir():
            return path
    raise MissingResourceError(f"the folder {name} is missing from this installation of portal")


def crds() -> str:
    """Return all CRDs as one YAML stream. Raises MissingResourceError."""
    files = sorted(folder("crds").glob("*.yaml"))
    texts = (file.read_text(encoding="utf-8").removeprefix("---\n").strip("\n") for file in files)
    return "---\n" + "\n---\n".join(texts) + "\n"


def version() -> str:
    """Return the version of portal that runs; `0+unknown` in a checkout that is not installed."""
    try:
        return metadata.version("portal")
    except metadata.PackageNotFoundError:
        return "0+unknown"
