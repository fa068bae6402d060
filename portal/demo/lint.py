"""What is nearly right in a manifest: mistakes that nothing else notices, because what is not read is skipped.

In a cluster it would cost time with every event to look for them; in a folder it costs nothing worth counting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from portal.demo.manifests import Kind, kind_of
from portal.kube.resources import Resource
from portal.sources import SOURCES
from portal.sources.annotations import misspelt

_READ: Final[dict[Kind, tuple[Resource, ...]]] = {
    (each.resources[0].group, each.resources[0].kind): each.resources for each in SOURCES
}
_WHOLLY_READ: Final = frozenset({"startpunkt.ullberg.us", "hajimari.io"})  # groups without any other kinds
# Groups that have none of the kinds that are read: the core's, which no apiVersion counts as, and the one of Ingresses
# before Kubernetes 1.22.
_WITHOUT: Final = frozenset({"", "extensions"})
_NEIGHBOURS: Final = frozenset({"TCPRoute"})  # a kind of its own, however much it looks like HTTPRoute
_NEAR: Final = 0.8


def lint(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield each mistake, its place first; a kind that is not read is one only where it looks like one that is."""
    yield from _kind(manifest)
    if kind_of(manifest) in _READ:
        yield from _annotations(manifest["metadata"].get("annotations"))


def is_ordinary(manifest: dict[str, Any]) -> bool:
    """Return whether a manifest is of a kind that is not read, and looks like none that is."""
    return bool(manifest.get("kind")) and kind_of(manifest) not in _READ and not any(_kind(manifest))


def _kind(manifest: dict[str, Any]) -> Iterator[str]:
    group, kind = kind_of(manifest)
    written = str(manifest.get("apiVersion") or "")
    near = _near(group, [group for group, _ in _READ])
    meant = _meant(group, kind, near)
    if meant is not None:
        yield from _difference(written, (group, kind), meant)
    elif near in _WHOLLY_READ:
        kinds = " and ".join(kind for group, kind in _READ if group == near)
        yield f"kind {kind}: not read; {near} has {kinds}"


def _meant(group: str, kind: str, near: str | None) -> Kind | None:
    """Return the group and kind that are read and nearly written, None for what is nothing of ours."""
    if (group, kind) in _READ:
        return group, kind
    if kind in _NEIGHBOURS or (near is None and group not in _WITHOUT):
        return None
    candidates = sorted(_READ, key=lambda each: each[0] != near)
    close = _near(kind, [kind.lower() for _, kind in candidates])
    return next((each for each in candidates if each[1].lower() == close), None)


def _difference(written: str, kind: Kind, meant: Kind) -> Iterator[str]:
    """Say how what is written differs from what is meant, if it does."""
    versions = [f"{each.group}/{each.version}" for each in _READ[meant]]
    if kind == meant:
        if written not in versions:
            yield f"apiVersion {written}: not a version that is read; did you mean {versions[0]}?"
        return
    wrong: list[tuple[str, str]] = []
    if kind[0] != meant[0]:
        wrong.append((f"apiVersion {written}" if written else "no apiVersion", versions[0]))
    if kind[1] != meant[1]:
        wrong.append((f"kind {kind[1]}", meant[1]))
    places, suggestions = (" and ".join(each) for each in zip(*wrong, strict=True))
    yield f"{places}: not read; did you mean {suggestions}?"


def _annotations(annotations: object) -> Iterator[str]:
    for key, suggestion in misspelt(annotations if isinstance(annotations, dict) else {}):
        yield f"annotation {key}: not read{f'; did you mean {suggestion}?' if suggestion else ''}"


def _near(word: str, words: Sequence[str]) -> str | None:
    return next(iter(get_close_matches(word.lower(), words, n=1, cutoff=_NEAR)), None)
