"""TCP streams and UDP runs between tapd and plain hosts, on every level of the offloads."""

import pytest

from cloud import OFFLOADS, Wire, wait_for
from cloud.frames import of_protocol, sum_is_right
from cloud.pairwise import every_pair
from cloud.streams import datagrams, stream, streams
from cloud.vteps import PlainHosts

NAMES = ["tapd1", "kernel", "partial", "ovs", "tapd2"]
RUNS = ["tapd", "kernel", "kernel-partial", "ovs", "tapd"]
ROWS = every_pair([*OFFLOADS.values()])


@pytest.fixture(scope="module")
def lab(make_module_cloud):
    lab = PlainHosts(make_module_cloud(names=NAMES), RUNS)
    lab.wait_reached()
    return lab


@pytest.fixture
def tapd1(lab):
    """On the highest levels when the test begins."""
    lab.daemons[0].use_levels()
    return lab.daemons[0]


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_streams_both_ways(lab, tapd1, row):
    tapd1.use_levels(**dict(zip(OFFLOADS, row)))
    host, *others = lab.hosts
    streams(*((host, other, other.tap4) for other in others),
            *((other, host, host.tap6) for other in others), size=300_000)
    for other in others:
        datagrams(host, other, other.tap4, size=1201, count=50)
        datagrams(other, host, host.tap6, size=1202, count=50)
    drops = tapd1.drops()
    assert not any(drops[why] for why in ("offload_bad", "csum_bad", "frame_long",
                                          "tap_write", "plain_stranger", "vxlan_bad")), drops


@pytest.mark.parametrize("other", NAMES[1:])
@pytest.mark.parametrize("family", ["tap4", "tap6"])
def test_a_longer_stream_each_way(lab, tapd1, other, family):
    host, other = lab.hosts[0], lab.cloud.host(other)
    stream(host, other, getattr(other, family), size=8 << 20)
    stream(other, host, getattr(host, family), size=8 << 20)


@pytest.mark.parametrize("other", NAMES[1:])
def test_segments_are_merged_for_the_interface(lab, tapd1, other):
    host, other = lab.hosts[0], lab.cloud.host(other)
    host.run("nft", "table inet large { counter gso { }; chain seen { "
             "type filter hook prerouting priority -300; "
             "iifname tap0 meta l4proto tcp meta length > 1500 counter name gso; }; }")
    try:
        def merged():
            stream(other, host, host.tap4, size=4 << 20)
            return "packets 0 " not in host.run("nft", "list counter inet large gso").stdout
        wait_for(merged, 20, "merged segments")
    finally:
        host.run("nft", "delete table inet large")


@pytest.mark.parametrize("other", NAMES[1:])
def test_large_frames_are_taken_from_the_interface(lab, tapd1, other):
    host, other = lab.hosts[0], lab.cloud.host(other)
    before = tapd1.status()["tx"]
    stream(host, other, other.tap4, size=4 << 20)
    after = tapd1.status()["tx"]
    frames, sent = (after[key] - before[key] for key in ("frames", "datagrams"))
    # How long they are is TCP's to say: a slow receiver's are of two segments.
    assert sent - frames > 100, f"{frames} frames from tap0 in {sent} datagrams"


@pytest.mark.parametrize("other", NAMES[1:])
@pytest.mark.parametrize("level", [{"checksums": "complete"}, {"tap": "none"}], ids=str)
def test_a_program_that_captures_may_see_complete_checksums(lab, tapd1, other, level):
    """Also of what a host on a veth left unfinished."""
    tapd1.use_levels(**level)
    host, other, longest = lab.hosts[0], lab.cloud.host(other), lab.mtu + 14
    with Wire(host) as wire:
        stream(other, host, host.tap4, size=300_000)
        datagrams(other, host, host.tap6)
        frames = wire.pending()
    for protocol, least in (6, 200), (17, 100):
        seen = of_protocol(frames, protocol)
        assert len(seen) >= least
        assert all(len(octets) <= longest and sum_is_right(octets) for octets in seen)
