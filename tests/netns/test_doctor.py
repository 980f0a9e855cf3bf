"""tapctl doctor: nothing is wrong with a sound host, and of what a test makes wrong on one
it finds that and nothing else."""

import contextlib
import json
import os
import shutil
import signal

import pytest

from cloud import (Tapd, holds, interface_mac, member, new_secret, program, wait_for, wait_mesh,
                   wait_settled)
from cloud.janitor import HOSTS_DIRECTORY

# What the machine that runs the tests may have of its own.
OWN = {"cpu-steal"}
EXIT = {"error": 2, "warning": 1, "note": 0}


def doctor(daemon, *prefix, tapctl=None):
    """Its findings, as a list; it has to exit as the worst of them says."""
    done = daemon.host.run(*prefix, tapctl or program("tapctl", daemon.build), "-s",
                           daemon.socket, "-j", "doctor", check=False)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert done.returncode == max([EXIT[one["severity"]] for one in found], default=0), done
    order = [EXIT[one["severity"]] for one in found]
    assert order == sorted(order, reverse=True), "the worst is first"
    return found


def faults(daemon):
    """The ids of errors and warnings."""
    return {one["id"] for one in doctor(daemon) if one["severity"] != "note"} - OWN


def notes(daemon):
    return {one["id"] for one in doctor(daemon) if one["severity"] == "note"}


def finds(daemon, *ids, within=15):
    seen = []

    def look():
        seen.append(doctor(daemon))
        return {one["id"] for one in seen[-1] if one["severity"] != "note"} - OWN == set(ids)
    wait_for(look, within, lambda: f"{daemon.host}: {ids or 'nothing'}; it found {seen[-1]}")
    return seen[-1]


@pytest.fixture(scope="module")
def trio4(make_module_cloud):
    """Three hosts, up, with IPv4 on tap0: the kernel takes others away with the link."""
    cloud = make_module_cloud(3)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": [f"{host.tap4}/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    return cloud, daemons


@pytest.fixture
def sound(trio4):
    """They are as they were when a test began: (cloud, [daemon, daemon, daemon])."""
    wait_mesh(trio4[1], 15)
    return trio4


# ---- nothing is wrong ----

def test_a_sound_host_has_no_fault(make_cloud):
    cloud = make_cloud(2, family="dual")
    secret = new_secret()
    daemons = [Tapd(host, secret).start() for host in cloud.hosts]
    wait_mesh(daemons)
    for daemon in daemons:
        finds(daemon)
    # Also when all sizes were tried, and all groups were asked for.
    holds(lambda: not faults(daemons[0]), 12, "nothing found")


def test_a_virtual_address_and_a_member_are_no_fault(sound):
    _, (_, web2, _) = sound
    web2.host.ip("address", "add", "10.77.0.100/32", "dev", "tap0")
    with member(web2.host, "239.1.2.3", 7000):
        finds(web2)
    web2.host.ip("address", "del", "10.77.0.100/32", "dev", "tap0")


def test_it_is_text_for_people(sound):
    _, (web1, _, _) = sound
    web1.host.ip("link", "set", "tap0", "down")
    done = web1.host.run(program("tapctl"), "-s", web1.socket, "doctor", check=False)
    web1.host.ip("link", "set", "tap0", "up")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["error: link-down", "    tap0 is down: ip link set dev tap0 up"]
    assert lines[-1].startswith("1 error, ")


# ---- faults that are made, and mended, on web1 of three hosts ----

@contextlib.contextmanager
def link_down(cloud, web1, *_):
    web1.host.ip("link", "set", "tap0", "down")
    yield
    web1.host.ip("link", "set", "tap0", "up")


@contextlib.contextmanager
def address_missing(cloud, web1, *_):
    web1.host.ip("address", "del", f"{web1.host.tap4}/24", "dev", "tap0")
    yield
    web1.host.ip("address", "add", f"{web1.host.tap4}/24", "dev", "tap0")


@contextlib.contextmanager
def mtu_differs(cloud, web1, web2, *_):
    web2.host.ip("link", "set", "tap0", "mtu", "1400")
    yield
    web2.host.ip("link", "set", "tap0", "mtu", "1500")


@contextlib.contextmanager
def overlap_address(cloud, web1, *_):
    web1.host.ip("link", "add", "docker0", "type", "bridge")
    web1.host.ip("address", "add", "10.77.0.200/24", "dev", "docker0")
    yield
    web1.host.ip("link", "del", "docker0")


@contextlib.contextmanager
def overlap_route(cloud, web1, *_):
    route = "10.77.0.128/25", "via", "10.9.0.1", "dev", "eth0"
    web1.host.ip("route", "add", *route)
    yield
    web1.host.ip("route", "del", *route)


@contextlib.contextmanager
def rp_filter(cloud, web1, *_):
    web1.host.sysctl(net__ipv4__conf__tap0__rp_filter=1, net__ipv4__conf__all__rp_filter=1)
    web1.host.ip("address", "add", "10.77.0.100/32", "dev", "tap0")
    yield
    web1.host.ip("address", "del", "10.77.0.100/32", "dev", "tap0")
    web1.host.sysctl(net__ipv4__conf__tap0__rp_filter=0, net__ipv4__conf__all__rp_filter=0)


@contextlib.contextmanager
def multicast_route_missing(cloud, web1, *_):
    web1.configure(**{"interface.multicast_route": True})
    web1.ctl("reload")
    web1.host.ip("route", "del", "224.0.0.0/4", "dev", "tap0")
    yield
    web1.configure(**{"interface.multicast_route": None})
    web1.ctl("reload")


@contextlib.contextmanager
def peer_no_answer(cloud, _, __, web3):
    with cloud.cut(web3.host):
        yield


@contextlib.contextmanager
def peer_deaf(cloud, web1, _, web3):
    with cloud.cut_path(web1.host, web3.host):
        yield


@contextlib.contextmanager
def peer_unreachable(cloud, web1, _, web3):
    cloud.nft("table inet filter {\nchain output {\ntype filter hook output priority 0;\n"
              f"ip daddr {web3.host.address4} udp dport 8273 drop\n}}\n}}", web1.host)
    yield


@contextlib.contextmanager
def peer_not_on_link(cloud, web1, _, web3):
    route = f"{web3.host.address4}/32", "dev", "eth0", "scope", "link"
    web1.host.ip("route", "add", *route)
    with cloud.cut(web3.host):
        yield


@contextlib.contextmanager
def reloaded(daemon, **settings):
    before = {name: daemon.settings.get(name) for name in settings}
    daemon.configure(**settings)
    daemon.ctl("reload")
    yield
    daemon.configure(**before)
    daemon.ctl("reload")


def peer_routed_inside(cloud, web1, *_):
    return reloaded(web1, peers=[*web1.settings["peers"], "10.77.0.9"])


def name_unresolved(cloud, web1, *_):
    return reloaded(web1, peers=[*web1.settings["peers"], "no-such-host"])


def source_failing(cloud, web1, *_):
    return reloaded(web1, discover={"file": web1.host.path("no-such-file")})


def peer_untrusted(cloud, web1, web2, _):
    return reloaded(web1, trusted_keys=[web2.status()["key"]])


@contextlib.contextmanager
def secret_differs(cloud, _, __, web3):
    with open(web3.secret_file) as file:
        right = file.read().strip()
    web3.set_secret(new_secret())
    web3.ctl("reload")
    yield
    web3.set_secret(right)
    web3.ctl("reload")


OVERFLOW = """
import socket, time
there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
there.bind(("127.0.0.1", 0))
while True:
    there.sendto(bytes(1000), there.getsockname())
    time.sleep(0.01)
"""


@contextlib.contextmanager
def udp_overflow(cloud, web1, *_):
    process = web1.host.start("/usr/bin/python3", "-c", OVERFLOW, log="overflow.log")
    yield
    process.stop()


@contextlib.contextmanager
def secret_readable(cloud, web1, *_):
    os.chmod(web1.secret_file, 0o644)
    yield
    os.chmod(web1.secret_file, 0o600)


FAULTS = {
    "link-down": link_down,
    "address-missing": address_missing,
    "mtu-differs": mtu_differs,
    "overlap-address": overlap_address,
    "overlap-route": overlap_route,
    "rp-filter": rp_filter,
    "multicast-route-missing": multicast_route_missing,
    "peer-routed-inside": peer_routed_inside,
    "peer-untrusted": peer_untrusted,
    "secret-differs": secret_differs,
    "name-unresolved": name_unresolved,
    "source-failing": source_failing,
    "udp-overflow": udp_overflow,
    "secret-readable": secret_readable,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_no_other(sound, fault):
    cloud, daemons = sound
    with FAULTS[fault](cloud, *daemons):
        found = finds(daemons[0], fault, within=25)
        advice = next(one["advice"] for one in found if one["id"] == fault)
        assert advice.endswith(".") and "NAME" not in advice
    wait_mesh(daemons, 15)
    finds(daemons[0], within=25)


# What was lost meanwhile is a fault of its own for a minute: each has its own hosts.
CUTS = {
    "peer-no-answer": peer_no_answer,
    "peer-deaf": peer_deaf,
    "peer-unreachable": peer_unreachable,
    "peer-not-on-link": peer_not_on_link,
}


@pytest.mark.parametrize("fault", CUTS)
def test_a_way_that_is_cut_is_found_and_nothing_else(make_cloud, fault):
    cloud = make_cloud(3)
    secret = new_secret()
    daemons = [Tapd(host, secret).start() for host in cloud.hosts]
    wait_mesh(daemons)
    with CUTS[fault](cloud, *daemons):
        found = finds(daemons[0], fault, within=25)
        assert f"{cloud.hosts[2].name} (" in found[0]["what"]


# ---- what is worth a note ----

@contextlib.contextmanager
def ipv6_off(cloud, web1, *_):
    web1.host.sysctl(net__ipv6__conf__tap0__disable_ipv6=1)
    yield
    web1.host.sysctl(net__ipv6__conf__tap0__disable_ipv6=0)


@contextlib.contextmanager
def interface_bridged(cloud, web1, *_):
    web1.host.ip("link", "add", "br0", "type", "bridge")
    web1.host.ip("link", "set", "tap0", "master", "br0")
    yield
    web1.host.ip("link", "del", "br0")


@contextlib.contextmanager
def memberships(cloud, web1, *_):
    web1.host.sysctl(net__ipv4__igmp_max_memberships=1)
    with member(web1.host, "239.1.2.3", 7000):
        yield
    web1.host.sysctl(net__ipv4__igmp_max_memberships=20)


@contextlib.contextmanager
def peer_stopped(cloud, _, __, web3):
    web3.stop()
    yield
    web3.start()


@contextlib.contextmanager
def keepalived_elsewhere(cloud, web1, *_):
    # ip netns exec puts what is there in the place of what is in /etc.
    folder = os.path.join(HOSTS_DIRECTORY, web1.host.netns, "keepalived")
    os.makedirs(folder)
    with open(os.path.join(folder, "keepalived.conf"), "w") as file:
        file.write("vrrp_instance VI_1 {\n interface eth0\n unicast_peer {\n 10.9.0.11\n }\n}\n")
    yield
    shutil.rmtree(folder)


NOTES = {
    "ipv6-off": ipv6_off,
    "interface-bridged": interface_bridged,
    "memberships": memberships,
    "peer-stopped": peer_stopped,
    "keepalived-elsewhere": keepalived_elsewhere,
}


@pytest.mark.parametrize("note", NOTES)
def test_what_is_no_fault_is_a_note(sound, note):
    cloud, daemons = sound
    before = notes(daemons[0])
    with NOTES[note](cloud, *daemons):
        wait_for(lambda: notes(daemons[0]) == before | {note}, 15, lambda: doctor(daemons[0]))
        assert not faults(daemons[0])


# ---- the daemon ----

def test_a_daemon_that_does_not_run(sound):
    _, (_, _, web3) = sound
    web3.stop()
    assert faults(web3) == {"daemon-down"}
    web3.start()


def test_a_daemon_that_does_not_answer(sound):
    _, (_, _, web3) = sound
    web3.process.signal(signal.SIGSTOP)
    try:
        assert faults(web3) == {"daemon-silent"}
    finally:
        web3.process.signal(signal.SIGCONT)


def test_who_may_not_ask_the_daemon_is_told(sound):
    """And sees the host: that the interface is down."""
    _, (web1, _, _) = sound
    copy = web1.host.path("tapctl")
    shutil.copy(program("tapctl"), copy)
    nobody = "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"
    found = doctor(web1, *nobody, tapctl=copy)
    ids = {one["id"]: one["severity"] for one in found}
    assert ids.pop("socket-denied") == "note"
    assert not {name for name, severity in ids.items() if severity != "note"} - OWN
    web1.host.ip("address", "add", "10.77.0.200/24", "dev", "eth0")
    found = {one["id"] for one in doctor(web1, *nobody, tapctl=copy)}
    web1.host.ip("address", "del", "10.77.0.200/24", "dev", "eth0")
    assert "overlap-address" in found


def test_a_host_that_knows_nobody(make_cloud):
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret(), peers=[]).start()
    finds(daemon, "no-peer-known")


# ---- what does not go away soon ----

def test_hosts_with_one_address(make_cloud):
    cloud = make_cloud(3)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": ["10.77.0.1/24" if host.index < 2
                                                           else "10.77.0.3/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    finds(daemons[0], "duplicate-address")
    finds(daemons[1], "duplicate-address")
    finds(daemons[2])


def test_hosts_with_one_mac(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": [f"{host.tap4}/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    daemons[1].host.ip("link", "set", "dev", "tap0", "address", interface_mac(cloud.hosts[0]))
    finds(daemons[0], "duplicate-mac")


def test_an_address_that_duplicate_detection_refused(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": [f"{host.tap4}/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    cloud.hosts[0].ip("address", "add", "fd77::50/64", "dev", "tap0", "nodad")
    cloud.hosts[1].ip("address", "add", "fd77::50/64", "dev", "tap0")
    finds(daemons[1], "dad-failed")


def test_hosts_with_one_key(make_cloud):
    cloud = make_cloud(3)
    secret = new_secret()
    web1, web2, web3 = (Tapd(host, secret, **{"interface.address": [f"{host.tap4}/24"]})
                        for host in cloud.hosts)
    web1.start()
    web2.start()
    wait_mesh([web1, web2])
    shutil.copy(web2.settings["key_file"], web3.settings["key_file"])
    web3.start()
    wait_for(lambda: "duplicate-key" in faults(web1), 20, lambda: doctor(web1))


FIREWALL = """table inet firewall {
    chain input {
        type filter hook input priority 0;
        ip protocol igmp drop
    }
}
"""


def test_a_firewall_that_drops_igmp(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": [f"{host.tap4}/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    wait_settled(daemons)
    cloud.nft(FIREWALL, cloud.hosts[1])
    with member(cloud.hosts[1], "239.77.1.1", 7000):
        finds(daemons[1], "igmp-silent", within=20)


def test_an_interface_that_was_moved_away(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(host, secret).start() for host in cloud.hosts]
    wait_mesh(daemons)
    cloud.hosts[0].ip("link", "set", "tap0", "netns", cloud.router.netns)
    finds(daemons[0], "interface-absent")


def test_a_path_that_carries_little(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    with cloud.drop_larger(1248):
        daemons = [Tapd(host, secret).start() for host in cloud.hosts]
        wait_mesh(daemons)
        found = finds(daemons[0], "datagram-small", within=40)
        assert "1200 of 1472" in found[0]["what"]


# A load balancer, or NAT in one direction: what comes back has another source.
REWRITE = """table ip rewrite {
    chain in {
        type filter hook prerouting priority -300;
        ip daddr 10.9.0.99 ip daddr set 10.9.0.11
    }
}
"""


def test_a_peer_that_answers_from_another_address(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    cloud.nft(REWRITE)
    web2 = Tapd(cloud.hosts[1], secret, peers=[]).start()
    web1 = Tapd(cloud.hosts[0], secret, peers=["10.9.0.99"]).start()
    web1.wait_up(web2)
    wait_for(lambda: "peer-elsewhere" in notes(web1), 10, lambda: doctor(web1))
    finds(web1)
    assert "peer-elsewhere" not in notes(web2)
