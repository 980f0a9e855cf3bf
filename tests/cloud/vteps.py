"""Hosts that speak VXLAN or GRE without tapd: the kernel's device, and Open vSwitch.

Each gives its host a tap0 with the addresses that tapd's would have, so that whatever
looks at a tap0 or sends from it can do so on theirs.
"""

import os
import subprocess

from .daemon import Tapd, new_secret
from .network import GATEWAY4, ip_batch
from .wait import wait_for

VXLAN_PORT = 4789
_GATEWAY6 = "fd09::1"
_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_GRE, _GRE_FIELD = 4, 4  # its header, and each of what is optional in it: key, checksum


def _addresses(host, interface="tap0"):
    return [f"addr add {host.tap4}/24 dev {interface}",
            f"addr add {host.tap6}/64 dev {interface} nodad"]


def plain_mtu(host, kind="vxlan", fields=0):
    """What fits into the host's underlay; `fields`: how many optional ones GRE carries."""
    outer = 40 if host.address == host.address6 else 20
    inner = 8 + 8 if kind == "vxlan" else _GRE + fields * _GRE_FIELD
    return host.mtu - outer - inner - 14


class KernelVtep:
    """The kernel's VXLAN device, its flood list an entry for each peer (head-end
    replication). `bridged`: tap0 is a bridge, and the device a port of it; `options` are
    more words of `ip link add`."""

    def __init__(self, host, peers, *, vni=42, bridged=False, options=""):
        self.host, self.device = host, "vxlan0" if bridged else "tap0"
        host.sysctl(net__ipv6__conf__default__accept_dad=0)
        mtu = plain_mtu(host)
        lines = [f"link add {self.device} mtu {mtu} type vxlan id {vni} local {host.address} "
                 f"dstport {VXLAN_PORT} {options}"]
        if bridged:
            lines += [f"link add tap0 mtu {mtu} type bridge",
                      f"link set {self.device} master tap0 up"]
        ip_batch([*lines, *_addresses(host), "link set tap0 up"], "-n", host.netns)
        entries = [f"fdb append 00:00:00:00:00:00 dev {self.device} dst {peer.address}"
                   for peer in peers if peer is not host]
        subprocess.run(["bridge", "-n", host.netns, "-batch", "-"], check=True, text=True,
                       input="\n".join(entries) + "\n", capture_output=True)


class OvsVtep:
    """Open vSwitch with the datapath that is a program, so the kernel needs no module.

    It has the underlay's interface as a port of one bridge and finds the tunnels' way
    through the address of that; the other bridge is the overlay, its own port tap0. The
    tunnels are protected from each other: what comes in by one leaves by none.
    """

    def __init__(self, host, peers, *, kind="vxlan", options=None):
        self.host, self._directory = host, host.path("ovs")
        os.makedirs(self._directory, exist_ok=True)
        self._env = {f"OVS_{name}DIR": self._directory for name in ("RUN", "LOG", "DB")}
        self._database = os.path.join(self._directory, "db.sock")
        self._start()
        self._underlay()
        options = {"key": "42"} if options is None else options
        if kind == "vxlan" and not host.address4:
            # The kernel's device takes no datagram without a checksum unless it is told to.
            options = {"csum": "true", **options}
        fields = ("key" in options) + (options.get("csum") == "true")
        self._overlay([peer for peer in peers if peer is not host], kind, options, fields)

    def vsctl(self, *arguments):
        return self.host.run("ovs-vsctl", f"--db=unix:{self._database}", "--timeout=20",
                             *arguments).stdout

    def appctl(self, *arguments):
        return self.host.run("ovs-appctl", "-t", os.path.join(self._directory, "vswitchd.ctl"),
                             *arguments).stdout

    def _program(self, name, *arguments):
        short = name.removeprefix("ovs-")
        return self.host.start(name, *arguments, f"--pidfile={self._directory}/{short}.pid",
                               f"--unixctl={self._directory}/{short}.ctl", "-vsyslog:off",
                               "-vconsole:warn",
                               log=f"{name}.log", env=self._env)

    def _start(self):
        conf = os.path.join(self._directory, "conf.db")
        self.host.run("ovsdb-tool", "create", conf, _SCHEMA)
        self._program("ovsdb-server", conf, f"--remote=punix:{self._database}")
        wait_for(lambda: os.path.exists(self._database), 10, "ovsdb-server to listen")
        # The fewest threads: hosts share this machine's CPUs.
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                   "other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1")
        self._program("ovs-vswitchd", f"unix:{self._database}")

    def _underlay(self):
        """The host's addresses move to the bridge that eth0 is a port of."""
        host = self.host
        host.sysctl(net__ipv6__conf__default__accept_dad=0)
        # A card completes checksums and cuts what is to be cut; the veth leaves that to
        # whoever receives, which a program that reads raw frames does not.
        _finish_what_is_sent(host.cloud.router, host.port)
        self.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
                   "--", "add-port", "br-phy", "eth0")
        # It sends from an address in whose network the gateway is.
        lines = ["addr flush dev eth0 scope global", "link set br-phy up"]
        if host.address4:
            lines += [f"addr add {host.address4}/24 dev br-phy noprefixroute",
                      f"route add {GATEWAY4}/32 dev br-phy scope link",
                      f"route add default via {GATEWAY4} dev br-phy src {host.address4}"]
        if host.address6:
            host.cloud.router.ip("addr", "add", f"{_GATEWAY6}/128", "dev", host.port, "nodad")
            lines += [f"addr add {host.address6}/64 dev br-phy nodad noprefixroute",
                      f"route add {_GATEWAY6}/128 dev br-phy",
                      f"route replace default via {_GATEWAY6} dev br-phy src {host.address6}"]
        ip_batch(lines, "-n", host.netns)

    def _overlay(self, peers, kind, options, fields):
        host = self.host
        words = ["add-br", "tap0", "--", "set", "bridge", "tap0", "datapath_type=netdev",
                 "--", "set", "interface", "tap0", f"mtu_request={plain_mtu(host, kind, fields)}"]
        for number, peer in enumerate(peers):
            port = f"{kind}{number}"
            words += ["--", "add-port", "tap0", port, "--", "set", "port", port,
                      "protected=true", "--", "set", "interface", port, f"type={kind}",
                      f"options:remote_ip={peer.address}", f"options:local_ip={host.address}",
                      *(f"options:{name}={value}" for name, value in options.items())]
        self.vsctl(*words)
        ip_batch([*_addresses(host), "link set tap0 up"], "-n", host.netns)


def _finish_what_is_sent(where, interface):
    where.run("ethtool", "-K", interface, "tx", "off", "tx-udp-segmentation", "off")


def plain_tapd(host, peers=None, *, kind="vxlan", network_id=42, **settings):
    """The host's daemon, not sealed: it has no secret and no key."""
    if network_id is not None:
        settings["network_id"] = network_id
    return Tapd(host, new_secret(), peers, secret_file=None, key_file=None, encapsulation=kind,
                **settings)


class PlainHosts:
    """A cloud whose hosts run what `runs` says, in their order: "tapd", "kernel" (its
    card completes checksums), "kernel-partial" (the veth leaves that to the receiver),
    "kernel-bridged" or "ovs". All of them are each other's peers."""

    def __init__(self, cloud, runs, *, kind="vxlan", network_id=42, ovs_options=None, **settings):
        self.cloud, self.hosts, self.runs = cloud, cloud.hosts, runs
        self.daemons, self.vteps = [], []
        self.of = {}  # the hosts that run it
        for host, what in zip(self.hosts, runs):
            self.of.setdefault(what, []).append(host)
            if what == "tapd":
                self.daemons.append(
                    plain_tapd(host, kind=kind, network_id=network_id, **settings).launch())
            elif what == "ovs":
                self.vteps.append(OvsVtep(host, self.hosts, kind=kind, options=ovs_options))
            else:
                if what == "kernel-partial":
                    host.run("ethtool", "-K", "eth0", "tx-udp_tnl-segmentation", "off",
                             "tx-udp_tnl-csum-segmentation", "off")
                else:
                    _finish_what_is_sent(host, "eth0")
                self.vteps.append(KernelVtep(host, self.hosts, vni=network_id,
                                             bridged=what == "kernel-bridged"))
        for daemon in self.daemons:
            daemon.wait_ready()

    @property
    def mtu(self):
        """The smallest of all their tap0s."""
        return min(int(host.ip("-o", "link", "show", "tap0").split(" mtu ")[1].split()[0])
                   for host in self.hosts)

    def unreached(self, *options, family="tap4"):
        """Pairs between which a ping with these options does not pass."""
        return [(source, target) for source in self.hosts for target in self.hosts
                if source is not target and not source.ping(getattr(target, family), *options)]

    def wait_reached(self, within=20):
        for family in ("tap4", "tap6"):
            wait_for(lambda: not self.unreached(family=family), within,
                     lambda: f"all to reach each other: {self.unreached(family=family)}")
