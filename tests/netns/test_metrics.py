"""What Prometheus is told, and by whom it is read."""

import pathlib
import re
import subprocess

import pytest

from cloud import start_all, udp_socket, wait_for

DOCS = pathlib.Path(__file__).parents[2] / "docs"
SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\} (\S+)')


def samples(text):
    """Value by name and labels (without the interface's)."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        labels = dict(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels))
        assert labels.pop("interface")
        key = (name, frozenset(labels.items()))
        assert key not in found, f"{line}: twice"
        found[key] = float(value)
    return found


def value(text, name, **labels):
    return samples(text)[name, frozenset(labels.items())]


def names(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def printed(daemon):
    done = daemon.ctl_run("metrics")
    assert done.returncode == 0, done.stderr
    return done.stdout


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


def check_metrics(text):
    assert promtool("check", "metrics", text=text) == (0, "")


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    return start_all(make_module_cloud(2))


def test_promtool_finds_nothing_to_say(pair):
    text = printed(pair[0])
    check_metrics(text)
    assert promtool("check", "metrics", text=text.replace("tapd_drops_total", "tapd_drops"))[0], \
        "it would, if there were something"


def test_it_is_what_tapctl_says_elsewhere(pair):
    web1, web2 = pair
    with udp_socket(web1.host) as sender:
        for _ in range(10):
            sender.sendto(bytes(100), (web2.host.tap4, 7007))
    wait_for(lambda: value(printed(web1), "tapd_peer_transmit_frames_total", peer="web2") >= 10,
             5, "ten frames")
    status, text = web1.status(), printed(web1)
    assert value(text, "tapd_build_info", version=status["version"], aead=status["aead"]) == 1
    assert value(text, "tapd_peers", state="up") == status["peers"]["up"] == 1
    assert value(text, "tapd_peer_up", peer="web2") == 1
    assert 0 < value(text, "tapd_peer_rtt_seconds", peer="web2") < 1
    assert value(text, "tapd_peer_datagram_max_bytes", peer="web2") == \
        web1.peer(web2)["datagram_size"]
    assert {dict(labels)["reason"] for name, labels in samples(text)
            if name == "tapd_drops_total"} == set(web1.drops())
    assert value(text, "tapd_discovery_endpoints", source="peers") == 2
    assert value(text, "tapd_interface_carrier") == 1


def test_each_is_in_the_manual_and_no_other(pair):
    manual = (DOCS / "tapctl.8").read_text()
    section = manual[manual.index(".Sh METRICS"):manual.index(".Sh FINDINGS")]
    assert set(re.findall(r"^\.It Li (\S+)", section, re.MULTILINE)) == names(printed(pair[0]))


def test_peers_that_end_and_reloads_that_fail_are_counted(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    before = printed(web1)
    assert value(before, "tapd_config_last_reload_successful") == 1
    web2.stop()
    web1.wait_down(web2)
    text = printed(web1)
    assert value(text, "tapd_peer_up", peer="web2") == 0
    assert value(text, "tapd_peer_down_total", peer="web2", reason="bye") == 1
    assert value(text, "tapd_warnings", check="no-peer-up", severity="error") == 1
    web1.set_secret("none")
    assert web1.ctl_run("reload").returncode == 1
    text = printed(web1)
    assert value(text, "tapd_config_last_reload_successful") == 0
    assert value(text, "tapd_config_last_reload_timestamp_seconds") > \
        value(before, "tapd_config_last_reload_timestamp_seconds")
    check_metrics(text)
