"""Network namespaces: entering one for a moment, opening sockets that stay in it."""

import contextlib
import ctypes
import os
import socket

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, "setns: " + os.strerror(errno))


@contextlib.contextmanager
def entered(namespace):
    """This thread is inside `namespace` until the block ends.

    A socket belongs to the namespace it was made in, for good: one opened here
    is used from anywhere afterwards, so nothing needs an agent in each host.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(there)
        os.close(home)


def open_socket(namespace, family, kind, protocol=0):
    with entered(namespace):
        return socket.socket(family, kind, protocol)


def sysctl(namespace, **values):
    """sysctl(ns, net__ipv4__ip_forward=1): `__` stands for the path's slash."""
    with entered(namespace):
        for name, value in values.items():
            with open("/proc/sys/" + name.replace("__", "/"), "w") as file:
                file.write(str(value))
