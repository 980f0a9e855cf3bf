"""A member floods a host: sessions of others live on, and others get in."""

import os
import socket

import pytest

from cloud import Tapd, new_secret, wait_for, wait_mesh
from cloud.daemon import build_directory

# Keys live 180 s: TAPD_FLOOD_SECONDS=300 shows that they are renewed, too.
SECONDS = int(os.environ.get("TAPD_FLOOD_SECONDS", "8"))
# kbit/s.
RATE = 10000
PORT = 7301


def stream(cloud, while_running):
    """Numbered datagrams each way as long as that holds; how many were lost."""
    sent = received = 0
    ends = []
    for host in cloud.hosts[:2]:
        sock = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host.tap4, PORT))
        sock.settimeout(5)
        ends.append((sock, host.tap4))
    (one, at_one), (other, at_other) = ends
    with one, other:
        while while_running():
            for sender, receiver, to in ((one, other, at_other), (other, one, at_one)):
                sender.sendto(b"%d" % sent, (to, PORT))
                sent += 1
                try:
                    while int(receiver.recv(100)) != sent - 1:
                        pass
                    received += 1
                except TimeoutError:
                    pass
    return sent - received


@pytest.mark.deadline
@pytest.mark.parametrize("flood, trusted", [
    ("initiations", False),
    ("initiations", True),  # with a key that is trusted, and not the member's
    ("rekeys", False),      # the member is a peer: its key would be trusted, too
])
@pytest.mark.timeout(120 + SECONDS)
def test_a_members_flood_takes_no_session_and_keeps_nobody_out(make_cloud, flood, trusted):
    cloud = make_cloud(4)
    hosts, secret = cloud.hosts, new_secret()
    web1 = Tapd(hosts[0], secret, peers=[hosts[1].address]).start()
    web2 = Tapd(hosts[1], secret, peers=[hosts[0].address]).start()
    wait_mesh([web1, web2])
    key1, key2 = (daemon.status()["key"] for daemon in (web1, web2))
    wait_for(lambda: hosts[0].ping(hosts[1].tap4), 5, "frames")
    if trusted:
        web1.configure(trusted_keys=[key2])
        assert web1.ctl_run("reload").returncode == 0
    options = {"initiations": [key2] if trusted else [], "rekeys": [key1]}[flood]
    member = hosts[2].start(os.path.join(build_directory(), "tests/flood"), secret,
                            f"{hosts[0].address}:8273", RATE, SECONDS, flood, *options)
    # On a slow machine other limits than the rate are met first.
    felt = {"rekeys": ["rekey_rate"],
            "initiations": ["handshake_rate", "handshake_half_open", "mac2"]}[flood]

    def drops_of_it():
        drops = web1.drops()
        return sum(drops[why] for why in felt)
    wait_for(lambda: drops_of_it() > 100, 15, lambda: f"the flood: {web1.drops()}")
    if not trusted:
        newcomer = Tapd(hosts[3], secret, peers=[hosts[0].address]).start()
        wait_for(lambda: newcomer.status()["peers"]["up"] > 0, 10, "the newcomer to be up")
    assert stream(cloud, lambda: member.running) == 0
    assert member.returncode == 0 and int(member.log()) > 0
    for daemon in (web1, web2):
        assert " is down" not in daemon.process.log()
