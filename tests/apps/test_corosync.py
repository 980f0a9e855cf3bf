"""Corosync on tap0: over multicast with 3 and 5 nodes, and over knet."""

import os
import re
import sys
import time

import pytest

from cloud import holds, start_all, wait_for, wait_mesh
from cloud.streams import bulk
from machine import Machine
from recipe import recipe

CONF = "/etc/corosync/corosync.conf"
LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cpg_load.py")
NODE = re.compile(r"\tnode \{.*?\n\t\}\n", re.S)
# What knet takes of each datagram for itself, beside IPv4's 20 bytes and UDP's 8.
KNET_OVERHEAD = 26


def configuration(nodes, changes=None):
    """The recipe's file, for that many nodes."""
    text = recipe("corosync", CONF, changes)

    def node(number):
        return (f"\tnode {{\n\t\tname: web{number}\n\t\tnodeid: {number}\n"
                f"\t\tring0_addr: 10.77.0.{number}\n\t}}\n")
    shown = NODE.findall(text)
    assert shown == [node(i + 1) for i in range(len(shown))]
    return text.replace("".join(shown), "".join(node(i + 1) for i in range(nodes)))


class Corosync:
    """One host's."""

    def __init__(self, host, conf):
        self.machine = Machine(host, "/run", "/dev/shm", "/var/lib/corosync", "/etc/corosync")
        self.machine.write(CONF, conf)
        self.name, self.process = host.name, None

    def start(self):
        self.process = self.machine.start("corosync", "-f")
        self.process.wait_log("ready to provide service", 20)

    def kill(self):
        if self.process and self.process.running:
            self.process.kill()

    def members(self):
        out = self.machine.run("corosync-quorumtool", "-l", check=False).stdout
        return set(re.findall(r"^ +\d+ +1 (\S+)", out, re.M))

    def quorate(self):
        out = self.machine.run("corosync-quorumtool", "-s", check=False).stdout
        return bool(re.search(r"^Quorate: +Yes", out, re.M))

    def numbers(self, *arguments):
        """What corosync-cmapctl lists, as far as it is numbers, by name."""
        out = self.machine.run("corosync-cmapctl", *arguments).stdout
        return {name: int(value)
                for name, value in re.findall(r"^(\S+) \(\w+\) = (\d+)$", out, re.M)}

    def statistics(self):
        return self.numbers("-m", "stats")


class Cluster:
    def __init__(self, hosts, conf):
        self.nodes = [Corosync(host, conf) for host in hosts]
        self.names = {node.name for node in self.nodes}

    def start(self):
        # One by one: several that start in the same millisecond at times abort, or
        # throw a token away, on any Ethernet.
        for node in self.nodes:
            node.start()
        self.wait_members(self.nodes, self.names, 20)

    def kill(self):
        for node in self.nodes:
            node.kill()

    @staticmethod
    def wait_members(nodes, names, within):
        def answers():
            return {node.name: node.members() for node in nodes}
        wait_for(lambda: all(node.members() == names for node in nodes), within,
                 f"{', '.join(sorted(names))} to be the members; now {answers()}", every=0.2)

    def patience(self):
        """Seconds until a node that is silent is out: the token's loss and consensus."""
        totem = self.nodes[0].numbers("runtime.config.totem.")
        return sum(totem[f"runtime.config.totem.{name}"] for name in ("token", "consensus")) / 1000

    def total(self, name):
        return sum(node.statistics()[f"stats.srp.{name}"] for node in self.nodes)

    def load(self, messages, size):
        """Every node sends that much and receives it all, in the same order."""
        started = time.monotonic()
        members = [node.machine.start(sys.executable, LOAD, len(self.nodes), messages, size,
                                      log=f"load-{messages}-{size}.log") for node in self.nodes]
        for member in members:
            assert member.wait(50) == 0, member.log()
        orders = {member.log().split()[1] for member in members}
        assert len(orders) == 1, f"in different orders: {[m.log() for m in members]}"
        return time.monotonic() - started


@pytest.fixture(scope="module")
def five(make_module_cloud):
    cloud = make_module_cloud(5)
    return cloud, start_all(cloud)


@pytest.fixture(scope="module", params=[3, 5], ids=["3-nodes", "5-nodes"])
def cluster(five, request):
    """Over multicast, on the first hosts of the cloud."""
    cloud, _ = five
    cluster = Cluster(cloud.hosts[:request.param], configuration(request.param))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


def test_forms(cluster):
    for node in cluster.nodes:
        assert node.members() == cluster.names and node.quorate()


def test_load_arrives_in_one_order_without_a_retransmit_storm(cluster, record_property):
    sent, again = cluster.total("mcast_tx"), cluster.total("mcast_retx")
    seconds = cluster.load(1000, 1000)
    seconds += cluster.load(20, 60000)
    sent, again = cluster.total("mcast_tx") - sent, cluster.total("mcast_retx") - again
    complaints = sum(node.process.log().count("Retransmit List") for node in cluster.nodes)
    record_property("measured", f"Corosync, {len(cluster.nodes)} nodes: {sent} multicasts in "
                                f"{seconds:.1f} s, {again} sent again")
    assert sent > 500 * len(cluster.nodes)
    assert again + complaints < sent / 100
    assert cluster.total("operational_token_lost") == 0


def test_load_beside_bulk(five, cluster, record_property):
    """TCP as fast as it goes between two of the hosts: no token is lost, and little sent
    again."""
    cloud, _ = five
    sent, again = cluster.total("mcast_tx"), cluster.total("mcast_retx")
    lost, rings = cluster.total("operational_token_lost"), cluster.total("operational_entered")
    with bulk(cloud.hosts[0], cloud.hosts[1]):
        seconds = cluster.load(1000, 1000)
    sent, again = cluster.total("mcast_tx") - sent, cluster.total("mcast_retx") - again
    record_property("measured", f"Corosync, {len(cluster.nodes)} nodes beside bulk: {sent} "
                                f"multicasts in {seconds:.1f} s, {again} sent again")
    assert cluster.total("operational_token_lost") == lost
    assert cluster.total("operational_entered") == rings
    assert again < sent / 50


def test_what_is_lost_on_the_way_is_sent_again(five, cluster):
    """The counter that the test above reads does count."""
    cloud, _ = five
    again = cluster.total("mcast_retx")
    with cloud.loss(1):
        cluster.load(200, 1000)
    assert cluster.total("mcast_retx") > again
    assert all(node.members() == cluster.names for node in cluster.nodes)


def test_survives_kill_9_and_the_return_of_a_node(cluster, record_property):
    *others, victim = cluster.nodes
    patience = cluster.patience()
    victim.kill()
    killed = time.monotonic()
    cluster.wait_members(others, cluster.names - {victim.name}, 2 * patience)
    out = time.monotonic() - killed
    assert all(node.quorate() for node in others)
    victim.start()
    started = time.monotonic()
    cluster.wait_members(cluster.nodes, cluster.names, 2 * patience)
    record_property("measured", f"Corosync, {len(cluster.nodes)} nodes: one killed is out after "
                                f"{out:.1f} s (token and consensus {patience:.1f} s), back "
                                f"{time.monotonic() - started:.1f} s after its start")
    cluster.load(100, 1000)


def test_tapd_killed_and_started_anew_is_no_change_of_membership(five, cluster):
    """The node's sockets and its membership of the group outlive the daemon."""
    _, daemons = five
    rings = cluster.total("operational_entered")
    daemons[0].kill()
    daemons[0].start()
    wait_mesh(daemons)
    holds(lambda: all(node.members() == cluster.names for node in cluster.nodes), 4,
          "the membership")
    assert cluster.total("operational_entered") == rings
    cluster.load(100, 1000)


@pytest.mark.parametrize("underlay", [1500, 576])
def test_knet_finds_the_mtu_of_tap0_over_any_underlay(make_cloud, underlay):
    cloud = make_cloud(3, mtu=underlay)
    start_all(cloud)
    cluster = Cluster(cloud.hosts, configuration(3, {"transport: udp": "transport: knet"}))
    cluster.start()
    promised = 1500 - 20 - 8 - KNET_OVERHEAD

    def mtus():
        for i, node in enumerate(cluster.nodes):
            numbers = node.statistics()
            for other in {1, 2, 3} - {i + 1}:
                link = f"stats.knet.node{other}.link0."
                yield numbers[link + "connected"] and numbers[link + "mtu"]
    wait_for(lambda: set(mtus()) == {promised}, 20, f"each link's MTU to be {promised}")
    cluster.load(20, 60000)
    assert set(mtus()) == {promised}
    assert cloud.fragments() == 0
    cluster.kill()
