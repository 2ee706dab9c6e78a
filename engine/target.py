"""Where a push may go: public addresses, and the networks that the administrator allowed. Looks names up; connects to nothing."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.ip_network("64:ff9b::/96")
NUMERIC = re.compile(r"[0-9a-fx.]*", re.ASCII | re.IGNORECASE)


class NotAllowed(Exception):
    """This address is not pushed to; the text says why."""


@dataclass(frozen=True)
class Target:
    """A checked place: connect to `address`, speak to `host`."""

    scheme: str
    host: str
    port: int
    address: str


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """`[push] allow` as networks. ValueError names what is none."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def check(url: str, allowed: Sequence[Network]) -> Target:
    """The place that this URL leads to now. NotAllowed if any of its addresses is neither public nor allowed; OSError if it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise NotAllowed(f"the URL cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotAllowed("only http and https URLs are pushed to")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("a URL with user name or password is not pushed to")
    if NUMERIC.fullmatch(host) and any(char.isdigit() for char in host) and not _is_address(host):
        raise NotAllowed(f"{host} is an odd form of an address; write it in the usual one")
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not _may(address, allowed):
            raise NotAllowed(f"{host} leads to {address}, which is not public; an administrator can allow it in [push] allow")
    return Target(parts.scheme, host, port, found[0])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _may(text: str, allowed: Sequence[Network]) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address in NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast
