"""--follow: a file that is kept in step."""

import os
import signal
import subprocess
import threading
import time

import pytest

from conftest import ROOT, environment_of
from discovery.errors import Failure
from discovery.main import Ended, Run
from fake import Answer, addresses
from fake_consul import instance
from populations import KINDS, THREE


class Following:
    """The loop, turn by turn."""

    def __init__(self, fake, clock, file, *words):
        from discovery.follow import Follower
        name = type(fake).__name__[4:].lower()
        arguments = [*KINDS[name].arguments, *words, "--follow", "--output", str(file)]
        run = Run(arguments, environment_of(fake), clock, lambda address: address)
        self.said = []
        self.run = run
        self._follower = Follower(run.provider, run.ask, run.output, run.interval_s, run.client,
                                  lambda text: self.said.append(run.client.secrets.hide(text)))

    def turn(self):
        return self._follower.turn()


@pytest.fixture
def follow(clock, tmp_path):
    def begin(fake, *words):
        return Following(fake, clock, tmp_path / "peers", *words)
    begin.file = tmp_path / "peers"
    return begin


def written(follow):
    return follow.file.read_text().split() if follow.file.exists() else None


def test_a_file_is_written_when_hosts_come_and_go(ec2, follow):
    following = follow(ec2)
    for found in (addresses(2), addresses(3), addresses(1)):
        KINDS["ec2"].populate(ec2, found)
        following.turn()
        assert written(follow) == found
    assert following.said == []


def test_a_set_that_is_the_same_is_not_written_again(ec2, follow):
    following = follow(ec2)
    KINDS["ec2"].populate(ec2, THREE)
    following.turn()
    before = follow.file.stat()
    ec2.instances.reverse()
    following.turn()
    assert follow.file.stat() == before or follow.file.stat().st_ino == before.st_ino
    # Nor by another run that finds it so.
    follow(ec2).turn()
    assert follow.file.stat().st_ino == before.st_ino


@pytest.mark.parametrize("name", KINDS)
def test_failure_leaves_the_file_as_it_is(name, request, follow):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, THREE)
    following = follow(fake)
    following.turn()
    fake.plan(KINDS[name].api, *[Answer(200, "garbage")] * 3)
    for _ in range(3):
        following.turn()
        assert written(follow) == THREE
    assert len(following.said) == 1 and "the file stays as it is" in following.said[0]
    following.turn()
    assert len(following.said) == 1


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_answer_leaves_the_file_as_it_is(name, request, follow):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, THREE)
    following = follow(fake)
    following.turn()
    KINDS[name].populate(fake, [])
    following.turn()
    following.turn()
    assert written(follow) == THREE
    assert len(following.said) == 1


def test_a_file_that_was_removed_is_written_again(ec2, follow):
    KINDS["ec2"].populate(ec2, THREE)
    following = follow(ec2)
    following.turn()
    follow.file.unlink()
    following.turn()
    assert written(follow) == THREE


def test_an_empty_answer_makes_no_file(ec2, follow):
    follow(ec2).turn()
    assert written(follow) is None


def test_a_signal_once_the_file_is_there_ends_it(ec2, follow, monkeypatch):
    """Python tells of it when the call that it came in is over."""
    def rename(*names):
        renamed(*names)
        raise Ended
    renamed = os.rename
    monkeypatch.setattr(os, "rename", rename)
    KINDS["ec2"].populate(ec2, THREE)
    with pytest.raises(Ended):
        follow(ec2).turn()
    assert written(follow) == THREE
    assert len(os.listdir(follow.file.parent)) == 1


def test_the_interval_is_that_of_the_command_line(ec2, follow):
    KINDS["ec2"].populate(ec2, THREE)
    assert follow(ec2).turn() == 30
    assert follow(ec2, "interval=7").turn() == 7


def test_intervals_are_jittered(ec2, follow, clock, monkeypatch):
    bounds = []
    monkeypatch.setattr(clock, "jitter", lambda low, high: bounds.append((low, high)) or low)
    KINDS["ec2"].populate(ec2, THREE)
    following = follow(ec2, "interval=100")
    assert following.turn() == 75
    assert bounds == [(75, 125)]


def test_azure_is_asked_once_a_minute_at_most(azure, follow):
    KINDS["azure"].populate(azure, THREE)
    assert follow(azure, "interval=1").turn() == 60


def test_an_old_host_of_a_large_fleet_asks_less_often(ec2, follow, clock):
    KINDS["ec2"].populate(ec2, addresses(400))
    following = follow(ec2)
    assert following.turn() == 30
    clock.sleep(301)
    assert following.turn() == 800


def test_after_failures_the_pause_grows(ec2, follow):
    ec2.denied = True
    following = follow(ec2, "interval=10")
    assert [following.turn() for _ in range(5)] == [10, 20, 40, 60, 60]
    ec2.denied = False
    KINDS["ec2"].populate(ec2, THREE)
    assert following.turn() == 10


def test_tokens_are_kept_and_renewed(gce, follow, clock):
    KINDS["gce"].populate(gce, THREE)
    following = follow(gce)
    following.turn()
    following.turn()
    assert gce.count(".*/token") == 1
    clock.sleep(3600)
    following.turn()
    assert gce.count(".*/token") == 2
    # It was replaced before it was refused.
    assert gce.count("/compute/.*") == 3
    gce.expire_tokens()
    following.turn()
    assert gce.count(".*/token") == 3
    assert following.said == []


def test_keys_are_kept_and_renewed(ec2, follow, clock):
    KINDS["ec2"].populate(ec2, THREE)
    following = follow(ec2)
    following.turn()
    following.turn()
    assert len(ec2.keys) == 1
    clock.sleep(3500)
    following.turn()
    assert len(ec2.keys) == 2
    ec2.expire_keys()
    ec2.forget_tokens()
    following.turn()
    assert len(ec2.keys) == 3
    assert following.said == []


# ---- blocking queries ----

def indices(consul):
    return [asked.query.get("index") for asked in consul.asked]


def test_consul_is_asked_for_changes(consul, follow):
    KINDS["consul"].populate(consul, THREE)
    following = follow(consul, "wait=120")
    assert following.turn() == 1
    changing = threading.Timer(0.05, consul.change, [[instance("10.0.0.9", port=0)]])
    consul.hold_s = 30
    changing.start()
    following.turn()
    changing.join()
    assert written(follow) == ["10.0.0.9"]
    assert indices(consul) == [None, "17"]
    assert consul.asked[-1].query["wait"] == "120s"
    consul.hold_s = 0.01
    following.turn()
    assert indices(consul)[-1] == "18"


def test_an_index_that_goes_back_is_forgotten(consul, follow):
    KINDS["consul"].populate(consul, THREE)
    following = follow(consul)
    following.turn()
    consul.change([instance("10.0.0.9", port=0)], index=3)
    consul.hold_s = 0.01
    assert following.turn() == 30
    assert written(follow) == ["10.0.0.9"]
    assert following.turn() == 1
    assert indices(consul) == [None, "17", None]


@pytest.mark.parametrize("index", ["0", "", "x", "-1", "9" * 30])
def test_an_index_that_is_none_is_polled_for(consul, follow, index):
    KINDS["consul"].populate(consul, THREE)
    consul.index = index
    following = follow(consul, "interval=9")
    assert [following.turn(), following.turn()] == [9, 9]
    assert indices(consul) == [None, None]


def test_a_cluster_that_changes_all_the_time_is_asked_once_a_second(consul, follow):
    following = follow(consul)
    for i in range(5):
        consul.change([instance(f"10.0.0.{i + 1}", port=0)])
        assert following.turn() >= 1


def test_consul_is_waited_for_longer_than_it_waits(consul, follow, monkeypatch):
    KINDS["consul"].populate(consul, THREE)
    following = follow(consul)
    following.turn()
    asked = []
    send = type(following.run.client._transport).send

    def noted(self, request, size, seconds):
        asked.append(seconds)
        return send(self, request, size, seconds)
    monkeypatch.setattr(type(following.run.client._transport), "send", noted)
    following.turn()
    assert asked[0] > 300 * 17 / 16


def test_an_agent_that_restarts_is_found_again(consul, follow):
    KINDS["consul"].populate(consul, THREE)
    following = follow(consul)
    following.turn()
    consul.plan("/v1/.*", Answer(500, "No cluster leader"), Answer(raw=lambda handler: None))
    assert following.turn() == 2
    consul.plan("/v1/.*", Answer(raw=lambda handler: None))
    assert following.turn() == 4
    consul.change([instance("10.0.0.9", port=0)])
    following.turn()
    assert written(follow) == ["10.0.0.9"]


# ---- the file ----

def test_once_to_a_file(ec2, run, tmp_path):
    KINDS["ec2"].populate(ec2, THREE)
    file = tmp_path / "peers"
    assert run(*KINDS["ec2"].arguments, "--output", str(file), fake=ec2).endpoints == []
    assert file.read_text().split() == THREE
    assert file.stat().st_mode & 0o777 == 0o644 & ~umask()
    assert [each.name for each in tmp_path.iterdir()] == ["peers"]


def umask():
    before = os.umask(0)
    os.umask(before)
    return before


def test_a_folder_that_there_is_not_is_said(ec2, run, tmp_path):
    KINDS["ec2"].populate(ec2, THREE)
    words = [*KINDS["ec2"].arguments, "--output", str(tmp_path / "no/peers")]
    result = run(*words, fake=ec2)
    assert result.status == 1 and "cannot write" in result.error
    result = run(*words, "--follow", fake=ec2)
    assert result.status == 1 and "no does not exist" in result.error


def test_a_rename_that_fails_leaves_nothing_behind(ec2, run, tmp_path):
    KINDS["ec2"].populate(ec2, THREE)
    (tmp_path / "peers").mkdir()
    result = run(*KINDS["ec2"].arguments, "--output", str(tmp_path / "peers"), fake=ec2)
    assert result.status == 1 and "Is a directory" in result.error
    assert [each.name for each in tmp_path.iterdir()] == ["peers"]
    result = run(*KINDS["ec2"].arguments, "--follow", "--output", str(tmp_path / "peers"),
                 fake=ec2)
    assert result.status == 1 and "Is a directory" in result.error


def test_a_reader_sees_one_set_or_the_other(clock, tmp_path):
    from discovery.output import Output
    output = Output(str(tmp_path / "peers"))
    sets = [addresses(1500), addresses(900)]
    output.write(sets[0])
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            seen.append(len((tmp_path / "peers").read_text().split()))
    reader = threading.Thread(target=read)
    reader.start()
    for i in range(40):
        output.write(sets[i % 2])
    stop.set()
    reader.join()
    assert set(seen) <= {1500, 900}


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path):
    from discovery.output import Output
    with pytest.raises(Failure, match="Not a directory"):
        (tmp_path / "x").write_text("")
        Output(str(tmp_path / "x/peers")).read()


# ---- as a process ----

def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(consul, tmp_path, number):
    KINDS["consul"].populate(consul, THREE)
    consul.hold_s = 60
    file = tmp_path / "peers"
    command = [ROOT / "scripts/discover", "consul", "--follow", "--output", file]
    with subprocess.Popen(command, env={**os.environ, **environment_of(consul)},
                          stderr=subprocess.PIPE) as process:
        try:
            # It waits within a blocking query then.
            wait_for(lambda: "17" in indices(consul))
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
        assert process.stderr.read().count(b"\n") <= 1
    assert file.read_text().split() == THREE
    assert [each.name for each in tmp_path.iterdir()] == ["peers"]
