"""A host with a name and directories of its own.

A network namespace divides neither the host name nor /run, /dev/shm and /var/lib:
two Corosyncs would share their buffers, two Avahis their names and sockets. On a
Machine these directories are empty, in memory, and seen by nothing but what it
runs; what a program leaves there its next start finds, as on a host that was not
rebooted.
"""

import os

_SETUP = """
name=$1; shift
hostname "$name" || exit
for at; do mkdir -p "$at" && mount -t tmpfs tmpfs "$at" || exit; done
echo ready
exec sleep infinity
"""


class Machine:
    def __init__(self, host, *directories):
        self.host, self.name = host, host.name
        # `ip netns exec` gives what it runs a mount namespace; this process holds it.
        self._keeper = host.start("unshare", "--uts", "sh", "-c", _SETUP, "machine", host.name,
                                  *directories, log="machine.log")
        self._keeper.wait_log("ready")
        space = f"/proc/{self._keeper.pid}/ns"
        self._enter = ["nsenter", f"--mount={space}/mnt", f"--uts={space}/uts", "--"]

    def __repr__(self):
        return self.name

    def start(self, *argv, **options):
        options.setdefault("log", os.path.basename(argv[0]) + ".log")
        return self.host.start(*self._enter, *argv, **options)

    def run(self, *argv, **options):
        return self.host.run(*self._enter, *argv, **options)

    def path(self, path):
        """How this test reaches that file of the machine."""
        return f"/proc/{self._keeper.pid}/root{path}"

    def mkdir(self, path):
        os.makedirs(self.path(path), exist_ok=True)

    def write(self, path, text):
        self.mkdir(os.path.dirname(path))
        with open(self.path(path), "w") as file:
            file.write(text)
