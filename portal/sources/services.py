"""Which Services stand behind an entry."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Service(Struct, frozen=True, gc=False, order=True):
    """The name of a Service."""

    namespace: str
    name: str


def no_services(found: Any) -> tuple[Service, ...]:  # noqa: ANN401, ARG001 - the shape of a source's `services`
    """Return that nothing is known to stand behind an object."""
    return ()


def unique(services: list[Service]) -> tuple[Service, ...]:
    """Return each Service once, those without a name left out, in the order in which they came."""
    return tuple(dict.fromkeys([each for each in services if each.name]))
