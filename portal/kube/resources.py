"""What can be listed and watched: a resource of the API, and the part of an object that every source reads."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Resource(Struct, frozen=True):
    """One resource of a Kubernetes API: group, version and plural, and the kind of its objects."""

    group: str
    version: str
    plural: str
    kind: str

    def path(self, namespace: str = "") -> str:
        """Return the path of the resource's collection: of one namespace, or of all where none is given."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}/{self.version}" if self.group else f"{self.plural}/{self.version}"


class Owner(Struct, frozen=True, gc=False):
    """One owner reference; only its presence counts."""

    kind: str = ""


class Manager(Struct, frozen=True, gc=False):
    """Who wrote some of an object's fields."""

    manager: str = ""


class Metadata(Struct, frozen=True, gc=False, rename="camel"):
    """The metadata that every source reads; a source adds its own `annotations` struct by subclassing.

    Every field has a default, because a progress mark carries only `resource_version`.
    """

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    owner_references: tuple[Owner, ...] = ()
    managed_fields: tuple[Manager, ...] = ()


class Projection(Struct, frozen=True, gc=False, rename="camel"):
    """The fields of an object that a source reads, decoded straight from the wire; subclasses add `spec` and the like.

    Subclasses narrow `metadata` to their own subclass of `Metadata`; unread fields are never built.
    """

    metadata: Any = Metadata()
