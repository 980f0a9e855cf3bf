"""Who joined what, and who gets what is sent to a group."""

import contextlib
import itertools
import json
import select
import struct
import threading
import time

from .frames import BROADCAST, Wire, frame, interface_mac
from .sockets import family_of, multicast_sender
from .wait import wait_for

_numbers = itertools.count()


def wait_settled(daemons, within=8):
    """Until each knows what its host wants, and every other knows that, too: from
    then on nothing that is for members is flooded. For hosts that all snoop."""
    def floods():
        """What is not known yet, by host."""
        all_ = {daemon.host.name: daemon.status()["multicast"] for daemon in daemons}
        return {name: m for name, m in all_.items() if m["wants_all"] or m["flooded"]}
    wait_for(lambda: not floods(), within, lambda: f"multicast to settle: {floods()}")


def wait_members(daemon, group, *members, vlan=0, within=3):
    """Until it knows exactly these hosts as the members, and floods to nobody."""
    names = {getattr(m, "name", m) for m in members}

    def known():
        entry = daemon.group(group, vlan)
        if not entry:
            return not names
        return set(entry["members"]) == names and not entry["flooded"]
    wait_for(known, within, lambda: f"{daemon.host} to know {sorted(names)} in {group}; groups: "
             f"{daemon.ctl('groups')}")


class Audience:
    """A Wire on each host's tap0: who gets the frames that one of them sends."""

    def __init__(self, hosts):
        with contextlib.ExitStack() as stack:
            self._wires = {host.name: stack.enter_context(Wire(host)) for host in hosts}
            self._stack = stack.pop_all()
        self._macs = {host.name: interface_mac(host) for host in hosts}

    def seen(self, sender, *frames, within=3):
        """{name: what arrived there while `sender` sent these}, for all others.

        A broadcast follows them. A peer's frames keep their order, so what was not
        there when that arrived never comes.
        """
        marker = frame(BROADCAST, self._macs[sender.name], b"marker %d" % next(_numbers))
        for octets in (*frames, marker):
            self._wires[sender.name].send(octets)
        return {name: wire.until(marker, within) for name, wire in self._wires.items()
                if name != sender.name}

    def who_gets(self, sender, octets):
        """The names of those who get this frame; nobody gets it twice."""
        seen = self.seen(sender, octets)
        assert all(frames.count(octets) <= 1 for frames in seen.values())
        return {name for name, frames in seen.items() if octets in frames}

    def wait_gets(self, sender, octets, names, within=5):
        """Until the frame reaches these and no others."""
        wait_for(lambda: self.who_gets(sender, octets) == names, within,
                 lambda: f"{sorted(names)} alone to get it, not {self.who_gets(sender, octets)}")

    def close(self):
        self._stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pump(sender, target, receivers, count, size=100, burst=32, window=32):
    """Sends `count` numbered datagrams, in bursts that begin when no receiver lacks more
    than `window`; asserts that each got every one, in order, and none twice. One batch may
    always wait in a daemon, 64 frames; of a flow that has more waiting for long, as where
    the daemon hardly runs, the queue drops some."""
    filler = bytes(size - 4)
    waiting = {sock: 0 for sock in receivers}  # the number each must get next

    def take(sock):
        with contextlib.suppress(BlockingIOError):
            while True:
                number, = struct.unpack_from("!I", sock.recv(2048))
                assert number == waiting[sock], f"got {number}, waited for {waiting[sock]}"
                waiting[sock] += 1

    def take_until(number):
        for sock in receivers:
            take(sock)
            while waiting[sock] < number:
                assert select.select([sock], [], [], 5)[0], \
                    f"of {number} datagrams the last {number - waiting[sock]} did not come"
                take(sock)

    for sock in receivers:
        sock.setblocking(False)
    for start in range(0, count, burst):
        end = min(start + burst, count)
        for number in range(start, end):
            sender.sendto(struct.pack("!I", number) + filler, target)
        take_until(end - window)
    # One more, behind which a copy of the last would show.
    sender.sendto(struct.pack("!I", count), target)
    take_until(count + 1)


class Stream:
    """Numbered datagrams to a group, one every `interval` s, until the block ends."""

    def __init__(self, host, group, port, interval=0.002):
        self._socket = multicast_sender(host, family=family_of(group))
        self._target, self._interval = (group, port), interval
        self.sent = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._end.wait(self._interval):
            with contextlib.suppress(OSError):  # while tap0 has no daemon
                self._socket.sendto(struct.pack("!I", self.sent), self._target)
            self.sent += 1

    def wait_sent(self, more):
        """Until that many more were sent."""
        goal = self.sent + more
        wait_for(lambda: self.sent >= goal, 2 + 5 * more * self._interval, "the stream to go on")

    def finish(self, sock, within=5):
        """Ends it; the numbers that came to `sock`, up to the last one sent."""
        self._stop()
        got, end = numbers(sock), time.monotonic() + within
        while not got or got[-1] != self.sent - 1:
            left = end - time.monotonic()
            assert left > 0 and select.select([sock], [], [], left)[0], \
                f"the last of {self.sent} did not come; got {len(got)}, up to {got[-1:]}"
            got += numbers(sock)
        return got

    def _stop(self):
        self._end.set()
        self._thread.join()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop()
        self._socket.close()


def numbers(sock):
    """Those of a stream that have arrived."""
    got = []
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            got.append(struct.unpack("!I", sock.recv(100))[0])
    return got


def counters(host, interface):
    """The kernel's of this interface: {"rx": {"bytes": …, "packets": …}, "tx": …}."""
    return json.loads(host.ip("-j", "-s", "link", "show", interface))[0]["stats64"]
