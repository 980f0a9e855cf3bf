"""docs/dashboards: alerts that fire, and a dashboard whose queries have answers."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from cloud import Tapd, new_secret, wait_for
from cloud.prometheus import Prometheus, filled
from test_metrics import names, printed, promtool, samples

DASHBOARDS = pathlib.Path(__file__).parents[2] / "docs/dashboards"
RULES = DASHBOARDS / "tapd.rules.yml"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"]
          for rule in group["rules"]]
DASHBOARD = json.loads((DASHBOARDS / "tapd.json").read_text())
QUERIES = [(panel["title"], target["expr"])
           for panel in DASHBOARD["panels"] for target in panel["targets"]]
ANNOTATIONS = [note["expr"] for note in DASHBOARD["annotations"]["list"]]


# ---- alerts ----

def test_promtool_takes_the_rules():
    code, said = promtool("check", "rules", str(RULES))
    assert code == 0 and f"{len(ALERTS)} rules found" in said


# A sound host: series and values, a minute each.
TEXTFILE = 'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/tap0.prom"}'
UP, BYE = 'tapd_peer_up{peer="web2"}', 'tapd_peer_down_total{peer="web2",reason="bye"}'
SOUND = {
    "up{}": "1x60",
    TEXTFILE: "0+60x60",
    'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/apt.prom"}': "0x60",
    UP: "1x60",
    BYE: "0x60",
    'tapd_peers{state="connecting"}': "0x60",
    'tapd_peer_loss_ratio{peer="web2"}': "0.01x60",
    'tapd_peer_datagram_max_bytes{peer="web2"}': "1452x60",
    'tapd_discovery_last_success_timestamp_seconds{source="file"}': "0+60x60",
    'tapd_discovery_failures_total{source="file"}': "3x60",
    'tapd_drops_total{reason="no_member"}': "0+600x60",
    'tapd_drops_total{reason="udp_overflow"}': "7x60",
    'tapd_drops_total{reason="mac1"}': "7x60",
    'tapd_drops_total{reason="peers_full"}': "0x60",
    'tapd_drops_total{reason="duplicate_key"}': "0x60",
    'tapd_warnings{check="duplicate-address",severity="error"}': "0x60",
    'tapd_warnings{check="link-down",severity="error"}': "0x60",
    'tapd_warnings{check="datagrams-lost",severity="warning"}': "1x60",
    "tapd_config_last_reload_successful{}": "1x60",
}

# What is planted, at 30 minutes or later, and which alert fires for it.
FAULTS = {
    "TapdDown": {"up{}": "1x30 0x30"},
    "TapdMetricsOld": {TEXTFILE: "0+60x30 1800x30"},
    "TapdPeerDown": {UP: "1x30 0x30"},
    "TapdPeerStopped": {UP: "1x44 0x15", BYE: "0x44 1x15"},
    "TapdHostUnreached": {'tapd_peers{state="connecting"}': "0x30 2x30"},
    "TapdLossHigh": {'tapd_peer_loss_ratio{peer="web2"}': "0x30 0.07x30"},
    "TapdDatagramShrunk": {'tapd_peer_datagram_max_bytes{peer="web2"}': "1452x30 1272x30"},
    "TapdDiscoveryStale": {
        'tapd_discovery_last_success_timestamp_seconds{source="file"}': "0+60x30 1800x30",
        'tapd_discovery_failures_total{source="file"}': "3x30 3+1x30"},
    "TapdFramesLost": {'tapd_drops_total{reason="udp_overflow"}': "7x30 7+600x30"},
    "TapdRefuses": {'tapd_drops_total{reason="mac1"}': "7x30 7+60x30"},
    "TapdTableFull": {'tapd_drops_total{reason="peers_full"}': "0x30 0+1x30"},
    "TapdDuplicateKey": {'tapd_drops_total{reason="duplicate_key"}': "0x30 0+1x30"},
    "TapdDuplicateAddress": {
        'tapd_warnings{check="duplicate-address",severity="error"}': "0x30 1x30"},
    "TapdError": {'tapd_warnings{check="link-down",severity="error"}': "0x30 1x30"},
    "TapdReloadFailed": {"tapd_config_last_reload_successful{}": "1x30 0x30"},
}


def labelled(series):
    labels = 'job="tapd",instance="web1",interface="tap0"'
    return series.replace("{}", "{" + labels + "}") if "{}" in series else \
        series.replace("{", "{" + labels + ",")


def firing(alert, minutes):
    return {"expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minutes}m",
            "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else []}


def check_rules(tmp_path, series, *expected):
    test = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": labelled(name), "values": values}
                         for name, values in {**SOUND, **series}.items()],
        "promql_expr_test": list(expected)}]}
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(test))
    code, said = promtool("test", "rules", str(path))
    assert code == 0, said


@pytest.mark.parametrize("alert", [None, *FAULTS])
def test_an_alert_fires_for_its_fault_and_no_other_does(tmp_path, alert):
    check_rules(tmp_path, FAULTS.get(alert, {}), firing(None, 29), firing(alert, 55))


def test_a_peer_that_is_restarted_is_no_alert(tmp_path):
    check_rules(tmp_path, {UP: "1x20 0x2 1x36", BYE: "0x20 1x40"},
                *(firing(None, minutes) for minutes in range(20, 60)))


def test_a_peer_that_stays_stopped_is_lost(tmp_path):
    check_rules(tmp_path, {UP: "1x20 0x40", BYE: "0x20 1x40"}, firing(None, 24),
                firing("TapdPeerStopped", 27), firing("TapdPeerStopped", 34),
                firing("TapdPeerDown", 38), firing("TapdPeerDown", 58))


def test_every_alert_has_a_fault():
    assert FAULTS.keys() == {rule["alert"] for rule in ALERTS}


# ---- a real Prometheus ----

@pytest.fixture(scope="module")
def twice(make_module_cloud):
    """Two networks on two hosts; the daemons of the first are scraped."""
    cloud = make_module_cloud(2)
    scraped = []
    for number, interface in enumerate(["tap0", "tap1"]):
        secret, port, daemons = new_secret(), 8273 + number, []
        for host in cloud.hosts:
            hosts = host.write(f"{interface}.hosts", "".join(
                f"{other.address}:{port}\n" for other in cloud.hosts))
            daemons.append(Tapd(host, secret, [], interface=interface, listen=[f"[::]:{port}"],
                                metrics=f"127.0.0.1:{9273 + number}",
                                **{"discover.file": hosts, "interface.address": [
                                    f"10.{80 + number}.0.{host.address.rpartition('.')[2]}/24"]}
                                ).start())
        daemons[0].wait_up(daemons[1])
        scraped.append(daemons[0])
    return scraped


@pytest.fixture(scope="module")
def prometheus(twice):
    prometheus = Prometheus(twice[0].host, [(f"127.0.0.1:{9273 + number}", None)
                                            for number in range(2)], RULES)
    wait_for(prometheus.healthy, 30, lambda: f"two targets: {prometheus.process.tail()}")
    yield prometheus
    prometheus.process.stop()


@pytest.mark.parametrize("title, expression", QUERIES)
def test_each_query_of_the_dashboard_has_an_answer(prometheus, title, expression):
    # The ten largest, or smallest, may all be one daemon's.
    both = 1 if re.match(r"(top|bottom)k\(", expression) else 2
    wait_for(lambda: len({sample["metric"]["instance"] for sample in
                          prometheus.query(filled(expression))}) >= both,
             30, f"{title}: {filled(expression)}")


def test_annotations_and_alerts_are_queries_too(prometheus):
    for expression in ANNOTATIONS + [rule["expr"] for rule in ALERTS]:
        prometheus.query(filled(expression))
    rules = prometheus.get("/api/v1/rules")["data"]["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert not [rule["name"] for rule in rules if rule["state"] == "firing"], "all is well"


def test_what_is_named_exists(twice):
    text = printed(twice[0])
    expressions = [rule["expr"] for rule in ALERTS] + ANNOTATIONS + [e for _, e in QUERIES]
    for expression in expressions:
        assert set(re.findall(r"\btapd_\w+", expression)) <= names(text), expression
    known = {value for _, labels in samples(text) for value in dict(labels).values()}
    for pattern in re.findall(r'(?:reason|check|state|severity)!?=~?"([^"]*)"',
                              " ".join(expressions)):
        for word in pattern.split("|"):
            assert any(re.fullmatch(word, value) for value in known), word


def test_yaml_is_as_yamllint_likes_it():
    subprocess.run(["yamllint", "-s", "-d", "{extends: default, rules: {document-start: disable, "
                    "line-length: disable, braces: {max-spaces-inside: 0}}}", RULES], check=True)
