"""What is measured: the cases, where each runs, what is hoped of it."""

import contextlib
import time
from dataclasses import dataclass, field

from . import measure
from .measure import Load, Sink

RATE = 15000  # frames a second of the paced cases
FANOUT, SIZES = (1, 2, 4, 8, 16, 32), (100, 1000, 1400)
MODES = {"saturation": (0, 16), "bursts": (RATE, 16), "even": (RATE, 1)}
# In the order in which they run: what is compared most closely side by side.
MAIN = ("tapd", "tapd-against", "vxlan")
ALL = ("tapd", "tapd-against", "tapd-vxlan", "vxlan", "tinc-none", "tinc", "n2n")
MANY = 64
# They give a tunnel different things to do: BBR paces a stream, Cubic sends all that its
# window allows.
CONGESTION = ("bbr", "cubic")
A_GIGABYTE = ("cpu_s_per_gb", "sender_s_per_gb", "receiver_s_per_gb", "kernel_s_per_gb")


@dataclass(frozen=True)
class Site:
    """A cloud and how its links are."""
    hosts: int
    mtu: int = 1500
    offloads: bool = True

    def __str__(self):
        return f"{self.hosts} hosts, underlay {self.mtu}" + \
            ("" if self.offloads else ", offloads off")

    @property
    def suffix(self):
        return ("" if self.mtu == 1500 else f"@{self.mtu}") + \
            ("" if self.offloads else "@no-offloads")


@dataclass(frozen=True)
class Case:
    name: str
    group: str   # its section of the table
    title: str   # its line there
    site: Site
    run: object  # (Stage, overlay) → figures
    metrics: tuple
    overlays: tuple = MAIN
    quick: bool = False
    parameters: dict = field(default_factory=dict, hash=False)  # for the CSV and the plots


class Stage:
    """A cloud with its overlays up, and the sinks on them."""

    def __init__(self, cloud, overlays, seconds):
        self.cloud, self.overlays, self.seconds = cloud, overlays, seconds
        self._sinks = contextlib.ExitStack()
        self._cached = {}

    def foreign(self, overlay):
        """The daemons that are not being measured."""
        return {pid for other in self.overlays if other is not overlay for pid in other.pids()}

    def sink(self, overlay, hosts, address=measure.GROUP, port=measure.PORT):
        key = overlay.name, address, port, len(hosts)
        if key not in self._cached:
            sink = self._cached[key] = Sink(overlay, hosts, address, port)
            self._sinks.callback(sink.close)
            time.sleep(1.5)  # who listens to joins has heard them
        return self._cached[key]

    def close(self):
        self._sinks.close()


# ---- how each kind of case runs ----

def fanout(size, mode, members=None):
    """From the first host to all the others, or to `members` of them alone."""
    rate, burst = MODES[mode]

    def run(stage, overlay):
        first, *others = stage.cloud.hosts
        sink = stage.sink(overlay, others) if members is None else \
            stage.sink(overlay, others[:members], "239.8.27.4", measure.PORT + 2)
        return measure.datagrams(overlay, stage.foreign(overlay), sink, first, size=size,
                                 rate=rate, burst=burst, seconds=stage.seconds)
    return run


def unicast(size):
    def run(stage, overlay):
        first, second = stage.cloud.hosts[:2]
        sink = stage.sink(overlay, [second], overlay.address(second), measure.PORT + 3)
        return measure.datagrams(overlay, stage.foreign(overlay), sink, first, size=size, rate=0,
                                 burst=16, seconds=stage.seconds)
    return run


def tcp(streams, direction, congestion):
    def run(stage, overlay):
        first, second = stage.cloud.hosts[:2]
        return measure.tcp(overlay, stage.foreign(overlay), first, second, streams=streams,
                           direction=direction, congestion=congestion, seconds=stage.seconds)
    return run


def rtt_idle(stage, overlay):
    first, second = stage.cloud.hosts[:2]
    return measure.rtt(overlay, stage.foreign(overlay), first, second, seconds=stage.seconds)


def rtt_under_tcp(congestion):
    """While a TCP stream goes the same way."""
    def run(stage, overlay):
        first, second = stage.cloud.hosts[:2]
        load = Load.start("tcp", first.netns, second.netns, overlay.address(second),
                          measure.PORT + 4, 1, "out", stage.seconds + 0.5, congestion, 0)
        try:
            time.sleep(0.4)
            result = rtt_idle(stage, overlay)
            got = Load.finish(load, stage.seconds + 30)
        finally:
            Load.end(load)
        return result | {"load_gbps": got["bytes"] * 8 / got["ns"]}
    return run


def rtt_under_multicast(stage, overlay):
    """While 15,000 frames of 1000 B a second go the same way, in bursts."""
    first, second = stage.cloud.hosts[:2]
    sink = stage.sink(overlay, [second])
    load = Load.start("send", first.netns, overlay.interface, sink.address, sink.port,
                      sink.start(), 1000, RATE, 16, stage.seconds + 0.5)
    time.sleep(0.2)
    result = rtt_idle(stage, overlay)
    sent = Load.finish(load, stage.seconds + 30)["sent"]
    return result | {"loss": 1 - sink.stop()[0]["count"] / sent}


def many_peers(stage, overlay):
    """Memory after traffic to all, then CPU while nothing is sent."""
    first, *others = stage.cloud.hosts
    Load.run("send", first.netns, overlay.interface, measure.GROUP, measure.PORT,
             Load.next_run(), 1000, 2000, 16, stage.seconds, within=stage.seconds + 20)
    time.sleep(2)
    pids = [overlay.pid(host) for host in stage.cloud.hosts]
    resident = [measure.resident_mib(pid) for pid in pids]
    length = max(6.0, 3 * stage.seconds)
    before = [measure.process_seconds(pid) for pid in pids]
    time.sleep(length)
    percent = sorted((measure.process_seconds(pid) - start) * 100 / length
                     for pid, start in zip(pids, before))
    return {"rss_mib": max(resident), "rss_sender_mib": resident[0], "seconds": length,
            "idle_percent": percent[len(percent) // 2], "idle_percent_max": percent[-1]}


# ---- the list ----

def fanout_case(site, receivers, size, mode, **more):
    metrics = ("delivered_per_s", "loss", "cpu_us_per_frame") if mode == "saturation" else \
        ("loss", "cpu_us_per_frame", "sender_us_per_sent")
    if receivers == 1:
        metrics += A_GIGABYTE if mode == "saturation" else ("receiver_us_per_frame",)
    where = site.suffix.replace("@", ", ").replace("9001", "underlay 9001") \
        .replace("no-offloads", "offloads off")
    return Case(f"fanout-{receivers}/{size}/{mode}{site.suffix}",
                {"saturation": "Fan-out at saturation",
                 "bursts": "Fan-out at 15,000 frames/s in bursts of 16",
                 "even": "Fan-out at 15,000 frames/s evenly spaced"}[mode],
                f"{receivers} × {size} B{where}", site, fanout(size, mode), metrics,
                parameters={"receivers": receivers, "size": size, "mode": mode}, **more)


def fanout_cases():
    quick = {(1, 1000, "bursts"), (8, 100, "saturation"), (8, 1000, "saturation"),
             (8, 1000, "bursts")}
    for receivers in FANOUT:
        for mode in MODES:
            for size in SIZES:
                yield fanout_case(Site(receivers + 1), receivers, size, mode,
                                  overlays=ALL if receivers == 8 and mode != "even" else MAIN,
                                  quick=(receivers, size, mode) in quick)
    for site in (Site(9, 9001), Site(9, 1500, False)):
        for size, mode in ((100, "saturation"), (1000, "saturation"), (1000, "bursts")):
            yield fanout_case(site, 8, size, mode)


def pair_cases(site):
    titles = {"1500": "", "9001": ", underlay 9001"}
    where = titles[str(site.mtu)] if site.offloads else ", offloads off"
    overlays = ALL if site == Site(2) else MAIN
    for streams, direction in ((1, "out"), (1, "back"), (1, "both"), (4, "out"), (4, "back")):
        for congestion in CONGESTION:
            yield Case(f"tcp-{streams}-{direction}/{congestion}{site.suffix}", "TCP",
                       f"{streams} stream{'s' * (streams > 1)} {direction}, {congestion}{where}",
                       site, tcp(streams, direction, congestion), ("gbps", *A_GIGABYTE),
                       overlays if direction == "out" else MAIN,
                       (streams, direction) == (1, "out") and site == Site(2),
                       {"streams": streams, "mode": direction, "congestion": congestion})
    for size in (100, 1400):
        yield Case(f"udp/{size}{site.suffix}", "UDP stream at saturation", f"{size} B{where}",
                   site, unicast(size),
                   ("delivered_per_s", "loss", "cpu_us_per_frame", *A_GIGABYTE), overlays,
                   False, {"receivers": 1, "size": size, "mode": "saturation"})
    rtt = [("idle", "idle", rtt_idle, (), {}),
           *((f"tcp/{congestion}", f"beside a TCP stream, {congestion}",
              rtt_under_tcp(congestion), ("load_gbps",), {"congestion": congestion})
             for congestion in CONGESTION),
           ("multicast", "beside 15,000 frames/s", rtt_under_multicast, (), {})]
    for name, title, run, metrics, parameters in rtt:
        yield Case(f"rtt-{name}{site.suffix}", "Request–response, 64 B over UDP",
                   f"{title}{where}", site, run, ("p50_us", "p99_us", *metrics),
                   overlays if name == "idle" else MAIN, name == "idle" and site == Site(2),
                   {"mode": name.partition("/")[0], **parameters})
