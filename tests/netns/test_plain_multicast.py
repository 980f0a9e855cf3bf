"""Groups among plain hosts: who answered a query gets what it joined, who never did
gets all of them."""

import contextlib
import re

import pytest

from cloud import (Audience, Wire, interface_mac, member, multicast_sender, pump, received,
                   wait_for)
from cloud.counted import counted
from cloud.reports import group_frame, igmp_query, is_report
from cloud.sockets import family_of
from cloud.vteps import PlainHosts

GROUP, GROUP6, OTHER, PORT = "239.77.1.1", "ff15::77", "239.77.2.2", 7100
NAMES = ["tapd1", "kernel", "ovs", "tapd2", "idle", "silent", "bridged"]
RUNS = ["tapd", "kernel", "ovs", "tapd", "kernel", "kernel", "kernel-bridged"]
# Nothing that the host says of its groups leaves it.
SILENCE = """table inet silence { chain out { type filter hook output priority 0;
    ip protocol igmp drop; icmpv6 type { 131, 132, 143 } drop; }; }"""

@pytest.fixture(scope="module")
def lab(make_module_cloud):
    """tapd1 sends; `idle` joined another group than the tests', so that it answers;
    `silent` never answers."""
    cloud = make_module_cloud(names=NAMES)
    cloud.host("silent").run("nft", SILENCE)
    lab = PlainHosts(cloud, RUNS)
    lab.wait_reached()
    with contextlib.ExitStack() as joined:
        for name in NAMES:
            if name != "silent":
                for group in OTHER, "ff15::2:2":
                    joined.enter_context(member(cloud.host(name), group, PORT + 9))
        for daemon in lab.daemons:
            wait_flooded(daemon, OTHER, "silent")
            wait_flooded(daemon, "ff15::2:2", "silent")
        yield lab


def named(daemon, addresses):
    """Of the hosts with these addresses; a plain peer's name is its address."""
    hosts = daemon.host.cloud.hosts
    return {host.name for host in hosts if {host.address, host.name} & set(addresses)}


def wait_flooded(daemon, group, *names, within=30):
    """Until it floods that group to these hosts alone."""
    def flooded():
        """As the reason names them."""
        why = (daemon.group(group) or {"why": None})["why"] or ""
        return {host.name for host in daemon.host.cloud.hosts
                if re.search(rf"\b{re.escape(host.address)}\b", why)}
    wait_for(lambda: flooded() == set(names), within,
             lambda: f"{daemon.host} to flood {group} to {names} alone: {daemon.group(group)}")


def wait_joined(daemon, group, *hosts, within=15):
    wait_for(lambda: named(daemon, (daemon.group(group) or {"members": []})["members"])
             == {host.name for host in hosts}, within,
             lambda: f"{daemon.host} to know {hosts} in {group}: {daemon.group(group)}")


@pytest.mark.timeout(400)  # with what the lab takes
@pytest.mark.parametrize("group, count", [(GROUP, 100_000), (GROUP6, 5_000)])
def test_a_group_goes_to_its_members_and_to_who_never_answered(lab, group, count):
    """Every one of them in order and once; to a host that answers and did not join: none."""
    sender, *others = lab.hosts
    members = [other for other in others if other.name in ("kernel", "ovs", "tapd2")]
    others = [other for other in others if other not in members]
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(member(host, group, PORT)) for host in members]
        wait_joined(lab.daemons[0], group, *members)
        counts = stack.enter_context(counted(*others, port=PORT))
        stream = stack.enter_context(multicast_sender(sender, family=family_of(group)))
        # So few ahead that they fit into what Open vSwitch's socket on eth0 holds.
        pump(stream, (group, PORT), sockets, count)
        # The last is behind all others on its way to each.
        wait_for(lambda: counts()["silent"] >= count + 1, 10, lambda: f"all: {counts()}")
        assert counts() == {"silent": count + 1, "idle": 0, "bridged": 0}


@pytest.mark.parametrize("source", ["kernel", "ovs", "tapd2"])
def test_a_plain_hosts_stream_comes_to_a_member_once(lab, source):
    host, tapd1 = lab.cloud.host(source), lab.cloud.host("tapd1")
    with member(tapd1, GROUP, PORT) as receiver, multicast_sender(host) as sender:
        if source == "tapd2":
            wait_joined(lab.daemons[1], GROUP, tapd1)
        pump(sender, (GROUP, PORT), [receiver], 3_000)


def test_who_leaves_gets_no_more(lab):
    sender, kernel = lab.hosts[:2]
    octets = group_frame(interface_mac(sender), GROUP, b"to who is left")
    with Audience(lab.hosts) as audience:
        with member(kernel, GROUP, PORT):
            wait_joined(lab.daemons[0], GROUP, kernel)
            assert audience.who_gets(sender, octets) == {"kernel", "silent"}
        audience.wait_gets(sender, octets, {"silent"}, within=15)


def reports_of(frames, group):
    return [octets for octets in frames if is_report(octets)
            and bytes(map(int, group.split("."))) in octets]


def test_reports_reach_the_peers_that_ask_and_no_other(lab):
    """tapd2 asked; neither the plain hosts nor anybody's interface hears of a join."""
    tapd1, tapd2 = lab.of["tapd"]
    with contextlib.ExitStack() as stack:
        wires = {host.name: stack.enter_context(Wire(host)) for host in lab.hosts
                 if host is not tapd1}
        with member(tapd1, "239.77.3.3", PORT):
            wait_joined(lab.daemons[1], "239.77.3.3", tapd1)
            marker = group_frame(interface_mac(tapd1), "224.0.0.200", b"after the reports")
            with Wire(tapd1) as wire:
                wire.send(marker)
            for name, wire in wires.items():
                assert not reports_of(wire.until(marker), "239.77.3.3"), f"at {name}"


def test_a_querier_hears_of_each_join(lab):
    """For as long as RFC 3376 says that another querier is there."""
    tapd1, kernel = lab.hosts[:2]
    with Wire(kernel) as wire:
        wire.send(igmp_query(interface_mac(kernel), kernel.tap4))
        heard = []

        def report(group):
            heard.extend(wire.pending())
            return reports_of(heard, group)
        wait_for(lambda: report(OTHER), 15, "the answer to the query")
        with member(tapd1, "239.77.4.4", PORT) as receiver:
            wait_for(lambda: report("239.77.4.4"), 5, "the join's report")
            with multicast_sender(kernel) as sender:
                sender.sendto(b"for the member", ("239.77.4.4", PORT))
            assert received(receiver) == b"for the member"


def test_a_bridge_that_asks_hears_the_members(lab):
    """The kernel's own snooping, with its querier on: its MDB fills from our reports. It
    asks once no other querier is there, as whose it took tapd's queries."""
    bridged, = lab.of["kernel-bridged"]
    group = "239.77.6.6"

    def found():
        shown = bridged.run("bridge", "mdb", "show", "dev", "tap0").stdout
        return f"port vxlan0 grp {group} " in shown

    def bridge(querier, interval):
        """`interval`: how long another querier is taken to be there, in 10 ms."""
        bridged.ip("link", "set", "tap0", "type", "bridge", "mcast_querier", querier,
                   "mcast_querier_interval", interval)
    with member(lab.hosts[0], group, PORT), Wire(bridged) as wire:
        assert not found()
        bridge("1", "100")
        try:
            wire.send(igmp_query(interface_mac(bridged), bridged.tap4))
            wait_for(found, 15, lambda: f"{group} in "
                     + bridged.run("bridge", "mdb", "show").stdout)
        finally:
            bridge("0", "25500")
