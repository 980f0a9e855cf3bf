"""The picture of docs/dashboards, drawn from what a Prometheus might say."""

import json
import pathlib
import re
import xml.etree.ElementTree

import pytest

from dashboards import panels

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "docs/dashboards/tapd.json").read_text())
SVG = "{http://www.w3.org/2000/svg}"
SPAN, STEP = (1000, 1120), 2


def series(labels, values):
    return {"metric": labels, "values": [[SPAN[0] + STEP * i, str(value)]
                                         for i, value in enumerate(values)]}


def results(hosts):
    labels = [{"instance": f"web{i}", "peer": f"web{i + 1}", "interface": "tap0",
               "reason": "no_member", "source": "file", "check": "link-down", "result": "ok",
               "version": "0.2.0", "aead": "openssl"} for i in range(hosts)]
    return [series(one, [(i + step) % 2 for step in range(60)]) for i, one in enumerate(labels)]


def drawn(tmp_path, hosts):
    found = {panel["title"]: [results(hosts) for _ in panel["targets"]]
             for panel in DASHBOARD["panels"]}
    path = panels.draw(DASHBOARD, found, SPAN, STEP, [(1030, "a fault")], [1040],
                       str(tmp_path / "panels.svg"))
    return xml.etree.ElementTree.parse(path).getroot()


@pytest.mark.parametrize("hosts", [0, 1, 12])
def test_each_panel_is_drawn_with_its_title_inside_of_the_picture(tmp_path, hosts):
    root = drawn(tmp_path, hosts)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for panel in DASHBOARD["panels"]:
        assert panel["title"] in texts
    assert "1 a fault" in texts
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter(f"{SVG}rect"):
        if box.get("width") != "100%":
            assert float(box.get("width")) >= 0 and float(box.get("height")) >= 0
            assert 0 <= float(box.get("x")) <= width and 0 <= float(box.get("y")) <= height


def test_a_line_is_cut_where_nothing_is_known(tmp_path):
    points = [(0, 1.0), (2, 1.0), (4, 1.0), (6, 2.0), (20, 3.0)]
    assert list(panels.pieces(points, 2)) == [[(0, 1.0), (4, 1.0), (6, 2.0)], [(20, 3.0)]]


@pytest.mark.parametrize("value, unit, text", [
    (0.08, "percentunit", "8 %"), (0.0004, "s", "400 µs"), (90, "s", "90 s"), (0, "s", "0 s"),
    (300, "s", "5 min"), (1472, "suffix: B", "1472 B"), (12000, "bps", "12 kb/s"),
    (3, "short", "3"), (-1500, "bps", "-1.5 kb/s")])
def test_numbers_have_their_unit(value, unit, text):
    assert panels.shown(value, unit) == text


def test_the_picture_in_the_documents_is_of_this_dashboard():
    path = ROOT / "docs/dashboards/panels.svg"
    root = xml.etree.ElementTree.parse(path).getroot()
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {panel["title"] for panel in DASHBOARD["panels"]} <= texts
    assert path.stat().st_size < 200_000
    assert "panels.svg" in (ROOT / "docs/dashboards/README").read_text()


def test_legends_are_those_of_the_dashboard():
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            labels = {name: name for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
            assert "{" not in panels.legend_of(target, labels)
