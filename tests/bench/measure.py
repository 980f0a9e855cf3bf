"""One measurement: what runs, what it is told, what it cost.

CPU time is that of the whole machine, for all the hosts are on it, less what is
not ours: processes that this run did not start, the run's own Python, the daemons
of the overlays that are not being measured. The kernel's idle time is exact where
its user/system/softirq split is sampled, so busy = wall × CPUs − idle − iowait −
steal. Softirq work (all of VXLAN's) is in it whoever it interrupted.
"""

import os
import subprocess
import time

from cloud.namespace import entered

GROUP = "239.8.27.3"
PORT = 5400
TICKS = os.sysconf("SC_CLK_TCK")
CPUS = os.cpu_count()


class LoadFailed(AssertionError):
    pass


def _pairs(line):
    """k=v k=v …, the values numbers where they are."""
    items = (word.split("=", 1) for word in line.split())
    return {key: int(value) if value.isdigit() else value for key, value in items}


class Load:
    """The load generator."""

    program = None  # its path, once it is built
    _run = 0

    @classmethod
    def start(cls, *arguments):
        return subprocess.Popen([cls.program, *map(str, arguments)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @classmethod
    def finish(cls, process, within):
        try:
            out, error = process.communicate(timeout=within)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            raise LoadFailed(error.strip() or f"load: exit {process.returncode}")
        return _pairs(out)

    @classmethod
    def end(cls, process):
        """Stops one that finish() did not wait for."""
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()

    @classmethod
    def run(cls, *arguments, within):
        return cls.finish(cls.start(*arguments), within)

    @classmethod
    def next_run(cls):
        cls._run += 1
        return cls._run


class Sink:
    """Counts the datagrams that arrive at some hosts on one overlay."""

    waiting = "woken"  # or "polled": see load/sink.c

    def __init__(self, overlay, hosts, address=GROUP, port=PORT):
        self.address, self.port, self.hosts = address, port, hosts
        self._process = Load.start("sink", self.waiting, overlay.interface, address, port,
                                   *(host.netns for host in hosts))
        self._expect("ready")

    def _say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _expect(self, word):
        line = self._process.stdout.readline().strip()
        if line != word:
            raise LoadFailed(f"sink said {line!r}: {self._process.stderr.read()}")

    def start(self):
        run = Load.next_run()
        self._say(f"start {run}")
        self._expect("started")
        return run

    def stop(self):
        self._say("stop")
        counts = []
        while (line := self._process.stdout.readline().strip()) != "end":
            if not line:
                raise LoadFailed(f"sink ended: {self._process.stderr.read()}")
            counts.append(_pairs(line))
        return counts

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()


# ---- CPU ----

def process_seconds(pid):
    """CPU seconds of a process, exactly if it has one thread."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    if int(fields[17]) == 1:
        with open(f"/proc/{pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9
    return (int(fields[11]) + int(fields[12])) / TICKS


def _processes():
    """pid → (parent, CPU seconds, those of its ended children, all those in the kernel)."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            found[int(name)] = (int(fields[1]), process_seconds(name),
                                (int(fields[13]) + int(fields[14])) / TICKS,
                                (int(fields[12]) + int(fields[14])) / TICKS)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def _others_seconds(foreign):
    """What all processes used that are not part of the measurement, and in the kernel.

    A process that ended is in its parent's account of ended children, so nothing is
    missed that was waited for. Kernel threads work for us as far as we can tell.
    """
    processes, me = _processes(), os.getpid()

    def ours(pid):
        while pid > 2:
            if pid == me:
                return True
            pid = processes.get(pid, (0,))[0]
        return pid == 2
    total = kernel = 0.0
    for pid, (_, own, children, in_kernel) in processes.items():
        if pid == me:
            total += own
        elif pid in foreign or not ours(pid):
            total += own + children
            kernel += in_kernel
    return total, kernel


def _machine():
    with open("/proc/stat") as file:
        fields = [int(word) / TICKS for word in file.readline().split()[1:]]
    return {"not_busy": fields[3] + fields[4] + fields[7], "steal": fields[7],
            "softirq": fields[6] + fields[5], "kernel": fields[2] + fields[5] + fields[6]}


class Meter:
    """CPU time between its making and stop().

    A daemon's time includes its system calls, and in those often runs all that they set
    off on this machine, up to the other end's socket. So the kernel's share is told for
    the machine as a whole. The clock's ticks sample it.
    """

    def __init__(self, overlay, foreign, sender=None, receivers=()):
        self._pids = {pid: process_seconds(pid) for pid in overlay.pids()}
        self._sender = overlay.pid(sender) if sender else None
        self._receivers = [overlay.pid(host) for host in receivers]
        self._foreign = foreign
        self._others = _others_seconds(foreign)
        self._machine, self._begin = _machine(), time.monotonic()

    def stop(self):
        machine, wall = _machine(), time.monotonic() - self._begin
        moved = {key: machine[key] - self._machine[key] for key in machine}
        others, in_kernel = (after - before for before, after in
                             zip(self._others, _others_seconds(self._foreign)))
        used = {pid: process_seconds(pid) - before for pid, before in self._pids.items()}
        receivers = [used[pid] for pid in self._receivers if pid in used]
        return {"cpu_s": max(wall * CPUS - moved["not_busy"] - others, 0.0),
                "others_cpu_s": others, "softirq_s": moved["softirq"],
                "steal_s": moved["steal"], "kernel_s": max(moved["kernel"] - in_kernel, 0.0),
                "sender_daemon_s": used.get(self._sender),
                "receiver_daemons_s": sum(receivers) if receivers else None,
                "daemons_s": sum(used.values()) if used else None,
                "cpu_wall_s": wall}


def a_gigabyte(figures, octets):
    """The CPU time for each gigabyte that arrived: all of it, and whose."""
    return {name: figures[used] * 1e9 / octets
            for name, used in (("cpu_s_per_gb", "cpu_s"), ("sender_s_per_gb", "sender_daemon_s"),
                               ("receiver_s_per_gb", "receiver_daemons_s"),
                               ("kernel_s_per_gb", "kernel_s"))
            if octets and figures.get(used) is not None}


def wait_quiet(within, share=0.05):
    """Until others leave the machine alone, or that many seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        before, began = _others_seconds(())[0], time.monotonic()
        time.sleep(0.5)
        used = _others_seconds(())[0] - before
        if used < share * CPUS * (time.monotonic() - began):
            return True
    return False


# ---- interface counters, to check the sink's count and what crosses the underlay ----

def interface_counters(host, interface):
    with entered(host.netns), open("/proc/thread-self/net/dev") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name.strip() == interface:
                fields = [int(word) for word in rest.split()]
                return {"rx_packets": fields[1], "rx_dropped": fields[3],
                        "tx_bytes": fields[8], "tx_packets": fields[9], "tx_dropped": fields[11]}
    raise LoadFailed(f"no {interface} on {host}")


class Counters:
    """How far the counters of the sender's underlay and of all receivers moved."""

    def __init__(self, overlay, sender, receivers=()):
        self._overlay, self._sender, self._receivers = overlay, sender, receivers
        self._before = self._read()

    def _read(self):
        eth0 = interface_counters(self._sender, "eth0")
        return (eth0["tx_packets"], eth0["tx_bytes"],
                sum(interface_counters(host, self._overlay.interface)["rx_packets"]
                    for host in self._receivers))

    def stop(self):
        packets, octets, arrived = (after - before
                                    for before, after in zip(self._before, self._read()))
        return {"interface_rx": arrived, "underlay_packets": packets, "underlay_bytes": octets}


# ---- the measurements ----

def datagrams(overlay, foreign, sink, sender, *, size, rate, burst, seconds):
    """One sender, many receivers: who got how many, and at what cost."""
    counters = Counters(overlay, sender, sink.hosts)
    run = sink.start()
    meter = Meter(overlay, foreign, sender, sink.hosts)
    sent = Load.run("send", sender.netns, overlay.interface, sink.address, sink.port, run, size,
                    rate, burst, seconds, within=seconds + 20)
    hosts = sink.stop()
    result = meter.stop() | counters.stop()
    delivered = sum(host["count"] for host in hosts)
    wall = (max([host["last_ns"] for host in hosts] + [sent["end_ns"]]) - sent["begin_ns"]) / 1e9
    offered = sent["sent"] * len(hosts)
    result |= {
        "seconds": wall, "sent": sent["sent"], "refused": sent["refused"], "late": sent["late"],
        "sent_per_s": sent["sent"] * 1e9 / (sent["end_ns"] - sent["begin_ns"]),
        "delivered": delivered, "delivered_per_s": delivered / wall,
        "loss": 1 - delivered / offered if offered else None,
        "worst_loss": 1 - min(host["count"] for host in hosts) / sent["sent"]
        if sent["sent"] else None,
        "duplicates": sum(host["duplicates"] for host in hosts),
        "reordered": sum(host["reordered"] for host in hosts),
        "socket_lost": sum(host["overflow"] for host in hosts),
    }
    result |= a_gigabyte(result, delivered * size)
    if delivered:
        result["cpu_us_per_frame"] = result["cpu_s"] * 1e6 / delivered
        if result["receiver_daemons_s"] is not None:
            result["receiver_us_per_frame"] = result["receiver_daemons_s"] * 1e6 / delivered
    if sent["sent"]:
        result["cpu_us_per_sent"] = result["cpu_s"] * 1e6 / sent["sent"]
        if result["sender_daemon_s"] is not None:
            result["sender_us_per_sent"] = result["sender_daemon_s"] * 1e6 / sent["sent"]
    return result


def tcp(overlay, foreign, client, server, *, streams, direction, congestion, seconds):
    counters = Counters(overlay, client)
    # Where both send, the client's is called the sender.
    sender, receiver = (server, client) if direction == "back" else (client, server)
    meter = Meter(overlay, foreign, sender, [receiver])
    got = Load.run("tcp", client.netns, server.netns, overlay.address(server), PORT, streams,
                   direction, seconds, congestion, 0, within=seconds + 30)
    result = meter.stop() | counters.stop()
    return result | a_gigabyte(result, got["all_bytes"]) | \
        {"seconds": got["ns"] / 1e9, "gbps": got["bytes"] * 8 / got["ns"]}


def rtt(overlay, foreign, client, server, *, size=64, seconds):
    meter = Meter(overlay, foreign, client)
    got = Load.run("rtt", client.netns, server.netns, overlay.address(server), PORT + 1, size,
                   seconds, within=seconds + 20)
    result = meter.stop()
    result |= {"seconds": seconds, "requests": got["count"], "requests_lost": got["lost"]}
    if got["count"]:
        result |= {"p50_us": got["p50_ns"] / 1e3, "p99_us": got["p99_ns"] / 1e3,
                   "max_us": got["max_ns"] / 1e3}
    return result


class Paced:
    """Packets by the clock, and how long each was on its way; see load/paced.c.

    Its sockets are open when it is made; it begins with go().
    """

    def __init__(self, kind, overlay, sender, receiver, address, *, size=64, rate, seconds,
                 port=0):
        self._seconds = seconds
        self._process = Load.start("paced", kind, sender.netns, receiver.netns,
                                   overlay.interface, address, port, size, rate, seconds)
        if self._process.stdout.readline().strip() != "ready":
            error = self._process.stderr.read()
            Load.end(self._process)
            raise LoadFailed(error)

    def go(self):
        self._process.stdin.close()
        self._process.stdin = None

    def finish(self):
        got = Load.finish(self._process, self._seconds + 20)
        figures = {"sent": got["sent"], "lost": got["lost"], "late": got["late"],
                   "loss": got["lost"] / got["sent"]}
        if got["count"]:
            figures |= {name: got[f"{name[:-3]}_ns"] / 1e3
                        for name in ("p50_us", "p99_us", "max_us")}
        return figures

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Load.end(self._process)


def batches(overlay, foreign, sender, target, counting, *, size, seconds):
    """A sender by itself: what 64 KB batches cost up to the interface that counts them."""
    meter = Meter(overlay, foreign, sender)
    got = Load.run("batches", sender.netns, counting, overlay.address(target), PORT, size,
                   seconds, within=seconds + 20)
    result, wall = meter.stop(), got["end_ns"] - got["begin_ns"]
    # The first few, from which it learned, are not counted as sent.
    return result | a_gigabyte(result, got["arrived_bytes"]) | {
        "seconds": wall / 1e9, "sent": got["sent"], "refused": got["refused"],
        "gbps": got["arrived_bytes"] * 8 / wall,
        "loss": max(0, 1 - got["arrived_bytes"] / got["sent_bytes"])}


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return None
