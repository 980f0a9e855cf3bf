"""A host's own firewall: README's commands let tapd's port and the LAN on tap0 in."""

import os
import shutil

import pytest

from cloud import Tapd, member, multicast_sender, new_secret, received, wait_for, wait_members
from machine import Machine

_README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README")
GROUP, PORT = "239.77.1.1", 7100


def commands(program):
    """Those that README shows, in its order."""
    with open(_README) as file:
        found = [line.split() for line in file if line.startswith(f"\t{program} ")]
    assert found, f"README shows no {program}"
    return found


class Ufw:
    def __init__(self, host):
        self.machine = Machine(host, "/etc/ufw", "/run")
        # The copy in the machine is this host's own, with the rules that Debian ships.
        shutil.copytree("/etc/ufw", self.machine.path("/etc/ufw"), dirs_exist_ok=True)
        self.machine.run("cp", "/usr/share/ufw/iptables/user.rules",
                         "/usr/share/ufw/iptables/user6.rules", "/etc/ufw")
        self.run("ufw", "default", "deny", "incoming")
        self.run("ufw", "--force", "enable")

    def run(self, *command):
        return self.machine.run(*command)


class Firewalld:
    def __init__(self, host):
        self.machine = Machine(host, "/etc/firewalld", "/run", "/var/log")
        self.machine.mkdir("/run/dbus")
        self.machine.start("dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog")
        bus = self.machine.path("/run/dbus/system_bus_socket")
        wait_for(lambda: os.path.exists(bus), 5, "the message bus")
        self.machine.start("firewalld", "--nofork", "--nopid")
        wait_for(self._runs, 30, "firewalld to run")
        self.run("firewall-cmd", "--set-default-zone=block")

    def _runs(self):
        return self.machine.run("firewall-cmd", "--state", check=False).returncode == 0

    def run(self, *command):
        return self.machine.run(*command)


class Nft:
    def __init__(self, host):
        self._host = host
        host.run("nft", "-f", "-", input="""table inet filter {
            chain input {
                type filter hook input priority filter; policy drop;
                iifname lo accept
                ct state established,related accept
                icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
                reject
            }
        }""")

    def run(self, *command):
        return self._host.run(*command)


@pytest.mark.parametrize("program, firewall",
                         [("ufw", Ufw), ("firewall-cmd", Firewalld), ("nft", Nft)])
def test_a_firewall_is_opened_as_the_readme_says(make_cloud, program, firewall):
    cloud = make_cloud(2)
    web1, web2 = cloud.hosts
    closed = firewall(web1)
    # web1 knows nobody, so its own questions open nothing.
    secret = new_secret()
    first = Tapd(web1, secret, peers=[]).start()
    second = Tapd(web2, secret, peers=[web1.address]).start()
    wait_for(lambda: "8273" in (second.peer(web1)["why"] or ""), 20, "web2 to blame the port")

    for command in commands(program):
        closed.run(*command)
    wait_for(lambda: second.peer_state(web1) == "up", 20, "web1 to be reached")
    with member(web1, GROUP, PORT) as listener, multicast_sender(web2) as sender:
        wait_members(second, GROUP, "web1", within=15)
        sender.sendto(b"through the firewall", (GROUP, PORT))
        assert received(listener) == b"through the firewall"
    wait_for(lambda: not first.status()["warnings"], 15, "tapd to have nothing to say")
    assert web2.reaches(web1.tap4)
