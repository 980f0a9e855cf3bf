"""Keepalived on tap0, configured as its manual says: only the interface is named.

A backup waits three adverts and its skew for a master that is gone; every
failover is asserted at twice that.
"""

import time
from types import SimpleNamespace

import pytest

from cloud import Tapd, holds, interface_mac, new_secret, start_all, wait_for, wait_mesh
from cloud.keepalived import Keepalived, Vrrp
from cloud.supervisor import FdStore
from recipe import recipe

VIP, VIP6 = "10.77.0.100", "fd77::100"


class Group:
    """web1 (the better priority) and web2 run Keepalived, web3 is their client."""

    def __init__(self, cloud, *instances1, instances2=None, daemons=None):
        self.cloud = cloud
        self.host1, self.host2, self.client = cloud.hosts
        self.daemons = daemons or start_all(cloud)
        for host in cloud.hosts:  # VRRP for IPv6 needs the link-local address
            wait_for(lambda: "tentative" not in host.ip("addr", "show", "dev", "tap0"), 5,
                     f"the addresses of {host}")
        instances1 = instances1 or (Vrrp(priority=150),)
        self.ka1 = Keepalived(self.host1, *instances1)
        self.ka2 = Keepalived(self.host2, *(instances2 or [
            Vrrp(i.name, i.router_id, 100, i.address, i.interval, i.interface, i.options)
            for i in instances1]))

    def elect(self):
        """The better one first: of two that start at once the lesser one may be first."""
        self.ka1.start()
        self.ka1.wait_state("MASTER", 15)
        self.ka2.start()
        self.ka2.wait_state("BACKUP", 10)

    def start(self):
        self.elect()
        self.settled()
        return self

    def settled(self):
        self.ka1.wait_state("MASTER", 10)
        self.ka2.wait_state("BACKUP", 10)
        assert self.client_reaches(self.host1)

    @property
    def patience(self):
        return self.ka2.instances[0].patience

    def answering(self, address=VIP, interface="tap0"):
        """The MAC that answers for the address, asked anew."""
        self.client.ip("neigh", "flush", "dev", interface)
        if not self.client.ping(address):
            return None
        words = self.client.ip("neigh", "show", address).split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None

    def client_reaches(self, host, address=VIP):
        mac = interface_mac(host)
        return wait_for(lambda: self.answering(address) == mac, 5,
                        f"{address} to be answered by {host}")


@pytest.fixture
def group(make_cloud):
    return Group(make_cloud(3)).start()


@pytest.fixture
def took(record_property):
    """took(what, seconds, group): within twice what VRRP promises, and printed."""
    def check(what, seconds, patience):
        record_property("measured", f"{what}: {seconds:.2f} s (VRRP {patience:.2f} s, "
                                    f"asserted {2 * patience:.2f})")
        assert seconds <= 2 * patience, f"{what} took {seconds:.2f} s"
    return check


def test_the_recipe_is_what_these_tests_run():
    web1 = SimpleNamespace(name="web1", path=str)
    conf = Keepalived(web1, Vrrp(priority=150)).configuration("/etc/keepalived/notify")
    assert recipe("keepalived", "/etc/keepalived/keepalived.conf") == conf


def test_one_master_is_elected_and_the_other_is_silent(group):
    assert group.ka1.holds_address() and not group.ka2.holds_address()
    states = [s for _, _, s in group.ka2.history()]
    assert states == ["BACKUP"], "the backup never took the address"
    holds(lambda: group.ka1.state() == "MASTER" and group.ka2.state() == "BACKUP", 5,
          "the roles as they are")


def test_its_sockets_are_no_capture(group):
    """It has packet sockets on all interfaces: frames are merged beside them."""
    holds(lambda: all(daemon.status()["merging"]["on"] for daemon in group.daemons), 3, "merging")


@pytest.mark.deadline
def test_failover_after_kill_9_of_the_master(group, took):
    killed = time.time()
    group.ka1.kill()
    took("failover after kill -9 of Keepalived",
         group.ka2.wait_state("MASTER", 2 * group.patience) - killed, group.patience)
    # The dead master's address is still on its interface: the gratuitous ARPs
    # of the new one must have moved the client all the same.
    mac = interface_mac(group.host2)
    wait_for(lambda: mac in group.client.ip("neigh", "show", VIP), 3, "the client to be moved")


@pytest.mark.deadline
def test_failover_after_a_stop_is_at_once(group):
    stopped = time.time()
    group.ka1.stop()
    # A priority-0 advert says goodbye: only the skew is waited for.
    took = group.ka2.wait_state("MASTER", 3) - stopped
    assert took < group.ka2.instances[0].interval * 2, f"{took:.2f} s"
    group.client_reaches(group.host2)


@pytest.mark.deadline
def test_failover_when_the_master_is_cut_off_and_back(group, took):
    with group.cloud.cut(group.host1):
        cut = time.time()
        took("failover after the master's host was cut off",
             group.ka2.wait_state("MASTER", 2 * group.patience) - cut, group.patience)
        group.client_reaches(group.host2)
        assert group.ka1.state() == "MASTER", "it is alone, and cannot know"
    group.ka2.wait_state("BACKUP", 12 + 2 * group.patience)
    group.settled()


@pytest.mark.deadline
def test_failover_when_the_masters_tapd_dies_and_failback(group, took):
    killed = time.time()
    group.daemons[0].kill()
    took("failover after kill -9 of the master's tapd",
         group.ka2.wait_state("MASTER", 2 * group.patience) - killed, group.patience)
    group.client_reaches(group.host2)
    group.daemons[0].start()
    group.settled()


@pytest.mark.deadline
def test_failback_when_the_better_one_returns(group, took):
    group.ka1.stop()
    group.ka2.wait_state("MASTER", 2 * group.patience)
    started = time.time()
    group.ka1.start()
    took("failback to the better priority",
         group.ka1.wait_state("MASTER", 2 * group.patience + 2) - started, group.patience)
    group.ka2.wait_state("BACKUP", 3)
    group.settled()


@pytest.mark.deadline
def test_the_clients_outage_is_no_longer_than_the_failover(group, took):
    """Everything on the master's host dies; a client's datagrams tell how long."""
    ping = group.client.start("ping", "-D", "-i", "0.05", VIP, log="ping.log")
    ping.wait_log("bytes from")
    group.ka1.kill()
    group.daemons[0].kill()
    killed = time.time()

    def back():
        times = [float(line[1:line.index("]")]) for line in ping.log().splitlines()
                 if line.startswith("[") and "bytes from" in line]
        return [when for when in times if when > killed + 0.5]
    outage = wait_for(back, 2 * group.patience + 2, "pings to be answered again")[0] - killed
    took("a client's outage when the master's host dies", outage, group.patience)
    ping.stop()


def test_tapd_restarted_under_the_master_is_no_transition(make_cloud):
    """kill -9 and start anew, as systemd does, which keeps the TAP's descriptor
    meanwhile (FileDescriptorStoreMax=1): no carrier is lost, no advert is late."""
    cloud = make_cloud(3)
    secret = new_secret()
    store = FdStore(cloud.hosts[0].path("notify.sock"))
    daemons = [Tapd(host, secret) for host in cloud.hosts]
    daemons[0].supervised(store)
    for daemon in daemons:
        daemon.start()
    wait_mesh(daemons)
    wait_for(lambda: store.receive(), 3, "tapd to hand its TAP over")
    group = Group(cloud, daemons=daemons).start()
    before = group.ka1.history(), group.ka2.history()
    index = group.host1.ifindex()
    for _ in range(3):
        daemons[0].kill()
        assert "LOWER_UP" in group.host1.ip("link", "show", "tap0"), "the carrier stays"
        daemons[0].start()
        wait_mesh(daemons)
        holds(lambda: (group.ka1.history(), group.ka2.history()) == before, 3, "no transition")
    assert group.host1.ifindex() == index
    assert group.client_reaches(group.host1)
    daemons[0].stop()
    store.stopped()
    wait_for(lambda: not group.host1.has_interface(), 2, "tap0 to go after a clean stop")
    store.close()


def test_a_restart_of_the_backups_tapd_is_no_election(group):
    """A crash and a start within three adverts: the backup hears the master in time."""
    group.daemons[1].kill()
    group.daemons[1].start()
    wait_mesh(group.daemons)
    holds(lambda: group.ka1.state() == "MASTER", 5, "the master to stay")
    group.ka2.wait_state("BACKUP", 5)
    assert "MASTER" not in [state for _, _, state in group.ka2.history()]


def owner_of(daemon, mac):
    return next((e["owner"] for e in daemon.ctl("fdb") if e["mac"] == mac), None)


def test_use_vmac_moves_the_virtual_mac_with_the_master(make_cloud):
    instance = Vrrp(priority=150, options=("use_vmac",))
    group = Group(make_cloud(3), instance)
    group.elect()
    wait_for(lambda: group.answering() == instance.virtual_mac, 5, "the virtual MAC to answer")
    client = group.daemons[2]
    assert owner_of(client, instance.virtual_mac) == "web1"
    # The backup's macvlan has the same MAC and speaks IGMP: it must not steal it.
    holds(lambda: owner_of(client, instance.virtual_mac) == "web1"
          and group.client.reaches(VIP), 5, "the virtual MAC at the master")
    stopped = time.time()
    group.ka1.stop()
    group.ka2.wait_state("MASTER", 2 * group.patience)
    wait_for(lambda: group.client.ping(VIP), 3, "the client to reach the new master")
    assert time.time() - stopped <= 2 * group.patience
    assert owner_of(client, instance.virtual_mac) == "web2"
    assert group.answering() == instance.virtual_mac


def test_two_instances_with_a_master_each(make_cloud):
    one = dict(name="VI_1", router_id=51, address="10.77.0.100/24")
    two = dict(name="VI_2", router_id=52, address="10.77.0.200/24")
    group = Group(make_cloud(3), Vrrp(priority=150, **one), Vrrp(priority=100, **two),
                  instances2=[Vrrp(priority=100, **one), Vrrp(priority=150, **two)])
    group.ka1.start()
    group.ka2.start()
    group.ka1.wait_state("MASTER", 10, "VI_1")
    group.ka2.wait_state("MASTER", 10, "VI_2")
    group.ka1.wait_state("BACKUP", 10, "VI_2")
    group.ka2.wait_state("BACKUP", 10, "VI_1")
    group.client_reaches(group.host1, "10.77.0.100")
    group.client_reaches(group.host2, "10.77.0.200")
    with group.cloud.cut(group.host1):
        group.ka2.wait_state("MASTER", 2 * group.patience, "VI_1")
        group.client_reaches(group.host2, "10.77.0.100")
        group.client_reaches(group.host2, "10.77.0.200")
    group.ka2.wait_state("BACKUP", 12 + 2 * group.patience, "VI_1")
    group.client_reaches(group.host1, "10.77.0.100")


@pytest.mark.deadline
@pytest.mark.parametrize("options", [(), ("use_vmac",)], ids=["plain", "use_vmac"])
def test_ipv6_vrrp(make_cloud, took, options):
    instance = Vrrp(priority=150, address=f"{VIP6}/64", options=("version 3", *options))
    group = Group(make_cloud(3), instance)
    group.elect()
    wait_for(lambda: group.client.ping(VIP6), 5, "the virtual address to answer")
    with group.cloud.cut(group.host1):
        cut = time.time()
        took(f"IPv6 failover {' '.join(options)}".strip(),
             group.ka2.wait_state("MASTER", 2 * group.patience) - cut, group.patience)
        wait_for(lambda: group.client.ping(VIP6), 5, "the new master to answer")
    group.ka2.wait_state("BACKUP", 12 + 2 * group.patience)
    wait_for(lambda: group.client.ping(VIP6), 5, "the old master to answer")


@pytest.mark.deadline
def test_subsecond_adverts_fail_over_as_fast(make_cloud, took):
    instance = Vrrp(priority=150, interval=0.2, options=("version 3",))
    group = Group(make_cloud(3), instance).start()
    holds(lambda: group.ka2.state() == "BACKUP", 5, "the backup to be content")
    with group.cloud.cut(group.host1):
        cut = time.time()
        took("failover with adverts every 0.2 s",
             group.ka2.wait_state("MASTER", 3) - cut, group.patience)
