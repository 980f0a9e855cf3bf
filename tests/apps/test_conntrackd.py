"""conntrackd on tap0: one firewall's connections are the other's, by multicast."""

import socket

import pytest

from cloud import start_all, wait_for
from machine import Machine
from recipe import recipe

CONF = "/etc/conntrackd/conntrackd.conf"
GROUP = "225.0.0.50"  # the recipe's
# Makes the kernel track what passes.
TRACK = """table ip track {
    chain output { type filter hook output priority 0; ct state established accept; }
    chain input { type filter hook input priority 0; ct state established accept; }
}
"""


class Firewall:
    def __init__(self, host):
        self.host = host
        self.machine = Machine(host, "/run", "/etc/conntrackd")
        self.machine.mkdir("/run/lock")
        self.machine.write(CONF, recipe("conntrackd", CONF, {"10.77.0.1": host.tap4}))
        self.process = None

    def start(self):
        self.process = self.machine.start("conntrackd")
        self.process.wait_log("initialization completed")

    def tell(self, *options):
        """What `conntrackd OPTIONS` prints."""
        return self.machine.run("conntrackd", *options).stdout

    def heard_of(self, source):
        """The other one's connections from there, as it has them."""
        return [line for line in self.tell("-e").splitlines() if f"src={source} " in line]

    def kernel(self, source):
        """The connections from there in its kernel."""
        return self.machine.run("conntrack", "-L", "-s", source).stdout.splitlines()

    def add(self, source, ports):
        """Connections as if they passed."""
        self.machine.write("/run/flows", "".join(
            f"-I -p tcp -s {source} -d 10.1.0.2 --sport {port} --dport 80 "
            "--state ESTABLISHED -t 600 -u ASSURED\n" for port in ports))
        self.machine.run("conntrack", "--load-file", "/run/flows")


@pytest.fixture
def pair(make_cloud):
    """web1 and web2 are the firewalls, web3 a host beyond them. What one says before the
    other's join has arrived is lost, as on any network, and conntrackd does not ask for it."""
    cloud = make_cloud(3)
    daemons = start_all(cloud)
    firewalls = [Firewall(host) for host in cloud.hosts[:2]]
    for firewall in firewalls:
        firewall.start()
    for firewall, daemon in zip(firewalls, reversed(daemons[:2])):
        wait_for(lambda: firewall.host.name in (daemon.group(GROUP) or {}).get("members", ()), 5,
                 f"{daemon.host} to know {firewall.host} in {GROUP}")
    yield firewalls
    for firewall in firewalls:
        firewall.process.stop()


def test_a_connection_is_known_to_the_other_which_takes_it_over(pair):
    active, backup = pair
    server_host = active.host.cloud.hosts[2]
    active.host.cloud.nft(TRACK, active.host)
    with server_host.socket(socket.AF_INET, socket.SOCK_STREAM) as server, \
            active.host.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        server.bind((server_host.tap4, 7000))
        server.listen()
        client.settimeout(5)
        client.connect((server_host.tap4, 7000))
        flow, = wait_for(lambda: backup.heard_of(active.host.tap4), 5, "the connection to be told")
        assert "ESTABLISHED" in flow and f"sport={client.getsockname()[1]} dport=7000" in flow
        active.process.kill()
        assert not backup.kernel(active.host.tap4)
        backup.tell("-c")  # as primary-backup.sh does when it becomes the master
        flow, = backup.kernel(active.host.tap4)
        assert "ESTABLISHED" in flow


def test_many_connections_and_one_that_returns_gets_them_all(pair):
    active, backup = pair
    active.add("10.1.0.1", range(10000, 11000))
    wait_for(lambda: len(backup.heard_of("10.1.0.1")) == 1000, 10, "1000 connections to be told")
    backup.process.stop()
    backup.start()
    assert not backup.heard_of("10.1.0.1")
    backup.tell("-n")  # asks the other for what it missed
    wait_for(lambda: len(backup.heard_of("10.1.0.1")) == 1000, 10, "them to be told again")
    assert "0 Malformed msgs                    0 Lost msgs" in backup.tell("-s")
