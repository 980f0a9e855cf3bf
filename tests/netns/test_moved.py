"""tap0 in hands that do with it what they like: moved, renamed, relabelled. After a
crash tapd knows it again, or says where it is; it never makes a second beside it."""

import contextlib
import os
import signal
import subprocess

import pytest

from cloud import EXIT_SYSTEM, Tapd, interface_mac, new_secret, start_all, wait_for, wait_mesh
from cloud.supervisor import FdStore


@pytest.fixture
def host(make_cloud):
    return make_cloud(1).hosts[0]


@pytest.fixture
def daemon(host):
    return Tapd(host, new_secret()).start()


def start_refused(daemon, *prefix):
    """It ends, as one that cannot have its interface; what it said."""
    daemon.launch(*prefix)
    assert daemon.process.wait(5) == EXIT_SYSTEM
    return daemon.process.log()


def move(source, target, name="tap0"):
    source.ip("link", "set", name, "netns", target.netns)


def test_moved_to_a_namespace_with_a_name(host, daemon):
    box = host.cloud.guest(host, "box")
    move(host, box)
    daemon.kill()
    said = start_refused(daemon)
    assert box.netns in said and "tap0" in said
    assert f"ip -n {box.netns} link set tap0 netns" in said
    assert not host.has_interface() and box.has_interface()
    # As it says.
    move(box, host)
    index = host.ifindex()
    daemon.start()
    assert host.ifindex() == index and host.tap4 in host.ip("addr", "show", "tap0")
    assert daemon.stop() == 0
    assert not host.has_interface()


def test_moved_to_a_namespace_that_only_a_process_holds(host, daemon):
    """A container's, which ip-netns(8) does not know."""
    with contextlib.ExitStack() as stack:
        container = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 300"],
                                     stdout=subprocess.PIPE)
        stack.callback(container.wait)
        stack.callback(container.kill)
        container.stdout.readline()
        host.ip("link", "set", "tap0", "netns", container.pid)
        daemon.kill()
        said = start_refused(daemon)
        assert f"process {container.pid}" in said
        assert f"nsenter -t {container.pid} -n ip link del tap0" in said
        assert not host.has_interface()
    # Nobody can use it any more, whether the kernel has deleted it yet or not.
    daemon.start()
    assert host.has_interface()


@pytest.mark.parametrize("there", [
    ["name", "eth7"], ["alias", "web"], ["alias", ""], ["address", "52:54:00:00:00:77"],
    ["down"], ["mtu", "1300"]], ids=str)
def test_moved_and_changed_there(host, daemon, there):
    box = host.cloud.guest(host, "box")
    move(host, box)
    box.ip("link", "set", "tap0", *there)
    daemon.kill()
    said = start_refused(daemon)
    assert box.netns in said
    assert ("eth7" if "eth7" in there else "tap0") in said
    assert not host.has_interface()


def test_renamed_and_moved_while_it_was_not_running(host, daemon):
    box = host.cloud.guest(host, "box")
    daemon.kill()
    host.ip("link", "set", "tap0", "down")
    host.ip("link", "set", "tap0", "name", "inner0", "alias", "something")
    move(host, box, "inner0")
    assert f"ip -n {box.netns} link del inner0" in start_refused(daemon)
    assert not host.has_interface()


def test_moved_and_deleted_there(host, daemon):
    """Then there is none, and one is made."""
    box = host.cloud.guest(host, "box")
    move(host, box)
    daemon.kill()
    start_refused(daemon)
    box.ip("link", "del", "tap0")
    daemon.start()
    assert host.tap4 in host.ip("addr", "show", "tap0")
    assert daemon.stop() == 0 and not host.has_interface()


def test_moved_and_deleted_there_while_it_runs(host, daemon):
    box = host.cloud.guest(host, "box")
    move(host, box)
    daemon.process.wait_log("moved to another network namespace")
    box.ip("link", "del", "tap0")
    daemon.process.wait_log("tap0 was deleted: making it again")
    wait_for(lambda: host.tap4 in host.ip("addr", "show"), 5, "tap0 to be back")


@pytest.mark.parametrize("taken", [False, True], ids=["as-it-was", "another-index"])
def test_moved_back_while_it_runs(make_cloud, taken):
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    host = cloud.hosts[0]
    box = cloud.guest(host, "box")
    index = host.ifindex()
    move(host, box)
    daemons[0].process.wait_log("moved to another network namespace")
    if taken:
        host.ip("link", "add", "other", "index", index, "type", "bridge")
    move(box, host)
    assert (host.ifindex() != index) is taken
    host.ip("link", "set", "tap0", "up")
    wait_for(lambda: host.tap4 in host.ip("addr", "show", "tap0"), 5, "its address again")
    wait_for(lambda: host.ping(cloud.hosts[1].tap4), 5, "ping")
    host.ip("link", "set", "tap0", "mtu", "1333")
    wait_for(lambda: daemons[0].status()["interface"]["mtu"] == 1333, 3, "its MTU to be followed")


def test_moved_back_and_up_before_it_looks(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    host = cloud.hosts[0]
    box = cloud.guest(host, "box")
    move(host, box)
    daemons[0].process.wait_log("moved to another network namespace")
    daemons[0].process.signal(signal.SIGSTOP)
    move(box, host)
    host.ip("link", "set", "tap0", "up")
    daemons[0].process.signal(signal.SIGCONT)
    wait_for(lambda: host.tap4 in host.ip("addr", "show", "tap0"), 5, "its address again")
    wait_for(lambda: host.ping(cloud.hosts[1].tap4), 5, "ping")


@pytest.mark.parametrize("after_crash", [False, True], ids=["before", "after"])
def test_renamed_in_place(make_cloud, after_crash):
    """It is taken over under its new name."""
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    daemon, host = daemons[0], cloud.hosts[0]
    index, mac = host.ifindex(), interface_mac(host)
    if after_crash:
        daemon.kill()
    host.ip("link", "set", "tap0", "down")
    host.ip("link", "set", "tap0", "name", "lan0")
    host.ip("link", "set", "lan0", "up")
    if not after_crash:
        daemon.kill()
    daemon.start()
    assert daemon.status()["interface"]["name"] == "lan0"
    assert not host.has_interface() and host.ifindex("lan0") == index
    assert interface_mac(host, "lan0") == mac and host.tap4 in host.ip("addr", "show", "lan0")
    wait_mesh(daemons)
    wait_for(lambda: host.ping(cloud.hosts[1].tap4), 5, "ping")
    assert daemon.stop() == 0
    assert not host.has_interface("lan0")


@pytest.mark.parametrize("alias", ["", "uplink of web1"])
def test_its_alias_was_changed(host, daemon, alias):
    index = host.ifindex()
    host.ip("link", "set", "tap0", "alias", alias)
    daemon.kill()
    daemon.start()
    assert "is still there from the last run" in daemon.process.log()
    assert host.ifindex() == index
    assert daemon.stop() == 0
    assert not host.has_interface(), "it is still tapd's to remove"


def test_its_mac_and_addresses_were_changed(host, daemon):
    index = host.ifindex()
    host.ip("link", "set", "tap0", "address", "52:54:00:00:00:01", "alias", "")
    host.ip("addr", "flush", "dev", "tap0")
    daemon.kill()
    daemon.start()
    assert host.ifindex() == index and host.tap4 in host.ip("addr", "show", "tap0")
    assert daemon.stop() == 0 and not host.has_interface()


def test_one_of_the_administrator_with_its_alias_set(host):
    """What somebody else made stays theirs, whatever its name."""
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "group", "100")
    host.ip("link", "set", "tap0", "alias", "made by tapd")
    daemon = Tapd(host, new_secret()).start()
    assert "made by somebody else" in daemon.process.log()
    assert daemon.stop() == 0 and host.has_interface()


def test_its_node_has_another_key_since(host, daemon):
    """A new key at the same place takes over what the old one left."""
    index, mac = host.ifindex(), interface_mac(host)
    daemon.kill()
    os.unlink(daemon.settings["key_file"])
    daemon.start()
    assert host.ifindex() == index and interface_mac(host) != mac
    daemon.kill()
    host.ip("link", "set", "tap0", "down")
    host.ip("link", "set", "tap0", "name", "lan0")
    daemon.start()
    assert daemon.status()["interface"]["name"] == "lan0"


def test_other_hosts_on_this_machine_are_not_mistaken_for_it(make_cloud):
    """Even with its key, and the name of its interface: a copied machine."""
    cloud = make_cloud(2)
    secret = new_secret()
    first = Tapd(cloud.hosts[0], secret).start()
    first.kill()
    second = Tapd(cloud.hosts[1], secret, key_file=first.settings["key_file"]).start()
    assert cloud.hosts[1].has_interface()
    second.kill()
    first.start()
    second.start()


def test_with_a_descriptor_that_was_kept(host):
    """It is certainly ours: under another name, and elsewhere."""
    store = FdStore(host.path("notify"))
    daemon = Tapd(host, new_secret())
    daemon.supervised(store)
    with contextlib.closing(store):
        daemon.start()
        box = host.cloud.guest(host, "box")
        index = host.ifindex()
        host.ip("link", "set", "tap0", "down")
        host.ip("link", "set", "tap0", "name", "lan0", "alias", "")
        daemon.kill()
        daemon.start()
        assert daemon.status()["interface"]["name"] == "lan0" and host.ifindex("lan0") == index
        move(host, box, "lan0")
        daemon.kill()
        assert box.netns in start_refused(daemon)
        assert not host.has_interface()
        move(box, host, "lan0")
        daemon.start()
        assert host.ifindex("lan0") and not host.has_interface()
        assert daemon.stop() == 0
        store.stopped()
        assert not host.has_interface("lan0")
