"""tests/bench: its list of cases, and what its table shows of them."""

import dataclasses
import os
import pathlib
import random
import subprocess
import types

import pytest

from bench import main, plot, report
from bench.cases import CONGESTION
from bench.catalogue import GOALS, OWN_GOALS, SETS, all_cases

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
    shown = subprocess.run([ROOT / "tests/bench/run", "--list", "--only", "core"], check=True,
                           capture_output=True, text=True).stdout.split()
    assert set(shown) == SETS["core"]


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


def test_each_congestion_control_is_drawn(results, tmp_path):
    drawn = {os.path.basename(path) for path in plot.all_plots(results, TITLES, str(tmp_path))}
    assert {"tcp-bbr.svg", "tcp-cubic.svg", "latency.svg"} <= drawn


def test_a_case_is_found_by_its_set_or_its_pattern():
    case = CASES["tcp-1-out/cubic"]
    assert main.named(case, "core") and main.named(case, "tcp-*")
    assert not main.named(case, "rtt-*")
