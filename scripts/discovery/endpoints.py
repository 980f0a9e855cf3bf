"""Hosts as providers find them, and endpoints as tapd reads them."""

import dataclasses
import ipaddress
import re
import socket

from discovery.errors import Usage

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
# Of a large list: so many are asked for a way there.
_TRIED = 8


@dataclasses.dataclass(frozen=True)
class Host:
    """What an API says of one host; empty where it says nothing. A name stands in both."""
    ipv4: str = ""
    ipv6: str = ""
    port: int = None


def usable(text):
    """The address, or a name, that other hosts can send to; else None."""
    if not isinstance(text, str):
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text if _is_name(text) else None
    if address.is_loopback or address.is_unspecified or address.is_multicast or \
            address.is_link_local or str(address) == "255.255.255.255":
        return None
    return address


def _is_name(text):
    labels = text.rstrip(".").split(".")
    # What looks like an address and is none is no name either.
    return len(text) <= 253 and not labels[-1].isdigit() and \
        all(_LABEL.fullmatch(label) for label in labels)


def endpoints(hosts, families, port=None):
    """The sorted endpoints of hosts in those families (4, 6), each once. A port given
    here is that of all; else each has its own or none."""
    found = {}
    for host in hosts:
        for family, text in ((4, host.ipv4), (6, host.ipv6)):
            address = usable(text)
            if family in families and _is_of(address, family):
                found[_written(address, port or host.port)] = _order(address)
    return sorted(found, key=lambda text: (found[text], text))


def _is_of(address, family):
    return isinstance(address, str) or address is not None and address.version == family


def _order(address):
    return (0, "", 0) if isinstance(address, str) else (address.version, "", int(address))


def _written(address, port):
    text = str(address)
    if not isinstance(address, str) and address.version == 6:
        text = f"[{text}]"
    return f"{text}:{port}" if port else text


def port_of(text):
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:6]) < 65536:
        raise Usage("--port is a number from 1 to 65535")
    return int(text)


def source_towards(address):
    """This host's address for datagrams to that one; None without a route. Sends nothing."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0])
    except (OSError, ValueError):
        return None


def lists_this_host(hosts, source=source_towards):
    """Whether one of the hosts' addresses is this host's own; None if it cannot be told:
    none are addresses, or there is no route."""
    listed = [address for host in hosts for address in (usable(host.ipv4), usable(host.ipv6))
              if address and not isinstance(address, str)]
    sources = {source(address) for address in listed[:_TRIED]} - {None}
    return bool(sources & set(listed)) if sources else None
