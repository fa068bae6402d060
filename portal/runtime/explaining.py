"""Why an object is, or is not, on the page: its way through the sources, told step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from portal.kube.decode import decode_object
from portal.model import Application, Bookmark, Origin
from portal.runtime.feeds import mapping_options, namespaces_from_settings
from portal.settings.tree import Settings
from portal.sources import SOURCES
from portal.sources.annotations import misspelt
from portal.sources.notes import Trace
from portal.sources.references import Reference
from portal.sources.source import Source

Fetch = Callable[[tuple[Any, ...], str, str], bytes | None]
"""Returns an object by namespace and name, in the first of a resource's versions that has it; None where none has."""


class UnknownSourceError(Exception):
    """Raised for a source that does not exist; the message suggests one that does."""


def explanation(settings: Settings, target: str, fetch: Fetch) -> str:
    """Return why `SOURCE/NAMESPACE/NAME` is, or is not, on the page. Raises UnknownSourceError."""
    name, namespace, object_name = target.split("/")
    source = _source(name)
    return (
        "\n".join((target, *(f"  {line}" for line in _lines(settings, source, (namespace, object_name), fetch)))) + "\n"
    )


def _source(name: str) -> Source:
    found = next((source for source in SOURCES if source.name == name), None)
    if found is None:
        names = [source.name for source in SOURCES]
        close = get_close_matches(name, names, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"there are {', '.join(names)}"
        raise UnknownSourceError(f'there is no source "{name}" ({hint})')
    return found


def _lines(settings: Settings, source: Source, key: tuple[str, str], fetch: Fetch) -> Iterator[str]:
    namespace, name = key
    said = settings.sources[source.name]
    yield f"source: {source.title}, {'enabled' if said.enabled else 'not enabled in the configuration'}"
    selected, labels = namespaces_from_settings(settings), settings.namespace_selector.label_selector
    is_selected = "" in selected or namespace in selected or bool(labels)
    how = f"selected if its labels match {labels}" if labels and namespace not in selected else "selected"
    yield f"namespace: {namespace}, {how if is_selected else 'not selected by namespaceSelector'}"
    body = fetch(source.resources, namespace, name)
    if body is None:
        yield f"object: there is no {source.title} {namespace}/{name} that we can read"
        yield "result: not on the page, because it does not exist"
        return
    projection, faults = decode_object(body, source.projection)
    yield f"object: found, resourceVersion {projection.metadata.resource_version}"
    yield from (f"mistake: {fault.path}: {fault.message}" for fault in faults)
    yield from _misspelt(body)
    trace = Trace()
    options = mapping_options(settings, only_annotated=said.only_annotated)
    entry = source.entry(projection, Origin("local", source.name, namespace, name), options, trace, _lookup(fetch))
    if isinstance(entry, Application):
        source.check(projection, trace)
        behind = ", ".join(f"{each.namespace}/{each.name}" for each in source.services(projection))
        trace.step("behind it: %s", f"the Services {behind}" if behind else "no Service that we know of")
    yield from (f"{'mistake' if note.place else 'step'}: {note}" for note in trace.notes)
    yield f"result: {_result(entry, is_read=said.enabled and is_selected)}"


def _misspelt(body: bytes) -> Iterator[str]:
    metadata = msgspec.json.decode(body).get("metadata", {})
    for key, suggestion in misspelt(metadata.get("annotations") or {}):
        hint = f' (did you mean "{suggestion}"?)' if suggestion else ""
        yield f"mistake: annotation {key} is not one that portal reads{hint}"


def _lookup(fetch: Fetch) -> Callable[[Reference], Mapping[str, Any] | None]:
    def look(reference: Reference) -> Mapping[str, Any] | None:
        body = fetch(reference.resources, reference.namespace, reference.name)
        return None if body is None else msgspec.json.decode(body, type=dict[str, Any])

    return look


def _result(entry: Application | Bookmark | None, *, is_read: bool) -> str:
    if entry is None:
        return "not on the page"
    what = f'{"bookmark" if isinstance(entry, Bookmark) else "application"} "{entry.name}" in group "{entry.group}"'
    shown = f"{what}, {f'linked to {entry.url}' if entry.url else 'without a link'}"
    return shown if is_read else f"not on the page, because it is not read; it would be {shown}"
