"""An outsider on the underlay records, repeats, bends and invents datagrams.

Nothing is delivered, nothing moves, each attempt is counted under its reason, no
answer is larger than its question, and memory stays flat.
"""

import random
import re
import select
import socket
import struct

import pytest

from cloud import Tapd, Wire, new_secret, sanitized, udp_socket, wait_for, wait_mesh
from cloud.frames import BROADCAST, ETHERTYPE, checksum, frame, ipv4, udp
from cloud.underlay import (COOKIE, DATA, INITIATION, PORT, RESPONSE, Forger, Recorder, flipped,
                            nonsense)

# Reasons under which a datagram from outside can be dropped.
OUTSIDE = ("datagram_short", "datagram_length", "datagram_type", "datagram_lane", "mac1", "mac2",
           "handshake_rate", "handshake_index", "handshake_auth", "handshake_half_open",
           "cookie_auth", "stale_timestamp", "own_key", "data_index", "data_auth", "replay")
HELLO = frame(BROADCAST, "02:00:00:00:99:01", b"recorded by mallory")
HELLO_DATAGRAM = 16 + 4 + len(HELLO) + 16  # header, record, frame, tag; a probe has 3 more


class Scene:
    """web1 and web2 run tapd, what web1 and web2 said is on record; mallory is a
    host of the same cloud without the secret."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.host1, self.host2, self.mallory = cloud.hosts
        with Recorder(self.host1) as from1, Recorder(self.host2) as from2:
            self.web1, self.web2 = start_pair(cloud)
            with Wire(self.host1) as wire, Wire(self.host2, only=ETHERTYPE) as there:
                for _ in range(5):
                    wire.send(HELLO)
                assert there.collect(5) == [HELLO] * 5
            self.to2 = from1.datagrams(self.host2)
            self.to1 = from2.datagrams(self.host1)
        self.forger = Forger(cloud)

    def of(self, kind):
        """(daemon it was sent to, datagram) of everything recorded of that type."""
        return [(self.web2, d) for d in self.to2 if d.type == kind] + \
               [(self.web1, d) for d in self.to1 if d.type == kind]

    def healthy(self):
        """Both are up where they were, and a frame still passes both ways."""
        for here, there in ((self.web1, self.web2), (self.web2, self.web1)):
            peer = here.peer(there)
            assert peer["state"] == "up"
            assert peer["endpoint"] == f"{there.host.address}:{PORT}"
            assert here.status()["peers"]["up"] == 1
            with Wire(here.host) as wire, Wire(there.host, only=ETHERTYPE) as at:
                wire.send(HELLO)
                assert at.collect(1) == [HELLO]


def start_pair(cloud):
    """Only web1 initiates, to a web2 that is there: so every initiation on record is
    one that completed."""
    secret = new_secret()
    web2 = Tapd(cloud.hosts[1], secret, peers=[]).start()
    web1 = Tapd(cloud.hosts[0], secret, peers=[cloud.hosts[1].address]).start()
    wait_mesh([web1, web2])
    return web1, web2


@pytest.fixture(scope="module")
def scene(make_module_cloud):
    made = Scene(make_module_cloud(names=["web1", "web2", "mallory"]))
    yield made
    made.forger.close()


@pytest.fixture(autouse=True)
def unharmed(scene):
    yield
    scene.healthy()


def outside(daemon):
    drops = daemon.drops()
    return {reason: drops[reason] for reason in OUTSIDE}


class Counted:
    """Asserts that the daemon counted exactly `count` datagrams, under `reasons`."""

    def __init__(self, daemon, reasons=OUTSIDE):
        self.daemon, self.reasons = daemon, reasons
        self.before = outside(daemon)
        self.wire = Wire(daemon.host, only=ETHERTYPE)

    def now(self):
        now = outside(self.daemon)
        return {r: now[r] - self.before[r] for r in OUTSIDE if now[r] != self.before[r]}

    def expect(self, count, delivered=()):
        try:
            wait_for(lambda: sum(self.now().values()) >= count, 5,
                     f"{count} drops; counted: {self.now()}")
        except AssertionError:
            raise AssertionError(f"{count} sent, counted: {self.now()}") from None
        assert sum(self.now().values()) == count, self.now()
        assert set(self.now()) <= set(self.reasons), self.now()
        assert self.wire.pending() == list(delivered)
        self.wire.close()


def test_replayed_data_is_dropped_as_replay(scene):
    records = [d for daemon, d in scene.of(DATA) if daemon is scene.web2]
    counted = Counted(scene.web2, ["replay"])
    for datagram in records:
        scene.forger.replay(datagram)
    counted.expect(len(records))


def test_replayed_data_from_another_address_moves_nothing(scene):
    records = [d for daemon, d in scene.of(DATA) if daemon is scene.web2]
    counted = Counted(scene.web2, ["replay"])
    for datagram in records:
        scene.forger.send(scene.mallory.address, PORT, scene.host2.address, datagram.payload)
    counted.expect(len(records))


def test_delayed_data_from_another_address_is_taken_but_moves_nothing(scene):
    """A datagram that never arrived, sent on by mallory: authentic, so delivered,
    but no echo comes from there, so the endpoint stays."""
    passed, got = [], []
    with Recorder(scene.host1) as record, Wire(scene.host2, only=ETHERTYPE) as there:
        def sent_on():
            for datagram in record.datagrams(scene.host2, DATA)[len(passed):]:
                scene.forger.send(scene.mallory.address, PORT, scene.host2.address,
                                  datagram.payload)
                passed.append(datagram)
            got.extend(there.pending())
            return got
        with scene.cloud.cut_path(scene.host1, scene.host2), Wire(scene.host1) as wire:
            wire.send(HELLO)
            wait_for(sent_on, 2, "what was delayed", every=0.01)
    assert got == [HELLO]
    assert scene.web2.peer(scene.web1)["endpoint"] == f"{scene.host1.address}:{PORT}"


@pytest.mark.parametrize("kind, reasons", [
    (INITIATION, ["stale_timestamp", "handshake_rate", "mac2"]),
    (RESPONSE, ["handshake_index"]),
])
def test_replayed_handshakes_change_nothing(scene, kind, reasons):
    for daemon, datagram in scene.of(kind):
        counted = Counted(daemon, reasons)
        for _ in range(5):
            scene.forger.replay(datagram)
        counted.expect(5)


def test_a_replayed_initiation_gets_a_smaller_answer_or_none(scene):
    with udp_socket(scene.mallory, port=PORT) as sock:
        for daemon, datagram in scene.of(INITIATION):
            for _ in range(20):
                sock.sendto(datagram.payload, (daemon.host.address, PORT))
                while select.select([sock], [], [], 0.02)[0]:
                    answer = sock.recv(2048)
                    assert len(answer) <= len(datagram.payload)
                    assert answer[0] == COOKIE, "a stale initiation earns no response"


def test_a_reflected_initiation_leads_nowhere(scene):
    """web1's own, sent back to it: answered like any that proves the secret, but the
    answer is of no use to who has not its ephemeral key."""
    with udp_socket(scene.mallory, port=PORT) as sock:
        for _, datagram in scene.of(INITIATION):
            for _ in range(50):
                sock.sendto(datagram.payload, (scene.host1.address, PORT))
                while select.select([sock], [], [], 0.02)[0]:
                    assert len(sock.recv(2048)) <= len(datagram.payload)
            for _ in range(50):
                scene.forger.send(scene.host2.address, PORT, scene.host1.address,
                                  datagram.payload)
    assert "clone" not in scene.web1.process.log()


def test_truncated_datagrams(scene):
    for kind in (INITIATION, RESPONSE, DATA):
        daemon, datagram = scene.of(kind)[-1]
        counted = Counted(daemon)
        for length in range(len(datagram.payload)):
            scene.forger.replay(datagram, datagram.payload[:length])
        counted.expect(len(datagram.payload))


@pytest.mark.parametrize("kind", [INITIATION, RESPONSE])
def test_bit_flipped_handshakes(scene, kind):
    daemon, datagram = scene.of(kind)[-1]
    counted = Counted(daemon)
    for octets in flipped(datagram.payload):
        scene.forger.replay(datagram, octets)
    counted.expect(len(datagram.payload))


def test_bit_flipped_data_neither_passes_nor_spoils_the_true_one(scene):
    """The true one is held back, so the forged ones' counter is fresh."""
    with Recorder(scene.host1) as record:
        with scene.cloud.cut_path(scene.host1, scene.host2), Wire(scene.host1) as wire:
            wire.send(HELLO)
            held = wait_for(lambda: [d for d in record.datagrams(scene.host2, DATA)
                                     if len(d.payload) == HELLO_DATAGRAM],
                            2, "the datagram at the router")[-1]
    counted = Counted(scene.web2)
    for octets in flipped(held.payload):
        scene.forger.replay(held, octets)
    for extra in (b"\0", b"\0" * 100):
        scene.forger.replay(held, held.payload + extra)
    wait_for(lambda: sum(counted.now().values()) >= len(held.payload) + 2, 5, "the drops")
    assert counted.now().get("data_auth", 0) > len(held.payload) / 2
    scene.forger.replay(held)
    assert counted.wire.collect(1) == [HELLO]
    counted.expect(len(held.payload) + 2)


def test_spliced_datagrams(scene):
    """The header of one with the body of another, and one sent to the wrong host."""
    first, second = [d for daemon, d in scene.of(DATA) if daemon is scene.web2][:2]
    counted = Counted(scene.web2, ["data_auth", "data_index", "replay"])
    scene.forger.replay(first, first.payload[:16] + second.payload[16:])
    scene.forger.replay(first, second.payload[:16] + first.payload[16:])
    counter = struct.pack("!I", 1 << 30)
    scene.forger.replay(first, first.payload[:12] + counter + first.payload[16:])
    for _, datagram in scene.of(DATA)[-3:]:
        scene.forger.send(scene.host1.address, PORT, scene.host2.address, datagram.payload)
    counted.expect(6)


def test_a_stranger_gets_no_answer(scene):
    chance = random.Random(11)
    with udp_socket(scene.mallory, port=PORT) as sock:
        counted = Counted(scene.web1)
        for i in range(500):
            sock.sendto(nonsense(chance), (scene.host1.address, PORT))
        counted.expect(500)
        assert not select.select([sock], [], [], 0.3)[0], "an answer"


REASON_OF = {
    "an empty datagram": (b"", "datagram_short"),
    "an unknown type": (bytes((9, 0, 0, 0)) + bytes(100), "datagram_type"),
    "reserved bits": (bytes((1, 0, 0, 1)) + bytes(140), "datagram_type"),
    "another lane": (bytes((4, 1, 0, 0)) + bytes(100), "datagram_lane"),
    "an initiation too long": (bytes((1, 0, 0, 0)) + bytes(141), "datagram_length"),
    "an initiation without the secret": (bytes((1, 0, 0, 0)) + bytes(140), "mac1"),
    "a response without the secret": (bytes((2, 0, 0, 0)) + bytes(136), "mac1"),
    "a cookie nobody asked for": (bytes((3, 0, 0, 0)) + bytes(52), "handshake_index"),
    "data of no session": (bytes((4, 0, 0, 0)) + b"\xff" * 60, "data_index"),
}


@pytest.mark.parametrize("name", REASON_OF)
def test_counted_under_its_reason(scene, name):
    payload, reason = REASON_OF[name]
    counted = Counted(scene.web1, [reason])
    scene.forger.send(scene.mallory.address, 4000, scene.host1.address, payload)
    counted.expect(1)


def memory_kb(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])


def flood(scene, daemon, count, chance, pool):
    """`count` datagrams from everywhere, no faster than they are read."""
    sent, start = 0, sum(outside(daemon).values())
    while sent < count:
        for _ in range(1000):
            source = f"100.{chance.randrange(64, 128)}.{chance.randrange(256)}." \
                     f"{chance.randrange(1, 255)}"
            scene.forger.send(source, chance.randrange(1024, 65536), daemon.host.address,
                              chance.choice(pool))
        sent += 1000
        wait_for(lambda: sum(outside(daemon).values()) - start >= sent, 10,
                 f"{sent} datagrams to be counted", every=0.002)


@pytest.mark.timeout(400)
def test_memory_is_flat_under_200000_datagrams(scene):
    """Invented ones and bent ones, each from another address."""
    chance = random.Random(5)
    pool = [nonsense(chance) for _ in range(1000)]
    for kind in (INITIATION, RESPONSE, DATA):
        payload = scene.of(kind)[0][1].payload
        pool += chance.sample(list(flipped(payload)), min(len(payload), 100))
    flood(scene, scene.web2, 20_000, chance, pool)  # tables reach their size
    before = memory_kb(scene.web2)
    flood(scene, scene.web2, 200_000, chance, pool)
    grown = memory_kb(scene.web2) - before
    # The sanitizer keeps freed memory aside for a while: that is not the daemon's.
    assert grown <= (16384 if sanitized() else 256), f"grew by {grown} kB"


def test_an_old_handshake_replayed_to_a_restarted_host(make_cloud):
    """It forgot every timestamp. The initiation proves the secret, not the key: it
    may be answered, but nobody is up, and nothing is known of where web1 is."""
    scene = Scene(make_cloud(names=["web1", "web2", "mallory"]))
    old = [datagram for _, datagram in scene.of(INITIATION)]
    other, target = scene.web1, scene.web2
    other.kill()
    target.kill()
    target.start()
    with udp_socket(scene.mallory, port=PORT) as sock, \
            Wire(target.host, only=ETHERTYPE) as wire:
        for datagram in old:
            sock.sendto(datagram.payload, (target.host.address, PORT))
            while select.select([sock], [], [], 0.1)[0]:
                answer = sock.recv(2048)
                assert len(answer) <= len(datagram.payload)
        for _, datagram in scene.of(DATA):
            sock.sendto(datagram.payload, (target.host.address, PORT))
        wait_for(lambda: target.drops()["data_index"] > 0, 3, "the old data to be refused")
        assert wire.pending() == []
    assert target.status()["peers"]["up"] == 0
    assert target.ctl("peers") == []
    scene.forger.close()
    other.start()
    wait_mesh([target, other])


def test_nothing_readable_crosses_the_underlay(scene):
    """Neither the payload of a frame nor the name of a host."""
    for datagram in scene.to1 + scene.to2:
        assert b"recorded by mallory" not in datagram.payload
        assert not (datagram.type == DATA and (b"web1" in datagram.payload
                                               or b"web2" in datagram.payload))
    assert any(d.type == DATA for d in scene.to2)


def test_icmp_errors_from_outside_take_no_peer_down(scene):
    """Forged "port unreachable" and "too big" for web1's datagrams to web2."""
    raw = scene.cloud.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    quoted = ipv4(scene.host1.address, scene.host2.address, 17,
                  udp(scene.host1.address, scene.host2.address, PORT, PORT, bytes(64)))[:28]
    with raw:
        for code, value in ((3, 0), (1, 0), (4, 68), (4, 0), (4, 600)):
            body = struct.pack("!BBHHH", 3, code, 0, 0, value) + quoted
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            for _ in range(20):
                raw.sendto(body, (scene.host1.address, 0))
    wait_for(lambda: scene.host1.ping(scene.host2.tap4, "-M", "do", "-s", 1472), 15,
             "full packets to pass again")

