"""A dashboard's panels as one picture: each with its title, its series, its legend.

It is near to what Grafana draws of the same queries, so that one sees what a dashboard
is good for without one; it knows the kinds of panels that docs/dashboards has.
"""

import math
import re

from bench.plot import FAINT, GRID, INK, Svg

COLUMN, ROW, GAP, HEAD = 50, 30, 8, 98
PALETTE = ["#3b7dd8", "#e07b39", "#3f9b4f", "#c23b4b", "#8a5fb8", "#8c6239", "#d46ab0",
           "#707070", "#a8a821", "#2aa4b3"]
GREEN, RED, ORANGE = "#56a64b", "#d44a3a", "#e8963c"
FAULT, NOTE, FRAME = "#9a9a9a", "#e07b00", "#bbb"
CELL_SERIES = 12  # so many series have room in a legend


def legend_of(target, labels):
    """{{instance}} and the like, filled in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda m: labels.get(m[1], ""),
                  target.get("legendFormat", "")).strip()


# ---- numbers ----

def digits(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def scaled(value, step, units):
    for unit in units[:-1]:
        if abs(value) < step:
            return digits(value) + unit
        value /= step
    return digits(value) + units[-1]


def shown(value, unit):
    """As the panel's unit has it."""
    if unit == "percentunit":
        return f"{digits(100 * value)} %"
    if unit == "s":
        for limit, scale, name in ((1e-3, 1e6, " µs"), (1, 1e3, " ms"), (120, 1, " s")):
            if abs(value) < limit and value:
                return digits(value * scale) + name
        return "0 s" if not value else f"{digits(value / 60)} min"
    if unit == "bytes":
        return scaled(value, 1024, [" B", " KiB", " MiB", " GiB"])
    if unit.startswith("suffix:"):
        return digits(value) + unit.removeprefix("suffix:")
    return scaled(value, 1000, {"bps": [" b/s", " kb/s", " Mb/s", " Gb/s"],
                                "pps": [" p/s", " kp/s", " Mp/s"]}.get(unit, ["", " k", " M"]))


def marks(least, most, about=4):
    """Round numbers, from one not above the least to one not below the most."""
    span = most - least or abs(most) or 1
    power = 10 ** math.floor(math.log10(span / about))
    step = next(digit * power for digit in (1, 2, 2.5, 5, 10) if digit * power >= span / about)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


# ---- one panel ----

class Panel:
    """Where a panel is, and its scale of time."""

    def __init__(self, svg, panel, span, faults, notes):
        self.svg, self.panel, self.span = svg, panel, span
        place = panel["gridPos"]
        self.x, self.y = place["x"] * COLUMN + GAP, HEAD + place["y"] * ROW
        self.width, self.height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        self.unit = panel["fieldConfig"]["defaults"].get("unit", "short")
        svg.box(self.x, self.y, self.width, self.height, FRAME)
        svg.box(self.x + 1, self.y + 1, self.width - 2, self.height - 2, "white")
        svg.text(self.x + 10, self.y + 19, panel["title"], size=13, weight="bold")
        self.left, self.right = self.x + 62, self.x + self.width - 12
        self.top, self.bottom = self.y + 34, self.y + self.height - 26
        self.faults, self.notes = faults, notes

    def at(self, when):
        start, end = self.span
        return self.left + (when - start) / (end - start) * (self.right - self.left)

    def times(self):
        """The axis below, and what happened."""
        start, end = self.span
        for minute in range(int(end - start) // 60 + 1):
            x = self.at(start + 60 * minute)
            self.svg.line(x, self.top, x, self.bottom + 4)
            self.svg.text(x, self.bottom + 15, f"{minute}:00", size=10, anchor="middle",
                          fill=FAINT)
        for when in self.notes:
            self.svg.line(self.at(when), self.top, self.at(when), self.bottom, NOTE)
        for number, (when, _) in enumerate(self.faults, 1):
            x = self.at(when)
            self.svg.line(x, self.top - 2, x, self.bottom, FAULT)
            self.svg.text(x, self.top - 4, str(number), size=10, anchor="middle", fill=FAINT)

    def legend(self, names):
        """Below the axis, in lines; the plot gives them room."""
        lines, x = [[]], self.left
        for name, colour in names:
            width = 26 + 6.9 * len(name)
            if x + width > self.right and lines[-1]:
                lines.append([])
                x = self.left
            lines[-1].append((x, name, colour))
            x += width
        self.bottom -= 14 * len(lines)
        y = self.y + self.height - 14 * len(lines) + 6
        for line in lines:
            for x, name, colour in line:
                self.svg.box(x, y - 8, 9, 9, colour)
                self.svg.text(x + 13, y, name, size=11)
            y += 14


def pieces(points, step):
    """Cut where nothing was scraped; of a level line only its ends."""
    line = []
    for point in points:
        if line and point[0] - line[-1][0] > 1.5 * step:
            yield line
            line = []
        if len(line) > 1 and line[-2][1] == line[-1][1] == point[1]:
            line.pop()
        line.append(point)
    if line:
        yield line


def draw_series(at, series, step):
    svg = at.svg
    bars = at.panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
    # Nothing is to be seen of what is 0 all the time but that it is.
    flat = [(name, points) for name, points in series if not any(v for _, v in points)]
    if bars or len(series) > CELL_SERIES:
        series = [entry for entry in series if entry not in flat]
    colours = {name: PALETTE[i % len(PALETTE)] for i, (name, _) in enumerate(series)}
    at.legend([*colours.items()] or [("none", GRID)])
    values = [value for _, points in series for _, value in points] or [0]
    # Sizes are read against each other, all else against nothing.
    ticks = marks(min(values) - 40 if at.unit == "suffix: B" else min(0, *values, 0),
                  max(values) or 1)
    low, high = ticks[0], ticks[-1]

    def y(value):
        return at.bottom - (value - low) / (high - low) * (at.bottom - at.top)
    for tick in ticks:
        svg.line(at.left, y(tick), at.right, y(tick), INK if not tick else GRID)
        svg.text(at.left - 6, y(tick) + 4, shown(tick, at.unit), size=10, anchor="end", fill=FAINT)
    at.times()
    width = max(1.5, (at.at(step) - at.at(0)) / max(1, len(series)))
    for number, (name, points) in enumerate(series):
        if bars:
            for when, value in points:
                if value:
                    svg.box(at.at(when) + number * width, y(value), width, y(0) - y(value),
                            colours[name])
            continue
        for line in pieces(points, step):
            if len(line) == 1:
                svg.box(at.at(line[0][0]) - 1, y(line[0][1]) - 1, 2, 2, colours[name])
            else:
                svg.path([(at.at(when), y(value)) for when, value in line], colours[name], 1.5)


def draw_states(at, series, step):
    at.left = at.x + 18 + max((6 * len(name) for name, _ in series), default=0)
    # Two states, with names; or none and some, by a threshold.
    named = "mappings" in at.panel["fieldConfig"]["defaults"]
    states = {False: RED, True: GREEN} if named else {False: GREEN, True: ORANGE}
    at.legend([("up", GREEN), ("down", RED)] if named else [("none", GREEN), ("some", ORANGE)])
    height = (at.bottom - at.top) / max(1, len(series))
    at.times()
    for row, (name, points) in enumerate(series):
        y = at.top + row * height
        at.svg.text(at.left - 6, y + height / 2 + 3.5, name, size=min(10, height), anchor="end",
                    fill=FAINT)
        begun = None
        for i, (when, value) in enumerate(points):
            begun = when if begun is None else begun
            last = i + 1 == len(points)
            if last or points[i + 1][1] != value or points[i + 1][0] - when > 1.5 * step:
                x, end = at.at(begun), min(at.right, at.at(when + step))
                at.svg.box(x, y + height * 0.05, end - x, height * 0.9,
                           states[value >= 1])
                begun = None


def draw_heat(at, series, step):
    """How many of the series lie in a cell, in powers of two."""
    values = [value for _, points in series for _, value in points if value > 0]
    least = math.floor(math.log2(min(values, default=1)))
    most = math.floor(math.log2(max(values, default=1)))
    columns = 60
    start, end = at.span
    wide = (end - start) / columns
    cells = {}
    for _, points in series:
        for when, value in points:
            if value > 0:
                key = min(columns - 1, int((when - start) / wide)), math.floor(math.log2(value))
                cells[key] = cells.get(key, 0) + 1
    rows = most - least + 1
    height = (at.bottom - at.top) / rows
    at.times()
    for row in range(rows + 1):
        y = at.bottom - row * height
        at.svg.text(at.left - 6, y + 4, shown(2.0 ** (least + row), "s"), size=10, anchor="end",
                    fill=FAINT)
    full = max(cells.values(), default=1)
    for (column, row), count in sorted(cells.items()):
        share = count / full
        colour = "#" + "".join(f"{round(a + (b - a) * share):02x}"
                               for a, b in zip((254, 230, 206), (166, 54, 3)))
        at.svg.box(at.at(start + column * wide), at.bottom - (row - least + 1) * height + 0.5,
                   (at.right - at.left) / columns - 1, height - 1, colour)


def draw_table(at, series, _step):
    """Labels are columns."""
    names = ["instance", "interface", "version", "aead"]
    for i, name in enumerate([*names, "started"]):
        at.svg.text(at.x + 20 + 150 * i, at.top + 12, name, size=11, weight="bold")
    for row, (labels, points) in enumerate(series):
        y = at.top + 30 + 16 * row
        since = points[-1][1] / 1000 - at.span[0]
        started = f"{since // 60:.0f}:{since % 60:02.0f}" if since >= 0 else "before this begins"
        for i, text in enumerate([*(labels.get(name, "") for name in names), started]):
            at.svg.text(at.x + 20 + 150 * i, y, text, size=11)


DRAWN = {"timeseries": draw_series, "state-timeline": draw_states, "heatmap": draw_heat,
         "table": draw_table}


def draw(dashboard, found, span, step, faults, notes, path):
    """found: of each panel's title the series of each of its targets, as Prometheus has
    them. faults: (when, what); notes: when the dashboard's annotation begins to hold."""
    panels = dashboard["panels"]
    bottom = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels)
    words = [f"{number} {what}" for number, (_, what) in enumerate(faults, 1)]
    half = (len(words) + 1) // 2
    svg = Svg(24 * COLUMN + GAP, HEAD + bottom * ROW + GAP, dashboard["title"],
              "Drawn by tests/dashboards/draw from a real run. Times are from its beginning; "
              "orange: the annotation, a MAC moved. What was done:")
    for line, some in enumerate((words[:half], words[half:])):
        svg.text(20, 70 + 17 * line, " · ".join(some), size=12)
    for panel in panels:
        series = []
        for target, results in zip(panel["targets"], found[panel["title"]]):
            for result in results:
                name = result["metric"] if panel["type"] == "table" else \
                    legend_of(target, result["metric"])
                # What is divided by nothing is not shown.
                series.append((name, [(when, float(value)) for when, value in result["values"]
                                      if math.isfinite(float(value))]))
        if panel["type"] != "table":
            series.sort(key=lambda entry: entry[0])
        DRAWN[panel["type"]](Panel(svg, panel, span, faults, notes), series, step)
    return svg.save(path)
