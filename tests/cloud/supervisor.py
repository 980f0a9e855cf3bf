"""What systemd does for a service: with FileDescriptorStoreMax= it keeps the
descriptors that the service hands it and gives them to its next start, so that
nothing that hangs on them (the carrier of a TAP) notices a crash; with Type=notify
and WatchdogSec= it listens to what the service says of itself."""

import array
import os
import socket
import struct
import sys

from .namespace import open_socket
from .wait import wait_for

_SO_TIMESTAMPNS = 35
_CONTROL_LEN = socket.CMSG_SPACE(64) + socket.CMSG_SPACE(16)

# Puts the descriptors where sd_listen_fds looks, 3 and up, and becomes the service.
LAUNCHER = """
import os, sys
held = [int(fd) for fd in sys.argv[1].split(",") if fd]
copies = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(held)]
for fd in held:
    os.close(fd)
for i, fd in enumerate(copies):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(held)),
                  LISTEN_FDNAMES=sys.argv[2])
os.execvp(sys.argv[3], sys.argv[3:])
"""


class FdStore:
    """sd_notify(3)'s other end, and sd_listen_fds(3)'s."""

    def __init__(self, path, namespace=None):
        """`namespace`: whose net.unix.max_dgram_qlen is to count."""
        self.path = path
        self._socket = (open_socket(namespace, socket.AF_UNIX, socket.SOCK_DGRAM) if namespace
                        else socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self._socket.bind(path)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.held = {}  # name → descriptor
        self.said = []

    def environment(self):
        return {"NOTIFY_SOCKET": self.path}

    def receive(self):
        """Takes in what the service said since."""
        while True:
            try:
                text, control, _, _ = self._socket.recvmsg(4096, _CONTROL_LEN)
            except BlockingIOError:
                return self.held
            fds, at = array.array("i"), 0
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
                elif (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("qq", data)
                    at = seconds + nanoseconds / 1e9
            lines = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            self._note(lines, at)
            name = lines.get("FDNAME", "stored")
            if lines.get("FDSTORE") == "1":
                for fd in fds:
                    self._close(name)
                    self.held[name] = fd
            elif lines.get("FDSTOREREMOVE") == "1":
                self._close(name)

    def _note(self, lines, _at):
        self.said.append(lines)

    def stopped(self):
        """The service was stopped, not restarted: nothing is kept for it."""
        self.receive()
        for name in list(self.held):
            self._close(name)

    def _close(self, name):
        fd = self.held.pop(name, None)
        if fd is not None:
            os.close(fd)

    def command(self, argv):
        """The service's command line, to be started with the descriptors held."""
        held = ",".join(map(str, self.held.values()))
        return [sys.executable, "-c", LAUNCHER, held, ":".join(self.held), *argv]

    def inheritable(self):
        return tuple(self.held.values())

    def close(self):
        self.stopped()
        self._socket.close()


class Manager(FdStore):
    """... that is told how the service is, and when."""

    def __init__(self, path, watchdog_s=None, namespace=None):
        super().__init__(path, namespace)
        self._watchdog_s = watchdog_s
        self.times = []  # when self.said was sent, as time.time() has it

    def environment(self):
        watchdog = ({"WATCHDOG_USEC": str(int(self._watchdog_s * 1e6))} if self._watchdog_s
                    else {})
        return {**super().environment(), **watchdog}

    def _note(self, lines, at):
        super()._note(lines, at)
        self.times.append(at)

    def heard(self, name, value=None, since=0):
        """When it was said, each time."""
        self.receive()
        return [at for lines, at in list(zip(self.said, self.times))[since:]
                if name in lines and value in (None, lines[name])]

    def count(self):
        """Of what was said so far: for `since`."""
        self.receive()
        return len(self.said)

    def wait(self, name, value=None, within=3, since=0):
        """When it was said first."""
        return wait_for(lambda: self.heard(name, value, since), within,
                        lambda: f"the service to say {name}={value}: {self.said[since:]}")[0]
