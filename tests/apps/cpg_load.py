"""Load for a Corosync: cpg_load.py MEMBERS MESSAGES BYTES

Joins a process group, waits until so many members are in it, sends, receives
what all of them send, and prints the order in which it came, as a digest: every
member must see the same one.
"""

import ctypes
import hashlib
import os
import select
import struct
import sys
import time

OK, TRY_AGAIN = 1, 6
DISPATCH_ALL, AGREED = 2, 2
PATIENCE = 20

Handle = ctypes.c_uint64


class Name(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("value", ctypes.c_char * 128)]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


Deliver = ctypes.CFUNCTYPE(None, Handle, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32,
                           ctypes.c_void_p, ctypes.c_size_t)
Change = ctypes.CFUNCTYPE(None, Handle, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
                          ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)


class Callbacks(ctypes.Structure):
    _fields_ = [("deliver", Deliver), ("change", Change)]


class Load:
    def __init__(self, members, messages, size):
        self.total, self.messages, self.size = members * messages, messages, size
        self.wanted, self.members, self.received = members, 0, 0
        self.order = hashlib.sha256()
        self._cpg = ctypes.CDLL("libcpg.so.4")
        self._handle = Handle()
        self._callbacks = Callbacks(Deliver(self._deliver), Change(self._change))
        self._call("initialize", ctypes.byref(self._handle), ctypes.byref(self._callbacks))
        fd = ctypes.c_int()
        self._call("fd_get", self._handle, ctypes.byref(fd))
        self._fd = fd.value
        self._end = time.monotonic() + PATIENCE

    def _call(self, name, *arguments):
        result = getattr(self._cpg, "cpg_" + name)(*arguments)
        if result not in (OK, TRY_AGAIN):
            sys.exit(f"cpg_{name}: error {result}")
        return result == OK

    def _deliver(self, _handle, _group, node, _pid, data, length):
        octets = ctypes.string_at(data, length)
        if length != self.size:
            sys.exit(f"{length} bytes of {self.size}")
        self.order.update(struct.pack("!I", node) + octets)
        self.received += 1

    def _change(self, _handle, _group, _members, count, _left, _n_left, _joined, _n_joined):
        self.members = count

    def dispatch(self, wait):
        if time.monotonic() > self._end:
            sys.exit(f"{self.members} members, {self.received} of {self.total} messages")
        if select.select([self._fd], [], [], wait)[0]:
            self._call("dispatch", self._handle, DISPATCH_ALL)

    def run(self):
        name = Name(4, b"load")
        while not self._call("join", self._handle, ctypes.byref(name)):
            self.dispatch(0.1)
        while self.members < self.wanted:
            self.dispatch(0.1)
        started, sent = time.monotonic(), 0
        while self.received < self.total:
            if sent < self.messages and self.send(sent):
                sent += 1
                self.dispatch(0)
            else:
                self.dispatch(0.01)
        return time.monotonic() - started

    def send(self, number):
        octets = (struct.pack("!II", os.getpid(), number) * (self.size // 8 + 1))[:self.size]
        vector = Iovec(octets, self.size)
        return self._call("mcast_joined", self._handle, AGREED, ctypes.byref(vector), 1)


def main():
    load = Load(*map(int, sys.argv[1:]))
    seconds = load.run()
    print(f"order {load.order.hexdigest()} messages {load.received} seconds {seconds:.2f}")


if __name__ == "__main__":
    main()
