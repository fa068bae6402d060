"""Which addresses a check may connect to.

The decision is taken on the numeric address a socket is about to connect to, after every spelling (decimal, octal, hex,
a name, a redirect) has been resolved and with no second lookup after it, so there is nothing to rebind.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from msgspec import Struct

Address = IPv4Address | IPv6Address

# Where clouds answer with credentials, beyond link-local: AWS (metadata, pod identity, time) over IPv6, Google over
# IPv6, Alibaba, Oracle, and Azure's wire server.
METADATA: Final = tuple(
    ip_network(each)
    for each in ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32")
)
# IPv6 prefixes that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052, and RFC 8215 for local use),
# translated (RFC 2765), compatible.
EMBEDDING: Final = tuple(ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96"))
SIX_TO_FOUR: Final = ip_network("2002::/16")


class Guard(Struct, frozen=True):
    """What is allowed besides what is always refused: loopback and private ranges, where clusters live."""

    loopback: bool = True
    private: bool = True

    def refusal(self, address: str) -> str | None:
        """Return why this numeric address must not be asked, or None where it may be."""
        return _refusal(self, address)


@lru_cache(maxsize=4096)
def _refusal(guard: Guard, text: str) -> str | None:
    written = ip_address(text.partition("%")[0])
    reasons = (_reason(guard, each) for each in (written, *_embedded(written)))
    return next((reason for reason in reasons if reason is not None), None)


def _reason(guard: Guard, address: Address) -> str | None:
    if any(address in network for network in METADATA):
        return "metadata address"
    if address.is_link_local:
        return "link-local address"
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        return "multicast address"
    if address.is_loopback or address.is_unspecified:  # connecting to 0.0.0.0 reaches this host
        return None if guard.loopback else "loopback address"
    return "private address" if address.is_private and not guard.private else None


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that packets to this IPv6 address may end at."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in SIX_TO_FOUR:
        return (IPv4Address(int(address) >> 80 & 0xFFFFFFFF),)
    if int(address) > 1 and any(address in network for network in EMBEDDING):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
