"""Each level of each offload meets each of every other, on either side."""

import socket
import threading

import pytest

from cloud import OFFLOADS, Wire, start_all, udp_socket, wait_for
from cloud.frames import of_protocol, sum_is_right
from cloud.pairwise import every_pair
from cloud.streams import datagrams, stream, streams, wait_addresses


# The first half of a row is web1's, the second web2's.
ROWS = every_pair([*OFFLOADS.values()] * 2)


@pytest.fixture(scope="module")
def module_pair(make_module_cloud):
    cloud = make_module_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


@pytest.fixture
def pair(module_pair):
    """On the highest levels when the test begins."""
    for daemon in module_pair:
        daemon.use_levels()
    return module_pair


def dhcp_is_complete(source, target):
    """A DHCP server reads raw frames, and drops those whose checksum is wrong."""
    with Wire(target, only=0x0800) as wire, udp_socket(source, "tap0", 68) as client:
        client.sendto(bytes(range(241)), ("255.255.255.255", 67))
        got = wire.collect(1, settle=0, wanted=lambda f: f[23] == 17 and f[36:38] == b"\0\x43")
    return len(got) == 1 and sum_is_right(got[0])


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_all_arrives_between(pair, row):
    for daemon, levels in zip(pair, (row[:len(OFFLOADS)], row[len(OFFLOADS):])):
        daemon.use_levels(**dict(zip(OFFLOADS, levels)))
    web1, web2 = (daemon.host for daemon in pair)
    for source, target in ((web1, web2), (web2, web1)):
        streams((source, target, target.tap4), (target, source, source.tap6))
        datagrams(source, target, target.tap4)
        datagrams(source, target, target.tap6, size=1201)
        assert dhcp_is_complete(source, target)
    for daemon in pair:
        drops = daemon.drops()
        assert not any(drops[why] for why in ("offload_bad", "csum_bad", "record_bad",
                                              "frame_long", "tap_write")), drops


@pytest.mark.parametrize("levels, merges", [
    ({}, True), ({"merge": "tcp"}, True), ({"merge": "none"}, False), ({"tap": "none"}, False),
    ({"tap": "checksum"}, False), ({"checksums": "complete"}, False)], ids=str)
def test_gso_frames_reach_the_interface_if_wanted_alone(pair, levels, merges):
    web1, web2 = pair
    web2.use_levels(**levels)
    # Not by a capture: beside one nothing is merged.
    web2.host.run("nft", "table inet large { counter gso { }; chain seen { "
                         "type filter hook prerouting priority -300; "
                         "iifname tap0 meta l4proto tcp meta length > 1500 counter name gso; }; }")
    try:
        def merged():
            stream(web1.host, web2.host, web2.host.tap4)
            return "packets 0 " not in web2.host.run("nft", "list counter inet large gso").stdout
        if merges:  # what a capture before it turned off is on again soon
            wait_for(merged, 10, "merged segments")
        else:
            assert not merged()
    finally:
        web2.host.run("nft", "delete table inet large")


def test_gso_frames_are_taken_from_the_interface(pair):
    """All else would pass without any, so: they are there."""
    web1, web2 = pair
    for send in (lambda: stream(web1.host, web2.host, web2.host.tap4, size=4 << 20),
                 lambda: datagrams(web1.host, web2.host, web2.host.tap4, count=1000)):
        before = web1.status()["tx"]
        send()
        after = web1.status()["tx"]
        frames, sent = (after[key] - before[key] for key in ("frames", "datagrams"))
        assert frames < sent / 2, f"{frames} frames from tap0 in {sent} datagrams"


@pytest.mark.parametrize("levels", [{"checksums": "complete"}, {"tap": "none"}], ids=str)
@pytest.mark.parametrize("family", ["tap4", "tap6"])
def test_a_program_that_captures_may_see_complete_checksums(pair, levels, family):
    web1, web2 = pair
    web2.use_levels(**levels)
    address = getattr(web2.host, family)
    with Wire(web2.host) as wire:
        stream(web1.host, web2.host, address, size=300_000)
        datagrams(web1.host, web2.host, address)
        frames = wire.pending()
    for protocol, least in ((socket.IPPROTO_TCP, 200), (socket.IPPROTO_UDP, 100)):
        seen = of_protocol(frames, protocol)
        assert len(seen) >= least
        assert all(len(f) <= 1514 and sum_is_right(f) for f in seen)


def test_levels_may_change_under_streams(pair):
    web1, web2 = pair
    done = []

    def change():
        for row in ROWS[:8]:
            web1.use_levels(**dict(zip(OFFLOADS, row)))
            web2.use_levels(**dict(zip(OFFLOADS, row[len(OFFLOADS):])))
        done.append(True)
    changer = threading.Thread(target=change)
    changer.start()
    while not done and changer.is_alive():
        streams((web1.host, web2.host, web2.host.tap4), (web2.host, web1.host, web1.host.tap6))
    changer.join()
    assert done
    wait_for(lambda: web1.host.ping(web2.host.tap4), 3, "ping")
