"""The words that people may write on any object: which annotations are read, and which of them wins.

A meaning has one word per family. Startpunkt's wins over Hajimari's, and that over Forecastle's; the first *present*
decides, even where its value is empty. A struct names exactly these keys, so that the decoder skips all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from msgspec import Struct, field, to_builtins
from msgspec.structs import fields

from portal.model import DEFAULT_LOCATION
from portal.sources.notes import Notes

STARTPUNKT: Final = "startpunkt.ullberg.us/"
HAJIMARI: Final = "hajimari.io/"
FORECASTLE: Final = "forecastle.stakater.com/"

# What a browser's number holds exactly is far more; 32 bits are what Startpunkt reads.
_LARGEST: Final = 2**31 - 1
_LARGEST_PORT: Final = 65535


class Annotations(Struct, frozen=True, gc=False, omit_defaults=True):
    """The annotations that are read from every object, in the order of their precedence."""

    startpunkt_app_name: str | None = field(default=None, name="startpunkt.ullberg.us/appName")
    startpunkt_name: str | None = field(default=None, name="startpunkt.ullberg.us/name")
    startpunkt_group: str | None = field(default=None, name="startpunkt.ullberg.us/group")
    startpunkt_url: str | None = field(default=None, name="startpunkt.ullberg.us/url")
    startpunkt_icon: str | None = field(default=None, name="startpunkt.ullberg.us/icon")
    startpunkt_icon_color: str | None = field(default=None, name="startpunkt.ullberg.us/iconColor")
    startpunkt_info: str | None = field(default=None, name="startpunkt.ullberg.us/info")
    startpunkt_target_blank: str | None = field(default=None, name="startpunkt.ullberg.us/targetBlank")
    startpunkt_location: str | None = field(default=None, name="startpunkt.ullberg.us/location")
    startpunkt_enable: str | None = field(default=None, name="startpunkt.ullberg.us/enable")
    startpunkt_enabled: str | None = field(default=None, name="startpunkt.ullberg.us/enabled")
    startpunkt_protocol: str | None = field(default=None, name="startpunkt.ullberg.us/protocol")
    startpunkt_port: str | None = field(default=None, name="startpunkt.ullberg.us/port")
    startpunkt_root_path: str | None = field(default=None, name="startpunkt.ullberg.us/rootPath")
    startpunkt_tags: str | None = field(default=None, name="startpunkt.ullberg.us/tags")
    startpunkt_check: str | None = field(default=None, name="startpunkt.ullberg.us/check")
    startpunkt_check_path: str | None = field(default=None, name="startpunkt.ullberg.us/checkPath")
    startpunkt_check_status: str | None = field(default=None, name="startpunkt.ullberg.us/checkStatus")
    startpunkt_check_interval: str | None = field(default=None, name="startpunkt.ullberg.us/checkInterval")
    startpunkt_check_insecure: str | None = field(default=None, name="startpunkt.ullberg.us/checkInsecure")
    startpunkt_check_headers_from: str | None = field(default=None, name="startpunkt.ullberg.us/checkHeadersFrom")
    hajimari_app_name: str | None = field(default=None, name="hajimari.io/appName")
    hajimari_group: str | None = field(default=None, name="hajimari.io/group")
    hajimari_url: str | None = field(default=None, name="hajimari.io/url")
    hajimari_icon: str | None = field(default=None, name="hajimari.io/icon")
    hajimari_icon_color: str | None = field(default=None, name="hajimari.io/iconColor")
    hajimari_info: str | None = field(default=None, name="hajimari.io/info")
    hajimari_target_blank: str | None = field(default=None, name="hajimari.io/targetBlank")
    hajimari_location: str | None = field(default=None, name="hajimari.io/location")
    hajimari_enable: str | None = field(default=None, name="hajimari.io/enable")
    hajimari_status_check_enabled: str | None = field(default=None, name="hajimari.io/statusCheckEnabled")
    forecastle_app_name: str | None = field(default=None, name="forecastle.stakater.com/appName")
    forecastle_group: str | None = field(default=None, name="forecastle.stakater.com/group")
    forecastle_url: str | None = field(default=None, name="forecastle.stakater.com/url")
    forecastle_icon: str | None = field(default=None, name="forecastle.stakater.com/icon")
    forecastle_expose: str | None = field(default=None, name="forecastle.stakater.com/expose")


KEYS: Final = tuple(each.encode_name for each in fields(Annotations))

_MEANINGS: Final = {"appName": "name", "enable": "enabled", "expose": "enabled"}
_MEANING_OF: Final = {key: _MEANINGS.get(word, word) for key in KEYS for word in [key.rpartition("/")[2]]}

# Words of Hajimari and Forecastle that have no meaning here; guessing another word for them would mislead.
_NOT_READ: Final = frozenset(
    {
        "hajimari.io/instance",
        "forecastle.stakater.com/instance",
        "forecastle.stakater.com/properties",
        "forecastle.stakater.com/network-restricted",
    }
)


class Words(Struct, frozen=True, gc=False):
    """The annotations of one object by meaning: their trimmed values, and the keys that decide."""

    values: Mapping[str, str]
    keys: Mapping[str, str]
    notes: Notes

    def text(self, meaning: str) -> str | None:
        """Return what is written, None where nothing is."""
        return self.values.get(meaning) or None

    def place(self, meaning: str) -> str:
        """Return the place of the annotation that decides, as faults name it."""
        return f"annotation {self.keys.get(meaning, '')}"

    def flag(self, meaning: str) -> bool | None:
        """Return whether `true` is written, in any case; None without the annotation."""
        written = self.values.get(meaning)
        if written is None:
            return None
        value = written.lower()
        if value not in ("true", "false"):
            self.notes.fault(self.place(meaning), '%r counts as "false": only "true" is true', written)
        return value == "true"

    def location(self) -> int:
        """Return where the entry is sorted within its group."""
        text = self.text("location")
        if text is None:
            return DEFAULT_LOCATION
        return location_from(_number(text), self.place("location"), self.notes, text)

    def port(self) -> int | None:
        """Return the port that derived addresses shall have."""
        text = self.text("port")
        if text is None:
            return None
        port = _number(text)
        if port is None or not 1 <= port <= _LARGEST_PORT:
            self.notes.fault(self.place("port"), "%r is not a port from 1 to 65535; ignored", text)
            return None
        return port

    def protocol(self) -> str | None:
        """Return the protocol that derived addresses shall have."""
        text = self.text("protocol")
        if text is None:
            return None
        protocol = text.removesuffix("://").lower()
        if protocol in ("http", "https"):
            return protocol
        self.notes.fault(self.place("protocol"), "%r is neither http nor https; ignored", text)
        return None


def words_from_annotations(annotations: Annotations, notes: Notes) -> Words:
    """Return the annotations by meaning; where several families say the same, the first one wins."""
    written = to_builtins(annotations)  # those that are present, in the order of their precedence
    keys, overruled = _decided(tuple(written))
    if notes.keeps_steps:
        for key in keys.values():
            notes.step("annotation %s is %r", key, written[key])
        for key in overruled:
            notes.step("annotation %s is overruled by %s", key, keys[_MEANING_OF[key]])
    values = {}
    for meaning, key in keys.items():
        values[meaning] = written[key].strip()
    return Words(values, keys, notes)


@lru_cache(maxsize=1024)  # most objects of a cluster carry the same few
def _decided(present: tuple[str, ...]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the key that decides each meaning, and the keys that are overruled."""
    keys: dict[str, str] = {}
    known = [key for key in present if key in _MEANING_OF]
    return keys, tuple([key for key in known if keys.setdefault(_MEANING_OF[key], key) != key])


def location_from(number: int | None, place: str, notes: Notes, written: object) -> int:
    """Return a location: 0 means the default, as in Startpunkt; None and what exceeds 32 bits is a fault."""
    if number is None or abs(number) > _LARGEST:
        notes.fault(place, "%r is not a whole number of 32 bits; %d is used", written, DEFAULT_LOCATION)
        return DEFAULT_LOCATION
    return number or DEFAULT_LOCATION


def misspelt(annotations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the keys of the known families that are not read, each with the key that may be meant or an empty text."""
    families = (STARTPUNKT, HAJIMARI, FORECASTLE)
    return tuple((key, _meant(key)) for key in annotations if key.startswith(families) and key not in KEYS)


def _meant(key: str) -> str:
    if key in _NOT_READ:
        return ""
    family, _, word = key.partition("/")
    words = {known.partition("/")[2].lower(): known for known in KEYS if known.startswith(f"{family}/")}
    close = get_close_matches(_SYNONYMS.get(word.lower(), word.lower()), words, n=1, cutoff=0.6)
    return words[close[0]] if close else ""


_SYNONYMS: Final = {
    "description": "info",
    "href": "url",
    "link": "url",
    "weight": "location",
    "order": "location",
    "target": "targetblank",
    "colour": "iconcolor",
    "color": "iconcolor",
    "scheme": "protocol",
    "path": "rootpath",
    "category": "group",
}


def _number(text: str) -> int | None:
    # int() would also read "1_000" and digits of other scripts, which no other reader of these annotations does.
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(_LARGEST)) else None
