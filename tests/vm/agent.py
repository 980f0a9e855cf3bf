#!/usr/bin/python3
"""Runs, inside a guest, what a test sends it; needs no network.

A request on the virtio-serial port is a line "NUMBER SECONDS LENGTH" and a shell
script of that length; its answer a line "NUMBER STATUS LENGTH" and what the script
printed. At each boot the first line is "hello". Requests run side by side: one that
hangs holds up no other.
"""

import os
import subprocess
import tempfile
import threading
import time

PORT = "/dev/virtio-ports/tapd.agent"
TIMED_OUT = 124  # as timeout(1) says it


class Port:
    def __init__(self, fd):
        self._fd, self._lock, self._rest = fd, threading.Lock(), b""

    def _more(self):
        data = os.read(self._fd, 65536)
        if not data:  # nobody has the other end open yet
            time.sleep(0.1)
        self._rest += data

    def line(self):
        while b"\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def octets(self, length):
        while len(self._rest) < length:
            self._more()
        octets, self._rest = self._rest[:length], self._rest[length:]
        return octets

    def write(self, octets):
        with self._lock:
            while octets:
                octets = octets[os.write(self._fd, octets):]


def run(port, number, seconds, script):
    # Its output in a file: what it leaves running may keep that open.
    with tempfile.TemporaryFile() as output:
        try:
            status = subprocess.run(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output, cwd="/root",
                                    timeout=seconds).returncode
        except subprocess.TimeoutExpired:
            status = TIMED_OUT
        output.seek(0)
        said = output.read()
    port.write(f"{number} {status} {len(said)}\n".encode() + said)


def main():
    while not os.path.exists(PORT):
        time.sleep(0.1)
    port = Port(os.open(PORT, os.O_RDWR))
    port.write(b"hello\n")
    while True:
        number, seconds, length = port.line().split()
        script = port.octets(int(length)).decode()
        threading.Thread(target=run, args=(port, number, float(seconds), script)).start()


main()
