"""Keepalived between a host with tapd and one with the kernel's VXLAN; their client has
Open vSwitch. Failovers are asserted at twice what VRRP promises."""

import time

import pytest

from cloud import holds, interface_mac, wait_for
from cloud.keepalived import Keepalived, Vrrp
from cloud.vteps import PlainHosts

VIP = "10.77.0.100"
BETTER = Vrrp(priority=150)
PATIENCE = Vrrp(priority=100).patience


class Group:
    def __init__(self, lab, better, other):
        self.lab, self.client = lab, lab.of["ovs"][0]
        self.hosts = lab.of[better][0], lab.of[other][0]
        self.better = Keepalived(self.hosts[0], BETTER)
        self.other = Keepalived(self.hosts[1], Vrrp(priority=100))

    def start(self):
        self.better.start()
        self.better.wait_state("MASTER", 15)
        self.other.start()
        self.settled()

    def settled(self):
        self.better.wait_state("MASTER", 10 + 2 * PATIENCE)
        self.other.wait_state("BACKUP", 10)
        self.client_reaches(self.hosts[0])

    def master_since(self, started):
        """When the better one, started then, became the master."""
        def times():
            return [at for at, _, state in self.better.history()
                    if at > started and state == "MASTER"]
        return wait_for(times, 2 * PATIENCE + 2, "the better one to be the master again")[0]

    def client_reaches(self, host):
        def answered():
            self.client.ip("neigh", "flush", "dev", "tap0")
            return self.client.ping(VIP) and \
                interface_mac(host) in self.client.ip("neigh", "show", VIP)
        wait_for(answered, 5, f"{VIP} to be answered by {host}")


@pytest.fixture(params=[("tapd", "kernel"), ("kernel", "tapd")], ids=" over ".join)
def group(request, make_cloud):
    """The first has the better priority."""
    lab = PlainHosts(make_cloud(names=["tapd", "kernel", "ovs"]), ["tapd", "kernel", "ovs"])
    lab.wait_reached()
    group = Group(lab, *request.param)
    group.start()
    return group


@pytest.fixture
def took(record_property):
    def check(what, seconds):
        record_property("measured", f"{what}: {seconds:.2f} s (VRRP {PATIENCE:.2f} s, "
                                    f"asserted {2 * PATIENCE:.2f})")
        assert seconds <= 2 * PATIENCE, f"{what} took {seconds:.2f} s"
    return check


@pytest.mark.deadline
def test_failover_and_failback(group, took):
    better, other = group.hosts
    holds(lambda: (group.better.state(), group.other.state()) == ("MASTER", "BACKUP"), 4,
          "one master")
    killed = time.time()
    group.better.kill()
    took(f"failover from {better} to {other} after kill -9",
         group.other.wait_state("MASTER", 2 * PATIENCE) - killed)
    # The dead one has the address still: the gratuitous ARPs of the new one moved the client.
    wait_for(lambda: interface_mac(other) in group.client.ip("neigh", "show", VIP), 3,
             "the client to be moved")
    group.better.clear_addresses()
    started = time.time()
    group.better.start()
    took(f"failback from {other} to {better}", group.master_since(started) - started)
    group.settled()
    with group.lab.cloud.cut(better):
        cut = time.time()
        took(f"failover from {better} to {other} after a cut",
             group.other.wait_state("MASTER", 2 * PATIENCE) - cut)
        group.client_reaches(other)
    group.other.wait_state("BACKUP", 5)
    group.settled()
