"""Where a push may go: public addresses, and the networks that the administrator allowed. Looks names up; connects to nothing."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # nothing else of IPv6 is given out
NUMERIC = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")  # the last part is a number: no name, and resolvers read an address
NOT_PUBLIC = tuple(  # registered as special, though `is_global` of some Python versions says otherwise
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20"))
)


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
    if not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed("a URL is written in printable ASCII, a name of other letters in its xn-- form")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", {"http": 80, "https": 443}.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError as error:
        raise NotAllowed(f"the URL cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotAllowed("only http and https URLs are pushed to")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("a URL with user name or password is not pushed to")
    if not port:
        raise NotAllowed("port 0 is not pushed to")
    if NUMERIC.fullmatch(host) and not _is_address(host):
        raise NotAllowed(f"{host} is an odd form of an address; write it in the usual one")
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except ValueError as error:  # what cannot be a name: an empty or an overlong part
        raise NotAllowed(f"{host} cannot be read: {error}") from None
    for address in found:
        if not _may(address, allowed):
            raise NotAllowed(f"{host} leads to {address}, which is not public; an administrator can allow it in [push] allow")
    return Target(parts.scheme, host.removesuffix("."), port, found[0])  # certificates hold no final dot


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
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)
