"""tapd and tapctl on a host of the cloud."""

import base64
import json
import os
import signal
import subprocess

from .wait import wait_for

PORT = 8273
# Exit codes users' scripts see.
EXIT_USAGE, EXIT_SYSTEM, EXIT_CONFIG = 64, 71, 78

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_directory():
    """TAPD_BUILD, or the first of the usual build directories that has tapd."""
    named = os.environ.get("TAPD_BUILD")
    for path in [named] if named else ["build/dev", "build"]:
        path = os.path.join(_TOP, path)
        if os.path.exists(os.path.join(path, "bin/tapd")):
            return path
    raise FileNotFoundError(f"no bin/tapd in {named or 'build/dev or build'}: build it first")


def program(name, build=None):
    return os.path.join(build or build_directory(), "bin", name)


def sanitized():
    """The daemon under test is the one with the sanitizers."""
    return "asan" in os.path.basename(os.environ.get("TAPD_BUILD", ""))


def new_secret():
    return base64.b64encode(os.urandom(32)).decode()


def conf_text(settings):
    """A dict as libconfig text: dicts are groups, lists arrays."""
    def value(item, depth):
        if isinstance(item, dict):
            inner = "\t" * (depth + 1)
            lines = [f"{inner}{key} = {value(entry, depth + 1)};\n"
                     for key, entry in item.items()]
            return "{\n" + "".join(lines) + "\t" * depth + "}"
        if isinstance(item, (list, tuple)):
            return "[ " + ", ".join(value(entry, depth) for entry in item) + " ]"
        return json.dumps(item)
    return "".join(f"{key} = {value(item, 0)};\n" for key, item in settings.items())


class TapctlFailed(AssertionError):
    def __init__(self, done):
        super().__init__(f"{' '.join(done.args[1:])}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        self.exit_code, self.stderr = done.returncode, done.stderr


# Offloads and their levels, lowest first: each has what is below it.
OFFLOADS = {
    "tap": ["none", "checksum", "tso", "all"],
    "merge": ["none", "tcp", "all"],
    "send": ["single", "batch", "all"],
    "receive": ["single", "batch", "all"],
    "checksums": ["complete", "partial"],
}


class Tapd:
    """One host's daemon: its files, its life, what it reports.

    Settings are those of the configuration file; a dotted name sets a key of a
    group (`**{"interface.mtu": 1400}`), None leaves a key out. A second one on a host
    has another interface, address and port. `build` is where its programs are:
    TAPD_BUILD if not given.
    """

    def __init__(self, host, secret, peers=None, *, interface="tap0", build=None, **settings):
        self.host, self.process, self._store = host, None, None
        self.interface, self.build = interface, build
        self.socket = host.path(f"{interface}.sock")
        self.secret_file = host.write(f"{interface}.secret", secret + "\n", 0o600)
        self.settings = {
            "interface": {"name": interface,
                          "address": [f"{host.tap4}/24", f"{host.tap6}/64"]},
            "secret_file": self.secret_file,
            "key_file": host.path(f"{interface}.key"),
            "control_socket": self.socket,
            "name": host.name,
            # One list for all hosts: naming oneself is harmless.
            "peers": [h.address for h in host.cloud.hosts] if peers is None else peers,
        }
        self.configure(**settings)
        host.cloud.daemons.append(self)

    def configure(self, **settings):
        for name, item in settings.items():
            *groups, key = name.split(".")
            at = self.settings
            for group in groups:
                at = at.setdefault(group, {})
            if item is None:
                at.pop(key, None)
            else:
                at[key] = item
        self.conf = self.host.write(f"{self.interface}.conf", conf_text(self.settings))

    def set_secret(self, *secrets):
        self.host.write(f"{self.interface}.secret", "\n".join(secrets) + "\n", 0o600)

    def command(self):
        return [program("tapd", self.build), "-c", self.conf]

    def supervised(self, store):
        """From now on started as a service whose descriptors `store` keeps."""
        self._store = store

    def launch(self, *prefix):
        """Starts it; `prefix` is a command that runs it (setpriv …)."""
        command, options = [*prefix, *self.command()], {}
        env = {"ASAN_OPTIONS": "exitcode=99:quarantine_size_mb=1",
               "UBSAN_OPTIONS": "print_stacktrace=1"}
        if self._store:
            self._store.receive()
            command = self._store.command(command)
            env.update(self._store.environment())
            options["pass_fds"] = self._store.inheritable()
        self.process = self.host.start(*command, log=f"{self.interface}.log", env=env, **options)
        return self

    def start(self, *prefix, within=10):
        self.launch(*prefix)
        return self.wait_ready(within)

    def wait_ready(self, within=10):
        def ready():
            if not self.process.running:
                raise AssertionError(f"tapd on {self.host} ended with "
                                     f"{self.process.returncode}\n{self.process.tail()}")
            return self.ctl_ok("status")
        wait_for(ready, within, f"tapd on {self.host} to answer tapctl")
        return self

    def stop(self, within=5):
        """A clean stop; its exit code."""
        return self.process.stop(within)

    def kill(self):
        self.process.kill()

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def use_levels(self, **levels):
        """From now on these levels, and the highest of the offloads not named."""
        highest = {name: words[-1] for name, words in OFFLOADS.items()}
        levels = {**highest, **levels}
        if self.settings.get("offload", highest) != levels:
            self.configure(offload=levels)
            self.ctl("reload")
        in_use = self.status()["offload"]
        for name in ("tap", "send", "receive"):
            assert in_use[name] == levels[name], in_use

    @property
    def running(self):
        return self.process is not None and self.process.running

    # ---- tapctl ----

    def ctl_run(self, *arguments):
        return subprocess.run([program("tapctl", self.build), "-s", self.socket, *arguments],
                              capture_output=True, text=True, timeout=10)

    def ctl_ok(self, *arguments):
        return self.ctl_run(*arguments).returncode == 0

    def ctl(self, *arguments):
        """What `tapctl -j` says, parsed."""
        done = self.ctl_run("-j", *arguments)
        if done.returncode:
            raise TapctlFailed(done)
        return json.loads(done.stdout)

    def doctor(self):
        """What `tapctl -j doctor` finds on the daemon's host."""
        done = self.host.run(program("tapctl", self.build), "-s", self.socket, "-j", "doctor",
                             check=False)
        return json.loads(done.stdout)

    def status(self):
        return self.ctl("status")

    def peers(self):
        """By name; one without a name yet, by its endpoint."""
        return {peer["name"] or peer["endpoint"]: peer for peer in self.ctl("peers")}

    def peer(self, other):
        """What it knows of that host (or daemon): by name or by address."""
        host = getattr(other, "host", other)
        for peer in self.ctl("peers"):
            if peer["name"] == host.name:
                return peer
        for peer in self.ctl("peers"):
            endpoint = peer["endpoint"] or ""
            if endpoint.rpartition(":")[0].strip("[]") in (host.address4, host.address6):
                return peer
        return None

    def peer_state(self, other):
        peer = self.peer(other)
        return peer["state"] if peer else None

    def up(self):
        """Names of the peers that are up."""
        return {peer["name"] for peer in self.ctl("peers") if peer["state"] == "up"}

    def drops(self):
        return self.ctl("drops")

    def group(self, group, vlan=0):
        """What it knows of that multicast group, or None."""
        for entry in self.ctl("groups"):
            if (entry["group"], entry["vlan"]) == (group, vlan):
                return entry
        return None

    def wait_up(self, *others, within=6):
        names = {getattr(other, "host", other).name for other in others}
        wait_for(lambda: names <= self.up(), within,
                 f"{self.host} to have {', '.join(sorted(names))} up; peers: {self.peers()}")

    def wait_down(self, other, within=8):
        wait_for(lambda: self.peer_state(other) != "up", within,
                 f"{self.host} to have {other} down")


def mesh_up(daemons):
    return all(daemon.status()["peers"]["up"] == len(daemons) - 1 for daemon in daemons)


def wait_mesh(daemons, within=10):
    def missing():
        ups = {d.host.name: d.status()["peers"]["up"] for d in daemons}
        return {name: up for name, up in ups.items() if up < len(daemons) - 1}
    try:
        wait_for(lambda: not missing(), within, "full mesh", every=0.1)
    except AssertionError as error:
        detail = "\n".join(f"{d.host}: {d.peers()}" for d in daemons[:3])
        raise AssertionError(f"{error}; peers up, of {len(daemons) - 1}: {missing()}\n"
                             + detail) from None


def start_all(cloud, secret=None, mesh_within=10, **settings):
    """tapd on every host of the cloud, all of them up with all others."""
    secret = secret or new_secret()
    daemons = [Tapd(host, secret, **settings).launch() for host in cloud.hosts]
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons, mesh_within)
    return daemons
