"""Every command of tapctl, as text and as JSON, of a daemon with one peer and with 200."""

import json
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

import pytest

from cloud import (Stream, Tapd, member, multicast_sender, new_secret, program, udp_socket,
                   wait_for)
from cloud.crowd import Crowd
from test_metrics import names as metric_names, samples
from test_monitor import is_waiting

pytestmark = pytest.mark.timeout(300)  # a crowd takes long to settle
PEERS = 200
COMMON, OWN = "239.20.0.1", "239.20.1."
STREAM_PORT = 7401


def groups(number):
    """What a member of the crowd joined: with all others, with some, alone."""
    return [COMMON, f"{OWN}{number % 8}", f"239.20.2.{number}"]


class Network:
    """web1 is asked, web2 is the peer that is there in both; others are a crowd's."""

    def __init__(self, cloud, peers):
        self.web1_host, self.web2_host, place = cloud.hosts
        self.cloud, self.peers, self.crowd = cloud, peers, None
        secret = new_secret()
        listed = [host.address4 for host in cloud.hosts[:2]]
        if peers > 1:
            self.crowd = Crowd(place, self.web1_host, secret, peers - 1, links=4, groups=groups)
        file = self.web1_host.write("listed", "".join(
            member.endpoint + "\n" for member in self.members[::2]))
        self.web1 = Tapd(self.web1_host, secret, listed, **{"discover.file": file}).start()
        self.web2 = Tapd(self.web2_host, secret, listed).start()
        wait_for(lambda: self.web1.status()["peers"]["up"] == peers, 40,
                 lambda: f"{peers} to be up: {self.web1.status()['peers']}")

    @property
    def members(self):
        return self.crowd.members if self.crowd else []

    @property
    def names(self):
        return ["web2", *(m.name for m in self.members)]

    def settled(self):
        """Until it is known of all which groups they want, and where their MACs are."""
        def known():
            multicast = self.web1.status()["multicast"]
            entry = self.web1.group(COMMON)
            macs = {entry["owner"] for entry in self.web1.ctl("fdb")}
            return not multicast["flooded"] and not multicast["wants_all"] and (
                not self.members or entry and len(entry["members"]) == len(self.members)) \
                and macs >= {m.name for m in self.members}
        wait_for(known, 150, lambda: f"groups to be known: {self.web1.status()['multicast']}",
                 every=0.5)
        return self

    def run(self, *words, within=10, code=0):
        """Its output, on the host that is asked."""
        began = time.monotonic()
        done = self.web1_host.run(program("tapctl"), "-s", self.web1.socket, *words,
                                  check=False, timeout=within + 20)
        took = time.monotonic() - began
        assert done.returncode in (code if isinstance(code, range) else [code]), done
        assert done.stderr == ""
        assert took < within, f"{' '.join(words)} took {took:.1f} s"
        return done.stdout

    def text(self, *words, **options):
        """Its lines: of at most 80 columns, with nothing in them that is not for eyes."""
        text = self.run(*words, **options)
        assert text.endswith("\n") and "\t" not in text and "\033" not in text
        for line in text.splitlines():
            assert len(line) <= 80 and line == line.rstrip() and line.isprintable(), line
        return text

    def json(self, *words, **options):
        return json.loads(self.run("-j", *words, **options))


@pytest.fixture(scope="module", params=[1, PEERS], ids=lambda peers: f"{peers}-up")
def network(request, make_module_cloud):
    cloud = make_module_cloud(names=["web1", "web2", "crowd"], family="dual")
    return Network(cloud, request.param).settled()


# ---- shapes ----

TEXT, NUMBER, FLAG = str, (int, float), bool


class OrNull:
    def __init__(self, shape):
        self.shape = shape


def check_shape(value, shape, where="$"):
    """Dicts have these keys at least; lists, rows of one shape."""
    if isinstance(shape, OrNull):
        if value is not None:
            check_shape(value, shape.shape, where)
    elif isinstance(shape, dict):
        assert isinstance(value, dict) and shape.keys() <= value.keys(), f"{where}: {value}"
        for key, inner in shape.items():
            check_shape(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value}"
        for row in value:
            check_shape(row, shape[0], where + "[]")
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"
        assert not isinstance(value, bool) or shape is FLAG, f"{where}: {value!r}"


COUNTS = {"frames": int, "datagrams": int, "bytes": int}
RATES = {name: NUMBER for name in ("tx_frames", "tx_bytes", "rx_frames", "rx_bytes")}
STATUS = {
    "version": TEXT, "name": TEXT, "key": TEXT, "uptime_s": int, "sealed": FLAG,
    "interface": {"name": TEXT, "mac": TEXT, "mtu": int, "carrier": FLAG},
    "peers": {"total": int, "up": int}, "tx": COUNTS, "rx": COUNTS, "rates": RATES,
    "aead": TEXT, "fdb": int,
    "offload": {name: TEXT for name in ("tap", "merge", "send", "receive")},
    "merging": {"on": FLAG, "why": OrNull(TEXT)},
    "queue": {name: int for name in ("frames", "backlog", "sojourn_us", "drops", "marks",
                                     "socket_limit")},
    "sources": [{"source": TEXT, "endpoints": int, "age_s": OrNull(int), "error": OrNull(TEXT)}],
    "relayed": int, "relay": {"on": FLAG, "legs": int, "datagrams": int, "bytes": int},
    "nat": {"observed": [TEXT], "translated": FLAG, "symmetric": FLAG},
    "multicast": {"snooping": FLAG, "querier": FLAG, "router": FLAG, "groups": int,
                  "wants_all": OrNull(TEXT), "flooded": [{"peer": TEXT, "why": TEXT}]},
    "warnings": [TEXT]}
PEER = {
    "name": TEXT, "key": TEXT, "endpoint": TEXT, "local": TEXT, "via": OrNull(TEXT),
    "state": TEXT, "why": TEXT, "rtt_us": OrNull(int), "loss": OrNull(NUMBER),
    "datagram_size": int, "tx": COUNTS, "rx": COUNTS, "rates": OrNull(RATES), "tap_mtu": int,
    "up_s": int, "heard_s": int, "wanted": FLAG, "sources": [TEXT], "listed": OrNull(TEXT)}
DETAILS = {
    **PEER, "tap_mac": TEXT, "state_s": int, "sent_s": OrNull(int),
    "paths": [{"state": TEXT, "rank": TEXT, "local": OrNull(TEXT), "remote": TEXT,
               "via": OrNull(TEXT), "proven_s": OrNull(int), "rtt_us": OrNull(int),
               "datagram_size": OrNull(int), "size_max": OrNull(int),
               "size_probed": OrNull(int)}],
    "sessions": [{"used": FLAG, "open": FLAG, "initiator": FLAG, "rekeyed": FLAG, "age_s": int,
                  "sent": int, "received": int}],
    "groups": [{"group": TEXT, "vlan": int}], "groups_total": int, "gets_all": OrNull(TEXT)}
FDB = [{"mac": TEXT, "vlan": int, "owner": TEXT, "owner_key": TEXT, "age_s": int}]
GROUPS = [{"group": TEXT, "vlan": int, "local": FLAG, "members": [TEXT], "flooded": FLAG,
           "why": OrNull(TEXT)}]
TOP = [{"name": TEXT, "key": TEXT, "endpoint": TEXT, "state": TEXT, "rtt_us": OrNull(int),
        "loss": OrNull(NUMBER), "rates": {name: OrNull(NUMBER) for name in RATES}}]
PING = {"peer": TEXT, "endpoint": TEXT, "local": TEXT, "sent": int, "received": int,
        "rtt_us": {"min": int, "avg": int, "max": int}, "size": int, "size_max": int,
        "datagram_size": int, "via": OrNull(TEXT)}
TEST = {"group": TEXT, "sent": int, "hosts": [
    {"name": TEXT, "key": TEXT, "up": FLAG, "member": OrNull(FLAG), "heard": OrNull(int),
     "unicast": OrNull(int), "first_ms": OrNull(NUMBER), "why": OrNull(TEXT)}]}
MESH = {"names": [TEXT], "rtt_us": [[OrNull(int)]], "loss": [[OrNull(NUMBER)]],
        "answered": [FLAG]}
DOCTOR = [{"id": TEXT, "severity": TEXT, "what": TEXT, "advice": TEXT}]


# ---- tables ----

def squeezed(text):
    """As it was before it was broken into lines."""
    return re.sub(r"\n +", " ", text)


def assert_names_all(network, text):
    words = set(text.split())
    missing = [name for name in network.names if name not in words]
    assert not missing, f"{missing[:5]}, {len(missing)} in all"


def test_status(network):
    said = network.json("status")
    check_shape(said, STATUS)
    assert said["sealed"] is True
    assert said["peers"] == {"total": network.peers, "up": network.peers}
    assert said["relayed"] == 0 and not said["nat"]["translated"]
    listed = {row["source"]: row["endpoints"] for row in said["sources"]}
    assert listed["peers"] == 2 and listed["file"] == len(network.members[::2])
    text = network.text("status")
    assert f"{network.peers} of {network.peers} up" in text
    assert network.text() .splitlines()[0] == text.splitlines()[0]


def test_peers(network):
    said = network.json("peers")
    check_shape(said, [PEER])
    assert sorted(p["name"] for p in said) == sorted(network.names)
    endpoints = {m.name: m.endpoint for m in network.members}
    for peer in said:
        assert peer["endpoint"] == endpoints.get(peer["name"], peer["endpoint"])
    text = network.text("peers")
    assert_names_all(network, text)
    for member_ in network.members:
        assert member_.endpoint in text.split()
    # A reader looks for a name.
    rows = [line.split()[0] for line in text.splitlines()[1:] if not line.startswith(" ")]
    assert rows == sorted(rows, key=natural), "in the order of their names"
    assert [p["name"] for p in said] == sorted((p["name"] for p in said), key=natural)


def natural(name):
    """web2 before web10."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.findall(r"\d+|\D+", name)]


@pytest.mark.parametrize("which", [0, 1, 3, -1])
def test_one_peer(network, which):
    name = network.names[which % len(network.names)]
    [said] = network.json("peers", name)
    check_shape(said, DETAILS)
    assert said["name"] == name and said["groups_total"] == len(said["groups"])
    text = network.text("peers", name)
    assert {name, said["endpoint"]} <= set(text.split())


def test_fdb(network):
    said = network.json("fdb")
    check_shape(said, FDB)
    owners = [row["owner"] for row in said]
    assert "local" in owners
    assert sorted(o for o in owners if o not in ("local", "web2")) == sorted(network.names[1:])
    text = network.text("fdb")
    assert len(re.findall(r"^[0-9a-f:]{17} ", text, re.MULTILINE)) == len(said)
    for name in network.names[1:]:
        assert name in text.split()


def test_groups(network):
    with member(network.web1_host, "239.20.3.1", 7402):
        said = wait_for(lambda: (lambda found: found if "239.20.3.1" in {
            row["group"] for row in found if row["local"]} else None)(network.json("groups")),
            10, "the group to be joined")
        text = network.text("groups")
    check_shape(said, GROUPS)
    rows = {row["group"]: row for row in said}
    for m in network.members:
        assert m.name in rows[m.groups[-1]]["members"]
    if network.members:
        assert sorted(rows[COMMON]["members"]) == sorted(network.names[1:])
        assert_names_all(network, text + " web2")
        shown = [word for word in squeezed(text).split() if word in network.names[1:]]
        assert shown[:len(network.members)] == sorted(network.names[1:], key=natural)
    assert set(rows) <= set(text.split())


def test_drops(network):
    said = network.json("drops")
    assert all(isinstance(count, int) for count in said.values()) and len(said) > 50
    network.text("drops")
    assert set(said) <= set(network.text("drops", "--all").split())


def test_top(network):
    with udp_socket(network.web1_host) as sender:
        network.web1_host.run("true")
        sender.sendto(bytes(1000), (network.web2_host.tap4, 7403))
        said = network.json("top")
    check_shape(said, TOP)
    assert sorted(row["name"] for row in said) == sorted(network.names)
    text = network.text("top")
    assert f"{network.peers} of {network.peers} peers up" in text
    assert_names_all(network, text)


def test_doctor(network):
    said = network.json("doctor", code=range(3))
    check_shape(said, DOCTOR)
    about_peers = [f for f in said if f["id"].startswith(("peer-", "no-peer", "datagram"))]
    assert not about_peers
    network.text("doctor", code=range(3))


def test_metrics(network):
    text = network.run("metrics")
    by_peer = {dict(labels)["peer"] for name, labels in samples(text) if name == "tapd_peer_up"}
    assert by_peer == set(network.names)
    assert len(metric_names(text)) >= 30
    # The same at the same time but for what counts.
    said = network.json("metrics")
    check_shape(said, [TEXT])
    assert metric_names("\n".join(said)) == metric_names(text)


# ---- commands that other hosts answer ----

def test_ping(network):
    name = network.names[-1]
    said = network.json("ping", name, "-c", "2", within=20)
    check_shape(said, PING)
    assert (said["peer"], said["sent"], said["received"]) == (name, 2, 2)
    text = network.text("ping", name, "-c", "1", within=20)
    assert "1 sent, 1 received" in text and "largest datagram" in text


def test_test(network):
    group = COMMON if network.members else "224.0.0.18"
    said = network.json("test", group, "-c", "3", within=15)
    check_shape(said, TEST)
    assert sorted(host["name"] for host in said["hosts"]) == sorted(network.names)
    heard = {host["name"]: host for host in said["hosts"]}
    for m in network.members:
        assert (heard[m.name]["member"], heard[m.name]["heard"]) == (True, 3), heard[m.name]
        assert heard[m.name]["unicast"] == 3
    text = network.text("test", group, "-c", "1", within=15)
    assert_names_all(network, text)


def test_mesh(network):
    said = network.json("mesh", within=30)
    check_shape(said, MESH)
    count = network.peers + 1
    assert sorted(said["names"]) == sorted(["web1", *network.names])
    assert len(said["rtt_us"]) == len(said["loss"]) == len(said["answered"]) == count
    assert {len(row) for row in said["rtt_us"] + said["loss"]} == {count}
    assert all(said["answered"])
    own = said["names"].index("web1")
    assert sum(rtt is not None for rtt in said["rtt_us"][own]) == network.peers
    text = network.text("mesh", within=30)
    assert re.search(rf"^hosts +{count};", text, re.MULTILINE)
    if count <= 48:
        assert re.search(r"^  1 web1 ", text, re.MULTILINE)


def test_mesh_as_pictures(network):
    count = network.peers + 1
    svg = network.run("mesh", "--svg", within=30)
    root = xml.etree.ElementTree.fromstring(svg)
    cells = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("width") != "14"]
    assert len(cells) == count * (count - 1) + 1
    dot = network.run("mesh", "--dot", within=30)
    assert dot.startswith("graph mesh {") and dot.endswith("}\n")
    assert len(re.findall(r"\[label=", dot)) >= count


# ---- commands that go on ----

@pytest.mark.parametrize("options", [[], ["-p", "web2"], ["-d"]])
def test_capture(network, options, tmp_path):
    path = tmp_path / "frames.pcapng"
    with open(path, "wb") as file, multicast_sender(network.web1_host) as sender:
        process = subprocess.Popen(
            [program("tapctl"), "-s", network.web1.socket, "capture", "-c", "20", *options],
            stdout=file, stderr=subprocess.PIPE, text=True)
        try:
            def ended():
                # Dropped: to a group that nobody joined.
                sender.sendto(bytes(100), ("239.20.4.4" if "-d" in options else
                                           network.web2_host.tap4, 7404))
                return process.poll() is not None
            wait_for(ended, 20, "20 frames to be captured", every=0.01)
            assert process.returncode == 0
            assert "20 frames captured" in process.stderr.read()
        finally:
            process.kill()
            process.wait()
    done = subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", "-e",
                           "frame.comment"], capture_output=True, text=True, timeout=30,
                          check=True)
    comments = done.stdout.splitlines()
    assert len(comments) == 20
    if "-p" in options:
        assert {comment.split()[-1] for comment in comments} == {"web2"}


def test_monitor(network):
    """As text and as JSON at once: a host restarts, a group is joined there."""
    outputs = {}
    for option in ("", "-j"):
        outputs[option] = network.web1_host.start(
            program("tapctl"), *filter(None, [option]), "-s", network.web1.socket, "monitor",
            log=f"monitor{option}{network.peers}.log")
    wait_for(lambda: all(map(is_waiting, outputs.values())), 5, "both to have asked")
    network.web1.status()  # what was asked before is read by now
    network.web2.restart()
    network.web1.wait_up(network.web2)
    with member(network.web2_host, "239.20.3.2", 7405):
        wait_for(lambda: all("239.20.3.2" in process.log() for process in outputs.values()), 20,
                 lambda: f"it to be told: {[p.log() for p in outputs.values()]}")
    for process in outputs.values():
        process.signal(signal.SIGTERM)
        process.wait()
    events = [json.loads(line) for line in outputs["-j"].log().splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["time"])
               for e in events)
    assert {"peer_down", "peer_up", "group_joined"} <= {e["event"] for e in events}
    text = outputs[""].log()
    assert "web2" in text and "is up" in text and "joined 239.20.3.2" in text
    assert max(map(len, text.splitlines())) <= 80


# ---- commands that do something ----

def test_reload(network):
    assert network.text("reload") == "nothing changed\n"
    network.web1.configure(name="web1-new")
    try:
        said = network.json("reload")
        check_shape(said, {"changes": [TEXT]})
        assert len(said["changes"]) == 2
    finally:
        network.web1.configure(name="web1")
    text = network.text("reload")
    assert len(text.splitlines()) == 2


def test_rekey(network):
    def all_hear():
        """Frames arrive again, everywhere."""
        hosts = network.json("test", "224.0.0.18", "-c", "1", within=15)["hosts"]
        return len(hosts) == network.peers and all(host["heard"] for host in hosts)
    said = network.json("rekey")
    check_shape(said, {"sessions": int})
    assert said["sessions"] >= network.peers
    wait_for(all_hear, 20, "all to be reached again")
    assert "wiped the keys of" in network.text("rekey")
    wait_for(all_hear, 20, "all to be reached again")


# ---- help ----

COMMANDS = ["status", "peers", "fdb", "groups", "drops", "doctor", "metrics", "top", "monitor",
            "capture", "ping", "test", "mesh", "reload", "rekey", "genpsk", "pubkey"]


def test_help_has_every_command_and_option_in_80_columns():
    texts = {words: subprocess.run([program("tapctl"), *words], capture_output=True, text=True,
                                   check=True).stdout
             for words in [("--help",), *((c, "--help") for c in COMMANDS)]}
    assert len(set(texts.values())) == 1
    text = texts["--help",]
    assert max(map(len, text.splitlines())) <= 80
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", text, re.MULTILINE)
    for option in ("instance", "socket", "json", "all", "dropped", "count", "size", "peer",
                   "dot", "svg", "help", "version"):
        assert f"--{option}" in text


# ---- frames meanwhile ----

LONG = [["peers"], ["fdb"], ["groups"], ["metrics"], ["top"], ["doctor"], ["mesh"],
        ["-j", "mesh"], ["peers", "web2"], ["test", COMMON, "-c", "3"]]


@pytest.mark.deadline
def test_a_stream_passes_while_it_answers(network, record_property):
    """Nothing is lost, and nothing waits for an answer to be whole."""
    with udp_socket(network.web2_host, "tap0", STREAM_PORT) as receiver, \
            Stream(network.web1_host, network.web2_host.tap4, STREAM_PORT, 0.001) as stream:
        for words in LONG:
            network.run(*words, within=30, code=range(3))
        got = stream.finish(receiver)
    assert got == list(range(len(got))), "in order, and none is missing"
    record_property("measured", f"{network.peers} peers: {len(got)} frames passed beside "
                                f"{len(LONG)} commands, none lost")
