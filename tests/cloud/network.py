"""The test cloud: hosts in network namespaces, joined by a router, as a VPC is.

Each host has one veth, eth0, to the router and a /32 (and /128) address, and
reaches every other host through it. The router forwards unicast and nothing
else: no multicast, no broadcast, no frame of another ethertype ever arrives at
a second host. Faults are nftables rules in the router; each is undone alone.

    with Cloud(3) as cloud:
        web1, web2, web3 = cloud.hosts
        web1.run("ping", "-c1", web2.address)
        with cloud.cut(web3):
            ...

Everything carries the run's prefix and goes when the cloud closes, and, should
this process die in any way, when the janitor sees that it did.
"""

import atexit
import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile

from . import janitor, namespace
from .mangler import Mangler
from .process import Process

GATEWAY4 = "10.9.0.1"
GATEWAY6 = "fe80::1"
FRAGMENTS = "ip frag-off & 0x3fff != 0", "meta nfproto ipv6 exthdr frag exists"

_numbers = itertools.count()
_janitors = {}


def _prefix():
    """This process's prefix; the first use starts its janitor."""
    pid = os.getpid()
    prefix = f"tapd-t{pid}-"
    if pid not in _janitors:
        directory = tempfile.mkdtemp(prefix=prefix)
        # Other users' programs (user = "nobody") must get at what is in it.
        os.chmod(directory, 0o755)
        _janitors[pid] = directory, janitor.watch(prefix, directory)
        atexit.register(_dismiss_janitor, pid)
    return prefix, _janitors[pid][0]


def prefix_of_a_cloud():
    """(prefix, directory) of one more cloud of this process's."""
    run_prefix, run_directory = _prefix()
    prefix = f"{run_prefix}{next(_numbers)}-"
    return prefix, os.path.join(run_directory, prefix.rstrip("-"))


def _dismiss_janitor(pid):
    if pid == os.getpid():
        janitor.dismiss(_janitors.pop(pid)[1])


def ip_batch(lines, *options):
    """Many ip(8) commands in one process."""
    done = subprocess.run(["ip", *options, "-batch", "-"], input="\n".join(lines) + "\n",
                          text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(options)}: {done.stderr.strip()}")


class CommandFailed(AssertionError):
    pass


class Namespace:
    """Somewhere commands run and sockets are opened."""

    def __init__(self, name, netns, directory):
        self.name, self.netns, self.directory = name, netns, directory
        self.processes = []
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)

    def __repr__(self):
        return self.name

    def run(self, *argv, check=True, timeout=30, input=None):
        """Runs to its end; stdout and stderr as text. CommandFailed if it fails."""
        argv = ["ip", "netns", "exec", self.netns, *map(str, argv)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout,
                              input=input, errors="replace")
        if check and done.returncode:
            raise CommandFailed(f"on {self.name}: {' '.join(argv[4:])}: exit "
                                f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ok(self, *argv, timeout=30):
        return self.run(*argv, check=False, timeout=timeout).returncode == 0

    def start(self, *argv, log=None, env=None, pass_fds=()):
        """Runs on; stopped at the latest when the cloud closes."""
        log = log or os.path.basename(str(argv[0])) + ".log"
        process = Process(["ip", "netns", "exec", self.netns, *argv],
                          os.path.join(self.directory, log), env=env, pass_fds=pass_fds)
        self.processes.append(process)
        return process

    def publish(self, lines):
        """What its /etc/hosts says (ip netns exec puts this file in its place)."""
        directory = os.path.join(janitor.HOSTS_DIRECTORY, self.netns)
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "hosts"), "w") as file:
            file.write("127.0.0.1 localhost\n::1 localhost\n" + "\n".join(lines) + "\n")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def ping(self, address, *options, wait=1):
        return self.ok("ping", "-c1", f"-W{wait}", *options, address)

    def reaches(self, address, *options):
        """As ping, where no answer is a failure: a late one is waited for."""
        return self.ping(address, *options, wait=5)

    def ifindex(self, interface="tap0"):
        return int(self.ip("-o", "link", "show", interface).split(":")[0])

    def has_interface(self, interface="tap0"):
        return bool(self.ip("-o", "link", "show", interface, check=False))

    def socket(self, family, kind, protocol=0):
        """A socket of this namespace, usable from here."""
        return namespace.open_socket(self.netns, family, kind, protocol)

    def sysctl(self, **values):
        namespace.sysctl(self.netns, **values)

    def ip(self, *arguments, check=True):
        done = subprocess.run(["ip", "-n", self.netns, *map(str, arguments)],
                              capture_output=True, text=True)
        if check and done.returncode:
            raise CommandFailed(f"on {self.name}: ip {' '.join(map(str, arguments))}: "
                                f"{done.stderr.strip()}")
        return done.stdout


class Host(Namespace):
    def __init__(self, cloud, index, name, mtu):
        super().__init__(name, cloud.netns_name(name), os.path.join(cloud.directory, name))
        self.cloud, self.index, self.mtu = cloud, index, mtu
        # Its link's name in the router; 15 characters are all a name can have.
        self.port = name if len(name) < 16 else f"port{index}"
        self.address4 = f"10.9.0.{10 + index}" if cloud.family != "v6" else None
        self.address6 = f"fd09::{10 + index}" if cloud.family != "v4" else None
        # The address by which others reach it, and those on its tap0.
        self.address = self.address4 or self.address6
        self.tap4, self.tap6 = f"10.77.0.{1 + index}", f"fd77::{1 + index}"
        self.gateway4 = GATEWAY4

    def configure(self):
        if self.address6:  # no duplicate address detection: it takes seconds
            self.sysctl(net__ipv6__conf__eth0__accept_dad=0)
        lines = ["link set lo up", f"link set eth0 mtu {self.mtu}", "link set eth0 up"]
        if self.address4:
            lines += [f"addr add {self.address4}/32 dev eth0",
                      f"route add {self.gateway4}/32 dev eth0 scope link",
                      f"route add default via {self.gateway4} dev eth0 src {self.address4}"]
        if self.address6:
            lines += [f"addr add {self.address6}/128 dev eth0 nodad",
                      f"route add default via {GATEWAY6} dev eth0 src {self.address6}"]
        ip_batch(lines, "-n", self.netns)


class Fault:
    """Rules in the router until heal(), or until the `with` block ends."""

    def __init__(self, cloud, rules):
        self._cloud = cloud
        self._handles = [cloud.add_rule(rule) for rule in rules]

    def heal(self):
        for handle in self._handles:
            self._cloud.nft(f"delete rule inet cloud faults handle {handle}")
        self._handles = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heal()


class Cloud:
    """n hosts named web1 … webN, or named as `names` says.

    mtu: of every host's link, or one a host. family: "v4", "v6" or "dual".
    prefix, directory: for a cloud that is to outlive this process.
    """

    def __init__(self, n=3, *, names=None, mtu=1500, family="v4", prefix=None, directory=None):
        names = names or [f"web{i + 1}" for i in range(n)]
        mtus = mtu if isinstance(mtu, (list, tuple)) else [mtu] * len(names)
        self.family = family
        if prefix:
            self.prefix, self.directory = prefix, directory
        else:
            self.prefix, self.directory = prefix_of_a_cloud()
        # boxes: the NATs (nat.py), whose hosts are among `hosts`.
        self.hosts, self.boxes, self.daemons = [], [], []
        try:
            os.makedirs(self.directory, exist_ok=True)
            self._build(names, mtus)
        except BaseException:
            self.remove()
            raise

    def netns_name(self, name):
        return self.prefix + name

    def _build(self, names, mtus):
        router = self.netns_name("router")
        ip_batch([f"netns add {router}"] + [f"netns add {self.netns_name(n)}" for n in names])
        self.router = Namespace("router", router, os.path.join(self.directory, "router"))
        self.hosts = [Host(self, i, name, mtu)
                      for i, (name, mtu) in enumerate(zip(names, mtus))]
        ip_batch([f"link add name {h.port} mtu {h.mtu} netns {router} type veth "
                  f"peer name eth0 netns {h.netns}" for h in self.hosts])
        self._configure_router()
        for host in self.hosts:
            host.configure()
            host.publish(self.host_lines())
        self._load_rules()

    def _configure_router(self):
        settings = {"net__ipv4__ip_forward": 1, "net__ipv6__conf__all__forwarding": 1}
        for host in self.hosts:
            if host.address6:
                settings[f"net__ipv6__conf__{host.port}__accept_dad"] = 0
        self.router.sysctl(**settings)
        lines = ["link set lo up"]
        for host in self.hosts:
            lines += [f"link set dev {host.port} up", f"addr add {GATEWAY4}/32 dev {host.port}"]
            if host.address4:
                lines.append(f"route add {host.address4}/32 dev {host.port}")
            if host.address6:
                lines += [f"addr add {GATEWAY6}/64 dev {host.port} nodad",
                          f"route add {host.address6}/128 dev {host.port}"]
        ip_batch(lines, "-n", self.router.netns)

    def _load_rules(self):
        self.nft("table inet cloud {\nchain faults { }\nchain forward {\n"
                 "type filter hook forward priority 0;\njump faults\n}\n}")
        for where in self.namespaces():
            self.watch_fragments(where)

    def watch_fragments(self, where):
        """Those made by a host are seen as they enter the router, those made by the
        router as they enter a host; both before any reassembly."""
        interface = '"eth0"' if isinstance(where, Host) else '!= "lo"'
        watch = "\n".join(f"iifname {interface} {match} counter name fragments"
                          for match in FRAGMENTS)
        self.nft("table inet cloud {\ncounter fragments { }\nchain watch {\n"
                 f"type filter hook prerouting priority -450;\n{watch}\n}}\n}}", where)

    def nft(self, text, where=None, *options):
        done = subprocess.run(
            ["ip", "netns", "exec", (where or self.router).netns, "nft", *options, "-f", "-"],
            input=text, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"nft: {done.stderr}")
        return done.stdout

    def host_lines(self):
        """Names as the cloud's DNS has them, and one for each host's tap0."""
        lines = []
        for host in self.hosts:
            for address in filter(None, (host.address4, host.address6)):
                lines.append(f"{address} {host.name} {host.name}.internal")
            lines.append(f"{host.tap4} {host.name}.tap0")
        return lines

    def host(self, name):
        return next(h for h in self.hosts if h.name == name)

    def namespaces(self):
        return [self.router, *self.boxes, *self.hosts]

    def guest(self, host, name="guest"):
        """A namespace behind the host: its eth0 is joined to `lan` there."""
        guest = Namespace(name, self.netns_name(name), os.path.join(self.directory, name))
        ip_batch([f"netns add {guest.netns}",
                  f"link add lan netns {host.netns} type veth peer name eth0 netns {guest.netns}"])
        guest.sysctl(net__ipv6__conf__eth0__accept_dad=0)
        guest.ip("link", "set", "lo", "up")
        guest.ip("link", "set", "eth0", "up")
        host.ip("link", "set", "lan", "up")
        return guest

    # ---- faults ----

    def add_rule(self, rule):
        out = self.nft(f"add rule inet cloud faults {rule}", self.router, "--echo", "--handle")
        return int(re.search(r"# handle (\d+)", out).group(1))

    def singles(self):
        """No GSO datagram crosses a veth: a rule must see each one by itself."""
        for host in self.hosts:
            host.run("ethtool", "-K", "eth0", "tx-udp-segmentation", "off")

    def cut(self, host):
        """The host is off the network."""
        return Fault(self, [f'iifname "{host.port}" drop', f'oifname "{host.port}" drop'])

    def cut_from(self, host):
        """What the host sends is lost; it still hears the others."""
        return Fault(self, [f'iifname "{host.port}" drop'])

    def cut_to(self, host):
        """The host hears nothing, but is heard."""
        return Fault(self, [f'oifname "{host.port}" drop'])

    def cut_path(self, source, target):
        """Nothing of source reaches target; the other way works."""
        return Fault(self, [f'iifname "{source.port}" oifname "{target.port}" drop'])

    def loss(self, percent, source=None, target=None):
        """That share of all packets (or of those a host sends, or to one) is lost."""
        self.singles()
        match = f'iifname "{source.port}" ' if source else ""
        match += f'oifname "{target.port}" ' if target else ""
        return Fault(self, [f"{match}numgen random mod 1000 < {round(percent * 10)} drop"])

    def drop_larger(self, size):
        """IP packets of more bytes vanish and nobody is told."""
        self.singles()
        return Fault(self, [f"meta length > {size} drop"])

    def mangle(self, *options):
        """Duplicates, delays and reorders what passes: mangler.py's options."""
        self.singles()
        return Mangler(self.router, *options)

    def fragments(self):
        """IP fragments seen anywhere on the underlay so far."""
        total = 0
        for where in self.namespaces():
            out = self.nft("list counter inet cloud fragments", where)
            total += int(re.search(r"packets (\d+)", out).group(1))
        return total

    # ---- the end ----

    def logs(self):
        """(title, text) of everything that ran, for a test that failed."""
        for where in self.namespaces():
            for path in sorted({process.log_path for process in where.processes}):
                with open(path, errors="replace") as file:
                    yield f"{where.name}: {os.path.basename(path)}", file.read()

    def remove(self):
        janitor.remove(janitor.namespaces_of(self.prefix), self.directory)

    def close(self):
        """Stops what runs and removes everything. Says what a sanitizer found."""
        found = []
        processes = [p for where in self.namespaces() for p in where.processes]
        try:
            for process in processes:
                process.signal(15)
            for process in processes:
                try:
                    process.wait(10)
                except AssertionError as error:
                    found.append(str(error))
                    process.kill()
            found += filter(None, (process.sanitizer_report() for process in processes))
        finally:
            self.remove()
        if found:
            raise AssertionError("\n".join(found))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
