"""What a source is: which resource it reads, which fields of it, and how an object becomes an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from portal.availability.targets import CheckSpec
from portal.kube.resources import Metadata, Projection, Resource
from portal.model import Application, Bookmark, Origin
from portal.sources.annotations import Annotations
from portal.sources.checks import check_from_annotations
from portal.sources.notes import SILENT, Notes
from portal.sources.references import Lookup, Reference, nothing_known
from portal.sources.services import Service, no_services


class DescribedMetadata(Metadata, frozen=True, gc=False, rename="camel"):
    """Metadata with the annotations that describe an entry."""

    annotations: Annotations = Annotations()

    @property
    def is_managed(self) -> bool:
        """Return whether somebody else keeps the object as it is: an owner, or Argo CD."""
        if self.owner_references:
            return True
        for each in self.managed_fields:  # noqa: SIM110 - asked for every event, where a generator costs more
            if "argocd" in each.manager:
                return True
        return False


class Described(Projection, frozen=True, gc=False, rename="camel"):
    """What every source reads of an object; a source's own projection adds `spec` and the like."""

    metadata: DescribedMetadata = DescribedMetadata()

    def content(self) -> object:
        """Return what is read besides the metadata; a source's own projection says what.

        It is hashed, and `hash(-1) == hash(-2)`: a number that may be negative is given as text too.
        """
        return None

    def digest(self) -> int:
        """Return a number that stays the same while nothing is changed that portal reads."""
        metadata = self.metadata
        return hash((metadata.annotations, metadata.is_managed, self.content()))


class MappingOptions(Struct, frozen=True, kw_only=True):
    """How one source is configured.

    `only_annotated` keeps only what says that it wants to be shown. `default_protocol`, http or https, is for addresses
    that do not tell theirs. Class names filter Ingresses, exact and by case; empty means all; `include_unclassified`
    keeps those without a class.
    """

    only_annotated: bool = True
    default_protocol: str = "http"
    ingress_class_names: tuple[str, ...] = ()
    include_unclassified: bool = True


P = TypeVar("P", bound=Described)


class Found(Struct, Generic[P], frozen=True, gc=False):
    """An object as it was found, with all that is needed to map it."""

    object: P
    origin: Origin
    options: MappingOptions
    notes: Notes
    lookup: Lookup


def no_references(projection: Described) -> tuple[Reference, ...]:  # noqa: ARG001 - the shape of a source's `references`
    """Depend on no other object, as nearly every object."""
    return ()


class Source(Struct, frozen=True, kw_only=True):
    """Maps the objects of one resource to entries.

    `name` is the segment of an entry's id and `title` what logs and the sync status call it. `resources` are the
    versions that are understood, preferred first. `references` says which other objects an entry depends on, `services`
    which Services stand behind it, `check` what its owner wants of its check; they and `mapping` are pure.
    """

    name: str
    title: str
    resources: tuple[Resource, ...]
    projection: type[Described]
    mapping: Callable[[Found[Any]], Application | Bookmark | None]
    references: Callable[[Any], tuple[Reference, ...]] = no_references
    services: Callable[[Any], tuple[Service, ...]] = no_services
    check: Callable[[Any, Notes], CheckSpec] = check_from_annotations

    def entry(
        self,
        projection: Described,
        origin: Origin,
        options: MappingOptions,
        notes: Notes = SILENT,
        lookup: Lookup = nothing_known,
    ) -> Application | Bookmark | None:
        """Return what the page shows for an object, or None where it shows nothing; `notes` hears why."""
        return self.mapping(Found(projection, origin, options, notes, lookup))
