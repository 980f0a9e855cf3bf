"""tests/bench: its list of cases, what each measures, and what it leaves behind."""

import dataclasses
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import types

import pytest

from bench import commands, fair, links, main, measure, plot, report
from bench.cases import CONGESTION, Case, Stage
from bench.catalogue import GOALS, OWN_GOALS, SETS, all_cases
from bench.overlays import VxlanOverlay

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = {case.name: case for case in all_cases()}
TITLES = {"tapd": "tapd sealed", "tapd-against": "tapd before", "vxlan": "VXLAN plain"}


# ---- the list ----

def test_no_two_cases_have_one_name():
    assert len(CASES) == len(list(all_cases()))


def test_no_two_lines_of_the_table_read_the_same():
    lines = [(case.group, case.title) for case in CASES.values()]
    assert len(lines) == len(set(lines))


def test_each_tcp_case_exists_under_both_congestion_controls_and_says_which():
    found = [case for case in CASES.values() if "tcp" in case.name]
    assert len(found) > 30
    for case in found:
        mine = case.parameters["congestion"]
        assert mine in case.title, case.title
        for other in CONGESTION:
            assert case.name.replace(mine, other) in CASES


@pytest.mark.parametrize("name", SETS)
def test_a_set_names_cases_that_there_are(name):
    assert SETS[name] <= CASES.keys()


def test_goals_are_of_figures_that_their_cases_show():
    goals = [*((name, goal.metric) for name, goal in GOALS.items()), *OWN_GOALS]
    for name, metric in goals:
        assert metric in CASES[name].metrics


def test_what_a_case_shows_has_words_and_a_column():
    for case in CASES.values():
        assert set(case.metrics) <= report.METRICS.keys() & set(report.COLUMNS)
        assert case.parameters.keys() <= set(report.COLUMNS)


def test_throughput_says_whose_cpu_time_it_took():
    for case in CASES.values():
        if "gbps" in case.metrics:
            assert {"cpu_s_per_gb", "sender_s_per_gb", "kernel_s_per_gb"} <= set(case.metrics)


def test_the_command_lists_a_set():
    shown = subprocess.run([ROOT / "tests/bench/run", "--list", "--only", "fair"], check=True,
                           capture_output=True, text=True).stdout.split()
    assert set(shown) == SETS["fair"]
    assert {case.name for case in fair.fair_cases()} < set(shown)


def test_a_congestion_control_that_the_kernel_lacks_is_left_out_and_named():
    there, lacking = (dataclasses.replace(CASES["tcp-1-out/cubic"],
                                          parameters={"congestion": name})
                      for name in ("reno", "nosuch"))
    cases, notes = main.able([there, lacking])
    assert cases == [there]
    assert notes == ["nosuch: this kernel has no such congestion control"]


# ---- the table and the plots ----

@pytest.fixture(name="results")
def made_up_results(tmp_path):
    """Of all cases, two rounds of each."""
    chance, results = random.Random(1), report.Results(tmp_path / "results.csv")
    for case in CASES.values():
        for overlay in TITLES.keys() & set(case.overlays):
            for number in range(2):
                results.add(case, overlay, number, 0,
                            {metric: chance.uniform(0.1, 0.9) * 10 ** ("us" in metric)
                             for metric in case.metrics})
    return results


def test_every_case_is_in_the_table_and_beside_another_commit(results):
    options = types.SimpleNamespace(rounds=2, seconds=1, preset="release", receivers="woken")
    text = report.summary(list(CASES.values()), results, TITLES, [], options, 60)
    table, _, against = text.partition("Over tapd before")
    for case in CASES.values():
        assert f"  {case.title}  " in table
        assert f"  {case.title}  " in against or set(case.metrics) <= report.SHARES


def test_a_plain_tapd_stands_between_what_is_sealed_and_the_kernels(tmp_path):
    results = report.Results(tmp_path / "results.csv")
    case = CASES["fanout-8/100/saturation"]
    for overlay, figure in ("tapd", 300_000), ("tapd-vxlan", 600_000), ("vxlan", 100_000):
        results.add(case, overlay, 0, 0, {"delivered_per_s": figure})
    titles = {**TITLES, "tapd-vxlan": "tapd VXLAN"}
    text = "\n".join(report.table([case], results, list(titles), titles))
    assert re.search(r"the same, over tapd VXLAN +0\.50 ", text)
    assert re.search(r"the same, over VXLAN plain +6\.00 ", text)


def test_latency_is_drawn_against_load(results, tmp_path):
    drawn = {os.path.basename(path) for path in plot.all_plots(results, TITLES, str(tmp_path))}
    assert {"latency-load.svg", "requests.svg", "adverts.svg", "tcp-bbr.svg",
            "tcp-cubic.svg"} <= drawn
    text = (tmp_path / "latency-load.svg").read_text()
    assert all(f"card of {card} Gb/s" in text for card in fair.CARDS)
    assert text.count("<polyline") == len(TITLES) * len(fair.CARDS)


# ---- what runs, on the kernel's VXLAN, which needs no build of tapd ----

@pytest.fixture(name="load", scope="module")
def the_load_generator(tmp_path_factory):
    program = tmp_path_factory.mktemp("bench") / "load"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-pthread", "-o", program,
                    *(ROOT / "tests/bench/load").glob("*.c")], check=True)
    measure.Load.program = str(program)
    return program


@pytest.fixture(name="stage_of", scope="module")
def stages_by_hosts(make_module_cloud, load):
    stages = {}

    def make(case):
        hosts = case.site.hosts, case.site.mtu
        if hosts not in stages:
            cloud = make_module_cloud(case.site.hosts, mtu=case.site.mtu)
            overlay = VxlanOverlay(cloud, case.site.mtu - 50)
            overlay.start()
            overlay.settle()
            stages[hosts] = Stage(cloud, [overlay], 0.4), overlay
        return stages[hosts]
    yield make
    for stage, _ in stages.values():
        stage.close()


def children(load):
    found = subprocess.run(["pgrep", "-f", str(load)], capture_output=True, text=True)
    return found.stdout.split()


def queues(host):
    return host.run("tc", "qdisc", "show", "dev", "eth0").stdout


@pytest.mark.parametrize("name", [
    "requests-idle", "requests-thin", "requests-tcp/cubic", "requests-tcp/bbr/card-2",
    "requests-load-50/cubic/card-5", "adverts-idle", "adverts-tcp/cubic/same-peer",
    "adverts-flood/other-peer", "udp-single/1400", "sender-alone", "sender-alone@9001",
    "loops-4/1250"])
def test_a_case_gives_the_figures_that_its_line_shows(name, stage_of, load):
    case = CASES[name]
    stage, overlay = stage_of(case)
    before = queues(stage.cloud.hosts[0]), stage.cloud.hosts[0].ip("link"), children(load)
    figures = case.run(stage, overlay)
    daemons = {"sender_s_per_gb", "receiver_s_per_gb"}
    assert all(figures[metric] is not None for metric in set(case.metrics) - daemons)
    assert figures.keys() <= set(report.COLUMNS)
    # Its sinks stay, for the next.
    stage.close()
    stage._cached.clear()
    after = queues(stage.cloud.hosts[0]), stage.cloud.hosts[0].ip("link"), children(load)
    assert after[:2] == before[:2] and set(after[2]) <= set(before[2])


def test_an_advert_is_one_of_vrrp(stage_of):
    stage, overlay = stage_of(CASES["adverts-idle"])
    first, second = stage.cloud.hosts[:2]
    with second.socket(socket.AF_INET, socket.SOCK_RAW, 112) as listener:
        listener.settimeout(10)
        membership = struct.pack("4s4si", socket.inet_aton("224.0.0.18"), bytes(4),
                                 second.ifindex(overlay.interface))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        assert CASES["adverts-idle"].run(stage, overlay)["adverts_lost"] == 0
        packet = listener.recv(2000)
    header, advert = packet[:20], packet[20:]
    assert header[8] == 255 and header[12:16] == socket.inet_aton(overlay.address(first))
    assert advert[0] == 0x21 and len(advert) == 8 + 4 * advert[3] + 8
    total = sum(struct.unpack(f"!{len(advert) // 2}H", advert))
    assert (total & 0xffff) + (total >> 16) == 0xffff


def test_an_answer_that_never_comes_is_lost(stage_of):
    stage, overlay = stage_of(CASES["requests-idle"])
    first, second = stage.cloud.hosts
    with stage.cloud.cut_from(second):
        figures = CASES["requests-idle"].run(stage, overlay)
    assert figures["requests_lost"] == figures["requests"] == 400
    assert "p50_us" not in figures


def test_a_card_holds_a_stream_to_its_rate(stage_of):
    stage, overlay = stage_of(CASES["requests-tcp/cubic/card-2"])
    figures = CASES["requests-tcp/cubic/card-2"].run(stage, overlay)
    assert 0.2 < figures["load_gbps"] < 2


def test_a_load_is_offered_at_its_share(stage_of):
    stage, overlay = stage_of(CASES["requests-load-10/cubic/card-5"])
    figures = CASES["requests-load-10/cubic/card-5"].run(stage, overlay)
    assert 0.1 < figures["load_gbps"] < 0.6


def test_a_card_is_taken_out_again_when_a_measurement_fails(stage_of):
    stage, _ = stage_of(CASES["requests-idle"])
    host = stage.cloud.hosts[0]
    before = queues(host)
    with pytest.raises(ZeroDivisionError), links.card(host, 2):
        assert "tbf" in queues(host)
        raise ZeroDivisionError
    assert queues(host) == before


def test_batches_are_gone_and_what_is_alone_passes(stage_of, load):
    stage, overlay = stage_of(CASES["sender-alone"])
    first, second = stage.cloud.hosts
    sink = stage.sink(overlay, [second], overlay.address(second), measure.PORT + 3)
    with pytest.raises(ZeroDivisionError), links.BatchesGone(first):
        run = sink.start()
        sent = measure.Load.run("send", first.netns, overlay.interface, sink.address, sink.port,
                                run, 1400, 1000, 1, 0.2, within=20)["sent"]
        assert sink.stop()[0]["count"] == sent
        received = measure.interface_counters(second, overlay.interface)["rx_packets"]
        got = measure.Load.run("batches", first.netns, links.GONE, sink.address, sink.port,
                               1390, 0.2, within=20)
        assert got["arrived_bytes"] == pytest.approx(got["sent_bytes"], rel=0.01)
        after = measure.interface_counters(second, overlay.interface)["rx_packets"]
        assert got["sent"] > 1000 and after - received < 10
        raise ZeroDivisionError
    assert "clsact" not in queues(first) and not first.has_interface(links.GONE)


def test_a_load_that_fails_says_so_and_leaves_nothing(stage_of, load):
    stage, overlay = stage_of(CASES["requests-idle"])

    def breaks(stack, stage, overlay, target, seconds):
        return fair.tcp_bulk("nosuch")(stack, stage, overlay, target, seconds)
    with pytest.raises(measure.LoadFailed, match="nosuch"):
        fair.requests(breaks, 2)(stage, overlay)
    assert "tbf" not in queues(stage.cloud.hosts[0])
    assert not [pid for pid in children(load) if pathlib.Path(f"/proc/{pid}").exists()
                and "paced" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]


def test_a_case_is_found_by_its_set_or_its_pattern():
    case: Case = CASES["requests-idle"]
    assert main.named(case, "fair") and main.named(case, "requests-*")
    assert not main.named(case, "core")


# ---- tests/bench/commands ----

def test_every_command_that_asks_the_daemon_is_measured():
    there = set(re.findall(r'\.name = "(\w+)"', (ROOT / "tapd/ctl/main.c").read_text()))
    site = types.SimpleNamespace(other_host=types.SimpleNamespace(tap4="10.77.0.2"))
    for peers in (1, 200):
        names = [name for name, *_ in [*commands.ending(peers), *commands.going(site)]]
        assert len(names) == len(set(names))
        assert {re.match(r"\w+", name)[0] for name in names} == there - {"genpsk", "pubkey"}


def test_a_while_is_what_the_loop_did_in_it(tmp_path):
    turns = commands.Turns(str(tmp_path / "turns"))
    struct.pack_into("4Q", turns._memory, 0, 10, 5_000, 900_000, 900_000)
    with commands.Sample(turns) as sample:
        struct.pack_into("4Q", turns._memory, 0, 14, 45_000, 30_000, 40_000)
    assert (sample.turns, sample.cpu_us, sample.longest_us) == (4, 40, 30)
