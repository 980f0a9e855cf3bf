"""The benchmark from its options to its exit code."""

import argparse
import fnmatch
import glob
import os
import signal
import socket
import sys
import time
import traceback

from cloud import Cloud

from . import plot, report
from .cases import ALL, Stage
from .catalogue import SETS, all_cases
from .measure import Load, Sink, wait_quiet
from .overlays import KINDS, VXLAN_OVERHEAD, AgainstOverlay, TapdOverlay
from .progress import Progress
from .tree import TOP, build, commit_of, from_caller, give_back, is_tree, step

OUTPUT = os.path.join(TOP, "build/bench")


def parse():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description="Measures tapd beside the kernel's VXLAN.",
        epilog="Writes results.csv, summary.txt and plots to the output directory.")
    parser.add_argument("--quick", action="store_true", help="a few cases, 3 rounds")
    parser.add_argument("--only", action="append", metavar="PATTERN",
                        help="only cases so named (shell pattern; may be given again); core: "
                             "those in which what a change costs or saves shows first; fair: "
                             "small frames beside bulk, both congestion controls, CPU; plain: "
                             "tapd's VXLAN beside tapd sealed and the kernel's")
    parser.add_argument("--against", type=from_caller, metavar="DIR",
                        help="also build and measure the tapd of that source tree, a clone at "
                             "another commit, and say how many times better this one is")
    parser.add_argument("--rounds", type=int, help="rounds of each case (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--preset", default="release", help="the build that is measured")
    parser.add_argument("--with", dest="extra", default="", metavar="tinc,n2n",
                        help="install these if missing, and measure them alone beside VXLAN "
                             "(without it: those that are installed; none with --quick)")
    parser.add_argument("--without", default="", metavar="vxlan,tapd-vxlan,tinc,n2n",
                        help="leave these out")
    parser.add_argument("--receivers", choices=("woken", "polled"), default="woken",
                        help="how they wait: asleep until there is something, as applications "
                             "do, or with a look every 2 ms, which costs least")
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS",
                        help="before each case wait so long, at most, until nobody else uses "
                             "the machine")
    parser.add_argument("--output", default=OUTPUT, type=from_caller, metavar="DIR",
                        help="default: build/bench")
    parser.add_argument("--list", action="store_true", help="the cases' names")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    if options.rounds < 1 or not 0.2 <= options.seconds <= 60:
        parser.error("at least one round, and 0.2 to 60 seconds")
    for given, known in ((options.extra, ("tinc", "n2n")),
                         (options.without, ("vxlan", "tapd-vxlan", "tinc", "n2n"))):
        for name in filter(None, given.split(",")):
            if name not in known:
                parser.error(f"'{name}': one of {', '.join(known)} is meant")
    if options.against and not is_tree(options.against):
        parser.error(f"{options.against}: no source of tapd is there")
    return options


def named(case, pattern):
    return case.name in SETS[pattern] if pattern in SETS else fnmatch.fnmatch(case.name, pattern)


def chosen(options):
    cases = list(all_cases())
    if options.only:
        cases = [case for case in cases
                 if any(named(case, pattern) for pattern in options.only)]
        if not cases:
            sys.exit("bench: no such case; see tests/bench/run --list")
    elif options.quick:
        cases = [case for case in cases if case.quick]
    return cases


# ---- getting ready ----

def prepare(options):
    os.makedirs(options.output, exist_ok=True)
    for old in glob.glob(os.path.join(options.output, "*.svg")):
        os.remove(old)
    log = os.path.join(options.output, "build.log")
    step("installing what is missing", log,
         ["scripts/install-deps", "--bench" if options.extra else "--demo"])
    TapdOverlay.build = build(TOP, options.preset, log, f"building, preset {options.preset}",
                              "tapd", "tapctl", "bench_load", define=["-DTAPD_BENCH=ON"])
    if options.against:
        AgainstOverlay.title = f"tapd at {commit_of(options.against)}"
        AgainstOverlay.trees = f"{TapdOverlay.title}: this tree, at {commit_of(TOP)}; " \
            f"{AgainstOverlay.title}: {options.against}"
        AgainstOverlay.build = build(options.against, options.preset, log,
                                     f"building {AgainstOverlay.title}", "tapd", "tapctl")
    Sink.waiting = options.receivers
    Load.program = os.path.join(TapdOverlay.build, "bench/load")


def wanted(kind, options):
    if kind.name in options.without.split(",") or kind.package in options.without.split(","):
        return False
    if kind is AgainstOverlay:
        return bool(options.against)
    if not kind.package:
        return True
    only = options.extra.split(",") if options.extra else ()
    return kind.package in only if only else not options.quick and not options.against


def columns(options):
    """The overlays that can be measured, and why the others cannot."""
    names, notes = [], []
    for name in ALL:
        kind = KINDS[name]
        if not wanted(kind, options):
            continue
        missing = kind.find()
        if missing:
            notes.append(missing)
        else:
            names.append(name)
            notes += filter(None, [kind.note()])
    return names, list(dict.fromkeys(notes))


def able(cases):
    """The cases that this kernel can run, and why others are left out."""
    missing = set()
    for name in dict.fromkeys(case.parameters.get("congestion") for case in cases):
        try:
            with socket.socket() as probe:
                if name:
                    probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
        except OSError:
            missing.add(name)
    return ([case for case in cases if case.parameters.get("congestion") not in missing],
            [f"{name}: this kernel has no such congestion control" for name in sorted(missing)])


# ---- running ----

def links_as_asked(cloud, site):
    if site.offloads:
        return
    # What the veth would hand over whole: UDP batches, and TCP in VXLAN.
    off = [word for feature in ("tx-udp-segmentation", "tx-udp_tnl-segmentation",
                                "tx-udp_tnl-csum-segmentation", "tso", "gso", "gro")
           for word in (feature, "off")]
    for host in cloud.hosts:
        host.run("ethtool", "-K", "eth0", *off)
        cloud.router.run("ethtool", "-K", host.port, *off)


class Run:
    def __init__(self, options, cases, names):
        self.options, self.cases, self.names = options, cases, names
        self.results = report.Results(os.path.join(options.output, "results.csv"))
        total = sum(len(self.overlays_of(case)) for case in cases) * options.rounds
        self.progress = Progress(total)
        self.problems = []

    def overlays_of(self, case):
        return [name for name in case.overlays if name in self.names]

    def sites(self):
        """In the order of the table, the largest last."""
        return sorted(dict.fromkeys(case.site for case in self.cases),
                      key=lambda site: (site.hosts, not site.offloads, site.mtu))

    def everything(self):
        for site in self.sites():
            cases = [case for case in self.cases if case.site == site]
            self.progress.say(f"{site}: {len(cases)} cases")
            try:
                with Cloud(site.hosts, mtu=site.mtu) as cloud:
                    self.at(site, cases, cloud)
            except Exception as error:
                self.problem(f"{site}: {error}")
                traceback.print_exc(file=sys.stderr)

    def problem(self, text):
        self.problems.append(text.splitlines()[0])
        self.progress.say(f"PROBLEM: {text}")

    def at(self, site, cases, cloud):
        links_as_asked(cloud, site)
        overlays = {}
        for name in self.names:
            if any(name in case.overlays for case in cases):
                self.bring_up(KINDS[name](cloud, site.mtu - VXLAN_OVERHEAD), overlays)
        stage = Stage(cloud, list(overlays.values()), self.options.seconds)
        try:
            for number in range(self.options.rounds):
                for case in cases:
                    self.round(case, stage, overlays, number)
        finally:
            stage.close()
            for overlay in overlays.values():
                overlay.stop()

    def bring_up(self, overlay, overlays):
        """One of the others that does not come up is left out."""
        self.progress.now(f"starting {overlay.title}")
        try:
            overlay.start()
            overlay.settle()
            overlays[overlay.name] = overlay
        except Exception as error:
            overlay.stop()
            if not overlay.package:
                raise
            self.problem(f"{overlay.title} did not come up: {error}")

    def round(self, case, stage, overlays, number):
        order = self.overlays_of(case)
        if self.options.quiet:
            self.progress.now("waiting for others to be done")
            wait_quiet(self.options.quiet)
        for place, name in enumerate(order if number % 2 == 0 else order[::-1]):
            self.progress.now(f"round {number + 1}/{self.options.rounds}  "
                              f"{case.group}: {case.title}  {name}")
            if name in overlays:
                try:
                    figures = case.run(stage, overlays[name])
                    self.results.add(case, name, number, place, figures)
                except Exception as error:
                    self.problem(f"{case.name} on {name}: {error}")
            self.progress.one_done()


def write(run, options, notes, seconds):
    titles = {name: KINDS[name].describe() for name in run.names}
    text = report.summary(run.cases, run.results, titles, notes + run.problems, options, seconds)
    with open(os.path.join(options.output, "summary.txt"), "w") as file:
        file.write(text)
    print("\n" + text)
    for path in plot.all_plots(run.results, titles, options.output):
        print(os.path.relpath(path))
    print(os.path.relpath(run.results.path))


def main():
    options = parse()
    cases = chosen(options)
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    if os.geteuid() != 0:
        sys.exit("bench: needs root, to make network namespaces: sudo tests/bench/run")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, interrupted = time.monotonic(), False
    try:
        prepare(options)
        names, notes = columns(options)
        cases, left_out = able(cases)
        notes += left_out
        run = Run(options, cases, names)
        try:
            run.everything()
        except KeyboardInterrupt:
            interrupted = True
            run.problem("interrupted: what was measured until then")
        run.progress.end()
        write(run, options, notes, time.monotonic() - began)
    except KeyboardInterrupt:
        return 130
    finally:
        give_back(filter(None, [TOP, options.against]))
    return 130 if interrupted else 1 if run.problems else 0


if __name__ == "__main__":
    sys.exit(main())
