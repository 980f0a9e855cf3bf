"""tapd's and tapctl's command lines: forms, exit codes, what they print."""

import base64
import json
import os
import signal
import socket
import subprocess

import pytest

from cloud import (EXIT_CONFIG, EXIT_USAGE, Tapd, Wire, conf_text, holds, new_secret, program,
                   start_all, wait_for, wait_mesh)

TAPCTL_NO, TAPCTL_USAGE, TAPCTL_NO_DAEMON = 1, 2, 3


def tapctl(*arguments):
    return subprocess.run([program("tapctl"), *map(str, arguments)], capture_output=True,
                          text=True, timeout=10)


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    return start_all(make_module_cloud(2))


@pytest.fixture
def host(make_cloud):
    return make_cloud(1).hosts[0]


# ---- tapd ----

@pytest.mark.parametrize("arguments", [
    [], ["--nonsense"], ["-c"], ["-n"], ["-c", "/dev/null", "10.9.0.1"],
    ["--secret-file", "/dev/null", "-c", "/dev/null"], ["10.9.0.1"],
])
def test_wrong_usage_is_64(host, arguments):
    done = host.run(program("tapd"), *arguments, check=False)
    assert done.returncode == EXIT_USAGE
    assert "usage" in (done.stdout + done.stderr).lower()


def test_the_effective_configuration_parses_to_itself(host):
    daemon = Tapd(host, new_secret(), trusted_keys=[new_secret()], **{
        "interface.mtu": 1400, "interface.mac": "52:54:00:00:00:01", "interface.persist": True,
        "liveness": {"interval": 2, "down_after": 4, "expire": 60},
        "peers": ["10.9.0.2", "[fd09::3]:9000", "node4.internal:99"], "log_level": "debug"})
    first = host.run(program("tapd"), "-n", "-c", daemon.conf).stdout
    assert "1400" in first and "node4.internal:99" in first and "52:54:00:00:00:01" in first
    second = host.run(program("tapd"), "-n", "-c", host.write("again.conf", first)).stdout
    assert second == first
    assert not host.has_interface(), "checked only"


def test_a_minimal_file_names_the_interface_after_itself(host):
    secret = host.write("secret", new_secret() + "\n", 0o600)
    conf = host.write("tap7.conf", conf_text({"secret_file": secret}))
    out = host.run(program("tapd"), "-n", "-c", conf).stdout
    assert '"tap7"' in out and "/run/tapd/tap7.sock" in out and "/var/lib/tapd/tap7.key" in out


def test_the_form_without_a_file(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = []
    for host in cloud.hosts:
        daemon = Tapd(host, secret)
        daemon.command = lambda d=daemon, h=host: [
            program("tapd"), "--secret-file", d.secret_file, "--address", f"{h.tap4}/24",
            "--address", f"{h.tap6}/64", "--interface", "tap0", "--listen", "0.0.0.0:8274",
            "--key-file", h.path("tap0.key"), "--control-socket", d.socket,
            "--name", h.name] + [f"{p.address}:8274" for p in cloud.hosts]
        daemons.append(daemon.start())
    wait_mesh(daemons)
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)
    assert daemons[0].up() == {"web2"}


def test_sigint_stops_as_sigterm_does(host):
    daemon = Tapd(host, new_secret()).start()
    daemon.process.signal(signal.SIGINT)
    assert daemon.process.wait(5) == 0
    assert not host.has_interface() and not os.path.exists(daemon.socket)


def test_its_key_is_made_private_and_kept(host):
    daemon = Tapd(host, new_secret()).start()
    path = host.path("tap0.key")
    assert os.stat(path).st_mode & 0o777 == 0o600
    key = daemon.status()["key"]
    daemon.restart()
    assert daemon.status()["key"] == key
    assert tapctl("pubkey", path).stdout.strip() == key


def test_a_stale_control_socket_is_replaced(host):
    daemon = Tapd(host, new_secret()).start()
    daemon.kill()
    assert os.path.exists(daemon.socket)
    assert tapctl("-s", daemon.socket, "status").returncode == TAPCTL_NO_DAEMON
    daemon.start()
    assert daemon.ctl_ok("status")


# ---- reload ----

def test_reload_adds_a_peer_and_disturbs_no_other(make_cloud):
    cloud = make_cloud(3)
    secret = new_secret()
    web1, web2 = (Tapd(host, secret, peers=[h.address for h in cloud.hosts[:2]]).start()
                  for host in cloud.hosts[:2])
    wait_mesh([web1, web2])
    web3 = Tapd(cloud.hosts[2], secret, peers=[]).start()
    before = web1.peer(web2)["rx"]["datagrams"]
    web1.configure(peers=[h.address for h in cloud.hosts])
    web1.reload()
    web1.wait_up(web3)
    assert web1.peer_state(web2) == "up"
    assert web1.peer(web2)["rx"]["datagrams"] >= before
    assert "down" not in web2.process.log().lower().replace("down_after", "")


def test_reload_with_a_bad_file_keeps_everything(pair):
    web1, web2 = pair
    with open(web1.conf) as file:
        good = file.read()
    try:
        web1.host.write("tap0.conf", good + "nonsense = 1;\n")
        web1.reload()
        web1.process.wait_log("nonsense")
        done = web1.ctl_run("reload")
        assert done.returncode == TAPCTL_NO and "nonsense" in done.stdout + done.stderr
        assert web1.peer_state(web2) == "up" and web1.running
        assert web1.host.reaches(web2.host.tap4)
    finally:
        web1.host.write("tap0.conf", good)
    assert web1.ctl_run("reload").returncode == 0


def test_reload_prints_the_difference(pair):
    web1, _ = pair
    try:
        web1.configure(log_level="debug")
        done = web1.ctl_run("reload")
        assert done.returncode == 0 and "log_level" in done.stdout
        assert web1.process.wait_log("debug")
    finally:
        web1.configure(log_level=None)
        assert web1.ctl_run("reload").returncode == 0


@pytest.mark.parametrize("key", ["snooping", "querier"])
def test_multicast_is_switched_by_a_reload(pair, key):
    web1, web2 = pair
    assert web1.status()["multicast"][key] is True
    try:
        web1.configure(**{f"multicast.{key}": False})
        done = web1.ctl_run("reload")
        assert f"+ multicast.{key} = false;" in done.stdout
        assert web1.status()["multicast"][key] is False
        assert web1.host.reaches(web2.host.tap4)
    finally:
        web1.configure(**{f"multicast.{key}": None})
        assert f"+ multicast.{key} = true;" in web1.ctl_run("reload").stdout
    assert web1.status()["multicast"][key] is True


def test_groups_without_snooping_are_none_and_said_to_be(pair):
    web1, _ = pair
    try:
        web1.configure(**{"multicast.snooping": False})
        assert web1.ctl_run("reload").returncode == 0
        assert web1.ctl("groups") == []
        assert "snooping = false" in web1.ctl_run("groups").stdout
        assert "snooping = false" in web1.ctl_run("status").stdout
    finally:
        web1.configure(**{"multicast.snooping": None})
        web1.ctl_run("reload")


def test_reload_names_what_needs_a_restart(pair):
    web1, _ = pair
    try:
        web1.configure(listen=["[::]:9999"])
        done = web1.ctl_run("reload")
        assert "listen" in done.stdout + done.stderr
        assert web1.host.reaches(pair[1].host.tap4)
    finally:
        web1.configure(listen=None)
        web1.ctl_run("reload")


# ---- tapctl ----

@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["status", "extra"],
                                       ["-s"], ["-s", "s", "--all"]])
def test_tapctl_wrong_usage_is_2(arguments):
    done = tapctl(*arguments)
    assert done.returncode == TAPCTL_USAGE
    assert "usage" in done.stderr.lower() or "--help" in done.stderr


def test_tapctl_without_a_command_is_status(pair):
    done = pair[0].ctl_run()
    assert done.returncode == 0 and done.stdout.startswith("interface  tap0 ")
    assert "\033" not in done.stdout, "colour is for a terminal"


def test_tapctl_without_a_daemon_is_3():
    done = tapctl("-s", "/nonexistent/tap0.sock", "status")
    assert done.returncode == TAPCTL_NO_DAEMON and "/nonexistent/tap0.sock" in done.stderr


def test_tapctl_finds_the_only_socket_there_is(host):
    """In /run/tapd, here one that only these two programs see."""
    daemon = Tapd(host, new_secret(), control_socket=None)
    private = ("unshare", "--mount", "sh", "-c", f"mkdir -p {host.path('run')} && "
               f"mount --bind {host.path('run')} /run && mkdir -p /run/tapd && " 'exec "$@"', "sh")
    daemon.launch(*private)
    wait_for(lambda: os.path.exists(host.path("run/tapd/tap0.sock")), 5, "its socket")
    found = host.run(*private, program("tapctl"), "-j", "status")
    assert json.loads(found.stdout)["name"] == "web1"


def test_genpsk_needs_no_daemon_and_gives_32_random_bytes():
    secrets = {tapctl("genpsk").stdout for _ in range(3)}
    assert len(secrets) == 3
    for text in secrets:
        assert text.endswith("\n") and len(base64.b64decode(text, validate=False)) == 32


def test_status_keys(pair):
    web1, _ = pair
    status = web1.status()
    assert status["name"] == "web1" and status["version"]
    assert len(base64.b64decode(status["key"])) == 32
    assert set(status["interface"]) >= {"name", "mac", "mtu", "carrier"}
    assert status["interface"]["name"] == "tap0" and status["interface"]["mtu"] == 1500
    assert status["interface"]["carrier"] is True
    assert status["peers"] == {"total": 1, "up": 1}
    assert isinstance(status["uptime_s"], (int, float)) and isinstance(status["warnings"], list)
    for way in ("tx", "rx"):
        assert set(status[way]) >= {"frames", "datagrams", "bytes"}


def test_peers_keys(pair):
    web1, web2 = pair
    wait_for(lambda: web1.peer(web2)["rtt_us"], 5, "a round trip time")
    peer = web1.peer(web2)
    assert set(peer) >= {"name", "key", "endpoint", "state", "why", "rtt_us", "loss",
                         "datagram_size", "tx", "rx"}
    assert peer["key"] == web2.status()["key"] and peer["state"] == "up"
    assert peer["endpoint"] == f"{web2.host.address}:8273"
    assert 0 < peer["rtt_us"] < 1_000_000 and 0 <= peer["loss"] <= 1
    assert 548 <= peer["datagram_size"] <= 1472


def test_counters_count_frames(pair):
    web1, web2 = pair
    assert web1.host.reaches(web2.host.tap4)
    before = web1.status(), web2.status()
    web1.host.run("ping", "-c20", "-i0.01", "-q", web2.host.tap4)
    after = web1.status(), web2.status()
    assert 20 <= after[0]["tx"]["frames"] - before[0]["tx"]["frames"] < 40
    assert 20 <= after[1]["rx"]["frames"] - before[1]["rx"]["frames"] < 40


def test_fdb_keys(pair):
    web1, web2 = pair
    assert web1.host.reaches(web2.host.tap4)
    table = web1.ctl("fdb")
    assert all(set(e) >= {"mac", "vlan", "owner", "owner_key", "age_s"} for e in table)
    owners = {entry["owner"] for entry in table}
    assert owners == {"local", "web2"}
    assert {e["owner_key"] for e in table if e["owner"] == "web2"} == {web2.status()["key"]}
    assert all(entry["vlan"] == 0 for entry in table)


def test_drops_lists_every_reason_flat(pair):
    drops = pair[0].drops()
    assert len(drops) > 30 and all(isinstance(count, int) for count in drops.values())
    assert {"mac1", "replay", "data_auth", "datagram_short", "recursion"} <= set(drops)


@pytest.mark.parametrize("command", ["status", "peers", "fdb", "drops"])
def test_text_fits_a_terminal(make_cloud, command):
    cloud = make_cloud(3, names=["a", "a-host-with-quite-a-long-name-as-clouds-like-them", "c"],
                       family="v6") if command == "peers" else make_cloud(2)
    daemons = start_all(cloud) if command != "peers" else None
    if daemons is None:
        secret = new_secret()
        hosts = [cloud.hosts[0], cloud.hosts[2]]
        daemons = [Tapd(h, secret).start() for h in hosts]
    out = daemons[0].ctl_run(command)
    assert out.returncode == 0 and out.stdout
    assert max(map(len, out.stdout.splitlines())) <= 80, out.stdout


def test_a_peer_that_never_answers_says_why(make_cloud):
    cloud = make_cloud(2)
    web1 = Tapd(cloud.hosts[0], new_secret()).start()
    reason = "no answer: is UDP 8273 open both ways?"
    wait_for(lambda: web1.peer(cloud.hosts[1])["why"] == reason, 8, f"{reason!r}")
    peer = web1.peer(cloud.hosts[1])
    assert peer["state"] in ("connecting", "down") and peer["name"] is None
    assert "UDP 8273" in web1.ctl_run("peers").stdout


def test_a_name_that_does_not_resolve_is_no_end(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(h, secret, peers=[p.address for p in cloud.hosts] + ["nowhere.invalid"])
               .start() for h in cloud.hosts]
    wait_mesh(daemons)
    daemons[0].process.wait_log("nowhere.invalid")


def test_every_address_of_a_name_is_dialled(host):
    """It is one peer, until it is known how many hosts are behind it."""
    addresses = {f"10.9.1.{i}" for i in range(1, 41)}
    host.publish([f"{address} many.internal" for address in addresses])
    dialled = set()

    def all_dialled():
        dialled.update(socket.inet_ntoa(got[30:34]) for got in wire.pending()
                       if got[12:14] == b"\x08\x00" and got[23] == socket.IPPROTO_UDP)
        return dialled >= addresses

    with Wire(host, "eth0", own=True) as wire:
        daemon = Tapd(host, new_secret(), peers=["many.internal"]).start()
        wait_for(all_dialled, 5, lambda: f"initiations to {addresses - dialled}")
    assert len(daemon.ctl("peers")) == 1


def test_an_endpoint_inside_the_tap_is_refused(make_cloud):
    cloud = make_cloud(2)
    web1, _ = start_all(cloud, peers=["10.77.0.1", "10.77.0.2"] + [h.address for h in cloud.hosts])
    assert "10.77.0.2" in web1.process.log()
    holds(lambda: web1.status()["peers"]["up"] == 1, 3, "the real peer up")
    assert web1.peer(cloud.hosts[1])["endpoint"] == f"{cloud.hosts[1].address}:8273"


def test_a_missing_configuration_is_78(host):
    done = host.run(program("tapd"), "-c", "/nonexistent/tap0.conf", check=False)
    assert done.returncode == EXIT_CONFIG and "/nonexistent/tap0.conf" in done.stderr
