"""Hosts that a file, a command or the DNS lists: `discover` of the configuration."""

import json
import os
import socket
import struct
import threading

import pytest

from cloud import Tapd, holds, new_secret, wait_for
from cloud.janitor import HOSTS_DIRECTORY
from test_privileges import shown

LINES_OF_HTML = "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"


def a_daemon(host, secret, **settings):
    """One that knows nobody but by what `settings` have of discover."""
    settings = {"discover.peer_exchange": False, **settings}
    return Tapd(host, secret, peers=[], **settings)


def waiting(hosts, secret):
    """Daemons that ask nobody, and are found."""
    return [a_daemon(host, secret).start() for host in hosts]


def source(daemon, kind):
    rows = [row for row in daemon.status()["sources"] if row["source"] == kind]
    assert len(rows) == 1, daemon.status()["sources"]
    return rows[0]


def wait_error(daemon, kind, *parts, within=5):
    def said():
        error = source(daemon, kind)["error"]
        return error and all(part in error for part in parts)
    wait_for(said, within, lambda: f"{parts} in {source(daemon, kind)}")


def wait_good(daemon, kind, endpoints, within=5):
    wait_for(lambda: source(daemon, kind)["error"] is None
             and source(daemon, kind)["endpoints"] == endpoints, within,
             lambda: f"{endpoints} endpoints of {source(daemon, kind)}")


def addresses(hosts):
    return "".join(f"{host.address}\n" for host in hosts)


def rename_to(path, text):
    with open(f"{path}.new", "w") as file:
        file.write(text)
    os.rename(f"{path}.new", path)


# ---- files ----

def test_a_file_renamed_into_place_is_read_and_what_it_loses_stays_up(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    others = waiting(cloud.hosts[1:], secret)
    path = cloud.hosts[0].path("peers")
    web1 = a_daemon(cloud.hosts[0], secret, **{"discover.file": path}).start()
    assert web1.status()["sources"] == [{"source": "file", "endpoints": 0, "age_s": None,
                                         "error": f"{path}: No such file or directory"}]
    rename_to(path, addresses(cloud.hosts))
    web1.wait_up(*others, within=3)
    wait_good(web1, "file", 3)
    assert {tuple(peer["sources"]) for peer in web1.ctl("peers")} == {("file",)}
    assert all(peer["wanted"] for peer in web1.ctl("peers"))
    # Emptied, or gone, it takes nobody away, and what it said last gets old.
    rename_to(path, "# nobody\n")
    wait_error(web1, "file", "is empty")
    os.unlink(path)
    wait_error(web1, "file", "No such file")
    wait_for(lambda: source(web1, "file")["age_s"] >= 2, 5, "the answer to get old")
    assert source(web1, "file")["endpoints"] == 3
    assert any("keeping its answer of" in line for line in web1.status()["warnings"])
    # One that is listed no more is not dialled once it is down, and not cut off before.
    rename_to(path, addresses(cloud.hosts[:2]))
    wait_good(web1, "file", 2)
    holds(lambda: len(web1.up()) == 2, 2, "both to be up")
    assert web1.peer(others[1])["sources"] == [] and not web1.peer(others[1])["wanted"]


def test_a_file_of_file_sd_with_names(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    text = json.dumps([{"targets": ["web1.internal", "web2.internal:8273"],
                        "labels": {"job": "tapd"}}], indent=1)
    path = cloud.hosts[0].write("peers.json", text)
    web1 = a_daemon(cloud.hosts[0], secret, **{"discover.file": path}).start()
    web1.wait_up(other)
    wait_good(web1, "file", 2)
    assert "sources    file 2" in web1.ctl_run("status").stdout
    assert " file " in web1.ctl_run("peers").stdout


def test_what_is_no_endpoint_is_named_once_with_its_line(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    path = cloud.hosts[0].write("peers", f"# all\n{cloud.hosts[1].address}\nweb,9\n")
    web1 = a_daemon(cloud.hosts[0], secret,
                    **{"discover.file": path, "discover.interval": 1}).start()
    web1.wait_up(other)
    line = f'{path}:3: "web,9" is neither'
    web1.process.wait_log(line)
    wait_good(web1, "file", 1)
    holds(lambda: web1.process.log().count(line) == 1, 3, "one warning")


def test_a_file_that_the_user_cannot_read_says_so(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    path = cloud.hosts[0].write("peers", addresses(cloud.hosts), 0o600)
    web1 = a_daemon(cloud.hosts[0], secret, user="nobody", **{"discover.file": path}).start()
    wait_error(web1, "file", path, "Permission denied")
    os.chmod(path, 0o644)
    web1.wait_up(other, within=3)


def test_a_folder_that_the_user_may_only_pass_is_read_every_interval(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    folder = cloud.hosts[0].path("closed")
    os.mkdir(folder)
    os.chmod(folder, 0o711)
    path = cloud.hosts[0].write("closed/peers", "# none yet\n")
    web1 = a_daemon(cloud.hosts[0], secret, user="nobody",
                    **{"discover.file": path, "discover.interval": 1}).start()
    wait_error(web1, "file", "is empty")
    line = "its folder cannot be watched: Permission denied"
    assert web1.process.log().count(line) == 1
    rename_to(path, addresses(cloud.hosts))
    web1.wait_up(other, within=4)
    assert web1.process.log().count(line) == 1


# ---- commands ----

def a_command(host, *lines):
    return host.write("list", "\n".join(["#!/bin/sh", *lines]) + "\n", 0o755)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_command_has_no_right(make_cloud, user):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    host = cloud.hosts[0]
    out = host.write("out", "", 0o666)
    command = a_command(host, f"cat /proc/self/status >{out}", "echo $1 $2; echo odd >&2")
    web1 = a_daemon(host, secret, user=user, **{
        "discover.command": f"{command} {host.address} {cloud.hosts[1].address}"}).start()
    web1.wait_up(other)
    wait_good(web1, "command", 2)
    with open(out) as file:
        its = dict(line.split(":\t", 1) for line in file)
    assert {int(its[name], 16) for name in ("CapPrm", "CapEff", "CapAmb", "CapInh")} == {0}
    assert its["NoNewPrivs"].strip() == "1"
    assert its["Uid"].split() == shown(web1.process.pid)["Uid"].split()
    assert "does not list" not in web1.process.log()


def found_by_command(cloud):
    """A daemon, another that it found, and the script by which it did."""
    secret = new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    host = cloud.hosts[0]
    says = host.write("says", f"echo '{addresses(cloud.hosts)}'")
    web1 = a_daemon(host, secret, **{"discover.command": f"/bin/sh {says}",
                                     "discover.interval": 1}).start()
    web1.wait_up(other)
    return web1, other, says


def test_a_command_that_fails_takes_nobody_away(make_cloud):
    web1, other, says = found_by_command(make_cloud(2))
    wait_good(web1, "command", 2)
    for script, *parts in [
            ("echo 'no right: ec2:DescribeInstances' >&2; exit 1",
             "exit code 1: no right: ec2:DescribeInstances"),
            (f"echo '{LINES_OF_HTML}'", "its output is an HTML page"),
            ("true", "its output is empty"),
            ("echo '[]'", "its output is empty"),
            ("echo 'Error: (403)'", "its output names no host", '"Error:"'),
            ("echo none is up >&2", "none is up"),
            ("kill -TERM $$", "exit code 143"),
            ("exec yes 10.9.0.11", "longer than 256 KiB"),
            ("echo '[{\"targets\": [\"10.9.0.11\"'", "is no whole JSON")]:
        rename_to(says, script)
        wait_error(web1, "command", *parts)
        assert source(web1, "command")["endpoints"] == 2
        assert web1.peer_state(other) == "up" and web1.peer(other)["sources"] == ["command"]
    assert web1.status()["peers"] == {"total": 1, "up": 1}
    rename_to(says, f"echo {web1.host.address} {other.host.address}")
    wait_good(web1, "command", 2)


def test_names_that_mean_nothing_take_nobody_away(make_cloud):
    web1, other, says = found_by_command(make_cloud(2))
    rename_to(says, "echo None")
    wait_error(web1, "command", "None: ", within=30)
    assert source(web1, "command")["endpoints"] == 2
    assert web1.peer(other)["sources"] == ["command"] and web1.peer(other)["wanted"]


def test_a_command_that_hangs_is_killed_and_holds_nothing_up(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    host = cloud.hosts[0]
    pids = host.write("pids", "")
    command = a_command(host, f"echo $$ >>{pids}", "sleep 1000 & sleep 1000")
    path = host.write("peers", addresses(cloud.hosts))
    web1 = a_daemon(host, secret, **{"discover.command": command,
                                     "discover.file": path}).start()
    web1.wait_up(other)
    wait_error(web1, "command", "took longer than 20 s", within=25)
    assert source(web1, "command")["age_s"] is None
    with open(pids) as file:
        first = int(file.read().split()[0])
    wait_for(lambda: not os.path.exists(f"/proc/{first}"), 3, "it to be gone")


def test_an_answer_without_this_host_is_asked_for_again_and_warned_of_once(make_cloud):
    """Its only entry is somebody who does not answer."""
    host = make_cloud(1).hosts[0]
    runs = host.write("runs", "")
    command = a_command(host, f"echo run >>{runs}", "echo 10.9.0.99")
    web1 = a_daemon(host, new_secret(), **{"discover.command": command}).start()

    def count():
        with open(runs) as file:
            return len(file.readlines())
    # At 0 s, and after 2 and 4 more, a quarter less or more.
    wait_for(lambda: count() >= 3, 12, "it to be asked again")
    line = f"discover.command does not list this host ({host.address}): is its tag right?"
    assert web1.process.log().count(line) == 1, web1.process.log()
    assert source(web1, "command")["error"] is None
    assert "discover.command does not list this host" in web1.status()["warnings"]


def test_with_a_peer_up_it_is_all_the_same_who_is_listed(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other, = waiting(cloud.hosts[1:], secret)
    host = cloud.hosts[0]
    go = host.path("go")
    command = a_command(host, f"test -e {go} || exit 1", f"echo {cloud.hosts[1].address}")
    path = host.write("peers", addresses(cloud.hosts))
    web1 = a_daemon(host, secret, **{"discover.command": command, "discover.interval": 1,
                                     "discover.file": path}).start()
    web1.wait_up(other)
    host.write("go", "")
    wait_good(web1, "command", 1)
    assert web1.peer(other)["sources"] == ["file", "command"]
    holds(lambda: "does not list" not in web1.process.log(), 3, "no warning")


# ---- names ----

def publish(cloud, name, hosts):
    """In every host's /etc/hosts."""
    lines = cloud.host_lines() + [f"{host.address} {name}" for host in hosts]
    for host in cloud.hosts:
        host.publish(lines)


def test_a_name_of_all_hosts_makes_a_mesh(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    publish(cloud, "all.internal", cloud.hosts)
    daemons = [a_daemon(host, secret, **{"discover.dns": ["all.internal"]}).start()
               for host in cloud.hosts]
    for daemon in daemons:
        daemon.wait_up(*[other for other in daemons if other is not daemon])
        wait_good(daemon, "dns", 3)
        assert {tuple(peer["sources"]) for peer in daemon.ctl("peers")} == {("dns",)}
        assert "does not list" not in daemon.process.log()
        assert daemon.status()["peers"] == {"total": 2, "up": 2}


def test_a_name_of_others_is_early_and_one_host_is_not(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    publish(cloud, "others.internal", cloud.hosts[1:])
    web1 = a_daemon(cloud.hosts[0], secret, **{"discover.dns": ["others.internal"]}).start()
    web1.process.wait_log("discover.dns does not list this host "
                          f"({cloud.hosts[0].address}): is its record there?")
    web2 = a_daemon(cloud.hosts[1], secret, **{"discover.dns": ["web3.internal"]}).start()
    wait_good(web2, "dns", 1)
    assert "does not list" not in web2.process.log()


class NameServer(threading.Thread):
    """Answers for SRV records in a host's namespace: name → [(port, target)]; for all
    other names and types that there are none. With records None it is silent."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.records = {}
        self.questions = []
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        directory = os.path.join(HOSTS_DIRECTORY, host.netns)
        with open(os.path.join(directory, "resolv.conf"), "w") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.start()

    def close(self):
        self._socket.close()

    def run(self):
        try:
            while True:
                question, client = self._socket.recvfrom(4096)
                answer = self.answer(question)
                if answer:
                    self._socket.sendto(answer, client)
        except OSError:
            pass  # closed

    def answer(self, question):
        name, at = [], 12
        while question[at]:
            name.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, = struct.unpack_from("!H", question, at + 1)
        self.questions.append((".".join(name), kind))
        if self.records is None:
            return None
        records = self.records.get(".".join(name), []) if kind == 33 else []
        known = records or ".".join(name) in self.records
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1,
                                          len(records), 0, 0)
        return head + question[12:at + 5] + b"".join(map(self.record, records))

    @staticmethod
    def record(entry):
        port, target = entry
        data = struct.pack("!HHH", 10, 5, port)
        for label in target.split("."):
            data += bytes([len(label)]) + label.encode()
        return struct.pack("!HHHIH", 0xc00c, 33, 1, 60, len(data) + 1) + data + b"\0"


def test_srv_records_have_the_port(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    web2 = a_daemon(cloud.hosts[1], secret, listen=["0.0.0.0:9000"]).start()
    web3 = a_daemon(cloud.hosts[2], secret).start()
    server = NameServer(cloud.hosts[0])
    name = "_tapd._udp.example.net"
    server.records = {name: [(8273, "web1.internal"), (9000, "web2.internal")]}
    try:
        web1 = a_daemon(cloud.hosts[0], secret, user="nobody", **{
            "discover.dns": [name], "discover.interval": 1}).start()
        web1.wait_up(web2)
        wait_good(web1, "dns", 2)
        assert web1.peer(web2)["endpoint"].endswith(":9000")
        # A new record is found; a server that is silent, or knows nothing, changes nothing.
        server.records[name].append((8273, "web3.internal"))
        web1.wait_up(web3)
        for records, part in [({}, "no such name"), ({name: []}, "no SRV records"),
                              (None, "silent"),
                              ({name: [(1, "gone.internal")]}, "gone.internal")]:
            server.records = records
            wait_error(web1, "dns", name, part, within=15)
            assert source(web1, "dns")["endpoints"] == 3
            assert web1.up() == {"web2", "web3"}
        # A target that is gone is left out, and the others stay.
        server.records = {name: [(9000, "web2.internal"), (1, "gone.internal")]}
        wait_good(web1, "dns", 1, within=10)
        assert web1.up() == {"web2", "web3"}
        assert (name, 33) in server.questions
    finally:
        server.close()


# ---- what peers tell ----

def test_one_host_in_a_file_is_enough_and_the_others_are_told_of(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    path = cloud.hosts[0].write("peers", addresses(cloud.hosts[:1]))
    daemons = [a_daemon(host, secret, **{"discover.file": path, "discover.peer_exchange": True})
               .start() for host in cloud.hosts]
    web1, web2, web3 = daemons
    for daemon in daemons:
        daemon.wait_up(*[other for other in daemons if other is not daemon])
    # One of the two at least was told of the other; neither is to be told of whom it has.
    told = [one for one, other in ((web2, web3), (web3, web2))
            if one.peer(other)["sources"] == ["exchange"]]
    assert told, [web2.peers(), web3.peers()]
    for one, other in (web2, web3), (web3, web2):
        assert not one.peer(other)["wanted"]
        assert one.peer(web1)["sources"][0] == "file" and one.peer(web1)["wanted"]
        row = source(one, "exchange")
        assert row["error"] is None and row["age_s"] is None
        assert row["endpoints"] >= (one in told)
        assert one.status()["peers"] == {"total": 2, "up": 2}
    assert " exchange " in told[0].ctl_run("peers").stdout


# ---- reload ----

def test_a_reload_asks_only_what_changed_and_cuts_nobody_off(make_cloud):
    cloud, secret = make_cloud(3), new_secret()
    others = waiting(cloud.hosts[1:], secret)
    host = cloud.hosts[0]
    runs = host.write("runs", "")
    command = a_command(host, f"echo run >>{runs}",
                        f"echo {host.address} {cloud.hosts[1].address}")
    path = host.write("peers", addresses(cloud.hosts[2:]))
    web1 = a_daemon(host, secret, **{"discover.command": command,
                                     "discover.file": path}).start()
    web1.wait_up(*others)
    since = {peer["name"]: peer["up_s"] for peer in web1.ctl("peers")}
    publish(cloud, "all.internal", cloud.hosts)
    web1.configure(**{"discover.file": "", "discover.dns": ["all.internal"],
                      "discover.peer_exchange": True})
    changes = web1.ctl("reload")["changes"]
    assert '+ discover.dns = [ "all.internal" ];' in changes, changes
    assert "+ discover.peer_exchange = true;" in changes, changes
    wait_good(web1, "dns", 3)
    kinds = [row["source"] for row in web1.status()["sources"]]
    assert kinds == ["command", "dns", "exchange"]
    assert web1.peer(others[0])["sources"][:2] == ["command", "dns"]
    assert web1.peer(others[1])["sources"][:1] == ["dns"]
    for peer in web1.ctl("peers"):
        assert peer["state"] == "up" and peer["up_s"] >= since[peer["name"]]
    with open(runs) as file:
        assert len(file.readlines()) == 1, "it was not asked again"
    # All taken away: nobody is wanted, and everybody is up.
    web1.configure(**{"discover.command": "", "discover.dns": [],
                      "discover.peer_exchange": False})
    web1.ctl("reload")
    assert web1.status()["sources"] == []
    assert web1.up() == {"web2", "web3"}
    # A mistake keeps everything.
    web1.configure(**{"discover.dns": ["_tapd._udp.a:9"]})
    done = web1.ctl_run("reload")
    assert done.returncode == 1 and "SRV" in done.stderr
