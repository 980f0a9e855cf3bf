"""docs/recipes/gateway: sealed and plain hosts on one Ethernet, by a bridge between them."""

import contextlib
import time

import pytest

from cloud import (Audience, Tapd, interface_mac, member, multicast_sender, new_secret, pump,
                   wait_for, wait_mesh)
from cloud.counted import counted
from cloud.frames import BROADCAST, frame
from cloud.keepalived import Keepalived, Vrrp
from cloud.vteps import KernelVtep
from recipe import recipe, typed

NAMES = ["web1", "web2", "gw1", "old1", "old2", "gw2"]
MTU, GROUP, OTHER, PORT = 1450, "239.77.1.1", "239.77.2.2", 7100


class OfThePage(Tapd):
    """Runs the page's file; what is added parts hosts that share /run and /var/lib."""

    def __init__(self, host, secret, interface, changes):
        super().__init__(host, secret, interface=interface)
        text = recipe("gateway", f"/etc/tapd/{interface}.conf", changes)
        added = "".join(f'{key} = "{self.settings[key]}";\n'
                        for key in ("key_file", "control_socket", "name")
                        if key != "key_file" or interface == "tap0")
        self.conf = self.host.write(f"{interface}.conf", text + added)


class Gateway:
    """A host where the page's commands were typed."""

    def __init__(self, host, secret, changes=None, stp=True):
        self.host = host
        changes = {**{"tap0": {}, "tap1": {}}, **(changes or {})}
        for line in typed("gateway", "gw1"):
            if line.startswith("tapctl "):  # what it shows
                continue
            if line.startswith("systemctl enable --now tapd@tap0 tapd@tap1"):
                self._start(secret, changes)
                continue
            if not stp:
                line = line.replace("stp_state 1", "stp_state 0")
            host.run(*line.replace("10.77.0.3", host.tap4).split())

    def _start(self, secret, changes):
        sealed = {"/etc/tapd/secret": self.host.write("secret", secret + "\n", 0o600)}
        self.sealed = OfThePage(self.host, secret, "tap0", {**sealed, **changes["tap0"]})
        self.plain = OfThePage(self.host, secret, "tap1", changes["tap1"])
        self.daemons = [self.sealed.start(), self.plain.start()]

    def forwards(self):
        return all("state forwarding" in self.host.run("bridge", "link", "show", "dev", tap).stdout
                   for tap in ("tap0", "tap1"))


class Site:
    def __init__(self, cloud, gateways):
        self.cloud, self.secret = cloud, new_secret()
        self.web = cloud.hosts[:2]
        self.gw = [cloud.host(name) for name in gateways]
        self.old = [cloud.host(name) for name in ("old1", "old2")]
        for host in self.old:
            KernelVtep(host, [*self.gw, *self.old])
        self.daemons = [Tapd(host, self.secret, [h.address for h in [*self.web, *self.gw]],
                             **{"interface.mtu": MTU}).start() for host in self.web]

    def add_gateway(self, name, others=(), **options):
        """`others`: gateways that it lists, too, on both sides."""
        more = "".join(f', "{self.cloud.host(other).address}"' for other in others)
        return Gateway(self.cloud.host(name), self.secret, {
            "tap0": {'"10.9.0.11" ]': f'"10.9.0.11"{more} ]'},
            "tap1": {'"10.9.0.14" ]': f'"10.9.0.14"{more} ]'}} if others else None, **options)

    @property
    def hosts(self):
        return [*self.web, *self.old]

    def unreached(self, *options):
        return [(source, target) for source in self.hosts for target in self.hosts
                if source is not target and not source.ping(target.tap4, *options)]


@pytest.fixture(scope="module")
def site(make_module_cloud):
    site = Site(make_module_cloud(names=NAMES[:5]), ["gw1"])
    site.gateway = site.add_gateway("gw1")
    wait_mesh([*site.daemons, site.gateway.sealed])
    wait_for(site.gateway.forwards, 15, "the bridge to forward")
    return site


@pytest.fixture
def took(record_property):
    return lambda text: record_property("measured", text)


def test_all_reach_each_other_with_full_packets(site):
    wait_for(lambda: not site.unreached("-M", "do", "-s", MTU - 28), 15,
             lambda: f"full packets: {site.unreached('-M', 'do', '-s', MTU - 28)}")
    assert all(host.reaches(site.gw[0].tap4) for host in site.hosts)
    assert site.cloud.fragments() == 0


def test_a_broadcast_comes_to_each_once(site):
    with Audience(site.hosts) as audience:
        for host in site.hosts:
            octets = frame(BROADCAST, interface_mac(host), b"to all" * 10)
            assert audience.who_gets(host, octets) == \
                {other.name for other in site.hosts if other is not host}


@pytest.mark.parametrize("source", ["web1", "gw1"])
def test_a_group_goes_to_members_on_both_sides_alone(site, source):
    """Not over the gateway's tap1 to a plain host that answers and did not join."""
    web1, web2 = site.web
    old1, old2 = site.old
    with contextlib.ExitStack() as stack:
        for host in site.hosts:
            stack.enter_context(member(host, OTHER, PORT + 9))
        sockets = [stack.enter_context(member(host, GROUP, PORT)) for host in (web2, old1)]
        plain = site.gateway.plain

        def known():
            groups = plain.group(GROUP), plain.group(OTHER)
            return all(groups) and not groups[0]["flooded"] and len(groups[0]["members"]) == 1 \
                and len(groups[1]["members"]) == 2
        wait_for(known, 20, lambda: f"members: {plain.ctl('groups')}")
        wait_for(lambda: "web2" in (site.gateway.sealed.group(GROUP) or {"members": ()})["members"],
                 10, lambda: f"members: {site.gateway.sealed.ctl('groups')}")
        others = [host for host in (web1, old2) if host.name != source]
        counts = stack.enter_context(counted(*others, port=PORT))
        sender = stack.enter_context(multicast_sender(
            site.cloud.host(source), "br0" if source == "gw1" else "tap0"))
        pump(sender, (GROUP, PORT), sockets, 5_000)
        assert counts() == {host.name: 0 for host in others}


def test_a_plain_hosts_stream_reaches_members_behind_the_gateway(site):
    web1, web2 = site.web
    with contextlib.ExitStack() as stack:
        socket = stack.enter_context(member(web2, GROUP, PORT))
        wait_for(lambda: "web2" in (site.gateway.sealed.group(GROUP) or {"members": ()})["members"],
                 10, lambda: f"members: {site.gateway.sealed.ctl('groups')}")
        counts = stack.enter_context(counted(web1, port=PORT))
        sender = stack.enter_context(multicast_sender(site.old[0]))
        pump(sender, (GROUP, PORT), [socket], 5_000)
        assert counts() == {"web1": 0}


@pytest.mark.deadline
def test_vrrp_across(site, took):
    web1, old1, web2 = site.web[0], site.old[0], site.web[1]
    better = Keepalived(web1, Vrrp(priority=150))
    other = Keepalived(old1, Vrrp(priority=100))
    patience = other.instances[0].patience
    try:
        better.start()
        better.wait_state("MASTER", 15)
        other.start()
        other.wait_state("BACKUP", 10)
        assert "MASTER" not in [state for _, _, state in other.history()]
        killed = time.time()
        better.kill()
        seconds = other.wait_state("MASTER", 2 * patience) - killed
        took(f"VRRP failover from a sealed to a plain host by the gateway: {seconds:.2f} s")
        wait_for(lambda: web2.ping("10.77.0.100"), 3, "the address to answer")
        better.clear_addresses()
        better.start()
        other.wait_state("BACKUP", 2 * patience + 5)
        wait_for(lambda: web2.ping("10.77.0.100"), 3, "the address to answer")
    finally:
        for one in better, other:
            one.stop()


def test_a_larger_mtu_is_refused(site):
    """MTU is told: what would not fit on the plain side cannot be set there."""
    host = site.gw[0]
    text = recipe("gateway", "/etc/tapd/tap1.conf", {"mtu = 1450": "mtu = 1451"})
    conf = host.write("larger.conf", text)
    done = host.run(site.gateway.plain.command()[0], "-n", "-c", conf, check=False)
    assert done.returncode == 78 and f"{conf}:" in done.stderr and "1450" in done.stderr


# ---- two of them ----

class Pair(Site):
    """Two gateways that know each other on both sides."""

    def __init__(self, cloud, stp):
        super().__init__(cloud, ["gw1", "gw2"])
        self.gateways = [self.add_gateway("gw1", ["gw2"], stp=stp),
                         self.add_gateway("gw2", ["gw1"], stp=stp)]
        wait_mesh([*self.daemons, *(gateway.sealed for gateway in self.gateways)])


def loops(site):
    return [daemon.drops()["loop"] for gateway in site.gateways for daemon in gateway.daemons]


def told(site):
    """By one of the daemons that the frames come back to, in its log and its status."""
    return any("loop: " in daemon.process.log()
               and "sent our own frames back: gw" in " ".join(daemon.status()["warnings"])
               for gateway in site.gateways for daemon in gateway.daemons)


def test_two_gateways_by_mistake_are_loud_and_no_storm(make_cloud, took):
    site = Pair(make_cloud(names=NAMES), stp=False)
    web1, old1 = site.web[0], site.old[0]
    with contextlib.ExitStack() as stack:
        counts = stack.enter_context(counted(web1, old1, port=PORT))
        sender = stack.enter_context(multicast_sender(web1))
        sender.sendto(b"round and round", ("224.0.0.200", PORT))
        wait_for(lambda: any(loops(site)) and told(site), 20,
                 lambda: f"a loop to be seen and told: {loops(site)}")
        before, began = counts(), time.monotonic()
        for number in range(50):  # each of which goes round
            sender.sendto(b"again %d" % number, ("224.0.0.200", PORT))
            time.sleep(0.1)
        seconds = time.monotonic() - began
        rates = {name: (count - before[name]) / seconds for name, count in counts().items()}
    took("two gateways by mistake: " + ", ".join(
        f"{rate:.0f} frames/s at {name}" for name, rate in rates.items()))
    assert max(rates.values()) < 2000, rates
    for daemon in site.daemons:  # nobody is lost by it
        assert daemon.status()["peers"]["up"] == 3
    site.cloud.host("gw2").ip("link", "set", "br0", "down")
    wait_for(lambda: not site.unreached(), 20, lambda: f"peace: {site.unreached()}")


def test_two_gateways_with_stp_are_a_spare(make_cloud, took):
    site = Pair(make_cloud(names=NAMES), stp=True)
    wait_for(lambda: sum(gateway.forwards() for gateway in site.gateways) == 1, 20,
             "one of them to block a port")
    wait_for(lambda: not site.unreached(), 20, lambda: f"all reached: {site.unreached()}")
    with Audience(site.hosts) as audience:
        octets = frame(BROADCAST, interface_mac(site.web[0]), b"to all" * 10)
        assert audience.who_gets(site.web[0], octets) == {"web2", "old1", "old2"}
    before = loops(site)
    active = next(gateway for gateway in site.gateways if gateway.forwards())
    died = time.monotonic()
    for daemon in active.daemons:
        daemon.kill()
    wait_for(lambda: not site.unreached(), 40, lambda: f"the spare: {site.unreached()}")
    took(f"the spare gateway took over after {time.monotonic() - died:.1f} s")
    assert sum(before) < 100
