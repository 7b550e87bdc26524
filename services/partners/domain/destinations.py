"""Where webhooks may go: the address in an endpoint's URL, and the addresses that its name has at the moment of connecting. Pure.

Open are https addresses on the internet. What lies in the operator's list of networks is open too, and there http as well. An
address that tells machines of a cloud who they are is never open, nor the port of a server that speaks no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from services.partners.domain.refusals import UrlRefusedError

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

LONGEST = 500
OPEN_PORTS = frozenset({443, 8443})
"""Of https on the internet."""
NEVER_PORTS = frozenset(
    {21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 389, 445, 465, 587, 993, 2375, 2376, 3306, 5432, 6379}
)
"""Also not in the operator's networks: these servers speak no HTTP, and some take what is posted for commands."""
KAFKA_PORTS = frozenset({9092, 9093, 9094})
_METADATA = frozenset({ip_address("169.254.169.254"), ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})
_TRANSLATED = (
    ip_network("64:ff9b::/96"),
    ip_network("64:ff9b:1::/48"),
    ip_network("2002::/16"),
    ip_network("2001::/32"),
)
"""IPv6 that leads to an IPv4 address elsewhere: NAT64, 6to4, Teredo."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What an endpoint's URL says."""

    url: str
    scheme: str
    host: str
    port: int


def read_url(url: str, networks: Networks) -> Destination:
    """Return where a URL leads. Raises ``UrlRefusedError`` if that can be told to be closed without asking for its name."""
    if len(url) > LONGEST or not url.isascii() or any(not "!" <= sign <= "~" for sign in url) or "\\" in url:
        raise UrlRefusedError("karakter")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise UrlRefusedError("bentuk") from None
    if "@" in parts.netloc:
        raise UrlRefusedError("nama_pengguna")
    if "#" in url:
        raise UrlRefusedError("fragmen")
    if parts.scheme not in {"https", "http"} or not host or "%" in host:
        raise UrlRefusedError("bentuk")
    if parts.scheme == "http" and not networks:
        raise UrlRefusedError("https")
    port = port if port is not None else (443 if parts.scheme == "https" else 80)
    found = Destination(url, parts.scheme, host, port)
    literal = _literal(host)
    why = why_port_closed(found.port, inside=bool(networks)) or (
        why_closed(found, literal, networks) if literal else None
    )
    if why is not None:
        raise UrlRefusedError(why)
    return found


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def why_port_closed(port: int, *, inside: bool) -> str | None:
    """Return why a port is closed, ``None`` if it is open; ``inside``: in the operator's networks."""
    if port in NEVER_PORTS or port in KAFKA_PORTS or not 0 < port < 65_536:
        return "porta"
    return None if inside or port in OPEN_PORTS else "porta"


def why_closed(destination: Destination, address: Address, networks: Networks) -> str | None:
    """Return why nothing may be posted to this address of a destination, in a code; ``None``: it is open."""
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    if plain in _METADATA:
        return "alamat_metadata"
    inside = any(plain.version == network.version and plain in network for network in networks)
    if not inside and (not plain.is_global or plain.is_multicast or _is_translated(plain)):
        return "alamat_tertutup"
    if destination.scheme != "https" and not inside:
        return "https"
    return why_port_closed(destination.port, inside=inside)


def _is_translated(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _TRANSLATED)
