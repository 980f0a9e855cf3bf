"""What Prometheus is told, and by whom it is read."""

import http.client
import os
import pathlib
import re
import socket
import stat
import subprocess
import time

import pytest

from cloud import EXIT_SYSTEM, Tapd, new_secret, start_all, udp_socket, wait_for
from test_keys_in_memory import AS_NOBODY

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


# ---- over HTTP ----

PORT = 9273
GET = b"GET /metrics HTTP/1.0\r\n\r\n"
# Served at a time, and for how long.
CLIENTS, PATIENCE_S = 8, 10


@pytest.fixture(scope="module")
def served(make_module_cloud):
    """One scraped at an address, the other at a path."""
    cloud = make_module_cloud(2)
    web1, web2 = cloud.hosts
    secret = new_secret()
    daemons = [Tapd(web1, secret, metrics=f"127.0.0.1:{PORT}").launch(),
               Tapd(web2, secret, metrics=web2.path("metrics")).launch()]
    for daemon in daemons:
        daemon.wait_ready()
    daemons[0].wait_up(web2)
    daemons[1].wait_up(web1)
    yield daemons
    for daemon in daemons:
        assert "was refused" not in daemon.process.log(), "a system call"


def client(daemon):
    """A connection to where it is scraped."""
    where = daemon.settings["metrics"]
    if where.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
    else:
        sock = daemon.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        where = ("127.0.0.1", PORT)
    sock.settimeout(PATIENCE_S + 5)
    sock.connect(where)
    return sock


def everything(sock):
    """What comes until the other end closes."""
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def asked(daemon, request):
    with client(daemon) as sock:
        sock.sendall(request)
        return everything(sock).decode()


def scraped(daemon):
    """As Prometheus does it; as often as it takes."""
    def answer():
        connection = http.client.HTTPConnection("localhost")
        with client(daemon) as connection.sock:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            text = response.read().decode()
            if response.status == 503:
                return None
            assert response.status == 200 and response.getheader("Content-Type").startswith(
                "text/plain; version=0.0.4")
            return text
    found = []
    wait_for(lambda: found.append(answer()) or found[-1], 5, "a scrape")
    return found[-1]


def test_it_is_scraped_at_an_address_and_at_a_path(served):
    for daemon in served:
        text = scraped(daemon)
        check_metrics(text)
        assert samples(text).keys() == samples(printed(daemon)).keys()
        head, _, body = asked(daemon, GET).partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 200 ") and "chunked" not in head
        assert samples(body).keys() == samples(text).keys()


@pytest.mark.parametrize("request_, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 404),
    (b"GET /metrics/ HTTP/1.1\r\n\r\n", 404),
    (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\n", 405),
    (b"HEAD /metrics HTTP/1.1\r\n\r\n", 405),
    (b"GET /metrics\r\n\r\n", 400),
    (b"GET /metrics HTTP/2.0\r\n\r\n", 400),
    (b"\r\n\r\n", 400),
    (b" \r\n\r\n", 400),
    (b"\0\xff {}\r\n\r\n", 400),
    (b"GET /metrics HTTP/1.1\r\nA: " + b"b" * 5000, 431),
    (b"G" * 5000, 431),
])
def test_what_else_is_asked_is_an_error_of_http(served, request_, status):
    assert asked(served[0], request_).startswith(f"HTTP/1.1 {status} ")


def test_a_stranger_does_not_open_the_socket(served):
    daemon = served[1]
    where = daemon.settings["metrics"]
    assert stat.S_IMODE(os.stat(where).st_mode) == 0o660
    open_it = ["/usr/bin/python3", "-c",
               f"import socket; socket.socket(socket.AF_UNIX).connect({where!r})"]
    done = subprocess.run([*AS_NOBODY, *open_it], capture_output=True, text=True, timeout=20)
    assert done.returncode and "PermissionError" in done.stderr
    assert subprocess.run(open_it, timeout=20).returncode == 0


def test_slow_and_many_clients_hold_up_nobody_else_for_long(served):
    daemon = served[0]
    begun = time.monotonic()
    held = [client(daemon) for _ in range(CLIENTS)]
    held[0].sendall(GET[:-2])
    assert asked(daemon, GET).startswith("HTTP/1.1 200 "), "in the place of one that is silent"
    assert time.monotonic() - begun < PATIENCE_S / 2
    assert everything(held.pop(0)) == b""
    assert daemon.ctl_ok("metrics"), "tapctl has a way of its own"
    assert daemon.host.reaches(served[1].host.tap4), "and so have frames"
    # One that sends a byte now and then is no better than one that says nothing.
    trickle = held[-1]
    while time.monotonic() - begun < PATIENCE_S + 5:
        try:
            trickle.sendall(b"G")
        except OSError:
            break
        time.sleep(0.2)
    assert PATIENCE_S - 1 < time.monotonic() - begun < PATIENCE_S + 4
    assert [everything(sock) for sock in held[:-1]] == [b""] * (CLIENTS - 2)
    for sock in held:
        sock.close()
    scraped(daemon)


def test_scrapes_without_end_are_answered_ten_times_a_second(served):
    daemon = served[0]
    begun, answers = time.monotonic(), []
    while len(answers) < 100:
        answers.append(asked(daemon, GET).split()[1])
    seconds = time.monotonic() - begun
    assert set(answers) == {"200", "503"}
    assert answers.count("200") <= 10 * (seconds + 1) + 1
    scraped(daemon)


def test_a_change_waits_for_the_restart(served):
    daemon = served[1]
    where = daemon.settings["metrics"]
    daemon.configure(metrics="")
    assert "metrics" in daemon.ctl_run("reload").stdout
    daemon.configure(metrics=where)
    check_metrics(scraped(daemon))
    daemon.stop()
    assert not os.path.exists(where), "the socket is removed"
    daemon.start()
    check_metrics(scraped(daemon))


def test_a_port_that_is_taken_ends_it_with_what_to_do(make_cloud):
    host = make_cloud(1).hosts[0]
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", PORT))
        other.listen()
        daemon = Tapd(host, new_secret(), metrics="127.0.0.1").launch()
        assert daemon.process.wait() == EXIT_SYSTEM
    assert f"127.0.0.1: cannot listen: Address already in use; set metrics" in \
        daemon.process.log()
    assert not host.has_interface()
