"""The command line, and the command as tapd runs it."""

import os
import subprocess

import pytest

from conftest import ROOT, environment_of
from populations import KINDS, THREE

COMMAND = ROOT / "scripts/discover"


@pytest.mark.parametrize("arguments, words", [
    ([], "no PROVIDER: one of ec2, gce, azure, consul"),
    (["aws"], "no provider 'aws'; there are ec2, gce, azure, consul"),
    (["ec2"], "tag:KEY=VALUE"),
    (["gce"], "label:KEY=VALUE"),
    (["ec2", "cluster"], "'cluster' is not KEY=VALUE"),
    (["ec2", "tag:a="], "is not KEY=VALUE"),
    (["ec2", "=b"], "is not KEY=VALUE"),
    (["gce", "lable:a=b", "label:c=d"], "did you mean label:KEY?"),
    (["azure", "tag:a=b", "resourcegroup=x"], "did you mean resource_group?"),
    (["consul", "service=a", "service=b"], "service is given more than once"),
    (["ec2", "tag:a=b", "address=secret"], "address is one of: private, public"),
    (["consul", "wait=900"], "wait is a number of seconds from 1 to 300"),
    (["consul", "wait=5m"], "wait is a number of seconds"),
    (["consul", "interval=0"], "interval is a number of seconds from 1"),
    (["consul", "--port", "0"], "--port is a number from 1 to 65535"),
    (["consul", "--port", "65536"], "--port is a number from 1 to 65535"),
    (["consul", "--port", "²"], "--port is a number from 1 to 65535"),
    (["consul", "--follow"], "--follow needs --output FILE"),
    (["consul", "--folow"], "--folow"),
    (["consul", "\x1b[31m"], "is not KEY=VALUE"),
])
def test_a_mistake_is_said(run, arguments, words):
    result = run(*arguments)
    assert result.status == 64
    assert words in result.error and "discover --help" in result.error
    assert "\x1b" not in result.error


def test_help_names_every_provider_and_key(capsys):
    from discovery.main import main
    with pytest.raises(SystemExit) as ended:
        main(["--help"], {})
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for words in (*KINDS, "tag:KEY", "label:KEY", "scale_set", "--ipv6", "--follow", "interval="):
        assert words in text


def test_options_stand_anywhere(consul, run):
    KINDS["consul"].populate(consul, THREE)
    for words in (["--port", "9", "consul", "service=tapd"],
                  ["consul", "--port", "9", "service=tapd"],
                  ["consul", "service=tapd", "--port=9"]):
        assert run(*words, fake=consul).endpoints == [f"{each}:9" for each in THREE]


def test_a_bug_shows_its_place_and_no_text(clock, monkeypatch):
    import io

    import discovery.main
    monkeypatch.setattr(discovery.main, "endpoints", lambda *_: {}["secret"])
    monkeypatch.setattr(discovery.main.Consul, "hosts", lambda self: [])
    err = io.BytesIO()
    assert discovery.main.main(["consul"], {}, clock, err=err) == 1
    assert b"this is a bug: KeyError in test_command_line.py" in err.getvalue()
    assert b"secret" not in err.getvalue()


# ---- as a process ----

@pytest.fixture
def process():
    def call(*arguments, fake=None, **options):
        environment = {**os.environ, **(environment_of(fake) if fake else {})}
        return subprocess.run([COMMAND, *arguments], env=environment, capture_output=True,
                              text=True, timeout=60, check=False, **options)
    return call


@pytest.mark.parametrize("name", KINDS)
def test_the_command_lists_hosts(name, request, process):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, THREE)
    done = process(*KINDS[name].arguments, fake=fake)
    assert (done.returncode, done.stdout.split()) == (0, THREE), done.stderr


def test_the_command_is_found_by_a_link(process, consul, tmp_path):
    KINDS["consul"].populate(consul, THREE)
    (tmp_path / "discover").symlink_to(COMMAND)
    done = subprocess.run([tmp_path / "discover", "consul"], capture_output=True, text=True,
                          timeout=60, check=True,
                          env={**os.environ, "CONSUL_HTTP_ADDR": consul.host})
    assert done.stdout.split() == THREE


@pytest.mark.parametrize("arguments, status", [(["consul", "x"], 64), (["ec2", "tag:a=b"], 1),
                                               (["--help"], 0)])
def test_exit_statuses(process, ec2, arguments, status):
    ec2.role = None
    assert process(*arguments, fake=ec2).returncode == status


def test_modules_of_the_callers_folder_are_not_used(process, consul, tmp_path):
    KINDS["consul"].populate(consul, THREE)
    (tmp_path / "json.py").write_text("raise SystemExit('taken')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "CONSUL_HTTP_ADDR": consul.host}
    done = subprocess.run([COMMAND, "consul"], cwd=tmp_path, env=environment, timeout=60,
                          capture_output=True, text=True, check=True)
    assert done.stdout.split() == THREE


def test_a_full_disk_is_a_failure(process, consul):
    KINDS["consul"].populate(consul, THREE)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([COMMAND, "consul"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False,
                              env={**os.environ, "CONSUL_HTTP_ADDR": consul.host})
    assert done.returncode != 0 and "cannot write the list: No space left" in done.stderr


def test_what_is_installed_runs(tmp_path, consul):
    """Only with the files that CMakeLists.txt installs."""
    KINDS["consul"].populate(consul, THREE)
    subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path / "build", "-DTAPD_TESTS=OFF"],
                   check=True, capture_output=True, timeout=100)
    subprocess.run(["cmake", "--install", tmp_path / "build", "--prefix", tmp_path / "usr",
                    "--component", "discover"], check=True, capture_output=True, timeout=100)
    command = tmp_path / "usr/lib/tapd/discover"
    done = subprocess.run([command, "consul"], timeout=60, capture_output=True, text=True,
                          check=True, env={**os.environ, "CONSUL_HTTP_ADDR": consul.host})
    assert done.stdout.split() == THREE
    assert not list((tmp_path / "usr").rglob("*.pyc"))
