"""What holds for every object that decodes, however odd."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from portal.model import Entry, Origin
from portal.sources import SOURCES
from portal.sources.notes import Trace
from portal.sources.source import Described, MappingOptions, Source

WORDS = "true false 0 -1 80 v1 ConfigMap data.x Exact Prefix RegularExpression HTTPS Gateway mesh %s%d{0} \\ ? #"
ADDRESSES = (
    "http https:// javascript:alert(1) //a.example.com / /a(/|$) a.example.com *.example.com 2001:db8::1 nas:5000 "
    "https://a.example.com/?q#f"
)
ODD = st.sampled_from([*WORDS.split(), *ADDRESSES.split(), "\t/x", "/\n/x", "/\\a.example.com", " "])
TEXT = ODD | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("spec") | st.just("data"), inner, max_size=3)
    ),
    max_leaves=8,
)
OPTIONS = st.builds(
    MappingOptions,
    only_annotated=st.booleans(),
    default_protocol=st.sampled_from(["http", "https", "https://", "ftp"]),
    ingress_class_names=st.just(()) | st.just(("nginx",)),
)
SCALARS: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.BoolType: st.booleans(),
    inspect.IntType: st.integers() | st.sampled_from([0, -(2**31), 2**64]),
    inspect.NoneType: st.none(),
}
LINKABLE = re.compile(r"(https?://[^/\\\s]|/(?![/\\]))[^\x00-\x1f]*")


def documents(shape: inspect.Type) -> st.SearchStrategy[Any]:
    """Return JSON values that decode into a type."""
    if isinstance(shape, inspect.StructType):
        return st.fixed_dictionaries({}, optional={each.encode_name: documents(each.type) for each in shape.fields})
    if isinstance(shape, inspect.VarTupleType):
        return st.lists(documents(shape.item_type), max_size=3)
    if isinstance(shape, inspect.UnionType):
        return st.one_of([documents(each) for each in shape.types])
    return SCALARS.get(type(shape), TEXT)


def urls(entry: Entry | None) -> list[str]:
    """Return every address of an entry."""
    return [] if entry is None else [*filter(None, [entry.url]), *(link.url for link in entry.links)]


def read_of(projection: Described) -> str:
    """Return everything that counts of an object, as text."""
    metadata = projection.metadata
    return repr((metadata.annotations, metadata.is_managed, projection.content()))


DOCUMENTS = {source.name: documents(inspect.type_info(source.projection)) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@given(data=st.data())
def test_whatever_decodes_is_mapped_and_every_address_can_be_linked_to(source: Source, data: st.DataObject) -> None:
    wire = msgspec.json.encode(data.draw(DOCUMENTS[source.name]))
    others = data.draw(st.none() | JSON)
    projection = msgspec.json.decode(wire, type=source.projection)
    origin = Origin("local", source.name, "default", "app")

    entry = source.entry(projection, origin, data.draw(OPTIONS), Trace(), lambda _: others)

    assert [url for url in urls(entry) if not LINKABLE.fullmatch(url)] == []
    assert msgspec.json.encode(entry)
    assert isinstance(source.references(projection), tuple)
    assert isinstance(source.services(projection), tuple)
    assert source.check(projection, Trace()) == source.check(projection, Trace())
    assert projection.digest() == msgspec.json.decode(wire, type=source.projection).digest()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@given(data=st.data())
def test_what_reads_differently_has_another_digest(source: Source, data: st.DataObject) -> None:
    one, two = (msgspec.convert(data.draw(DOCUMENTS[source.name]), source.projection) for _ in range(2))

    assert (one.digest() == two.digest()) == (read_of(one) == read_of(two))


@given(url=TEXT, root_path=TEXT)
def test_no_text_of_an_application_becomes_a_dangerous_link(url: str, root_path: str) -> None:
    source = SOURCES[0]
    document = {"spec": {"name": "App", "url": url, "rootPath": root_path}}
    projection = msgspec.convert(document, source.projection)

    entry = source.entry(projection, Origin("local", "application", "default", "app"), MappingOptions())

    assert [each for each in urls(entry) if not LINKABLE.fullmatch(each)] == []
