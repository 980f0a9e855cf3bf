"""docs/recipes/multi-unicast: Keepalived and Avahi on plain eth0s, behind a switch that
drops every frame with the I/G bit."""

import os
import subprocess
import time

import pytest

from cloud import wait_for
from cloud.keepalived import Keepalived, Vrrp
from cloud.multi_unicast import COMMAND, MultiUnicast, everywhere
from cloud.switch import Switch
from machine import Machine
from recipe import recipe

VIP, VIP6 = "10.9.0.100", "fd09::100"
AVAHI_CONF, SERVICE = "/etc/avahi/avahi-daemon.conf", "/etc/avahi/services/http.service"
UNIT = "/etc/systemd/system/multi-unicast@.service"


@pytest.fixture(name="switch")
def three_hosts():
    with Switch(3) as switch:
        yield switch


def keepaliveds(switch, address, *options):
    return [Keepalived(host, Vrrp(priority=priority, address=address, interface="eth0",
                                  options=options))
            for host, priority in zip(switch.hosts, (150, 100))]


def test_without_it_there_are_two_masters(switch):
    for keepalived in keepaliveds(switch, f"{VIP}/24"):
        keepalived.start().wait_state("MASTER", 15)


@pytest.mark.deadline
@pytest.mark.parametrize("address, options", [(f"{VIP}/24", ()), (f"{VIP6}/64", ("version 3",))],
                         ids=["IPv4", "IPv6"])
def test_a_virtual_address_fails_over_and_back(switch, address, options, record_property):
    everywhere(switch.hosts)
    client = switch.hosts[2]
    better, backup = keepaliveds(switch, address, *options)
    better.start()
    better.wait_state("MASTER", 15)
    backup.start()
    backup.wait_state("BACKUP", 10)
    vip = address.split("/", maxsplit=1)[0]
    wait_for(lambda: client.ping(vip), 10, "the address to answer")
    assert [state for _, _, state in backup.history()] == ["BACKUP"], "one master from the start"

    patience = backup.instances[0].patience
    killed = time.time()
    better.kill()
    better.clear_addresses()
    took = backup.wait_state("MASTER", 2 * patience) - killed
    record_property("measured", f"failover on plain eth0, {vip}: {took:.2f} s "
                                f"(VRRP {patience:.2f} s, asserted {2 * patience:.2f})")
    wait_for(lambda: client.ping(vip), 10, "the new master to answer")
    better.start()
    better.wait_state("MASTER", 15)
    backup.wait_state("BACKUP", 5)
    wait_for(lambda: client.ping(vip), 10, "the old master to answer")
    assert switch.hosts[0].ok(COMMAND, "status", "eth0")


class Avahi:
    """One host's daemon and its message bus."""

    def __init__(self, host):
        self.machine = Machine(host, "/run", "/etc/avahi")
        self.machine.write(AVAHI_CONF, recipe("avahi", AVAHI_CONF, {"tap0": "eth0"}))
        self.machine.mkdir("/etc/avahi/services")
        self.machine.mkdir("/run/dbus")
        self.machine.start("dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog")
        bus = self.machine.path("/run/dbus/system_bus_socket")
        wait_for(lambda: os.path.exists(bus), 5, "the message bus")

    def start(self):
        self.machine.start("avahi-daemon").wait_log("Server startup complete", 20)


def test_services_are_found(switch):
    everywhere(switch.hosts)
    avahis = [Avahi(host) for host in switch.hosts]
    avahis[0].machine.write(SERVICE, recipe("avahi", SERVICE))
    for avahi in avahis:
        avahi.start()
    for avahi in avahis[1:]:
        browser = avahi.machine.start("avahi-browse", "--resolve", "--parsable", "--no-db-lookup",
                                      "_http._tcp", log="browse.log")
        for family in "IPv4", "IPv6":
            browser.wait_log(f"=;eth0;{family};files\\032on\\032web1;_http._tcp;local", 20)
        resolved = avahi.machine.run("avahi-resolve", "-4", "--name", "web1.local").stdout
        assert resolved.split()[1:] == [switch.hosts[0].address]


def test_the_unit_of_the_recipe(tmp_path):
    """Its commands, as systemd runs them."""
    with Switch(4) as switch:
        runs_as_the_unit_says(switch, tmp_path)


def runs_as_the_unit_says(switch, tmp_path):
    sender, *others = switch.hosts
    path = sender.write("eth0", recipe("multi-unicast", "/etc/multi-unicast/eth0"))
    text = recipe("multi-unicast", UNIT, {"/etc/multi-unicast/%i": path,
                                          "/usr/sbin/multi-unicast": os.path.realpath(COMMAND)})
    (tmp_path / "multi-unicast@eth0.service").write_text(text, encoding="ascii")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                           tmp_path / "multi-unicast@eth0.service"], capture_output=True,
                          text=True, check=True)
    assert done.stdout + done.stderr == ""
    unit = text.replace("%i", "eth0")
    lines = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    process = sender.start(*lines["ExecStart"].split())
    mu = MultiUnicast(sender)
    wait_for(lambda: mu.status() and mu.macs() == {host.address: host.mac() for host in others},
             20, process.tail)
    process.kill()
    sender.run(*lines["ExecStopPost"].split())
    assert mu.status() is None
