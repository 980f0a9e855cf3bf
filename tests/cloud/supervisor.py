"""What systemd does for a service with FileDescriptorStoreMax=: it keeps the
descriptors that the service hands it and gives them to its next start, so that
nothing that hangs on them (the carrier of a TAP) notices a crash."""

import array
import os
import socket
import sys

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

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.held = {}  # name → descriptor
        self.said = []

    def environment(self):
        return {"NOTIFY_SOCKET": self.path}

    def receive(self):
        """Takes in what the service said since."""
        while True:
            try:
                text, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(64))
            except BlockingIOError:
                return self.held
            fds = array.array("i")
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
            lines = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            self.said.append(lines)
            name = lines.get("FDNAME", "stored")
            if lines.get("FDSTORE") == "1":
                for fd in fds:
                    self._close(name)
                    self.held[name] = fd
            elif lines.get("FDSTOREREMOVE") == "1":
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
        for name in list(self.held):
            self._close(name)
        self._socket.close()
