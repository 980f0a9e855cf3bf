"""rtnetlink(7): interfaces, routes and neighbours of this network namespace."""

import collections
import errno
import ipaddress
import os
import socket
import struct

_HEADER = struct.Struct("=IHHII")
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _DUMP, _REPLACE, _CREATE = 1, 4, 0x300, 0x100, 0x400
_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_GETROUTE = 26
_NEWNEIGH, _DELNEIGH, _GETNEIGH = 28, 29, 30
_RTMGRP_LINK, _RTMGRP_NEIGH = 1, 4
_NFNLGRP_NFTABLES = 1 << 6
_LINK, _ROUTE, _NEIGH = struct.Struct("=BxHiII"), struct.Struct("=8BI"), struct.Struct("=B3xiHBB")
_IFLA_ADDRESS, _IFLA_IFNAME = 1, 3
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_VIA = 1, 4, 5, 18
_NDA_DST, _NDA_LLADDR = 1, 2
_NTF_USE = 1
_RECEIVE_BYTES = 1 << 16

ETHERNET = 1  # ARPHRD_ETHER
IFF_UP = 1
RTN_UNICAST, RTN_LOCAL = 1, 2
INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED, NOARP, PERMANENT = (1 << i for i in range(8))
# The MAC may be used; and it is known to be right.
VALID = REACHABLE | STALE | DELAY | PROBE | NOARP | PERMANENT
SURE = REACHABLE | NOARP | PERMANENT

Link = collections.namedtuple("Link", "index kind up mac")
Route = collections.namedtuple("Route", "kind index gateway")
Neighbour = collections.namedtuple("Neighbour", "index address mac state")


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(octets):
    found = {}
    while len(octets) >= 4:
        length, kind = struct.unpack_from("=HH", octets)
        if length < 4:
            break
        found[kind & 0x3fff] = octets[4:length]
        octets = octets[(length + 3) & ~3:]
    return found


def _messages(octets):
    while len(octets) >= _HEADER.size:
        length, kind, _, _, _ = _HEADER.unpack_from(octets)
        yield kind, octets[_HEADER.size:length]
        octets = octets[(length + 3) & ~3:]


def _family(address):
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _neighbour(body):
    """None: not of an IP address."""
    family, index, state, _, _ = _NEIGH.unpack_from(body)
    found = _attributes(body[_NEIGH.size:])
    if family not in (socket.AF_INET, socket.AF_INET6) or _NDA_DST not in found:
        return None
    mac = found.get(_NDA_LLADDR, b"")
    return Neighbour(index, ipaddress.ip_address(found[_NDA_DST]),
                     mac.hex(":") if len(mac) == 6 else None, state)


class Netlink:
    """Asks the kernel, and waits for its answer."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._number = 0

    def _ask(self, kind, flags, body):
        self._number += 1
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags,
                                       self._number, 0) + body)
        found = []
        while True:
            for kind_, answer in _messages(self._socket.recv(_RECEIVE_BYTES)):
                if kind_ == _NLMSG_ERROR:
                    code = -struct.unpack_from("=i", answer)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return found
                if kind_ == _NLMSG_DONE:
                    return found
                found.append(answer)
                # A single answer has no end of its own, unless one is asked for.
                if not flags & (_DUMP | _ACK):
                    return found

    def link(self, name):
        """None: there is no such interface."""
        body = _LINK.pack(0, 0, 0, 0, 0) + _attribute(_IFLA_IFNAME, name.encode() + b"\0")
        try:
            answer = self._ask(_GETLINK, 0, body)[0]
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.EINVAL, errno.ERANGE):
                return None
            raise
        _, kind, index, flags, _ = _LINK.unpack_from(answer)
        mac = _attributes(answer[_LINK.size:]).get(_IFLA_ADDRESS, b"")
        return Link(index, kind, bool(flags & IFF_UP), mac.hex(":"))

    def route(self, address, index=None):
        """Where a packet to it would be sent; None: nowhere. index: by that interface,
        which only a link-local address needs."""
        body = _ROUTE.pack(_family(address), address.max_prefixlen, *(6 * [0]), 0)
        body += _attribute(_RTA_DST, address.packed)
        if index is not None:
            body += _attribute(_RTA_OIF, struct.pack("=I", index))
        try:
            answer = self._ask(_GETROUTE, 0, body)[0]
        except OSError:
            return None
        found = _attributes(answer[_ROUTE.size:])
        gateway = found.get(_RTA_GATEWAY) or found.get(_RTA_VIA, b"")[2:]
        index = struct.unpack("=I", found[_RTA_OIF])[0] if _RTA_OIF in found else 0
        return Route(_ROUTE.unpack_from(answer)[7], index,
                     ipaddress.ip_address(gateway) if gateway else None)

    def neighbours(self, index):
        """{address: Neighbour} of one interface."""
        answers = self._ask(_GETNEIGH, _DUMP, _NEIGH.pack(0, 0, 0, 0, 0))
        found = filter(None, map(_neighbour, answers))
        return {each.address: each for each in found if each.index == index}

    def resolve(self, index, address):
        """Has the kernel ask the network for its MAC, if it does not know it."""
        self._change(index, address, _REPLACE | _CREATE, 0, _NTF_USE)

    def prove(self, index, address):
        """Has the kernel ask the host whether the MAC it knows is still right."""
        self._change(index, address, _REPLACE, PROBE, 0)

    def _change(self, index, address, how, state, flags):
        body = _NEIGH.pack(_family(address), index, state, flags, 0)
        self._ask(_NEWNEIGH, _ACK | how, body + _attribute(_NDA_DST, address.packed))

    def close(self):
        self._socket.close()


class Events:
    """Tells of changes, to interfaces and neighbours."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, _RTMGRP_LINK | _RTMGRP_NEIGH))
        self._socket.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        self._socket.close()

    def pending(self):
        """(Neighbours that changed, indices of interfaces that are gone); None if some
        were missed: look at everything."""
        changed, gone = [], set()
        while True:
            try:
                octets = self._socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return changed, gone
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    return None
                raise
            for kind, body in _messages(octets):
                if kind in (_NEWNEIGH, _DELNEIGH):
                    changed.append(_neighbour(body))
                elif kind == _DELLINK and _LINK.unpack_from(body)[0] == socket.AF_UNSPEC:
                    gone.add(_LINK.unpack_from(body)[2])


class RuleEvents:
    """Tells that somebody changed nftables' rules."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_NETFILTER
                                     if hasattr(socket, "NETLINK_NETFILTER") else 12)
        self._socket.bind((0, _NFNLGRP_NFTABLES))
        self._socket.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        self._socket.close()

    def pending(self):
        """Whether there was any."""
        seen = False
        while True:
            try:
                self._socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return seen
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            seen = True
