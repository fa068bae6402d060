"""Applications that are described by annotations: what the sources of routes and ingresses share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from portal.model import Application, Link
from portal.sources.annotations import STARTPUNKT, Words, words_from_annotations
from portal.sources.entries import application_from, written_url
from portal.sources.notes import Notes
from portal.sources.source import Found
from portal.sources.urls import is_accepted

# More links than fit on a card help nobody, and each travels to every open page.
_MOST_ADDRESSES: Final = 50


class Wish(Struct, frozen=True, gc=False):
    """The protocol and port that a person wants for derived addresses."""

    protocol: str | None
    port: int | None


_NO_WISH: Final = Wish(None, None)

Addresses = tuple[str | None, tuple[Link, ...]]
"""The main address of an entry, and its further ones."""

Derive = Callable[[Found[Any], Wish], Iterable[str]]
"""Returns the addresses that an object's own fields give, the main one first."""


def application_from_annotations(found: Found[Any], derive: Derive) -> Application | None:
    """Return the application that an annotated object describes, or None where it is not to be shown."""
    words = words_from_annotations(found.object.metadata.annotations, found.notes)
    if not is_shown(words.flag("enabled"), found.options.only_annotated, found.notes):
        return None
    said = words.values.get
    url, links = (said("url") and _written_address(found, words)) or _derived_addresses(found, words, derive)
    return application_from(
        found,
        name=said("name"),
        group=said("group"),
        icon=said("icon") or None,
        info=said("info") or None,
        target_blank=words.flag("targetBlank"),
        location=words.location(),
        url=url,
        links=links,
        icon_color=said("iconColor") or None,
        root_path=said("rootPath") or None,
        root_path_place=words.place("rootPath") if "rootPath" in words.values else "",
        tags=said("tags") or None,
    )


def is_shown(enabled: bool | None, only_annotated: bool, notes: Notes) -> bool:
    """Return whether an entry is shown: never when disabled; under `only_annotated`, only when enabled."""
    if enabled is False:
        notes.step("hidden: it is disabled")
        return False
    if only_annotated and enabled is None:
        notes.step("hidden: onlyAnnotated is true for this source, and there is no annotation %senable", STARTPUNKT)
        return False
    return True


def _written_address(found: Found[Any], words: Words) -> Addresses | None:
    """Return the address that a person wrote, None where it cannot be linked to."""
    place = words.place("url")
    # Hajimari and Forecastle ignore an address without a scheme, so their users see the derived one.
    protocol = found.options.default_protocol if STARTPUNKT in place else None
    url = written_url(words.text("url"), place, protocol, found.notes)
    return None if url is None else (url, ())


def _derived_addresses(found: Found[Any], words: Words, derive: Derive) -> Addresses:
    notes = found.notes
    is_wished = "protocol" in words.values or "port" in words.values
    wish = Wish(words.protocol(), words.port()) if is_wished else _NO_WISH
    addresses = list(filter(is_accepted, dict.fromkeys(derive(found, wish))))
    if not addresses:
        notes.step("no url: nothing gives an address that can be linked to")
        return None, ()
    if len(addresses) > _MOST_ADDRESSES:
        notes.step("%d addresses, of which the first %d are kept", len(addresses), _MOST_ADDRESSES)
    others = addresses[1:_MOST_ADDRESSES]
    notes.step("url is %s, derived, with %d more links", addresses[0], len(others))
    return addresses[0], tuple([Link(each, each.partition("://")[2]) for each in others]) if others else ()
