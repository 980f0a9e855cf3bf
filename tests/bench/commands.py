"""What tapctl's commands cost the daemon, and how long they keep it from its frames.

A small library looks on at the daemon's loop (turns/turns.c): its CPU time, and the
longest turn. So a figure is the daemon's own, whatever else the machine does.
"""

import argparse
import contextlib
import mmap
import os
import pty
import statistics
import struct
import subprocess
import sys
import threading
import time

from cloud import Cloud, Tapd, Wire, new_secret, wait_for
from cloud.crowd import Crowd
from cloud.frames import BROADCAST, frame

from .measure import Load
from .tree import TOP, build, commit_of, give_back

RATE, SIZE, PORT = 2000, 200, 5400  # the stream's
COMMON = "239.20.0.1"


def parse():
    parser = argparse.ArgumentParser(prog="tests/bench/commands",
                                     description="What tapctl's commands cost the daemon.")
    parser.add_argument("--preset", default="release", help="how it is built (release)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(5)")
    parser.add_argument("--peers", default="1,200", metavar="N,N", help="(1,200)")
    parser.add_argument("--links", type=int, metavar="N", help="peers of each of the crowd before "
                        "it in a row (all), which take long to meet on a busy machine")
    parser.add_argument("--seconds", type=float, default=2, metavar="S",
                        help="how long each is repeated at least (2)")
    parser.add_argument("--only", metavar="NAME", default="",
                        help="those whose names begin so")
    return parser.parse_args()


# ---- the loop ----

class Turns:
    """What the daemon's loop did: turns/turns.c."""

    LAYOUT = struct.Struct("4Q")

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(self.LAYOUT.size))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), self.LAYOUT.size)

    def look(self):
        return self.LAYOUT.unpack(self._memory)

    def forget_longest(self):
        struct.pack_into("2Q", self._memory, 16, 0, 0)


class Sample:
    """Of a while: CPU time and seconds, the longest turn in CPU time."""

    def __init__(self, turns):
        self._turns = turns

    def __enter__(self):
        self._turns.forget_longest()
        self._count, self._cpu, *_ = self._turns.look()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._began
        count, cpu, longest, _ = self._turns.look()
        self.cpu_us, self.turns = (cpu - self._cpu) / 1e3, count - self._count
        self.longest_us = longest / 1e3


# ---- the network ----

class Site:
    def __init__(self, cloud, peers, links, where, crowd):
        self.asked_host, self.other_host, place = cloud.hosts
        self.peers, self.build = peers, where
        secret = new_secret()
        listed = [host.address4 for host in cloud.hosts[:2]]
        self.turns = Turns(self.asked_host.path("turns"))
        self.asked = Tapd(self.asked_host, secret, listed, build=where).start(
            "env", f"LD_PRELOAD={where}/bench/libturns.so",
            f"TURNS={self.asked_host.path('turns')}")
        self.other = Tapd(self.other_host, secret, listed, build=where).start()
        if peers > 1:
            self.crowd = Crowd(place, self.asked_host, secret, peers - 1, links=links or peers,
                               groups=lambda number: [COMMON, f"239.20.1.{number % 8}",
                                                      f"239.20.2.{number}"], build=crowd)
        wait_for(lambda: self.asked.status()["peers"]["up"] == peers, 300, "all to be up",
                 every=1)
        wait_for(lambda: not self.asked.status()["multicast"]["flooded"], 300,
                 "groups to be known", every=1)

    @contextlib.contextmanager
    def stream(self, seconds):
        """Frames evenly spaced, beside which all is measured; what became of them."""
        process = Load.start("paced", "stream", self.asked_host.netns, self.other_host.netns,
                             "tap0", self.other_host.tap4, PORT, SIZE, RATE, seconds)
        said = {}
        try:
            process.stdout.readline()
            process.stdin.close()
            process.stdin = None
            yield said
            said.update(Load.finish(process, seconds + 20))
        finally:
            Load.end(process)

    def tapctl(self, *words, **options):
        return subprocess.Popen([os.path.join(self.build, "bin/tapctl"), "-s", self.asked.socket,
                                 *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                **{"stdout": subprocess.DEVNULL, **options})

    def run(self, *words):
        process = self.tapctl(*words)
        if process.wait(60) > 2:
            sys.exit(f"tapctl {' '.join(words)}: exit {process.returncode}")

    def load(self, *arguments):
        return Load.start(*arguments)


# ---- commands that end ----

def repeated(site, words, seconds, pause):
    """How often it was done in a while."""
    end, times = time.monotonic() + seconds, 0
    while not times or time.monotonic() < end:
        site.run(*words)
        times += 1
        time.sleep(pause)
    return times


def ending(peers):
    """Name, words, how long it takes at most."""
    last = "web2" if peers == 1 else "node000"
    return [("status", ["status"], 0), ("peers", ["peers"], 0), ("peers NAME", ["peers", last], 0),
            ("fdb", ["fdb"], 0), ("groups", ["groups"], 0), ("drops", ["drops"], 0),
            ("metrics", ["metrics"], 0), ("doctor", ["doctor"], 4), ("reload", ["reload"], 0),
            ("ping -c 1", ["ping", last, "-c", "1"], 12),
            ("test", ["test", COMMON if peers > 1 else "224.0.0.18"], 6),
            ("mesh", ["mesh"], 20), ("rekey", ["rekey"], 1)]


def measure_ending(site, words, most, seconds):
    """What one costs, alone, in CPU time; then the longest turn beside the stream, and the
    stream's end."""
    with Sample(site.turns) as alone:
        times = repeated(site, words, 0 if most else seconds, 0.05)
    lasts = 1.5 * alone.seconds + 1 if most else seconds + 0.5
    with site.stream(lasts) as said, Sample(site.turns) as beside:
        repeated(site, words, 0 if most else seconds, 0.05)
    return (alone.cpu_us - site.idle_us * alone.seconds) / times, beside.longest_us, said["lost"]


# ---- commands that go on ----

@contextlib.contextmanager
def running(site, *words):
    process = site.tapctl(*words)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def running_top(site):
    """On a terminal."""
    master, slave = pty.openpty()
    process = site.tapctl("top", stdout=slave)
    end = threading.Event()

    def read():
        os.set_blocking(master, False)
        while not end.wait(0.05):
            with contextlib.suppress(BlockingIOError):
                os.read(master, 1 << 16)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()
        end.set()
        reader.join()
        os.close(master)
        os.close(slave)


class Events:
    """So many MACs a second move here and there again."""

    def __init__(self, site, rate=500):
        self._wires = [Wire(host) for host in (site.asked_host, site.other_host)]
        self._pause, self._end = 1 / rate, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        number = 0
        while not self._end.wait(self._pause):
            mac = f"02:ee:00:00:00:{number // 2 % 8:02x}"
            self._wires[number // 16 % 2].send(frame(BROADCAST, mac, b"moves", 0x88b5))
            number += 1

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        for wire in self._wires:
            wire.close()


@contextlib.contextmanager
def burst(site, target, seconds):
    """100,000 frames in five seconds, in bursts of 16."""
    process = Load.start("send", site.asked_host.netns, "tap0", target, PORT + 1,
                         Load.next_run(), SIZE, 20000, 16, seconds)
    try:
        yield
    finally:
        Load.finish(process, seconds + 20)


def going(site):
    """Name, what goes on beside it, the command."""
    peer = site.other_host.tap4
    return [("top on a terminal", contextlib.nullcontext, lambda: running_top(site)),
            ("monitor, 500 events/s", lambda: Events(site), lambda: running(site, "monitor")),
            ("capture, 20,000 frames/s", lambda: burst(site, peer, 5),
             lambda: running(site, "capture")),
            ("capture -d, none dropped", lambda: burst(site, peer, 5),
             lambda: running(site, "capture", "-d"))]


def measure_going(site, beside, command, backwards, seconds=5):
    """Without it, and with it; forwards in one round, backwards in the next."""
    samples = {}
    for context in [contextlib.nullcontext, command][::-1 if backwards else 1]:
        with site.stream(seconds) as said, context(), Sample(site.turns) as sample, beside():
            time.sleep(seconds)
        samples[context] = (sample, said)
    return samples[contextlib.nullcontext], samples[command]


# ---- what is said ----

def median(values):
    return statistics.median(values)


class Table:
    def __init__(self, site, options):
        self.site, self.options = site, options

    def base(self):
        """Idle, and with the stream alone: what a frame costs, how long turns are."""
        frames, idles, longest = [], [], []
        for _ in range(self.options.rounds):
            with Sample(self.site.turns) as idle:
                time.sleep(self.options.seconds)
            with self.site.stream(self.options.seconds + 0.5) as said, \
                    Sample(self.site.turns) as busy:
                time.sleep(self.options.seconds)
            idles.append(idle.cpu_us / idle.seconds)
            frames.append((busy.cpu_us / busy.seconds - idles[-1]) / RATE)
            longest.append(busy.longest_us)
        self.frame_us, self.site.idle_us = median(frames), median(idles)
        self.longest_us = median(longest)
        print(f"\n{self.site.peers} up: idle {self.site.idle_us / 1e4:.2f} % of a CPU; a frame "
              f"costs {self.frame_us:.1f} us; the longest turn without a command "
              f"{self.longest_us:.0f} us")

    def print_ending(self):
        print(f"  {'':26}{'CPU, us':>10}{'frames':>9}{'longest turn, us':>18}{'times':>7}"
              f"{'lost':>6}")
        for name, words, most in ending(self.site.peers):
            if not name.startswith(self.options.only):
                continue
            rows = [measure_ending(self.site, words, most, self.options.seconds)
                    for _ in range(self.options.rounds)]
            cost, longest, lost = (median(column) for column in zip(*rows))
            print(f"  {name:26}{cost:10.0f}{cost / self.frame_us:9.0f}{longest:18.0f}"
                  f"{longest / self.longest_us:7.1f}{lost:6.0f}", flush=True)

    def print_going(self):
        print(f"  {'':26}{'CPU with/without':>18}{'longest turn, us':>18}{'times':>7}{'lost':>6}")
        for name, beside, command in going(self.site):
            if not name.startswith(self.options.only):
                continue
            ratios, longest, longer, lost = [], [], [], []
            for number in range(self.options.rounds):
                (without, _), (with_, said) = measure_going(self.site, beside, command, number % 2)
                ratios.append(with_.cpu_us / with_.seconds / (without.cpu_us / without.seconds))
                longest.append(with_.longest_us)
                longer.append(with_.longest_us / without.longest_us)
                lost.append(said["lost"])
            print(f"  {name:26}{median(ratios):18.2f}{median(longest):18.0f}{median(longer):7.1f}"
                  f"{median(lost):6.0f}", flush=True)


def main():
    options = parse()
    if os.geteuid() != 0:
        sys.exit("commands: needs root, to make network namespaces: sudo tests/bench/commands")
    os.makedirs(os.path.join(TOP, "build/commands"), exist_ok=True)
    try:
        where = build(TOP, options.preset, os.path.join(TOP, "build/commands/build.log"),
                      f"building this tree, at {commit_of(TOP)}", "tapd", "tapctl", "bench_load",
                      "bench_turns", define=["-DTAPD_BENCH=ON"],
                      name=f"commands/{options.preset}")
        crowd = build(TOP, "dev", os.path.join(TOP, "build/commands/crowd.log"),
                      "building the crowd", "crowd", name="commands/dev")
        Load.program = os.path.join(where, "bench/load")
        for peers in map(int, options.peers.split(",")):
            with Cloud(names=["web1", "web2", "crowd"], family="dual") as cloud:
                table = Table(Site(cloud, peers, options.links, where, crowd), options)
                table.base()
                table.print_ending()
                table.print_going()
    finally:
        give_back([TOP])
    return 0


if __name__ == "__main__":
    sys.exit(main())
