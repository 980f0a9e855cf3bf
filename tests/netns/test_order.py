"""One order for each peer: unicast and multicast datagrams, whatever else goes on."""

import contextlib
import socket
import struct
import sys
import time

import pytest

from cloud import member, start_all, wait_members
from cloud.streams import stream

COUNT = 400_000
EVERY = 0.5  # seconds, at least, from one change to the next
GROUP, PORT = "239.77.9.9", 7500
SO_RCVBUFFORCE = 33
# Numbers them as they leave, one in two to the group; no more than 20 a millisecond: if it
# caught up after it was held up, the queue would rightly drop some.
SENDER = """
import socket, struct, sys, time
source, peer, group, port, count = sys.argv[1:]
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
sender.bind((source, 0))
targets = ((peer, int(port)), (group, int(port)))
for number in range(int(count)):
    sender.sendto(struct.pack("!I", number) + bytes(60), targets[number % 2])
    if number % 20 == 0:
        time.sleep(0.001)
"""


def roam(cloud, host, old, new):
    """The host has another underlay address from now on, and no longer the one it had."""
    cloud.router.ip("route", "replace", f"{new}/32", "dev", host.port)
    host.ip("addr", "add", f"{new}/32", "dev", "eth0")
    host.ip("route", "replace", "default", "via", "10.9.0.1", "src", new)
    host.ip("addr", "del", f"{old}/32", "dev", "eth0")


@pytest.mark.timeout(180)
def test_datagrams_stay_in_order_beside_tcp_while_keys_and_addresses_change(make_cloud):
    cloud = make_cloud(2)
    web1, web2 = cloud.hosts
    daemons = start_all(cloud)
    addresses = [web1.address, "10.9.0.99"]
    with member(web2, GROUP, PORT) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 30)
        receiver.settimeout(3)
        wait_members(daemons[0], GROUP, web2)
        sender = web1.start(sys.executable, "-c", SENDER, web1.tap4, web2.tap4, GROUP, PORT,
                            COUNT)
        streams = changes = 0
        due = time.monotonic() + EVERY
        while sender.running:
            stream(web1, web2, web2.tap4, size=4 << 20, port=7600 + streams % 50)
            streams += 1
            if time.monotonic() < due:
                continue
            changes += 1
            due = time.monotonic() + EVERY
            if changes % 2:
                assert daemons[changes // 2 % 2].ctl_run("rekey").returncode == 0
            else:
                roam(cloud, web1, *addresses)
                addresses.reverse()
        assert sender.returncode == 0, sender.log()
        last, received = -1, 0
        with contextlib.suppress(TimeoutError):
            while last < COUNT - 1:
                number, = struct.unpack_from("!I", receiver.recv(100))
                assert number > last, f"{number} after {last}"
                last, received = number, received + 1
    assert changes >= 4, "each host's rekey, and to the other address and back"
    # A rekey by hand forgets the keys at once: what is on its way then is lost.
    assert received > 0.9 * COUNT, f"{received} of {COUNT}, {daemons[0].drops()}"
