"""Session keys are forgotten and made anew: tapctl rekey, and before a sleep."""

import os
import pathlib

import pytest

from cloud import program, start_all, wait_for

HOOK = pathlib.Path(__file__).resolve().parents[2] / "scripts/system-sleep"


@pytest.fixture
def pair(make_cloud):
    return start_all(make_cloud(2))


def wait_both_ways(web1, web2):
    wait_for(lambda: web1.host.ping(web2.host.tap4) and web2.host.ping(web1.host.tap4), 5,
             "both to reach each other")


def test_rekey_takes_nobody_down(pair):
    web1, web2 = pair
    assert web1.ctl("rekey")["sessions"] >= 1
    wait_both_ways(web1, web2)
    done = web1.ctl_run("rekey")
    assert done.returncode == 0
    assert done.stdout.startswith("wiped the keys of ")
    wait_both_ways(web1, web2)
    assert web1.process.wait_log("session keys are made anew")
    assert web2.process.wait_log("has restarted")
    for daemon in pair:
        assert " is down" not in daemon.process.log()


def run_hook(daemon, *arguments):
    path = os.path.dirname(program("tapctl")) + ":" + os.environ["PATH"]
    return daemon.host.run("env", f"PATH={path}",
                           f"TAPD_RUN={os.path.dirname(daemon.socket)}", HOOK, *arguments)


def test_keys_are_forgotten_before_a_sleep(pair):
    web1, web2 = pair
    run_hook(web1, "post", "suspend")
    assert "made anew" not in web1.process.log()
    run_hook(web1, "pre", "hibernate")
    assert web1.process.wait_log("tapctl rekey: all session keys are made anew")
    wait_both_ways(web1, web2)


def test_a_daemon_that_is_gone_does_not_keep_it_awake(pair):
    web1, _ = pair
    web1.kill()
    done = run_hook(web1, "pre", "suspend")
    assert "session keys were not forgotten" in done.stderr
