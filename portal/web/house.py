"""What the web needs to know of the house, and nothing more: runtime fills it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct
from prometheus_client import CollectorRegistry

from portal.availability.history import AvailabilityHistory
from portal.model import Position, Snapshot, SyncStatus


class ThemeColours(Struct, frozen=True, rename="camel"):
    """The five colours of a theme, as in Startpunkt's configuration; any CSS colour."""

    body_bg_color: str
    body_color: str
    emphasis_color: str
    text_primary_color: str
    text_accent_color: str


LIGHT: Final = ThemeColours("#F8F6F1", "#696969", "#000000", "#4C432E", "#AA9A73")
DARK: Final = ThemeColours("#232530", "#696969", "#FAB795", "#FAB795", "#E95678")


class PageOptions(Struct, frozen=True, kw_only=True):
    """What the configuration says about the page; may change while portal runs, and then `config_version` does too.

    `refresh_interval` and `heartbeat_interval` in seconds; `config_error` is the mistake in a file that could not be
    taken over.
    """

    title: str = "Startpunkt"
    version: str = ""
    github_link: bool = True
    source_url: str = ""
    refresh_interval: int = 60
    search_engine: str = "https://www.google.com/search?q="
    default_language: str = "en-US"
    light: ThemeColours = LIGHT
    dark: ThemeColours = DARK
    realtime_enabled: bool = True
    heartbeat_interval: float = 15.0
    config_version: int = 1
    config_error: str | None = None


class Check(Struct, frozen=True):
    """One answer of a health endpoint."""

    name: str
    up: bool
    data: dict[str, str | int | bool] | None = None


class FetchIcon(Protocol):
    """Fetches an icon from an address that is not ours."""

    def __call__(self, url: str) -> tuple[str, bytes] | None:
        """Return content type and bytes, or None where there is no icon to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the web asks the house.

    `refresh` runs before each answer about the catalog; `sync_version` changes when a state changes, and only then;
    `boot` is drawn anew by each process and part of every ETag; `cache_ttl` in seconds; `fetch_icon` reads an icon by
    its address.
    """

    snapshot: Callable[[], Snapshot]
    head: Callable[[], Position]
    sync: Callable[[], SyncStatus]
    sync_version: Callable[[], int]
    refresh: Callable[[], None]
    page: Callable[[], PageOptions]
    history: Callable[[str], AvailabilityHistory | None]
    live: Callable[[], tuple[Check, ...]]
    ready: Callable[[], tuple[Check, ...]]
    started: Callable[[], tuple[Check, ...]]
    registry: CollectorRegistry
    cache_ttl: float
    boot: str
    fetch_icon: FetchIcon | None = None
