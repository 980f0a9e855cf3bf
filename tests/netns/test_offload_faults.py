"""What offloads carry over underlays that lose, duplicate, reorder, and are small."""

import pytest

from cloud import start_all, udp_socket, wait_for
from cloud.streams import maxseg, send_run, streams, wait_addresses

# A host of each kind: all offloads, some, none.
MIX = [{}, {"merge": "tcp", "send": "batch", "receive": "single"},
       {"tap": "none", "send": "single", "checksums": "complete"}]


def start(make_cloud, mtu, **settings):
    cloud = make_cloud(3, mtu=mtu)
    daemons = start_all(cloud, **settings)
    wait_addresses(cloud.hosts)
    for daemon, levels in zip(daemons, MIX):
        daemon.use_levels(**levels)
    return cloud, daemons


def all_streams(cloud, size):
    """Both ways between each two, with segments of odd and of full size."""
    web1, web2, web3 = cloud.hosts
    streams((web1, web2, web2.tap4), (web2, web1, web1.tap6, maxseg(537)),
            (web1, web3, web3.tap6), (web3, web1, web1.tap4, maxseg(1447)),
            (web2, web3, web3.tap4, maxseg(1000)), (web3, web2, web2.tap6), size=size)


def came(sock, count, patience):
    """Up to so many datagrams; fewer once none comes for so long."""
    got = []
    sock.settimeout(patience)
    while len(got) < count:
        try:
            got.append(sock.recv(1 << 16))
        except TimeoutError:
            break
    return got


def share_of_datagrams(cloud, size, count=40, rounds=5, patience=5):
    """Of those sent in GSO datagrams all around: none came twice or altered."""
    sent, got = [], []
    for source, target in zip(cloud.hosts, cloud.hosts[1:] + cloud.hosts[:1]):
        with udp_socket(target, "tap0", 7320) as receiver, udp_socket(source) as sender:
            runs, arrived = [], []  # a late one may come in a later round
            for seed in range(rounds):
                runs += send_run(sender, (target.tap4, 7320), size, count, seed)
                arrived += came(receiver, len(runs) - len(arrived), patience)
            assert len(set(arrived)) == len(arrived), "one came twice"
            assert set(arrived) <= set(runs), "one was altered"
            sent += runs
            got += arrived
    return len(got) / len(sent)


def nothing_was_malformed(daemons):
    for daemon in daemons:
        drops = daemon.drops()
        assert not any(drops[why] for why in ("offload_bad", "csum_bad", "record_bad",
                                              "fragment_bad", "data_auth")), drops


@pytest.mark.parametrize("mtu", [1400, 1500, 9001])
def test_under_loss_duplication_and_reordering_at_once(make_cloud, mtu):
    cloud, daemons = start(make_cloud, mtu)
    with cloud.loss(1), cloud.mangle("--duplicate", 0.02, "--delay", 1, "--jitter", 3):
        all_streams(cloud, 200_000)
        assert share_of_datagrams(cloud, 1200, patience=0.5) > 0.8
    assert any(daemon.drops()["replay"] for daemon in daemons), "duplicates were there"
    nothing_was_malformed(daemons)


@pytest.mark.parametrize("mtu", [576, [1280, 1400, 9001], 9001], ids=str)
def test_over_underlays_of_any_size(make_cloud, mtu):
    cloud, daemons = start(make_cloud, mtu)
    all_streams(cloud, 1 << 19)
    assert share_of_datagrams(cloud, 1400) == 1
    assert cloud.fragments() == 0
    nothing_was_malformed(daemons)


@pytest.mark.parametrize("mtu", [1500, 9001])
def test_under_a_jumbo_interface(make_cloud, mtu):
    """Segments larger than the underlay's packets, or nearly so."""
    cloud, daemons = start(make_cloud, mtu, **{"interface.mtu": 8900})
    all_streams(cloud, 1 << 20)
    assert share_of_datagrams(cloud, 8800, count=7) == 1
    with cloud.loss(1):
        all_streams(cloud, 1 << 19)
    assert cloud.fragments() == 0
    nothing_was_malformed(daemons)


def test_over_interfaces_without_any_offload(make_cloud):
    """There a run is cut in software, or refused and sent one by one."""
    cloud, daemons = start(make_cloud, 1500)
    for host in cloud.hosts:
        host.run("ethtool", "-K", "eth0", "tx", "off", "sg", "off", "gso", "off", "gro", "off")
    all_streams(cloud, 1 << 19)
    assert share_of_datagrams(cloud, 1200) == 1
    nothing_was_malformed(daemons)


def test_a_run_that_loses_its_path_midway(make_cloud):
    """A smaller path under runs already of its former size: what was sent is lost, and
    what follows is not."""
    cloud, daemons = start(make_cloud, 1500)
    web1 = daemons[0]
    wait_for(lambda: all(p["datagram_size"] == 1472 for p in web1.ctl("peers")), 10,
             "datagrams of 1472 bytes")
    with cloud.drop_larger(1400):
        all_streams(cloud, 1 << 18)
        wait_for(lambda: all(p["datagram_size"] <= 1372 for p in web1.ctl("peers")), 10,
                 "datagrams that pass")
        assert share_of_datagrams(cloud, 1400, rounds=1) == 1
    assert cloud.fragments() == 0
