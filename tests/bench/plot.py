"""Plots as SVG, by hand."""

import math
import os
from html import escape

from .cases import CONGESTION, FANOUT, SIZES
from .fair import CARDS, OFFERED, OFFERED_BY, offered_case
from .report import three_digits

COLOURS = {"tapd": "#0b6e99", "tapd-against": "#7fb9d1", "tapd-vxlan": "#3aa17e",
           "vxlan": "#d9822b", "tinc-none": "#6b8e23", "tinc": "#a3b86c", "n2n": "#8e6bb0"}
INK, FAINT, GRID = "#222", "#666", "#ddd"


class Svg:
    def __init__(self, width, height, title, subtitle=""):
        self.width, self.height, self._parts = width, height, []
        self.text(20, 30, title, size=17, weight="bold")
        self.text(20, 50, subtitle, size=12, fill=FAINT)

    def text(self, x, y, text, size=12, anchor="start", fill=INK, weight="normal", turn=0):
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
                           f'text-anchor="{anchor}" font-weight="{weight}"{turned}>'
                           f"{escape(text)}</text>")

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1):
        self._parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                           f'stroke="{stroke}" stroke-width="{width}"/>')

    def path(self, points, stroke, width=2.5):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{joined}" fill="none" stroke="{stroke}" '
                           f'stroke-width="{width}" stroke-linejoin="round"/>')

    def dot(self, x, y, fill):
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}"/>')

    def box(self, x, y, width, height, fill):
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                           f'height="{height:.1f}" fill="{fill}"/>')

    def legend(self, names, titles, y=70):
        x = 20
        for name in names:
            self.box(x, y - 10, 12, 12, COLOURS[name])
            self.text(x + 18, y, titles[name])
            x += 40 + 7 * len(titles[name])

    def save(self, path):
        with open(path, "w") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                       f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                       'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
                       '<rect width="100%" height="100%" fill="white"/>\n'
                       + "\n".join(self._parts) + "\n</svg>\n")
        return path


def nice_top(value):
    """A round number not below the value, and how many steps to it."""
    if value <= 0:
        return 1.0, 4
    power = 10 ** math.floor(math.log10(value))
    for digit, steps in ((1, 5), (1.5, 3), (2, 4), (2.5, 5), (3, 3), (4, 4), (5, 5), (6, 3),
                         (8, 4), (10, 5)):
        if digit * power >= value:
            return digit * power, steps
    return 10 * power, 5


def short(value):
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {letter}"
    return f"{value:.3g}"


class Axes:
    """A panel's vertical scale with its grid: from 0, or from `least` in powers of ten."""

    def __init__(self, svg, left, top, width, height, most, title, unit="", least=0):
        self.bottom, self._height, self._least = top + height, height, least
        if least:
            self._top = 10 ** math.ceil(math.log10(most))
            decades = round(math.log10(self._top / least))
            marks = [least * 10 ** power for power in range(decades + 1)]
        else:
            self._top, steps = nice_top(most)
            marks = [self._top * step / steps for step in range(steps + 1)]
        svg.text(left + width / 2, top - 12, title, size=13, anchor="middle", weight="bold")
        for value in marks:
            y = self.y(value)
            svg.line(left, y, left + width, y, INK if value == marks[0] else GRID)
            svg.text(left - 6, y + 4, short(value), size=11, anchor="end", fill=FAINT)
        if unit:
            svg.text(left - 46, top + height / 2, unit, size=12, anchor="middle", turn=-90)

    def y(self, value):
        share = math.log(max(value, self._least) / self._least) / math.log(
            self._top / self._least) if self._least else value / self._top
        return self.bottom - share * self._height


def spans(results, case, name, metric):
    values = results.of(case, name, metric).values()
    return (min(values), max(values)) if values else None


def against_receivers(results, titles, mode, metric, title, subtitle, unit, path):
    """A panel for each size: the figure against the number of receivers."""
    found = {(name, size, count): value for name in titles for size in SIZES for count in FANOUT
             if (value := results.median(f"fanout-{count}/{size}/{mode}", name, metric))}
    if not found:
        return None
    names = [name for name in titles if any(key[0] == name for key in found)]
    sizes = [size for size in SIZES if any(key[1] == size for key in found)]
    width, height, gap = 270, 260, 60
    svg = Svg(90 + len(sizes) * (width + gap), 440, title, subtitle)
    svg.legend(names, titles)
    most = max(span[1] for name, size, count in found if (span := spans(
        results, f"fanout-{count}/{size}/{mode}", name, metric)))
    for at, size in enumerate(sizes):
        left = 75 + at * (width + gap)
        axes = Axes(svg, left, 115, width, height, most, f"{size} B", "" if at else unit)

        def x(count):
            return left + 20 + (width - 40) * math.log2(count) / math.log2(FANOUT[-1])
        for count in FANOUT:
            svg.text(x(count), axes.bottom + 18, str(count), size=11, anchor="middle", fill=FAINT)
        svg.text(left + width / 2, axes.bottom + 38, "receivers", anchor="middle")
        for name in names:
            points = [(x(count), axes.y(found[name, size, count]), count) for count in FANOUT
                      if (name, size, count) in found]
            if len(points) > 1:
                svg.path([point[:2] for point in points], COLOURS[name])
            for px, py, count in points:
                low, high = spans(results, f"fanout-{count}/{size}/{mode}", name, metric)
                svg.line(px, axes.y(low), px, axes.y(high), COLOURS[name], 1.5)
                svg.dot(px, py, COLOURS[name])
    return svg.save(path)


def against_load(results, titles, title, subtitle, path):
    """A panel for each card: latency against what bulk offers, up to all it takes."""
    found = {(name, card, percent): value for name in titles for card in CARDS
             for percent in OFFERED
             if (value := results.median(offered_case(percent, card), name, "p50_us"))}
    if not found:
        return None
    names = [name for name in titles if any(key[0] == name for key in found)]
    cards = [card for card in CARDS if any(key[1] == card for key in found)]
    high = {key: results.median(offered_case(key[2], key[1]), key[0], "p99_us") or value
            for key, value in found.items()}
    least = 10 ** math.floor(math.log10(min(found.values())))
    width, height, gap = 380, 260, 60
    svg = Svg(90 + len(cards) * (width + gap), 440, title, subtitle)
    svg.legend(names, titles)
    for at, card in enumerate(cards):
        left = 75 + at * (width + gap)
        axes = Axes(svg, left, 115, width, height, max(high.values()), f"card of {card} Gb/s",
                    "" if at else "µs", least)

        def x(percent):
            return left + 20 + (width - 40) * percent / 100
        for percent in OFFERED:
            svg.text(x(percent), axes.bottom + 18, str(percent), size=11, anchor="middle",
                     fill=FAINT)
        svg.text(left + width / 2, axes.bottom + 38, "offered, % of the card's rate",
                 anchor="middle")
        for number, name in enumerate(names):
            points = [(x(percent) + 3 * number, (name, card, percent)) for percent in OFFERED
                      if (name, card, percent) in found]
            svg.path([(px, axes.y(found[key])) for px, key in points], COLOURS[name])
            for px, key in points:
                svg.line(px, axes.y(found[key]), px, axes.y(high[key]), COLOURS[name], 1.5)
                svg.dot(px, axes.y(found[key]), COLOURS[name])
    return svg.save(path)


def bars(results, titles, groups, metric, title, subtitle, unit, path, whisker=None):
    """Groups of bars, one for each overlay; `groups` is (label lines, case name).

    The thin line is the range over the rounds or, with `whisker`, reaches up to the
    median of that metric.
    """
    def upper(case, name):
        return results.median(case, name, whisker) if whisker else \
            spans(results, case, name, metric)[1]
    found = {(name, case): value for name in titles for _, case in groups
             if (value := results.median(case, name, metric))}
    groups = [group for group in groups if any(key[1] == group[1] for key in found)]
    if not found:
        return None
    names = [name for name in titles if any(key[0] == name for key in found)]
    bar, gap = 30, 34
    counts = [sum((name, case) in found for name in names) for _, case in groups]
    width = sum(count * bar + gap for count in counts) + 10
    svg = Svg(max(width + 110, 560), 440, title, subtitle)
    svg.legend(names, titles)
    most = max(max(value, upper(case, name) or 0) for (name, case), value in found.items())
    # From microseconds to milliseconds: that takes a logarithmic scale.
    least = 10 ** math.floor(math.log10(min(found.values()))) if whisker else 0
    axes = Axes(svg, 80, 105, max(width, 450), 260, most, "", unit, least)
    left = 80 + gap / 2
    for (lines, case), count in zip(groups, counts):
        for number, line in enumerate(lines):
            svg.text(left + count * bar / 2, axes.bottom + 18 + 15 * number, line, size=11,
                     anchor="middle")
        at = left
        for name in names:
            if (name, case) not in found:
                continue
            value, high = found[name, case], upper(case, name)
            low = value if whisker else spans(results, case, name, metric)[0]
            svg.box(at + 2, axes.y(value), bar - 4, axes.bottom - axes.y(value), COLOURS[name])
            svg.line(at + bar / 2, axes.y(low), at + bar / 2, axes.y(high), INK)
            svg.line(at + bar / 2 - 5, axes.y(high), at + bar / 2 + 5, axes.y(high), INK)
            svg.text(at + bar / 2, axes.y(high) - 5, three_digits(value), size=10,
                     anchor="middle")
            at += bar
        left += count * bar + gap
    return svg.save(path)


def all_plots(results, titles, directory):
    """The files written; a plot whose cases were not measured is left out."""
    def file(name):
        return os.path.join(directory, name)
    places = (("", "1500"), ("@9001", "9001"), ("@no-offloads", "no offloads"))

    def tcp(congestion):
        return [((f"{streams} {direction}", place), f"tcp-{streams}-{direction}/{congestion}{end}")
                for end, place in places
                for streams, direction in ((1, "out"), (1, "both"), (4, "out"))]
    rtt = [((words, place), f"rtt-{name}{suffix}") for suffix, place in places
           for name, words in (("idle", "idle"), ("multicast", "15 k frames/s"),
                               *((f"tcp/{name}", f"TCP, {name}") for name in CONGESTION))]
    requests = [(("idle", ""), "requests-idle"), (("thin", "15 k/s"), "requests-thin"),
                *(((f"TCP, {congestion}", f"{card} Gb/s" if card else "CPU's limit"),
                   f"requests-tcp/{congestion}" + (f"/card-{card}" if card else ""))
                  for card in (None, *CARDS) for congestion in CONGESTION)]
    adverts = [(("idle", ""), "adverts-idle"),
               *(((words, to), f"adverts-{name}/{to}-peer")
                 for name, words in (*((f"tcp/{name}", f"TCP, {name}") for name in CONGESTION),
                                     ("flood", "UDP flood"))
                 for to in ("same", "other"))]
    logarithmic = "Logarithmic scale. Bar, and figure: median; line: up to the 99th percentile"
    drawn = [
        against_receivers(
            results, titles, "saturation", "delivered_per_s", "Fan-out: frames delivered",
            "One sender at saturation; all receivers together; line: range over the rounds",
            "frames/s", file("fanout-delivered.svg")),
        against_receivers(
            results, titles, "bursts", "cpu_us_per_frame", "Fan-out: CPU per delivered frame",
            "15,000 frames/s in bursts of 16; whole machine; line: range over the rounds",
            "µs", file("fanout-cpu.svg")),
        *(bars(results, titles, tcp(congestion), "gbps", f"TCP throughput, {congestion}",
               "By streams and direction, and underlay MTU; line: range over the rounds",
               "Gbit/s", file(f"tcp-{congestion}.svg")) for congestion in CONGESTION),
        bars(results, titles, rtt, "p50_us", "Request–response latency", logarithmic, "µs",
             file("latency.svg"), whisker="p99_us"),
        bars(results, titles, requests, "p50_us", "Requests at 1000/s by the clock: latency",
             logarithmic, "µs", file("requests.svg"), whisker="p99_us"),
        bars(results, titles, adverts, "adverts_p50_us", "VRRP adverts, one way: delay",
             logarithmic, "µs", file("adverts.svg"), whisker="adverts_p99_us"),
        against_load(results, titles, "Latency against load",
                     f"Requests at 1000/s beside a TCP stream ({OFFERED_BY}) through a card; "
                     "logarithmic; dot: median; line: up to the 99th percentile",
                     file("latency-load.svg")),
    ]
    return [path for path in drawn if path]
