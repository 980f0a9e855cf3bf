"""The daemon where nothing is sealed: with another one, and with the kernel's VXLAN."""

import contextlib
import json
import time

import pytest

from cloud import EXIT_CONFIG, EXIT_SYSTEM, program, wait_for
from cloud.streams import streams
from cloud.supervisor import Manager
from cloud.vteps import PlainHosts, plain_tapd

NET_ADMIN, NET_RAW = 1 << 12, 1 << 13


def reached(hosts, size=56):
    return all(a.ping(b.tap4, "-M", "do", "-s", str(size))
               for a in hosts for b in hosts if a is not b)


def start_pair(cloud, kind="vxlan", **settings):
    daemons = [plain_tapd(host, kind=kind, **settings).launch() for host in cloud.hosts]
    for daemon in daemons:
        daemon.wait_ready()
    wait_for(lambda: reached(cloud.hosts), 10, "the hosts to reach each other")
    return daemons


def dropped(daemon):
    """What went no further but for reports, whose way ends with a switch."""
    return {reason: count for reason, count in daemon.drops().items()
            if count and not reason.startswith("report_")}


@pytest.mark.parametrize("family, overhead", [("v4", 20), ("v6", 40)])
@pytest.mark.parametrize("kind, network_id, header", [
    ("vxlan", 42, 30), ("gre", None, 18), ("gre", 7, 22)])
def test_two_daemons(make_cloud, kind, network_id, header, family, overhead):
    cloud = make_cloud(2, family=family)
    web1, _ = start_pair(cloud, kind, network_id=network_id)
    status = web1.status()
    mtu = 1500 - overhead - header
    assert status["interface"]["mtu"] == mtu
    assert reached(cloud.hosts, mtu - 28), "the largest packets pass"
    assert (status["sealed"], status["encapsulation"]) == (False, kind)
    assert status["network_id"] == network_id and status["key"] is None
    assert status["peers"] == {"total": 1, "up": 1}, "no host is its own peer"
    assert status["warnings"] == []
    peer, = web1.ctl("peers")
    assert peer["state"] == "up" and peer["rx"]["frames"] > 0
    assert (peer["key"], peer["rtt_us"], peer["loss"]) == (None, None, None)
    address = cloud.hosts[1].address
    assert peer["endpoint"] == (address if kind == "gre" else
                                f"[{address}]:4789" if family == "v6" else f"{address}:4789")
    assert not dropped(web1)


@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("kernel", ["kernel", "kernel-partial"])
def test_the_kernels_vxlan(make_cloud, kernel, family):
    lab = PlainHosts(make_cloud(2, family=family), ["tapd", kernel])
    lab.wait_reached()
    assert not lab.unreached("-M", "do", "-s", lab.mtu - 28)
    assert not dropped(lab.daemons[0])


def test_what_a_user_sees(make_cloud):
    cloud = make_cloud(2)
    web1, _ = start_pair(cloud)
    text = web1.ctl_run("status").stdout
    assert text.startswith("network    not sealed: VXLAN 42: "), text
    for command in ("ping", "web2"), ("test", "239.1.1.1"), ("mesh",), ("rekey",):
        done = web1.ctl_run(*command)
        assert done.returncode == 1 and 'not with encapsulation = "vxlan"' in done.stderr, done
    findings = {f["id"]: f["severity"] for f in json.loads(web1.ctl_run("-j", "doctor").stdout)}
    assert findings["not-sealed"] == "note"
    assert "no-peer-up" not in findings and "mtu-does-not-fit" not in findings
    lines = web1.ctl_run("metrics").stdout
    assert 'tapd_peer_up{interface="tap0",peer="' in lines
    assert "\ntapd_peer_rtt_seconds{" not in lines and "\ntapd_peer_loss_ratio{" not in lines
    assert "not sealed" in web1.process.log()


def test_its_mac_is_its_own_and_stays(make_cloud):
    cloud = make_cloud(2)
    web1, web2 = start_pair(cloud)
    mac = web1.status()["interface"]["mac"]
    assert mac != web2.status()["interface"]["mac"], "though they share a machine-id here"
    web1.restart()
    assert web1.status()["interface"]["mac"] == mac


def test_the_service_is_ready_with_its_first_peer(make_cloud):
    web1 = plain_tapd(make_cloud(2).hosts[0])
    with contextlib.closing(Manager(web1.host.path("notify"), None, None)) as manager:
        web1.supervised(manager)
        before = time.time()
        web1.launch()
        assert manager.wait("READY", "1", within=6) - before < 4, "without waiting for others"
        manager.wait("STATUS", "1 of 1 peers up")
        assert web1.stop() == 0


def test_a_way_that_passes_less_is_told(make_cloud):
    cloud = make_cloud(2, mtu=[1500, 1400])
    web1 = plain_tapd(cloud.hosts[0]).start()
    web2 = plain_tapd(cloud.hosts[1]).start()
    assert [d.status()["interface"]["mtu"] for d in (web1, web2)] == [1450, 1350]
    wait_for(lambda: reached(cloud.hosts, 1322), 10, "what passes to pass")
    assert not cloud.hosts[0].ping(cloud.hosts[1].tap4, "-M", "do", "-s", "1422")
    assert not cloud.hosts[0].ping(cloud.hosts[1].tap4, "-M", "do", "-s", "1422")
    assert web1.drops()["send_too_big"] > 0
    warning, = web1.status()["warnings"]
    assert warning.startswith("ways that pass less than the 1472 bytes of our largest frames: "
                              f"{cloud.hosts[1].address} ("), warning
    # TCP gets through: its segments are cut to what passes.
    streams((cloud.hosts[0], cloud.hosts[1], cloud.hosts[1].tap4))


def test_one_peer_of_several(make_cloud):
    cloud = make_cloud(3)
    web1, *_ = start_pair(cloud)
    address = cloud.hosts[1].address
    detail, = web1.ctl("peers", address)
    assert detail["paths"][0]["remote"] == f"{address}:4789" and detail["sessions"] == []
    owners = {row["owner"] for row in web1.ctl("fdb")}
    assert {address, cloud.hosts[2].address, "local"} <= owners
    capture = cloud.hosts[0].start(program("tapctl"), "-s", web1.socket, "capture", "-p", address,
                                   "-c", "2", log="capture.pcapng")
    wait_for(lambda: cloud.hosts[0].ping(cloud.hosts[2].tap4)
             and cloud.hosts[0].ping(cloud.hosts[1].tap4) and not capture.running, 10,
             "the capture to have two frames")
    with open(cloud.hosts[0].path("capture.pcapng"), "rb") as file:
        taken = file.read()
    assert address.encode() in taken and cloud.hosts[2].address.encode() not in taken


def test_a_host_that_is_not_listed_is_a_stranger(make_cloud):
    cloud = make_cloud(3)
    web1, web2, web3 = (plain_tapd(host, [h.address for h in cloud.hosts[:2]] if i < 2 else None)
                        .start() for i, host in enumerate(cloud.hosts))
    wait_for(lambda: cloud.hosts[0].ping(cloud.hosts[1].tap4), 10, "the two to reach each other")
    assert not cloud.hosts[2].ping(cloud.hosts[0].tap4)
    assert dropped(web1)["plain_stranger"] > 0
    web1.configure(peers=[h.address for h in cloud.hosts])
    web1.ctl("reload")
    wait_for(lambda: cloud.hosts[2].ping(cloud.hosts[0].tap4), 10, "it to be reached")
    web1.configure(peers=[cloud.hosts[1].address])
    web1.ctl("reload")
    assert web1.status()["peers"] == {"total": 1, "up": 1}
    assert not cloud.hosts[2].ping(cloud.hosts[0].tap4)


def test_an_address_that_becomes_our_own_is_no_peer(make_cloud):
    cloud = make_cloud(2)
    web1, _ = start_pair(cloud)
    address = f"{cloud.hosts[1].address}/32"
    cloud.hosts[0].ip("addr", "add", address, "dev", "lo")
    wait_for(lambda: web1.status()["peers"]["total"] == 0, 5, "the peer to go")
    cloud.hosts[0].ip("addr", "del", address, "dev", "lo")
    wait_for(lambda: web1.status()["peers"]["total"] == 1, 5, "the peer to be back")


def test_a_reload_makes_no_other_kind(make_cloud):
    cloud = make_cloud(2)
    web1, _ = start_pair(cloud)
    web1.configure(encapsulation="gre", peers=[])
    assert web1.ctl("reload")["changes"] == [
        "encapsulation, and all else: takes effect when tapd is restarted"]
    web1.configure(encapsulation="vxlan", peers=[h.address for h in cloud.hosts],
                   underlay_mtu=9000)
    assert web1.ctl("reload")["changes"] == [
        "underlay_mtu: takes effect when tapd is restarted"]
    assert web1.status()["interface"]["mtu"] == 1450, "nor does what depends on it"
    web1.configure(encapsulation=None, network_id=None, secret_file=web1.secret_file,
                   underlay_mtu=None)
    assert "takes effect when" in web1.ctl("reload")["changes"][0]
    web1.configure(encapsulation="vxlan", network_id=43, secret_file=None,
                   peers=[h.address for h in cloud.hosts])
    assert web1.ctl("reload")["changes"] == [
        "network_id: takes effect when tapd is restarted"]
    assert web1.status()["network_id"] == 42 and reached(cloud.hosts)
    assert "was refused" not in web1.process.log(), "a system call"


def test_the_kernel_has_the_port(make_cloud):
    cloud = make_cloud(2)
    host = cloud.hosts[0]
    host.ip("link", "add", "vx0", "type", "vxlan", "id", "1", "dstport", "4789", "local",
            host.address)
    host.ip("link", "set", "vx0", "up")
    web1 = plain_tapd(host).launch()
    assert web1.process.wait(5) == EXIT_SYSTEM
    assert "ip -d link show type vxlan" in web1.process.log()


def test_an_mtu_that_does_not_fit(make_cloud):
    cloud = make_cloud(2)
    web1 = plain_tapd(cloud.hosts[0], **{"interface.mtu": 1451}).launch()
    assert web1.process.wait(5) == EXIT_CONFIG
    log = web1.process.log()
    assert f"{web1.conf}:4: interface.mtu: 1451 does not fit into the 1500 bytes" in log, log
    web1.configure(**{"interface.mtu": 1450})
    web1.start()
    cloud.hosts[0].ip("link", "set", "tap0", "mtu", "1500")
    wait_for(lambda: any("1450 fits into the network below" in w for w in
                         web1.status()["warnings"]), 5, "a warning")


def test_a_network_below_that_is_too_small(make_cloud):
    host = make_cloud(1, mtu=1320).hosts[0]
    web1 = plain_tapd(host, ["10.9.0.77"]).launch()
    assert web1.process.wait(5) == EXIT_CONFIG
    assert "passes 1320 bytes, which leaves 1270, and 1280 are needed" in web1.process.log()
    web1.configure(**{"interface.address": [f"{host.tap4}/24"]})
    assert web1.start().status()["interface"]["mtu"] == 1270


def capabilities(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as lines:
        return {name: int(value, 16) for name, value in
                (line.split(":\t") for line in lines) if name in ("CapPrm", "CapBnd")}


def test_the_right_to_open_raw_sockets_is_given_up(make_cloud):
    cloud = make_cloud(2)
    web1, _ = start_pair(cloud, "gre", network_id=None)
    assert capabilities(web1) == {"CapPrm": NET_ADMIN, "CapBnd": NET_ADMIN}
    web1.stop()
    web1.launch("setpriv", "--bounding-set", "-net_raw")
    assert web1.process.wait(5) == EXIT_SYSTEM
    assert "CAP_NET_RAW" in web1.process.log() and "gre.conf" in web1.process.log()
