"""One follower an interface: who holds a name of this network namespace is it.

An abstract Unix socket is given back by the kernel however its holder ends, and needs no
folder. Whoever asks it to end is believed if it is root or the same user. The price is
that any user may hold such a name, so whoever holds it is named.
"""

import errno
import os
import socket
import struct

from multi_unicast.errors import Failure

_END_S = 10
_ANSWER_S = 1
# What down sends; up, which only looks who is there, sends nothing.
_END = b"e"
_UCRED = struct.Struct("=3i")


def _name(interface):
    return f"\0multi-unicast/{interface}"


def _peer(connection):
    """(pid, uid) of the other end."""
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return _UCRED.unpack(octets)[:2]


def _asks(connection):
    connection.settimeout(_ANSWER_S)
    try:
        return connection.recv(1) == _END
    except OSError:
        return False


def _taken(interface):
    """Why the name is not to be had, and what to do."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S)
        try:
            connection.connect(_name(interface))
        except OSError:
            return (f"somebody holds the socket @{_name(interface)[1:]} and does not answer: "
                    "ss -xap tells who; end that first")
        pid, uid = _peer(connection)
    if uid in (0, os.geteuid()):
        return (f"another up runs for {interface}, process {pid}: end it, or have down end it, "
                "first")
    return (f"another up runs for {interface}, or something that pretends to: process {pid} of "
            f"user {uid}; end it first")


class Holder:
    """None else may change the table while there is one."""

    def __init__(self, interface):
        self._asking = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(_name(interface))
        except OSError as error:
            self._socket.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise Failure(_taken(interface)) from error
        self._socket.listen()
        self._socket.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def asked_to_end(self):
        """Whoever asked sees its connection end after the name is free."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return False
        if _peer(connection)[1] in (0, os.geteuid()) and _asks(connection):
            self._asking = connection
            return True
        connection.close()
        return False

    def close(self):
        self._socket.close()
        if self._asking:
            self._asking.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def runs(interface):
    """Whether a follower does. To look is not to take the name from one that starts."""
    name = _name(interface).replace("\0", "@")
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        return any(line.split()[7:] == [name] for line in file)


def end(interface):
    """Asks a follower, if there is one, to end, and waits until it has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_END_S)
        try:
            connection.connect(_name(interface))
        except OSError:
            return
        pid, uid = _peer(connection)
        try:
            connection.sendall(_END)
            connection.recv(1)
        except socket.timeout:
            raise Failure(f"process {pid} of user {uid}, which keeps {interface}'s table "
                          "current, does not end: end it by hand") from None
        except OSError:
            pass
    if runs(interface):
        raise Failure(f"process {pid} of user {uid} keeps {interface}'s table current, and "
                      "refuses to end: end it by hand")
