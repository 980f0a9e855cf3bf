"""ECN through GSO frames: every mark arrives, and as often as it was made."""

import re
import socket

import pytest

from cloud import start_all
from cloud.streams import stream, wait_addresses


class Counters:
    """Counts packets on a host's tap0, and may change them: (hook, rule) each."""

    def __init__(self, host, *rules):
        self._host, chains = host, ""
        for hook in ("prerouting", "output"):
            lines = "\n".join(rule for at, rule in rules if at == hook)
            chains += f"chain {hook} {{\ntype filter hook {hook} priority 0;\n{lines}\n}}\n"
        host.cloud.nft(f"table inet watch {{\n{chains}}}", host)

    def packets(self):
        """By the comment of each rule."""
        out = self._host.cloud.nft("list table inet watch", self._host)
        return {name: int(count) for count, name in
                re.findall(r'counter packets (\d+) .*comment "(\w+)"', out)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._host.cloud.nft("delete table inet watch", self._host)


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    cloud = make_module_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    for host in cloud.hosts:
        host.sysctl(net__ipv4__tcp_ecn=1)
    return daemons


def classic(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")


@pytest.mark.parametrize("levels", [{}, {"tap": "checksum"}], ids=["GSO frames", "segments"])
@pytest.mark.parametrize("family, ip", [("tap4", "ip"), ("tap6", "ip6")])
def test_congestion_marks_are_echoed_and_answered(pair, family, ip, levels):
    """CE there, ECE back, CWR there. A GSO frame's CWR is on one of its segments
    and no other (RFC 3168, 6.1.2), so as many come as were sent."""
    web1, web2 = pair
    web1.use_levels(**levels)

    def count(name, match):
        return f'meta l4proto tcp {match} counter comment "{name}"'
    mark = f'oifname "tap0" {ip} ecn ect0 numgen inc mod 20 == 7 {ip} ecn set ce'
    ce = count("ce", f"{ip} ecn ce")
    cwr = count("cwr", "tcp flags & (cwr | syn) == cwr")
    whole = count("gso", "tcp flags & (cwr | syn) == cwr meta length > 1500")
    ece = count("ece", "tcp flags & (ecn | syn) == ecn")
    with Counters(web1.host, ("output", mark), ("output", ce), ("output", cwr),
                  ("output", whole), ("prerouting", ece)) as at1, \
            Counters(web2.host, ("prerouting", ce), ("prerouting", cwr),
                     ("output", ece)) as at2:
        stream(web1.host, web2.host, getattr(web2.host, family), prepare=classic)
        seen1, seen2 = at1.packets(), at2.packets()
    assert seen1["ce"] > 0 and seen2["ce"] > 0
    assert seen2["ece"] > 0 and seen1["ece"] > 0
    assert seen1["gso"] > 0, "a GSO frame with CWR was there"
    assert seen2["cwr"] == seen1["cwr"]
