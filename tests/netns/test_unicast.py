"""Unicast to a host that is gone: others are not sent what it was sent."""

import json
import socket
import time

import pytest

from cloud import interface_mac, start_all, wait_for

PORT, PAYLOAD, INTERVAL = 5000, bytes(1400), 1400 * 8 / 9e6  # 9 Mb/s
MEASURED_S = 10


def sent_bytes(host):
    """What the host sent to the underlay so far."""
    return json.loads(host.ip("-j", "-s", "link", "show", "eth0"))[0]["stats64"]["tx"]["bytes"]


class Stream:
    """UDP from one host to another's tap0, as fast as on a clock."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.socket = source.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def run(self, seconds):
        """Sends for so long; how many bytes the source sent to the underlay."""
        before, start, sent = sent_bytes(self.source), time.monotonic(), 0
        while (elapsed := time.monotonic() - start) < seconds:
            while sent * INTERVAL < elapsed:
                try:
                    self.socket.sendto(PAYLOAD, (self.target.tap4, PORT))
                except OSError:  # its neighbour entry has failed
                    pass
                sent += 1
            time.sleep(INTERVAL)
        return sent_bytes(self.source) - before


@pytest.mark.parametrize("neighbour", ["resolved", "static"])
def test_a_hosts_death_under_a_stream_is_no_business_of_the_others(make_cloud, neighbour):
    cloud = make_cloud(6)
    daemons = start_all(cloud)
    source, target = cloud.hosts[:2]
    if neighbour == "static":
        source.ip("neigh", "replace", target.tap4, "lladdr", interface_mac(target), "dev", "tap0",
                  "nud", "permanent")
    stream = Stream(source, target)
    stream.run(2)
    alive = stream.run(MEASURED_S)
    with cloud.cut(target):
        dead = stream.run(MEASURED_S)
        assert daemons[0].peer_state(target) == "down"
        later = stream.run(MEASURED_S)
    assert dead <= 1.2 * alive, (dead, alive)
    assert later <= 1.2 * alive, (later, alive)
    if neighbour == "static":
        assert daemons[0].drops()["unknown_unicast"] > 0
    daemons[0].wait_up(target)
    wait_for(lambda: source.ping(target.tap4), 5, "a ping")
