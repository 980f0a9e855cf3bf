"""A host with several ways out: the tunnel leaves by `device` and `mark`."""

import pytest

from cloud import Tapd, new_secret, program, wait_for, wait_mesh
from cloud.daemon import EXIT_SYSTEM
from test_how_to import blocks, replaced

TASK = "Keep the tunnel to one uplink"


def second_card(cloud):
    """eth1 joins the two hosts as well; web1's first card leads nowhere."""
    web1, web2 = cloud.hosts
    web1.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", web2.netns)
    for number, host in enumerate((web1, web2), 1):
        host.ip("addr", "add", f"10.8.0.{number}/24", "dev", "eth1")
        host.ip("link", "set", "eth1", "up")


@pytest.fixture
def cloud(make_cloud):
    """web1 knows web2's address of the first card."""
    cloud = make_cloud(2)
    second_card(cloud)
    cloud.cut(cloud.hosts[0])
    return cloud


def start_pair(cloud, **settings):
    web1, web2 = cloud.hosts
    secret = new_secret()
    second = Tapd(web2, secret, peers=[]).start()
    return Tapd(web1, secret, peers=[web2.address], **settings).start(), second


def test_the_manuals_table_takes_what_has_the_mark(cloud):
    web1, web2 = cloud.hosts
    mark, commands, _ = blocks(TASK)
    assert mark == "mark = 0x7470;\n"
    daemons = start_pair(cloud, mark=0x7470)
    web1.run("sh", "-ec", replaced(commands, **{"192.0.2.1": "10.8.0.2"}))
    wait_mesh(daemons)
    assert daemons[1].peer(web1)["endpoint"] == "10.8.0.1:8273"
    assert daemons[0].peer(web2)["endpoint"] == f"{web2.address}:8273"
    assert web1.reaches(web2.tap4)
    # What has none goes as before, which is nowhere.
    assert not web1.ping(web2.address, "-I", web1.address)
    status = daemons[0].status()
    assert (status["device"], status["mark"]) == (None, 0x7470)
    assert "\nunderlay   mark 0x7470\n" in daemons[0].ctl_run("status").stdout


def test_all_but_the_tunnel_may_be_routed_into_it(make_cloud):
    """The default route of the host leads into tap0, that of the mark does not."""
    cloud = make_cloud(2)
    web1, web2 = cloud.hosts
    web1.ip("route", "add", "10.9.0.1/32", "dev", "eth0", "table", "7470")
    web1.ip("route", "add", "default", "via", "10.9.0.1", "dev", "eth0", "table", "7470")
    web1.ip("rule", "add", "fwmark", "0x7470", "table", "7470")
    daemons = start_pair(cloud, mark=0x7470)
    wait_mesh(daemons)
    web1.ip("route", "replace", "default", "via", web2.tap4, "dev", "tap0")
    web1.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__eth0__rp_filter=0)
    daemons[0].kill()
    daemons[0].start()
    wait_mesh(daemons)
    assert web1.reaches(web2.tap4) and "overlay itself" not in daemons[0].process.log()
    # And the rule gone, it is told.
    web1.ip("rule", "del", "fwmark", "0x7470")
    daemons[0].process.wait_log("goes through the overlay itself", 3)


def test_the_device_is_where_it_leaves_and_arrives(cloud):
    web1, web2 = cloud.hosts
    _, _, device = blocks(TASK)
    assert device == 'device = "eth1";\n'
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1", "metric", "100")
    daemons = start_pair(cloud, device="eth1")
    wait_mesh(daemons)
    assert daemons[1].peer(web1)["endpoint"] == "10.8.0.1:8273"
    assert web1.reaches(web2.tap4)
    assert daemons[0].status()["device"] == "eth1"
    assert not [f for f in daemons[0].doctor() if f["id"].startswith("datagram")]


def test_a_device_that_is_made_again_is_used_again(cloud):
    web1, web2 = cloud.hosts
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1", "metric", "100")
    daemons = start_pair(cloud, device="eth1", mark=7)
    wait_mesh(daemons)
    web1.ip("link", "del", "eth1")
    daemons[0].process.wait_log("eth1 is gone", 3)
    wait_for(lambda: "device-missing" in {f["id"] for f in daemons[0].doctor()}, 5,
             "doctor to know")
    second_card(cloud)
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1", "metric", "100")
    daemons[0].process.wait_log("eth1 was made again: its sockets are, too", 3)
    wait_mesh(daemons, within=10)
    assert web1.reaches(web2.tap4)
    assert "device-missing" not in {f["id"] for f in daemons[0].doctor()}


def test_its_address_may_come_after_the_device(cloud):
    web1, web2 = cloud.hosts
    daemons = start_pair(cloud, device="eth1", listen=["10.8.0.1:8273"])
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1", "metric", "100")
    wait_mesh(daemons)
    web1.ip("link", "del", "eth1")
    daemons[0].process.wait_log("eth1 is gone", 3)
    web1.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", web2.netns)
    web2.ip("addr", "add", "10.8.0.2/24", "dev", "eth1")
    web2.ip("link", "set", "eth1", "up")
    web1.ip("link", "set", "eth1", "up")
    web1.ip("addr", "add", "10.8.0.1/24", "dev", "eth1")
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1", "metric", "100")
    daemons[0].process.wait_log("its sockets are, too", 3)
    wait_mesh(daemons, within=10)


@pytest.mark.parametrize("kind", ["vxlan", "gre"])
@pytest.mark.parametrize("routing", [{"device": "eth1"}, {"mark": 0x7470}], ids=["device", "mark"])
def test_what_is_not_sealed_leaves_there_too(cloud, kind, routing):
    web1, web2 = cloud.hosts
    web1.ip("route", "add", "default", "via", "10.8.0.2", "dev", "eth1",
            *(["metric", "100"] if "device" in routing else ["table", "7470"]))
    web1.ip("rule", "add", "fwmark", "0x7470", "table", "7470")
    web1.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__eth1__rp_filter=0)
    web1.ip("link", "set", "eth1", "mtu", "1400")
    settings = {"encapsulation": kind, "network_id": 42, "secret_file": None, "key_file": None}
    first = Tapd(web1, new_secret(), peers=[web2.address], **settings, **routing).start()
    # Its answers come from where web1 sends to.
    Tapd(web2, new_secret(), peers=["10.8.0.1"], **settings,
         listen=[web2.address]).start()
    wait_for(lambda: web1.ping(web2.tap4), 10, "what is not sealed")
    # The network below is that of the card.
    assert first.status()["interface"]["mtu"] == 1400 - (50 if kind == "vxlan" else 42)


@pytest.mark.parametrize("option, value, error", [
    ("device", "eth9", "device: this host has no interface and no VRF eth9"),
    ("device", "eth1", None), ("mark", 4294967295, None)])
def test_the_form_without_a_file(cloud, option, value, error):
    host = cloud.hosts[0]
    daemon = Tapd(host, new_secret())
    daemon.command = lambda: [
        program("tapd"), "--secret-file", daemon.secret_file, f"--{option}", str(value),
        "--key-file", host.path("tap0.key"), "--control-socket", daemon.socket, "10.8.0.2"]
    if error:
        daemon.launch()
        assert daemon.process.wait(5) == EXIT_SYSTEM
        assert error in daemon.process.log()
    else:
        assert daemon.start().status()[option] == value


def test_another_device_or_mark_waits_for_a_restart(cloud):
    daemon, _ = start_pair(cloud, mark=7)
    daemon.configure(mark=8, device="eth1")
    assert daemon.ctl("reload")["changes"] == [
        "device: takes effect when tapd is restarted",
        "mark: takes effect when tapd is restarted"]
    status = daemon.status()
    assert (status["device"], status["mark"]) == (None, 7)


def test_a_mark_without_the_right_to_set_it_is_refused_with_what_to_do(cloud):
    host = cloud.hosts[0]
    host.ip("tuntap", "add", "tap0", "mode", "tap", "user", "65534")
    daemon = Tapd(host, new_secret(), mark=7)
    daemon.launch("setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-net_admin,-net_raw")
    assert daemon.process.wait(5) == EXIT_SYSTEM
    assert "mark: cannot be set on a socket: start tapd with CAP_NET_ADMIN" \
        in daemon.process.log()
