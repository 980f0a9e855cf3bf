"""The overlays compared, each on every host of a cloud, beside one another.

All have the same inner MTU. Each is an interface with an address of its own subnet,
and daemons (the kernel's VXLAN has none) whose CPU time can be told apart.
"""

import os
import shutil
import subprocess

from cloud import PORT, Tapd, new_secret, wait_for, wait_mesh
from cloud.network import GATEWAY4, ip_batch
from cloud.vteps import plain_tapd

VXLAN_OVERHEAD = 50  # what decides the inner MTU: outer IPv4, UDP, VXLAN, Ethernet


class Overlay:
    name = title = interface = subnet = None
    program = None  # what must be installed, and its package
    package = None

    @classmethod
    def find(cls):
        """None, or why it cannot be measured."""
        if cls.program and not shutil.which(cls.program):
            return f"{cls.package}: not installed (--with {cls.package} does that)"
        return None

    @classmethod
    def describe(cls):
        return cls.title

    @classmethod
    def note(cls):
        """How it is set up, where that is a choice."""
        return None

    def __init__(self, cloud, mtu):
        self.cloud, self.mtu, self.processes = cloud, mtu, {}

    def address(self, host):
        return f"{self.subnet}.{1 + host.index}"

    def start(self):
        raise NotImplementedError

    def pids(self):
        """Its daemons' processes."""
        return {process.pid for process in self.processes.values() if process.running}

    def pid(self, host):
        """The daemon of one host, None where the kernel does the work."""
        process = self.processes.get(host.name)
        return process.pid if process and process.running else None

    def settle(self, within=30):
        """Every address is resolved, everybody reaches everybody who matters."""
        first = self.cloud.hosts[0]
        for host in self.cloud.hosts[1:]:
            wait_for(lambda: first.ping(self.address(host)), within,
                     f"{self.title}: {first} to reach {host}")
            host.ping(self.address(first))

    def stop(self):
        for process in self.processes.values():
            process.kill()


class TapdOverlay(Overlay):
    name, title, interface, subnet, port = "tapd", "tapd sealed", "tap0", "10.77.0", PORT
    build = None  # where its programs are, once they are built

    def peers(self):
        return [f"{host.address}:{self.port}" for host in self.cloud.hosts]

    def settings(self, host):
        return {"interface": self.interface, "build": self.build,
                "listen": [f"[::]:{self.port}"], "interface.mtu": self.mtu,
                "interface.address": [f"{self.address(host)}/24"]}

    def daemon(self, host, secret):
        return Tapd(host, secret, self.peers(), **self.settings(host))

    def start(self):
        secret = new_secret()
        daemons = [self.daemon(host, secret).launch() for host in self.cloud.hosts]
        self.processes = {daemon.host.name: daemon.process for daemon in daemons}
        for daemon in daemons:
            daemon.wait_ready(30)
        wait_mesh(daemons, 90)


class AgainstOverlay(TapdOverlay):
    """tapd as another source tree has it."""
    name, title, interface, subnet = "tapd-against", "tapd before", "tap1", "10.82.0"
    port = PORT + 1
    trees = None  # both, in words

    @classmethod
    def note(cls):
        return cls.trees


class TapdPlainOverlay(TapdOverlay):
    """tapd that speaks VXLAN, as the kernel does beside it: what sealing costs is seen."""
    name, title, interface, subnet, port = "tapd-vxlan", "tapd VXLAN", "tap2", "10.83.0", 4790

    def daemon(self, host, _):
        return plain_tapd(host, self.peers(), network_id=43, **self.settings(host))


class VxlanOverlay(Overlay):
    name, title, interface, subnet = "vxlan", "VXLAN plain", "vxlan0", "10.78.0"

    def start(self):
        for host in self.cloud.hosts:
            ip_batch([f"link add {self.interface} mtu {self.mtu} type vxlan id 42 "
                      f"local {host.address} dstport 4789",
                      f"addr add {self.address(host)}/24 dev {self.interface}",
                      f"link set {self.interface} up"], "-n", host.netns)
            # The flood list: head-end replication, one entry a peer.
            entries = [f"fdb append 00:00:00:00:00:00 dev {self.interface} dst {other.address}"
                       for other in self.cloud.hosts if other is not host]
            subprocess.run(["bridge", "-n", host.netns, "-batch", "-"], check=True, text=True,
                           input="\n".join(entries) + "\n", capture_output=True)


class TincOverlay(Overlay):
    """tinc 1.0: one TCP connection of each host to the first, data by UDP directly."""
    name, title, interface, subnet, port = "tinc", "tinc default", "tinc0", "10.79.0", 655
    program, package = "tincd", "tinc"
    settings = ""  # of each host's file; none: its own cipher and digest
    _keys = None  # one pair for all: tinc does not mind, and making them takes long

    @classmethod
    def note(cls):
        return f"{cls.title}: Mode = switch, Broadcast = direct, " + \
            (cls.settings.strip().replace("\n", ", ") or "Cipher and Digest as they come")

    @classmethod
    def keys(cls, directory):
        if TincOverlay._keys is None:
            os.makedirs(directory, exist_ok=True)
            private = os.path.join(directory, "private")
            subprocess.run(["openssl", "genrsa", "-traditional", "-out", private, "2048"],
                           check=True, capture_output=True)
            public = subprocess.run(["openssl", "rsa", "-in", private, "-RSAPublicKey_out"],
                                    check=True, capture_output=True, text=True).stdout
            with open(private) as file:
                TincOverlay._keys = file.read(), public
        return TincOverlay._keys

    def configure(self, host):
        directory = host.path(self.name)
        os.makedirs(os.path.join(directory, "hosts"), exist_ok=True)
        private, public = self.keys(os.path.join(self.cloud.directory, "tinc"))
        first = self.cloud.hosts[0]
        host.write(f"{self.name}/tinc.conf",
                   f"Name = {host.name}\nMode = switch\nBroadcast = direct\n"
                   f"Interface = {self.interface}\nAddressFamily = ipv4\n"
                   + (f"ConnectTo = {first.name}\n" if host is not first else ""))
        host.write(f"{self.name}/rsa_key.priv", private, 0o600)
        for other in self.cloud.hosts:
            host.write(f"{self.name}/hosts/{other.name}",
                       f"Address = {other.address}\nPort = {self.port}\n{self.settings}\n{public}")
        host.write(f"{self.name}/tinc-up",
                   f"#!/bin/sh\nip link set $INTERFACE mtu {self.mtu} up\n"
                   f"ip addr add {self.address(host)}/24 dev $INTERFACE\n", 0o755)
        return directory

    def start(self):
        for host in self.cloud.hosts:
            directory = self.configure(host)
            self.processes[host.name] = host.start(
                "tincd", "-D", "-c", directory, f"--pidfile={directory}/pid",
                log=f"{self.name}.log")

    def settle(self, within=30):
        super().settle(within)
        # It sends by TCP until it has found a path's MTU, which takes traffic and seconds.
        first = self.cloud.hosts[0]
        for host in self.cloud.hosts[1:]:
            first.run("ping", "-q", "-c", "25", "-i", "0.2", self.address(host), check=False) \
                if host.index == 1 else first.ping(self.address(host))


class TincPlainOverlay(TincOverlay):
    name, title, interface, subnet, port = "tinc-none", "tinc plain", "tinc1", "10.80.0", 656
    settings = "Cipher = none\nDigest = none\nCompression = 0\n"


class N2nOverlay(Overlay):
    """n2n with its supernode in the router; all multicast goes through that."""
    name, title, interface, subnet = "n2n", "n2n", "n2n0", "10.81.0"
    program, package = "edge", "n2n"
    PORT = 7654

    @staticmethod
    def modern():
        """Has a choice of ciphers, -E and -f for the foreground: n2n 2.8 and later."""
        help_text = subprocess.run(["edge", "-h"], capture_output=True, text=True)
        return "-A" in help_text.stdout + help_text.stderr

    @classmethod
    def describe(cls):
        return "n2n plain" if cls.modern() else "n2n 1 twofish"

    @classmethod
    def note(cls):
        return f"{cls.describe()}: " + ("edge -E -A1 -f" if cls.modern() else
                                        "edge -r -k; this version has no plain mode") + \
            "; all multicast goes through the supernode"

    def start(self):
        modern = self.modern()
        self.processes["router"] = self.cloud.router.start(
            "supernode", *(["-f", "-p", self.PORT] if modern else ["-l", self.PORT]))
        for host in self.cloud.hosts:
            options = ["-f", "-A1", "-E"] if modern else ["-r", "-k", "bench"]
            self.processes[host.name] = host.start(
                "edge", "-d", self.interface, "-c", "bench", "-a", self.address(host),
                "-s", "255.255.255.0", "-l", f"{GATEWAY4}:{self.PORT}", "-M", self.mtu,
                "-m", f"02:00:00:00:81:{host.index:02x}", *options, log="edge.log")

    def settle(self, within=60):
        super().settle(within)


KINDS = {kind.name: kind for kind in
         (TapdOverlay, AgainstOverlay, TapdPlainOverlay, VxlanOverlay, TincPlainOverlay, TincOverlay, N2nOverlay)}
