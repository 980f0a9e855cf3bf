"""tap0 is the administrator's: made before or by tapd, changed at run time, kept."""

import os
import re
import shutil
import socket
import stat

import pytest

from cloud import (EXIT_SYSTEM, Tapd, interface_mac, new_secret, start_all, wait_for, wait_mesh)

# /dev/net/tun is open to all on any ordinary system, but not on every one.
OPEN_TUN = ("unshare", "--mount", "sh", "-c",
            "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && "
            'exec "$@"', "sh")
AS_NOBODY = OPEN_TUN + ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                        "--inh-caps=-all", "--bounding-set=-all")


@pytest.fixture
def host(make_cloud):
    return make_cloud(1).hosts[0]


@pytest.fixture
def pair(make_cloud):
    cloud = make_cloud(2)
    return start_all(cloud)


def refused(daemon, *prefix):
    """It ends with 71 at once; what it said."""
    daemon.launch(*prefix)
    assert daemon.process.wait(5) == EXIT_SYSTEM, daemon.process.log()
    return daemon.process.log()


def own_files_to_nobody(daemon):
    for path in (daemon.host.directory, daemon.secret_file):
        os.chown(path, 65534, 65534)


# ---- made by tapd ----

def test_it_is_up_with_its_addresses_and_a_link_local_one(pair):
    shown = pair[0].host.ip("addr", "show", "dev", "tap0")
    assert "UP" in shown and "mtu 1500" in shown
    assert f"inet {pair[0].host.tap4}/24" in shown and f"inet6 {pair[0].host.tap6}/64" in shown
    assert "inet6 fe80::" in shown


def test_its_mac_is_the_same_after_a_restart(pair):
    web1, web2 = pair
    macs = [interface_mac(d.host) for d in pair]
    assert macs[0] != macs[1]
    for mac in macs:
        first = int(mac[:2], 16)
        assert first & 2 and not first & 1, "local and unicast"
    web1.restart()
    assert interface_mac(web1.host) == macs[0]
    assert web1.status()["interface"]["mac"] == macs[0]


def test_its_mac_can_be_chosen(host):
    daemon = Tapd(host, new_secret(), **{"interface.mac": "52:54:00:00:00:01"}).start()
    assert interface_mac(host) == "52:54:00:00:00:01"
    assert daemon.status()["interface"]["mac"] == "52:54:00:00:00:01"


def test_it_stays_after_a_clean_stop_if_persistent(host):
    daemon = Tapd(host, new_secret(), **{"interface.persist": True}).start()
    index = host.ifindex()
    daemon.restart()
    assert host.ifindex() == index
    daemon.configure(**{"interface.persist": False})
    daemon.restart()
    daemon.stop()
    assert not host.has_interface()


def test_one_left_by_a_crash_is_taken_over_and_then_removed(host):
    daemon = Tapd(host, new_secret()).start()
    index = host.ifindex()
    daemon.kill()
    assert host.has_interface()
    daemon.start()
    assert host.ifindex() == index
    assert daemon.stop() == 0
    assert not host.has_interface(), "it is still the one that tapd made"


def test_multicast_route(host):
    Tapd(host, new_secret(), **{"interface.multicast_route": True}).start()
    assert "224.0.0.0/4" in host.ip("route", "show", "dev", "tap0")
    out = host.ip("-6", "route", "get", "ff15::1")
    assert "dev tap0" in out, out


def test_limited_broadcast_goes_where_multicast_goes(make_cloud):
    web1, web2 = start_all(make_cloud(2), **{"interface.multicast_route": True})
    receiver = web2.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("", 9999))
    receiver.settimeout(3)
    sender = web1.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.sendto(b"anybody?", ("255.255.255.255", 9999))
    octets, source = receiver.recvfrom(100)
    assert octets == b"anybody?" and source[0] == web1.host.tap4
    web1.configure(**{"interface.multicast_route": False})
    web1.ctl("reload")
    assert "255.255.255.255" not in web1.host.ip("route", "show")


def test_no_multicast_route_unless_asked(host):
    Tapd(host, new_secret()).start()
    assert "224.0.0.0" not in host.ip("route", "show")


def hook(host, name):
    path = host.write(name, f"""#!/bin/sh
echo "$TAPD_INTERFACE $TAPD_EVENT $TAPD_ADDRESS" >> {host.path(name + '.ran')}
""")
    os.chmod(path, stat.S_IRWXU)
    return path


def ran(host, name):
    try:
        with open(host.path(name + ".ran")) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def test_hooks_run_with_what_they_need_to_know(host):
    daemon = Tapd(host, new_secret(), **{"interface.up": hook(host, "up"),
                                         "interface.down": hook(host, "down")}).start()
    wait_for(lambda: ran(host, "up"), 3, "the up hook")
    assert ran(host, "up")[0].split()[:2] == ["tap0", "up"]
    assert host.tap4 in ran(host, "up")[0]
    assert daemon.stop() == 0
    assert ran(host, "down")[0].split()[:2] == ["tap0", "down"]


def test_a_hook_that_fails_is_named_and_harms_nothing(host):
    daemon = Tapd(host, new_secret(), **{"interface.up": "/bin/false"}).start()
    daemon.process.wait_log("/bin/false")
    assert daemon.ctl_ok("status")


def test_a_stop_does_not_wait_for_hooks_that_hang(host):
    path = host.write("hang", """#!/bin/sh
trap '' TERM INT HUP
setsid sleep 20 &
while :; do sleep 20; done
""")
    os.chmod(path, stat.S_IRWXU)
    daemon = Tapd(host, new_secret(), **{"interface.up": path, "interface.down": path}).start()
    assert daemon.stop(5) == 0
    assert "took too long and was killed" in daemon.process.log()
    assert not host.has_interface()


def test_carrier_can_follow_the_peers(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    settings = {"interface.carrier": "peers"}
    web1 = Tapd(cloud.hosts[0], secret, **settings).start()
    wait_for(lambda: "NO-CARRIER" in web1.host.ip("link", "show", "tap0"), 3, "no carrier")
    assert web1.status()["interface"]["carrier"] is False
    web2 = Tapd(cloud.hosts[1], secret, **settings).start()
    wait_mesh([web1, web2])
    wait_for(lambda: "NO-CARRIER" not in web1.host.ip("link", "show", "tap0"), 3, "a carrier")
    assert web1.status()["interface"]["carrier"] is True
    web2.stop()
    wait_for(lambda: "NO-CARRIER" in web1.host.ip("link", "show", "tap0"), 8, "no carrier")


def test_carrier_is_there_without_a_peer(host):
    daemon = Tapd(host, new_secret()).start()
    assert "LOWER_UP" in host.ip("link", "show", "tap0")
    assert daemon.status()["interface"]["carrier"] is True


# ---- changed at run time ----

def test_down_and_up_again(pair):
    web1, web2 = pair
    web1.host.ip("link", "set", "tap0", "down")
    # Frames that arrive now have nowhere to go: counted, and no harm.
    web2.host.run("ping", "-c3", "-i0.2", "-W1", web1.host.tap4, check=False)
    assert web1.running and web1.status()["peers"]["up"] == 1
    web1.host.ip("link", "set", "tap0", "up")
    wait_for(lambda: web2.host.ping(web1.host.tap4), 5, "ping after up")


def test_another_mtu(pair):
    web1, web2 = pair
    for mtu in (1400, 9000):
        for daemon in pair:
            daemon.host.ip("link", "set", "tap0", "mtu", mtu)
        wait_for(lambda: all(d.status()["interface"]["mtu"] == mtu for d in pair), 3,
                 f"tapd to see an MTU of {mtu}")
        wait_for(lambda: web1.host.ping(web2.host.tap4, "-M", "do", "-s", mtu - 28), 5,
                 f"a full packet at {mtu}")


def test_another_mac(pair):
    web1, web2 = pair
    web1.host.ip("link", "set", "tap0", "address", "52:54:00:aa:bb:cc")
    wait_for(lambda: web1.status()["interface"]["mac"] == "52:54:00:aa:bb:cc", 3,
             "tapd to see the MAC")
    web2.host.ip("neigh", "flush", "dev", "tap0")
    wait_for(lambda: web2.host.ping(web1.host.tap4), 5, "ping")


def test_in_a_bridge(pair):
    """Then other hosts' MACs live behind tap0."""
    web1, web2 = pair
    web1.host.ip("link", "add", "br0", "type", "bridge")
    web1.host.ip("addr", "flush", "dev", "tap0")
    web1.host.ip("link", "set", "tap0", "master", "br0")
    web1.host.ip("link", "set", "br0", "up")
    web1.host.ip("addr", "add", f"{web1.host.tap4}/24", "dev", "br0")
    wait_for(lambda: web2.host.ping(web1.host.tap4), 10, "ping to the bridge's address")


def test_deleted_under_the_daemon(pair):
    """It makes it anew, as configured, and says so."""
    web1, web2 = pair
    mac = interface_mac(web1.host)
    web1.host.ip("link", "del", "tap0")
    web1.process.wait_log("tap0 was deleted: making it again")
    wait_for(lambda: web1.host.ping(web2.host.tap4), 5, "ping after it was made again")
    assert web1.status()["peers"]["up"] == 1 and interface_mac(web1.host) == mac
    assert web1.stop() == 0 and not web1.host.has_interface()


def test_deleted_under_a_daemon_that_may_not_make_it(host):
    """Then it ends as if it could not make one, for its supervisor to see."""
    made_before(host, "user", "nobody")
    daemon = Tapd(host, new_secret(), **{"interface.address": None})
    own_files_to_nobody(daemon)
    daemon.start(*AS_NOBODY)
    host.ip("link", "del", "tap0")
    assert daemon.process.wait(5) == EXIT_SYSTEM
    assert "ip tuntap add dev tap0" in daemon.process.log()


# ---- made before ----

def made_before(host, *options):
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tap", *options)


def test_one_made_before_keeps_what_is_not_configured(host):
    made_before(host)
    host.ip("link", "set", "tap0", "address", "52:54:00:01:02:03", "mtu", "1300", "up")
    host.ip("addr", "add", "10.77.9.9/24", "dev", "tap0")
    index = host.ifindex()
    daemon = Tapd(host, new_secret(), **{"interface.address": None}).start()
    status = daemon.status()["interface"]
    assert (status["mac"], status["mtu"]) == ("52:54:00:01:02:03", 1300)
    assert host.ifindex() == index
    assert daemon.stop() == 0
    shown = host.ip("addr", "show", "dev", "tap0")
    assert "10.77.9.9/24" in shown and "52:54:00:01:02:03" in shown and "mtu 1300" in shown
    assert host.ifindex() == index, "what tapd did not make it does not remove"


def test_one_made_before_takes_what_is_configured(host):
    made_before(host)
    Tapd(host, new_secret(), **{"interface.mtu": 1400, "interface.mac": "52:54:00:00:00:07"}).start()
    shown = host.ip("addr", "show", "dev", "tap0")
    assert "mtu 1400" in shown and "52:54:00:00:00:07" in shown and f"{host.tap4}/24" in shown


def test_without_root_on_one_made_for_that_user(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = []
    for host in cloud.hosts:
        made_before(host, "user", "nobody")
        host.ip("addr", "add", f"{host.tap4}/24", "dev", "tap0")
        host.ip("link", "set", "tap0", "up")
        daemon = Tapd(host, secret, **{"interface.address": None})
        own_files_to_nobody(daemon)
        daemon.launch(*AS_NOBODY)
        daemons.append(daemon)
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons)
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)
    assert re.search(r"Uid:\s+65534", open(f"/proc/{daemons[0].process.pid}/status").read())


def test_without_root_what_it_may_not_set_is_named_with_its_command(host):
    made_before(host, "user", "nobody")
    host.ip("link", "set", "tap0", "up")
    daemon = Tapd(host, new_secret())
    own_files_to_nobody(daemon)
    daemon.start(*AS_NOBODY)
    log = daemon.process.log()
    assert re.search(rf"ip (-\S+ )*addr(ess)? (add|replace) {re.escape(host.tap4)}/24 dev tap0", log)


# ---- cannot ----

def test_without_any_right_it_says_which_is_missing(host):
    daemon = Tapd(host, new_secret())
    own_files_to_nobody(daemon)
    said = refused(daemon, *AS_NOBODY)
    assert "ip tuntap add" in said


@pytest.mark.parametrize("kind", [("bridge",), ("veth", "peer", "name", "other")])
def test_the_name_is_taken_by_another_kind_of_interface(host, kind):
    host.ip("link", "add", "tap0", "type", *kind)
    index = host.ifindex()
    assert "tap0" in refused(Tapd(host, new_secret()))
    assert host.ifindex() == index


def test_the_name_is_taken_by_a_tun(host):
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tun")
    assert "tap0" in refused(Tapd(host, new_secret()))


def test_no_dev_net_tun(host):
    said = refused(Tapd(host, new_secret()), "unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs none /dev/net && exec "$@"', "sh")
    assert "/dev/net/tun" in said and "modprobe tun" in said


def test_the_port_is_taken(host):
    with host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::", 8273))
        said = refused(Tapd(host, new_secret()))
    assert "8273" in said
    assert not host.has_interface(), "nothing is left of the attempt"


def test_a_second_tapd_for_the_same_interface(host):
    first = Tapd(host, new_secret()).start()
    index = host.ifindex()
    second = Tapd(host, new_secret(), listen=["[::]:9000"],
                  control_socket=host.path("second.sock"))
    assert "tap0" in refused(second)
    assert host.ifindex() == index and first.ctl_ok("status")
    assert f"{host.tap4}/24" in host.ip("addr", "show", "dev", "tap0")


def test_a_second_tapd_for_the_same_control_socket(host):
    first = Tapd(host, new_secret()).start()
    second = Tapd(host, new_secret(), listen=["[::]:9000"], **{
        "interface.name": "tap1", "interface.address": ["10.78.0.1/24"]})
    second.launch()
    assert second.process.wait(5) != 0
    assert "tap0.sock" in second.process.log()
    assert first.ctl_ok("status") and not host.has_interface("tap1")


def test_two_taps_on_one_host(make_cloud):
    cloud = make_cloud(2)
    first = start_all(cloud)
    secret = new_secret()
    second = [Tapd(host, secret, listen=["[::]:9000"], key_file=host.path("tap1.key"),
                   control_socket=host.path("tap1.sock"),
                   peers=[f"{h.address}:9000" for h in cloud.hosts],
                   **{"interface.name": "tap1",
                      "interface.address": [f"10.78.0.{1 + host.index}/24"]})
              for host in cloud.hosts]
    for daemon in second:
        daemon.socket = daemon.host.path("tap1.sock")
    # Each Tapd writes the same files on its host; the second pair runs last.
    for daemon in second:
        daemon.start()
    wait_mesh(second)
    assert cloud.hosts[0].reaches("10.78.0.2") and cloud.hosts[0].reaches("10.77.0.2")
    assert all(d.running for d in first)


# ---- as another user ----

def test_it_drops_to_a_user_and_still_follows(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud, user="nobody")
    status = open(f"/proc/{daemons[0].process.pid}/status").read()
    assert re.search(r"Uid:\s+65534\s+65534\s+65534\s+65534", status)
    net_admin = 1 << 12
    permitted = int(re.search(r"CapPrm:\s+(\w+)", status)[1], 16)
    effective = int(re.search(r"CapEff:\s+(\w+)", status)[1], 16)
    assert permitted == net_admin and effective == 0
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)
    cloud.hosts[0].ip("link", "set", "tap0", "mtu", "1400")
    wait_for(lambda: daemons[0].status()["interface"]["mtu"] == 1400, 3, "the MTU to be seen")
    assert daemons[0].stop() == 0
    assert not cloud.hosts[0].has_interface()


def test_a_user_reads_its_groups_secret_again(host):
    """chown root:tapd, chmod 640: the secret cannot be changed by who uses it."""
    daemon = Tapd(host, new_secret(), user="nobody")
    shutil.chown(daemon.secret_file, "root", "nogroup")
    os.chmod(daemon.secret_file, 0o640)
    daemon.start()
    assert daemon.ctl_run("reload").returncode == 0
    os.chmod(daemon.secret_file, 0o644)
    refused = daemon.ctl_run("reload")
    assert refused.returncode != 0 and "; chmod 600 " in refused.stderr, refused.stderr


def test_it_drops_to_a_user_and_makes_it_again(host):
    daemon = Tapd(host, new_secret(), user="nobody").start(*OPEN_TUN)
    host.ip("link", "del", "tap0")
    wait_for(lambda: host.tap4 in host.ip("addr", "show"), 3, "tap0 to be back")
    assert daemon.stop() == 0
    assert not host.has_interface()
