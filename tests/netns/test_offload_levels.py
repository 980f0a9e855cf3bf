"""Every level of the offloads against every other: hashed payloads."""

import itertools

import pytest

from cloud import Tapd, member, multicast_sender, new_secret, udp_socket, wait_mesh, wait_members
from cloud.streams import receive_all, send_run, stream, wait_addresses

LEVELS = {
    "all": {},
    "tso": {"tap": "tso", "merge": "tcp", "send": "batch", "receive": "batch"},
    "checksum": {"tap": "checksum", "merge": "none", "send": "single", "receive": "all"},
    "none": {"tap": "none", "merge": "none", "send": "all", "receive": "single"},
    "complete": {"checksums": "complete"},
}
GROUP, PORT = "239.77.2.1", 7100


@pytest.fixture(scope="module", params=["v4", "v6"])
def on_level(request, make_module_cloud):
    """A host on each level: {name: (host, daemon)}."""
    cloud = make_module_cloud(len(LEVELS), family=request.param)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{f"offload.{key}": value for key, value in level.items()})
               .launch() for host, level in zip(cloud.hosts, LEVELS.values())]
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons, 10)
    wait_addresses(cloud.hosts)
    return dict(zip(LEVELS, zip(cloud.hosts, daemons)))


PAIRS = [f"{a}-{b}" for a, b in itertools.permutations(LEVELS, 2)]


def hosts_of(on_level, pair):
    return [on_level[name][0] for name in pair.split("-")]


def test_each_host_is_on_its_level(on_level):
    shown = {name: daemon.status()["offload"] for name, (_, daemon) in on_level.items()}
    assert shown["all"] == {"tap": "all", "merge": "all", "send": "all", "receive": "all"}
    assert shown["complete"] == shown["all"] | {"merge": "none"}
    for name in ("tso", "checksum", "none"):
        assert shown[name] == LEVELS[name]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_tcp_stream_arrives_unaltered(on_level, pair):
    source, target = hosts_of(on_level, pair)
    stream(source, target, target.tap4)
    stream(source, target, target.tap6, size=300_001)


@pytest.mark.parametrize("pair", PAIRS)
def test_udp_runs_and_large_datagrams_arrive_unaltered(on_level, pair):
    source, target = hosts_of(on_level, pair)
    with udp_socket(target, "tap0", 7001) as receiver, udp_socket(source) as sender:
        for size, count in ((100, 40), (1001, 40), (1472, 30)):
            sent = send_run(sender, (target.tap4, 7001), size, count, seed=size)
            assert receive_all(receiver, count) == sent
        sender.sendto(b"L" * 65507, (target.tap4, 7001))
        assert receiver.recv(1 << 16) == b"L" * 65507


@pytest.mark.parametrize("source", LEVELS)
def test_a_run_to_a_group_reaches_members_on_every_level(on_level, source):
    host, daemon = on_level[source]
    others = [other for name, (other, _) in on_level.items() if name != source]
    receivers = [member(other, GROUP, PORT) for other in others]
    wait_members(daemon, GROUP, *others)
    with multicast_sender(host) as sender:
        sent = send_run(sender, (GROUP, PORT), 900, 50)
    for receiver in receivers:
        with receiver:
            assert receive_all(receiver, 50) == sent
