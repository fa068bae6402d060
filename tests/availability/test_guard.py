from __future__ import annotations

import pytest

from portal.availability.guard import Guard
from tests.availability.cases import cases


@pytest.mark.parametrize(("address", "refused"), cases("guard_cases"))
def test_metadata_and_link_local_addresses_are_refused_in_every_form(address: str, refused: str | None) -> None:
    assert Guard().refusal(address) == refused


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_this_host_can_be_forbidden(address: str) -> None:
    assert Guard(loopback=False).refusal(address) == "loopback address"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
def test_private_addresses_can_be_forbidden(address: str) -> None:
    assert Guard(private=False).refusal(address) == "private address"


def test_forbidding_private_addresses_leaves_public_ones_alone() -> None:
    assert Guard(private=False, loopback=False).refusal("93.184.216.34") is None
