"""tapctl capture, read back by tshark."""

import contextlib
import signal
import socket
import subprocess
import time

import pytest

from cloud import Wire, member, program, start_all, udp_socket, wait_for
from cloud.streams import send_run, stream, wait_addresses
from test_queue import bulk_tcp, slow_down

GROUP = "239.7.8.11"


@pytest.fixture(scope="module")
def three(make_module_cloud):
    cloud = make_module_cloud(3)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


@contextlib.contextmanager
def capture(daemon, *options):
    """Runs on; the path of the file."""
    path = daemon.host.path(f"capture{time.monotonic_ns()}.pcapng")
    with open(path, "wb") as file, subprocess.Popen(
            [program("tapctl"), "-s", daemon.socket, "capture", *options], stdout=file,
            stderr=subprocess.PIPE) as process:
        # The file's head is what a capture begins with.
        wait_for(lambda: process.poll() is not None or file_size(path) > 0, 5, "it to begin")
        try:
            yield path, process
        finally:
            process.kill()


def file_size(path):
    with open(path, "rb") as file:
        return file.seek(0, 2)


def frames(path, *filters):
    """What tshark reads of them: a dict of fields each."""
    names = ["frame.comment", "frame.packet_flags_direction", "frame.interface_name",
             "frame.len", "eth.src", "udp.dstport", "udp.payload", "udp.checksum.status",
             "frame.time_epoch", "tcp.len", "tcp.checksum.status"]
    done = subprocess.run(["tshark", "-n", "-r", path, "-o", "udp.check_checksum:TRUE",
                           "-o", "tcp.check_checksum:TRUE", "-T", "fields", *[f"-e{name}" for name in names], *filters],
                          capture_output=True, text=True, timeout=120)
    # It may end in the middle of a frame that is being written.
    assert done.returncode == 0 or "cut short" in done.stderr, done.stderr
    return [dict(zip(names, line.split("\t"))) for line in done.stdout.splitlines()]


def send_all(sender, target, count, size=100):
    for number in range(count):
        sender.sendto(number.to_bytes(4, "big") * (size // 4), target)


def wait_frames(path, count, *filters, within=15):
    return wait_for(lambda: (lambda found: found if len(found) >= count else None)(
        frames(path, *filters)), within, f"{count} frames in {path}", every=0.3)


def test_sent_and_received_frames_have_peer_and_direction(three):
    web1, web2, web3 = three
    with capture(web1) as (path, _), udp_socket(web2.host, "tap0", 7001) as receiver, \
            udp_socket(web1.host) as sender:
        sender.sendto(b"there", (web2.host.tap4, 7001))
        _, back = receiver.recvfrom(100)
        receiver.sendto(b"back", back)
        assert sender.recv(100) == b"back"
        found = wait_frames(path, 2, "udp")
    there, back = found[:2]
    assert there["udp.payload"] == b"there".hex() and back["udp.payload"] == b"back".hex()
    assert (there["frame.comment"], back["frame.comment"]) == ("to web2", "from web2")
    assert int(there["frame.packet_flags_direction"], 16) == 2
    assert int(back["frame.packet_flags_direction"], 16) == 1
    assert there["frame.interface_name"] == "tap0"
    # Complete, whatever is left to a card.
    assert (there["udp.checksum.status"], back["udp.checksum.status"]) == ("1", "1")
    assert abs(float(there["frame.time_epoch"]) - time.time()) < 60


def test_one_peer_and_a_count(three):
    web1, web2, web3 = three
    with member(web2.host, GROUP, 7002), udp_socket(web1.host) as sender, \
            capture(web1, "-p", "web3", "-c", "20") as (path, process):
        send_all(sender, (web2.host.tap4, 7002), 10)
        send_all(sender, (web3.host.tap4, 7002), 50)
        assert process.wait(10) == 0
        assert b"20 frames captured, 0 lost" in process.stderr.read()
    found = frames(path)
    assert len(found) == 20
    assert {frame["frame.comment"] for frame in found} <= {"to web3", "from web3"}


@pytest.mark.parametrize("side", [0, 1])
def test_a_stream_is_segments_and_none_is_missing(three, side):
    """TCP and UDP as they were sent, not as a kernel or the daemon merges them."""
    web1, web2, _ = three
    size = 1 << 20  # what the pipe and the daemon hold, whoever runs when
    with capture(three[side], "-p", three[1 - side].host.name) as (path, _), \
            udp_socket(web2.host, "tap0", 7006) as receiver, \
            udp_socket(web1.host) as sender:
        stream(web1.host, web2.host, web2.host.tap4, size, 7106)
        sent = send_run(sender, (web2.host.tap4, 7006), 300, 40)
        assert [receiver.recv(1000) for _ in sent] == sent
        found = wait_frames(path, 40, "udp.dstport==7006")
    assert [frame["udp.payload"] for frame in found] == [datagram.hex() for datagram in sent]
    segments = frames(path, "tcp.dstport==7106")
    assert max(int(frame["frame.len"]) for frame in segments) <= 1514
    assert sum(int(frame["tcp.len"]) for frame in segments) >= size
    assert {frame["tcp.checksum.status"] for frame in segments} == {"1"}


def test_100000_frames_are_read_back(three):
    web1, web2, _ = three
    with capture(web1, "-p", "web2", "-c", "100000") as (path, process), \
            udp_socket(web2.host, "tap0", 7003), udp_socket(web1.host) as sender:
        end = time.monotonic() + 90
        while process.poll() is None:
            assert time.monotonic() < end
            send_all(sender, (web2.host.tap4, 7003), 200)
        assert process.wait() == 0
        said = process.stderr.read().decode()
    assert said.startswith("tapctl: 100000 frames captured, ")
    done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.comment"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 100_000


def test_dropped_frames_have_their_reason(three):
    web1, web2, _ = three
    own, other = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"
    with capture(web1, "-d") as (path, _), udp_socket(web1.host) as sender, \
            Wire(web1.host) as wire:
        wire.send(b"\xff" * 6 + own + b"\x88\xb5" + bytes(46))
        send_all(sender, (web2.host.tap4, 7004), 5)
        wire.send(own + other + b"\x88\xb5" + bytes(46))
        [found] = wait_frames(path, 1, f"eth.src=={other.hex(':')}")
        assert not frames(path, "udp.dstport==7004")
        assert web1.drops()["frame_local"] >= 1
    assert found["frame.comment"] == ("dropped: frame_local: destination is on this host's "
                                      "side of the TAP")


def drop_reasons(path, *filters):
    return {frame["frame.comment"].split(": ")[1] for frame in frames(path, *filters)
            if frame["frame.comment"].startswith("dropped: ")}


def test_what_the_queue_drops_is_among_them(make_cloud):
    """More frames at once than it has room for, then a stream that stands."""
    cloud = make_cloud(2)
    web1, web2 = start_all(cloud)
    wait_addresses(cloud.hosts)
    slow_down(web1.host, mbit=5)
    before = web1.drops()
    with capture(web1, "-d") as (path, _), udp_socket(web2.host, "tap0", 7008), \
            udp_socket(web1.host) as sender:
        sender.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE

        def overflows():
            # All at once, however fast they can be sent here.
            web1.process.signal(signal.SIGSTOP)
            try:
                send_all(sender, (web2.host.tap4, 7008), 3000)
            finally:
                web1.process.signal(signal.SIGCONT)
            return web1.drops()["queue_full"] > before["queue_full"]
        wait_for(overflows, 20, web1.drops)
        wait_for(lambda: "queue_full" in drop_reasons(path, "udp.dstport==7008"), 10,
                 lambda: drop_reasons(path))
        with bulk_tcp(web1.host, web2.host):
            wait_for(lambda: "queue_delay" in drop_reasons(path, "tcp.len>0"), 20,
                     lambda: (drop_reasons(path), web1.drops()))
    segments = [frame for frame in frames(path, "tcp.len>0")
                if "queue_delay" in frame["frame.comment"]]
    assert {frame["tcp.checksum.status"] for frame in segments} == {"1"}
    assert max(int(frame["frame.len"]) for frame in segments) <= 1514
    assert [frame["frame.comment"] for frame in frames(path, "udp.dstport==7008")][0].startswith(
        "dropped: queue_")


def test_who_does_not_read_holds_up_nothing(three):
    """And the file says how many are missing."""
    web1, web2, _ = three
    read = subprocess.Popen([program("tapctl"), "-s", web1.socket, "capture"],
                            stdout=subprocess.PIPE)
    try:
        wait_for(lambda: read.stdout.read(4) == b"\x0a\x0d\x0d\x0a", 5, "it to begin")
        with udp_socket(web2.host, "tap0", 7005) as receiver, udp_socket(web1.host) as sender:
            for run in range(400):
                send_all(sender, (web2.host.tap4, 7005), 20, size=1000)
                for _ in range(20):
                    assert len(receiver.recv(2000)) == 1000, run
        assert web1.status()["name"] == "web1"
    finally:
        read.kill()
        read.stdout.close()
        read.wait()


def test_one_that_is_cut_off_says_so(three):
    *_, web3 = three
    with capture(web3) as (_, process):
        web3.stop()
        assert process.wait(10) == 3
        assert process.stderr.read() == b"tapctl: the daemon went: the capture is cut off\n"
    web3.start()
    wait_for(lambda: web3.status()["peers"]["up"] == 2, 10, "its peers to be up")


@pytest.mark.parametrize("command", ["capture", "monitor", "peers", "status"])
def test_a_stranger_on_the_host_gets_nothing(three, command):
    web1, *_ = three
    done = web1.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                         program("tapctl"), "-s", web1.socket, command, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "Permission denied; ask as root" in done.stderr


def test_two_at_once_and_their_places_are_free_again(three):
    web1, *_ = three

    def refused():
        done = subprocess.run([program("tapctl"), "-s", web1.socket, "capture"], timeout=10,
                              capture_output=True)
        return done.returncode, done.stderr.decode()
    for _ in range(3):
        with capture(web1), capture(web1, "-d"):
            code, said = refused()
            assert code == 1 and "2 captures are running" in said
    done = web1.ctl_run("capture", "-p", "nobody")
    assert done.returncode == 1 and "no peer has that name" in done.stderr
    for wrong in (["-c", "0"], ["-c", "x"], ["-a"]):
        assert web1.ctl_run("capture", *wrong).returncode == 2
