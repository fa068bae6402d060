"""A field of the wrong type costs that field; everything else of the object is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from portal.kube.decode import Fault, decode_object
from portal.kube.errors import Malformed
from portal.sources.ingress import INGRESS, Ingress

CASES = yaml.safe_load(Path(__file__).with_name("decode.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_mistyped_field_costs_that_field_only(case: dict[str, Any]) -> None:
    found, faults = decode_object(msgspec.json.encode(case["object"]), Ingress)

    assert found == msgspec.convert(case["read"], Ingress)
    assert [fault.path for fault in faults] == case["faults"]


def test_a_fault_names_the_object_and_says_what_is_wrong() -> None:
    body = b'{"metadata":{"namespace":"media","name":"jellyfin"},"spec":{"rules":7}}'

    _, faults = decode_object(body, Ingress)

    assert faults == (Fault("media", "jellyfin", "spec.rules", "is a number, and a list is wanted"),)
    assert str(faults[0]) == "media/jellyfin: spec.rules: is a number, and a list is wanted"


@pytest.mark.parametrize("body", [b"garbage", b"[1]", b"7", b"", b'{"metadata":', b'"\xff"'])
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode_object(body, Ingress)


def test_an_object_with_more_mistakes_than_sense_is_left_out() -> None:
    rules = [{"host": number} for number in range(100)]

    with pytest.raises(Malformed):
        decode_object(msgspec.json.encode({"spec": {"rules": rules}}), Ingress)


def test_nulls_are_no_mistakes_however_many() -> None:
    written = {"metadata": {"name": "a", "ownerReferences": [{"kind": None}] * 100 + [None]}, "spec": None}

    found, faults = decode_object(msgspec.json.encode(written), Ingress)

    assert (found.metadata.name, len(found.metadata.owner_references), faults) == ("a", 100, ())


def test_every_source_reads_an_empty_object() -> None:
    assert decode_object(b"{}", INGRESS.projection) == (INGRESS.projection(), ())
