"""scripts/multi-unicast without a network: its rules, its words, what it says of clouds."""

import ipaddress
import json
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))

from multi_unicast import cloud, hosts, macs, nft, rules  # noqa: E402
from multi_unicast.errors import Failure, Usage  # noqa: E402
from multi_unicast.main import main  # noqa: E402
from multi_unicast.wanted import Wanted  # noqa: E402

A, B, C = "10.9.0.11", "10.9.0.12", "10.9.0.13"
MACS = {A: "02:00:00:00:00:0a", B: "02:00:00:00:00:0b", C: "02:00:00:00:00:0c"}


def chain(script, name):
    """The rules that a script gives a chain, in their order."""
    start = f"add rule netdev multi-unicast-eth0 {name} "
    return [line.removeprefix(start) for line in script.splitlines() if line.startswith(start)]


def test_everybody_gets_a_copy_but_the_last_who_gets_the_frame():
    script = rules.script("eth0", rules.Plan((A, B, C), {}), MACS)
    assert chain(script, "everybody") == [
        "counter name everybody",
        f'ether daddr set {MACS[A]} dup to "eth0" comment "{A}"',
        f'ether daddr set {MACS[B]} dup to "eth0" comment "{B}"',
        f'ether daddr set {MACS[C]} accept comment "{C}"']
    assert chain(script, "out")[-1] == "goto everybody"


def test_what_the_network_answers_stays():
    lines = chain(rules.script("eth0", rules.Plan((A,), {}), MACS), "out")
    assert all(line.endswith(" accept") for line in lines[:-1])
    assert lines[0].startswith("ether daddr & 01:00:00:00:00:00 == 00"), "a copy passes again"
    for words in "arp", "igmp", "135", "136", "143", "67", "547", "8021q", "01:80:c2":
        assert any(words in line for line in lines)


def test_a_group_has_a_chain_of_its_own():
    plan = rules.Plan((A, B, C), {"239.1.1.1": (A, C), "ff15::1": (B,)})
    script = rules.script("eth0", plan, MACS)
    assert "ip daddr 239.1.1.1 goto to-239.1.1.1" in chain(script, "out")
    assert "ip6 daddr ff15::1 goto to-ff15__1" in chain(script, "out")
    assert [line[-len(f'"{A}"'):] for line in chain(script, "to-239.1.1.1")[1:]] == \
        [f'"{A}"', f'"{C}"']
    assert chain(script, "to-ff15__1")[1:] == [f'ether daddr set {MACS[B]} accept comment "{B}"']
    assert rules.group_of("to-ff15__1") == "ff15::1" and rules.group_of("everybody") is None


def test_a_group_of_this_host_alone_is_for_nobody():
    script = rules.script("eth0", rules.Plan((A,), {"239.1.1.1": ()}), MACS)
    assert chain(script, "to-239.1.1.1")[1:] == ["drop"]


def test_who_has_not_answered_takes_no_frame_away():
    script = rules.script("eth0", rules.Plan((A, B), {"239.1.1.1": (B,)}), {A: MACS[A]})
    assert chain(script, "everybody")[1:] == [
        f'continue comment "{B}"', f'ether daddr set {MACS[A]} accept comment "{A}"']
    assert chain(script, "to-239.1.1.1")[1:] == [f'continue comment "{B}"', "accept"]


def test_one_mac_gets_one_copy():
    plan, known = rules.Plan((A, B), {}), {A: MACS[A], B: MACS[A]}
    assert sum(MACS[A] in rule for rule in chain(rules.script("eth0", plan, known),
                                                 "everybody")) == 1
    assert rules.receivers(plan, known) == {"everybody": {A: MACS[A], B: None}}


LISTED = [
    {"table": {"family": "netdev", "name": "multi-unicast-eth0", "handle": 1}},
    {"chain": {"name": "out", "type": "filter", "hook": "egress", "dev": "eth0"}},
    {"chain": {"name": "everybody"}}, {"chain": {"name": "to-239.9.9.9"}},
    {"counter": {"name": "everybody", "packets": 7}},
    {"counter": {"name": "to-239.9.9.9", "packets": 0}},
    {"rule": {"chain": "everybody", "expr": [{"counter": "everybody"}]}},
    {"rule": {"chain": "everybody", "comment": A, "expr": [
        {"mangle": {"key": {"payload": {}}, "value": MACS[A]}}, {"dup": {"addr": "eth0"}}]}},
    {"rule": {"chain": "everybody", "comment": B, "expr": [{"continue": None}]}},
]


def test_what_is_no_more_wanted_is_removed_in_the_same_transaction():
    lines = rules.script("eth0", rules.Plan((A,), {}), MACS, LISTED).splitlines()
    flush = lines.index("flush table netdev multi-unicast-eth0")
    for kind in "chain", "counter":
        assert lines.index(f"delete {kind} netdev multi-unicast-eth0 to-239.9.9.9") > flush
    assert not any("delete" in line and line.endswith(("out", "everybody")) for line in lines)
    assert not any(line.startswith("delete table") for line in lines), "counters are kept"


def test_a_table_says_what_it_does():
    assert rules.audiences(LISTED) == {"everybody": {A: MACS[A], B: None}, "to-239.9.9.9": {}}
    assert rules.frames(LISTED) == {"everybody": 7, "to-239.9.9.9": 0}
    assert rules.is_whole(LISTED) and not rules.is_whole(LISTED[2:])


@pytest.mark.parametrize("name", ['eth0"', "eth0;", "eth 0", "a{b", "eth0\n", "", "eth0/1", "é"])
def test_no_name_of_an_interface_becomes_a_rule(name):
    assert rules.table_of(name) is None


def test_names_of_interfaces_with_vlans_and_bridges_are_taken():
    for name in "eth0.100", "br-lan", "bond0", "0x", "_a":
        assert rules.interface_of(rules.table_of(name)) == name
    assert rules.interface_of("filter") is None


@pytest.mark.parametrize("word, host", [
    ("10.9.0.11", ipaddress.ip_address("10.9.0.11")),
    ("10.9.0.11:8273", ipaddress.ip_address("10.9.0.11")),
    ("fd09::11", ipaddress.ip_address("fd09::11")),
    ("[fd09::11]:8273", ipaddress.ip_address("fd09::11")),
    ("fe80::1%eth0", ipaddress.ip_address("fe80::1")),
    ("web2", "web2"), ("web2.internal.", "web2.internal."), ("web2:8273", "web2"),
])
def test_a_host_is_an_address_or_a_name(word, host):
    assert hosts.host_of(word) == host


@pytest.mark.parametrize("word", ["-x", "a b", "", "a;b", "[web2]", "[fd09::11",
                                  "web2:x", "1", "a" * 300, "\x1b[31m"])
def test_what_is_no_host_is_said(word):
    with pytest.raises(Usage) as error:
        hosts.host_of(word)
    assert "is no host" in str(error.value) and "\x1b" not in str(error.value)


def test_a_list_is_what_discover_prints():
    assert hosts.words_of("10.1.0.1 10.1.0.2:9\n# old: 10.1.0.3\n\n[fd09::1]:8273 # new\n") == \
        ["10.1.0.1", "10.1.0.2:9", "[fd09::1]:8273"]


@pytest.mark.parametrize("word, words", [
    ("10.9.0.1=web2", "'10.9.0.1' is no multicast group"), ("web=web2", "is no multicast group"),
    ("239.1.1.1", "no hosts"), ("239.1.1.1=", "no hosts"), ("239.1.1.1=,", "no hosts"),
    ("239.1.1.1=a;b", "'a;b' is no host"), ("ff02::5%eth0=web2", "without a scope"),
    ("ff05::1%x accept\nadd table inet t=web2", "without a scope"),
])
def test_a_wrong_group_is_said(word, words):
    with pytest.raises(Usage, match="^.*" + words):
        hosts.group_of(word)


class Hosts:
    """A file of hosts, and which of them are in reach."""

    def __init__(self, listed, reached):
        self._listed, self.reached = listed, reached

    def hosts(self):
        return self._listed

    def address(self, host):
        if host in self.reached:
            return ipaddress.ip_address(self.reached[host])
        raise Failure(f"{host}: no address")


def test_who_is_left_out_of_a_list_is_looked_for_again():
    file, said = Hosts(["a", "b"], {"a": A, "c": C}), []
    wanted = Wanted(["c"], [], file, file)
    with pytest.raises(Failure, match="b: no address"):
        wanted.listed()
    assert list(wanted.listed(said.append)) == [A] and said == ["left out: b: no address"]
    file.reached = {"b": B}
    assert list(wanted.listed_again(said.append)) == [A, B], "nor is a resolver asked for a"
    assert len(said) == 1 and not wanted.left_out


def test_the_command_lines_hosts_are_looked_up_once():
    file = Hosts(["a"], {"a": A, "c": C})
    wanted = Wanted(["c"], [(ipaddress.ip_address("239.1.1.1"), ["c"])], file, file)
    first = wanted.plan(wanted.listed())
    assert first == rules.Plan((C, A), {"239.1.1.1": (C,)})
    file.reached = {"a": A}
    assert wanted.plan(wanted.listed()) == first


def run(*arguments):
    said = []
    return main(list(arguments), said.append), "\n".join(said)


@pytest.mark.parametrize("arguments, words", [
    ([], "up, down or status"), (["start"], "up, down or status"),
    (["up"], "up which interface?"), (["down"], "down which interface?"),
    (["up", "eth0"], "up for which hosts?"), (["down", "eth0", "web2"], "nothing else"),
    (["down", "eth0", "--follow"], "nothing else"), (["status", "eth0", "eth1"], "nothing else"),
    (["up", "eth0", "web2", "-j"], "-j is for status"), (["up", 'a"b', "web2"], "no interface"),
    (["up", "eth0", "web2", "--folow"], "--folow"), (["up", "eth0", "a b"], "is no host"),
    (["up", "eth0", "--group", "239.1.1.1=a", "--group", "239.1.1.1=b"], "more than once"),
])
def test_a_mistake_is_said(arguments, words):
    code, said = run(*arguments)
    assert code == 64
    assert words in said and said.endswith("see multi-unicast --help")


def test_help_says_where_it_cannot_work_and_what_it_is_not():
    done = subprocess.run([TOP / "scripts/multi-unicast", "--help"], capture_output=True,
                          text=True, check=True)
    for words in "Compute Engine", "Azure", "EC2", "sealed or authenticated", "--follow", "--hosts":
        assert words in done.stdout


@pytest.mark.parametrize("files, note", [
    ({"sys_vendor": "Amazon EC2\n"}, cloud.EC2),
    ({"sys_vendor": "Xen", "bios_version": "4.11.amazon"}, cloud.EC2),
    ({"sys_vendor": "Google", "product_name": "Google Compute Engine"}, cloud.GCE),
    ({"sys_vendor": "Microsoft Corporation",
      "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}, cloud.AZURE),
    ({"sys_vendor": "Microsoft Corporation", "chassis_asset_tag": "1"}, cloud.ELSEWHERE),
    ({"sys_vendor": "QEMU"}, cloud.ELSEWHERE), ({}, cloud.ELSEWHERE),
])
def test_the_cloud_is_known_by_its_firmware(tmp_path, files, note):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    assert cloud.note(str(tmp_path)) == note


def test_clouds_that_cannot_are_told_from_one_that_may():
    assert "not proven" in cloud.EC2 and "source/destination check" in cloud.EC2
    assert "cannot work" in cloud.GCE and "cannot work" in cloud.AZURE


@pytest.mark.parametrize("release, fails", [
    ("5.15.0-91-generic", True), ("4.19.0", True), ("5.4", True), ("5.16.0", False),
    ("6.1.0-44-amd64", False), ("10.0-rc1", False), ("strange", False),
])
def test_a_kernel_without_the_hook_is_told_by_its_release(release, fails):
    if fails:
        with pytest.raises(Failure, match=release):
            nft.check_kernel(release)
    else:
        nft.check_kernel(release)


def test_what_nft_says_is_explained():
    assert "NETFILTER_EGRESS" in nft.explain("Error: Could not process rule: Operation not "
                                             "supported\nadd chain\n", "5.17")
    assert "root" in nft.explain("Error: Operation not permitted (you must be root)", "6.1")
    assert nft.explain("Error: syntax error\nadd x\n", "6.1") == "nft: Error: syntax error"
    assert nft.explain("", "6.1")


def test_a_mac_that_is_anothers_is_refused():
    one, two, gateway = map(ipaddress.ip_address, (A, B, "10.9.0.1"))
    macs.check({one: MACS[A], two: MACS[B]}, gateway, MACS[C])
    macs.check({one: MACS[A], gateway: MACS[C]}, gateway, MACS[C])
    with pytest.raises(Failure, match="have one MAC"):
        macs.check({one: MACS[A], two: MACS[A]})
    with pytest.raises(Failure, match="of the gateway 10.9.0.1"):
        macs.check({one: MACS[C]}, gateway, MACS[C])


def test_nft_takes_what_is_written(tmp_path):
    """In a network namespace of its own; the names of what it has to remove come from it."""
    plan = rules.Plan((A, B, C), {"239.1.1.1": (A,), "ff15::1": (), "239.1.1.2": (B, C)})
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text(rules.script("eth7", plan, MACS))
    second.write_text(rules.removal("eth7") + rules.removal("eth7"))
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", 'ip link add eth7 type veth; nft -f "$1"; nft -f "$1"; '
         'nft -j list table netdev multi-unicast-eth7; nft -f "$2"; nft list ruleset >&2',
         "sh", first, second], capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    listed = json.loads(done.stdout)["nftables"]
    assert rules.is_whole(listed)
    assert rules.audiences(listed) == rules.receivers(plan, MACS)
