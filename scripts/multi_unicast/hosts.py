"""Who the hosts are: the words for them, and the addresses of those that are in reach."""

import ipaddress
import os
import re
import socket

from multi_unicast.errors import Failure, Usage
from multi_unicast.netlink import RTN_LOCAL, RTN_UNICAST

_FILE_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::\d{1,5})?")


def printable(text, size=80):
    """What others wrote, fit for a terminal."""
    text = "".join(each if " " <= each <= "~" else "?" for each in text)
    return text if len(text) <= size else text[:size - 3] + "..."


def words_of(text):
    """Endpoints as scripts/discover prints them: white space between, # comments."""
    return [word for line in text.splitlines() for word in line.partition("#")[0].split()]


def host_of(word):
    """An address or a name; a port, which tapd's lists may have, is of no use here."""
    try:
        return ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        pass
    match = _PORT.fullmatch(word)
    inner = (match[1] or match[2] or "") if match else ""
    try:
        return ipaddress.ip_address(inner.partition("%")[0])
    except ValueError:
        if match and match[1] is None and _NAME.fullmatch(inner) and not inner.isdigit():
            return inner
    raise Usage(f"'{printable(word)}' is no host: an address or a name")


def group_of(word):
    """(group, its hosts) of GROUP=HOST,HOST..."""
    text, equals, hosts = word.partition("=")
    try:
        group = ipaddress.ip_address(text)
    except ValueError:
        group = None
    # Python takes anything behind a '%' for a scope, and would hand it on to nft.
    if group and group.is_multicast and "%" in text:
        raise Usage(f"'{printable(text)}': a group is given without a scope; it is sent by IFACE")
    if group is None or not group.is_multicast:
        raise Usage(f"'{printable(text)}' is no multicast group")
    found = [host_of(each) for each in hosts.split(",") if each]
    if not equals or not found:
        raise Usage(f"--group {group}: no hosts; it is GROUP=HOST,HOST...")
    return group, found


class HostsFile:
    """A list that somebody keeps, such as scripts/discover --follow."""

    def __init__(self, path):
        self.path = path
        self._seen = None

    def changed(self):
        """Whether it is another one, or not what it was, since this was asked last."""
        try:
            status = os.stat(self.path)
            now = status.st_ino, status.st_size, status.st_mtime_ns
        except OSError:
            now = ()
        seen, self._seen = self._seen, now
        return now != seen

    def hosts(self):
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                text = file.read(_FILE_BYTES)
        except OSError as error:
            raise Failure(f"{self.path}: {error.strerror}") from error
        try:
            return [host_of(word) for word in words_of(text)]
        except Usage as error:
            raise Failure(f"{self.path}: {error}") from error


class Reach:
    """Which address a host has on an interface's own network."""

    def __init__(self, kernel, name, index):
        self._kernel, self._name, self._index = kernel, name, index

    def address(self, host):
        """None: it is this host. Failure: it is not on that network, and why."""
        reasons = []
        for address in self._candidates(host):
            by = self._index if address.version == 6 and address.is_link_local else None
            route = self._kernel.route(address, by)
            if route and route.kind == RTN_LOCAL:
                return None
            reason = self._reason(address, route)
            if not reason:
                return address
            reasons.append(reason)
        called = "" if reasons[0].startswith(f"{host} ") else f"{host}: "
        raise Failure(called + reasons[0])

    def _candidates(self, host):
        if not isinstance(host, str):
            return [host]
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise Failure(f"{host}: no address ({getattr(error, 'strerror', error)})") from error
        return [ipaddress.ip_address(each[4][0].partition("%")[0]) for each in found]

    def _reason(self, address, route):
        """Why it cannot be reached by its own MAC there; None: it can."""
        if address.is_multicast or address.is_unspecified:
            return f"{address} is no host's address"
        if route is None:
            return f"{address} is not in the subnet of {self._name}: there is no route to it"
        if route.kind != RTN_UNICAST:
            return f"{address} is no host's address"
        if route.gateway:
            return (f"{address} is not in the subnet of {self._name}: it is reached through "
                    f"the gateway {route.gateway}, which would get the copies")
        if route.index != self._index:
            return f"{address} is reached by {_name_of(route.index)}, not by {self._name}"
        return None


def _name_of(index):
    try:
        return socket.if_indextoname(index)
    except OSError:
        return "another interface"
