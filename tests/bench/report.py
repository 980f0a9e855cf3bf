"""The measurements as CSV, and what they come to as a table."""

import csv
import platform
import statistics
import time

from .catalogue import GOALS, OWN_GOALS, all_cases
from .measure import CPUS

COLUMNS = ("case", "group", "hosts", "underlay_mtu", "offloads", "receivers", "size", "mode",
           "streams", "congestion", "card_gbps", "offered_percent", "overlay", "round", "place",
           "at", "seconds", "sent", "refused", "late", "sent_per_s", "delivered",
           "delivered_per_s", "loss", "worst_loss", "duplicates", "reordered", "socket_lost",
           "interface_rx", "underlay_packets", "underlay_bytes", "gbps", "requests",
           "requests_lost", "requests_loss", "p50_us", "p99_us", "max_us",
           *(f"{stream}_{figure}" for stream in ("adverts", "stream")
             for figure in ("sent", "lost", "late", "loss", "p50_us", "p99_us", "max_us")),
           "load_gbps", "load_loss", "cpu_s", "cpu_wall_s", "others_cpu_s", "softirq_s",
           "kernel_s", "steal_s", "daemons_s", "sender_daemon_s", "receiver_daemons_s",
           "cpu_s_per_gb", "sender_s_per_gb", "receiver_s_per_gb", "kernel_s_per_gb",
           "cpu_us_per_frame", "cpu_us_per_sent", "sender_us_per_sent",
           "receiver_us_per_frame", "rss_mib", "rss_sender_mib", "idle_percent",
           "idle_percent_max")
# More of the machine than this in others' hands, and the figure is in doubt.
NOISE = 0.1
# Less than this in every round, and it is slower than what it is measured against.
SLOWER = 0.97


def thousands(value):
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k" \
        if value >= 1e4 else f"{value:.0f}"


def three_digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def share(value):
    return f"{value:.2%}"


# What a row shows: its words, how a figure is written.
METRICS = {
    "delivered_per_s": ("delivered/s", thousands),
    "loss": ("loss", share),
    "cpu_us_per_frame": ("CPU µs/delivered", three_digits),
    "cpu_us_per_sent": ("CPU µs/sent", three_digits),
    "sender_us_per_sent": ("its daemon, µs/sent", three_digits),
    "receiver_us_per_frame": ("receiver's daemon, µs", three_digits),
    "gbps": ("Gbit/s", three_digits),
    "cpu_s_per_gb": ("CPU s/GB", three_digits),
    "sender_s_per_gb": ("sender's daemon, s/GB", three_digits),
    "receiver_s_per_gb": ("receiver's daemon, s/GB", three_digits),
    "kernel_s_per_gb": ("kernel, s/GB", three_digits),
    "p50_us": ("p50 µs", three_digits),
    "p99_us": ("p99 µs", three_digits),
    "requests_loss": ("lost", share),
    "adverts_p50_us": ("adverts: p50 µs", three_digits),
    "adverts_p99_us": ("adverts: p99 µs", three_digits),
    "adverts_max_us": ("adverts: longest, µs", three_digits),
    "adverts_loss": ("adverts: lost", share),
    "stream_p50_us": ("stream: p50 µs", three_digits),
    "stream_p99_us": ("stream: p99 µs", three_digits),
    "stream_max_us": ("stream: longest, µs", three_digits),
    "stream_loss": ("stream: lost", share),
    "load_gbps": ("the load, Gbit/s", three_digits),
    "rss_mib": ("RSS MiB, largest", three_digits),
    "idle_percent": ("idle CPU %", three_digits),
}
# They are often zero, and then nothing is a number of times better.
SHARES = {name for name, (_, form) in METRICS.items() if form is share}
MORE_IS_BETTER = {"delivered_per_s", "gbps", "load_gbps"}


class Results:
    """Every measurement; each is in the file as soon as it was made."""

    def __init__(self, path):
        self.path, self.rows = path, []
        self._file = open(path, "w", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS, extrasaction="raise")
        self._writer.writeheader()

    def add(self, case, overlay, number, place, figures):
        row = {"case": case.name, "group": case.group, "hosts": case.site.hosts,
               "underlay_mtu": case.site.mtu, "offloads": int(case.site.offloads),
               "overlay": overlay, "round": number + 1, "place": place + 1,
               "at": time.strftime("%H:%M:%S"), **case.parameters, **figures}
        self.rows.append(row)
        self._writer.writerow({key: round(value, 6) if isinstance(value, float) else value
                               for key, value in row.items()})
        self._file.flush()

    def of(self, case_name, overlay, metric):
        """round → value"""
        return {row["round"]: row[metric] for row in self.rows
                if row["case"] == case_name and row["overlay"] == overlay
                and row.get(metric) is not None}

    def median(self, case_name, overlay, metric):
        values = self.of(case_name, overlay, metric)
        return statistics.median(values.values()) if values else None

    def ratios(self, case_name, metric, over="vxlan", of="tapd"):
        """One overlay's figure over another's, round by round."""
        own, other = (self.of(case_name, name, metric) for name in (of, over))
        return [own[number] / other[number] for number in own if other.get(number)]

    def gains(self, case_name, metric):
        """How many times better tapd is than the one it is measured against."""
        ratios = self.ratios(case_name, metric, "tapd-against")
        return ratios if metric in MORE_IS_BETTER else [1 / ratio for ratio in ratios if ratio]


def spread(values, form):
    """median ±half the range; a share of the median where it is no share itself."""
    middle = statistics.median(values)
    half = (max(values) - min(values)) / 2
    if form is share:
        return form(middle)
    return f"{form(middle)} ±{half / middle:.0%}" if middle else form(middle)


def ratio_text(ratios):
    if not ratios:
        return ""
    middle = statistics.median(ratios)
    return f"{middle:.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def verdict(case, metric, results, ratios):
    goal = GOALS.get(case.name)
    if goal and goal.metric == metric and ratios:
        return f"{goal}  {'met' if goal.met(statistics.median(ratios)) else 'not met'}"
    goal = OWN_GOALS.get((case.name, metric))
    value = results.median(case.name, "tapd", metric)
    if goal and value is not None:
        return f"{goal}  {'met' if goal.met(value) else 'not met'}"
    return ""


def line(names, title, words, cells, ratio, goal):
    """What is over VXLAN has its place where that is measured, then second."""
    beside = "vxlan" in names
    return [title, words, *cells[:1 + beside], *[ratio] * beside, goal, *cells[1 + beside:]]


def case_lines(case, results, names):
    first = True
    for metric in case.metrics:
        words, form = METRICS[metric]
        cells = []
        for name in names:
            values = list(results.of(case.name, name, metric).values())
            cells.append(spread(values, form) if values else "")
        if not any(cells):
            continue
        ratios = results.ratios(case.name, metric) if metric not in SHARES else []
        yield line(names, case.title if first else "", words, cells, ratio_text(ratios),
                   verdict(case, metric, results, ratios))
        first = False


def members_line(results, names):
    """What one member among 16 peers costs to send to, over what a lone peer does."""
    cells = []
    for name in names:
        many = results.of("members-16/1000/bursts", name, "cpu_us_per_sent")
        one = results.of("fanout-1/1000/bursts", name, "cpu_us_per_sent")
        ratios = [many[number] / one[number] for number in many if one.get(number)]
        cells.append(ratio_text(ratios))
    if any(cells):
        yield line(names, "", "over that to one peer", cells, "", "tapd: near 1")


def plain_lines(case, results, names):
    """What sealing costs, and what tapd does beside it: its VXLAN between the two others."""
    metric = case.metrics[0]
    for words, of, over in (("the same, over tapd VXLAN", "tapd", "tapd-vxlan"),
                            ("the same, over VXLAN plain", "tapd-vxlan", "vxlan")):
        ratios = results.ratios(case.name, metric, over, of)
        if ratios and of in names:
            cells = [ratio_text(ratios) if name == of else "" for name in names]
            yield line(names, "", words, cells, "", "")


def grouped(cases, rows_of):
    """Those with rows, under the names of their groups."""
    for group in dict.fromkeys(case.group for case in all_cases()):
        rows = [row for case in cases if case.group == group for row in rows_of(case)]
        if rows:
            yield [group]
            yield from rows


def aligned(head, rows, figures):
    """As text; the columns `figures` from the right."""
    rows = [head, *rows]
    widths = [max(len(row[at]) for row in rows if len(row) > 1) for at in range(len(head))]
    for row in rows:
        if len(row) == 1:
            yield ""
            yield row[0]
        else:
            cells = (cell.rjust(width) if at in figures else cell.ljust(width)
                     for at, (cell, width) in enumerate(zip(row, widths)))
            yield ("  " + "  ".join(cells)).rstrip()


def table(cases, results, names, titles):
    def rows(case):
        for number, row in enumerate(case_lines(case, results, names)):
            yield row
            if not number:
                yield from plain_lines(case, results, names)
        if case.name.startswith("members"):
            yield from members_line(results, names)
    head = line(names, "", "", [titles[name] for name in names], "tapd / VXLAN", "goal")
    return aligned(head, grouped(cases, rows), range(2, 3 + ("vxlan" in names)))


def against(cases, results, titles):
    """How many times better tapd is than another commit's, where it is worse named."""
    worse = []

    def rows(case):
        first = True
        for metric in case.metrics:
            gains = results.gains(case.name, metric) if metric not in SHARES else []
            if not gains:
                continue
            slower = max(gains) < SLOWER
            if slower:
                worse.append(f"{case.name}, {METRICS[metric][0]}")
            yield [case.title if first else "", METRICS[metric][0],
                   *(f"{value:.2f}" for value in (min(gains), statistics.median(gains),
                                                  max(gains))), "WORSE" if slower else ""]
            first = False
    lines = list(aligned(["", "", "least", "median", "most", ""], grouped(cases, rows),
                         range(2, 5)))
    return ["", f"Over {titles['tapd-against']}, round by round; above 1 is better, whatever is "
            "measured.", f"Worse in every round, by more than {1 - SLOWER:.0%}: "
            + ("; ".join(worse) or "nothing") + ".", "", *lines]


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{CPUS} CPUs ({model}), Linux {platform.release()}"


def noise(results):
    measured = [row for row in results.rows if row.get("cpu_wall_s")]
    if not measured:
        return
    shares = [row["others_cpu_s"] / row["cpu_wall_s"] / CPUS for row in measured]
    stolen = [row["steal_s"] / row["cpu_wall_s"] / CPUS for row in measured]
    loud = sum(share + steal > NOISE for share, steal in zip(shares, stolen))
    yield (f"Others used {statistics.median(shares):.1%} of the machine at the median, "
           f"{max(shares):.0%} at most;\n{loud} of {len(measured)} measurements lost more than "
           f"{NOISE:.0%} of it to others or to the hypervisor.")


LEGEND = """\
Figures are medians over the rounds, ± half the range. The ratio is taken within each
round, in which each case runs on one overlay right after the other; median (min–max).
CPU is that of the whole machine (all hosts, both ends, the load and the kernel's
softirqs) less what others used; "its daemon" is the sender's process alone, which
VXLAN does not have: the kernel does that work for whoever sends. A gigabyte's CPU is that
of all, of it each daemon with its system calls, and what the kernel did for anybody.
Sizes are UDP payload. At saturation the sender sends bursts of 16 as fast as the
system takes them; what the overlay cannot carry shows as loss."""


def summary(cases, results, titles, notes, options, seconds):
    # tapd and VXLAN, unless it was left out, have their places; the rest where measured.
    measured = {row["overlay"] for row in results.rows}
    names = [name for name in ("tapd", "vxlan") if name in titles]
    names += [name for name in titles if name in measured and name not in names]
    lines = [f"tapd's benchmark, {time.strftime('%Y-%m-%d %H:%M')}: {options.rounds} rounds of "
             f"{options.seconds:g} s, build {options.preset}, receivers "
             f"{options.receivers}, {seconds / 60:.0f} min",
             machine(), "", LEGEND, *noise(results), "", *notes, "",
             *table(cases, results, names, titles)]
    if "tapd-against" in measured:
        lines += against(cases, results, titles)
    return "\n".join(lines) + "\n"
