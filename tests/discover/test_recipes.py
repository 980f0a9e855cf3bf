"""docs/recipes/discovery: the scripts of the page are what runs."""

import contextlib
import os
import socket
import subprocess
import time

import pytest

import fake_consul
from conftest import ROOT, environment_of
from fake_ec2 import instance
from recipe import recipe


def script(folder, path, changes):
    """The page's script, executable."""
    file = folder / os.path.basename(path)
    file.write_text(recipe("discovery", path, changes))
    file.chmod(0o755)
    return file


def command(file, **environment):
    """As tapd runs discover.command."""
    done = subprocess.run(["/bin/sh", "-c", str(file)], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, **environment})
    return done.returncode, done.stdout.split(), done.stderr


def test_the_service_that_follows_consul(consul, tmp_path):
    consul.instances = [fake_consul.instance("10.0.0.1")]
    consul.hold_s = 30
    unit = script(tmp_path, "/etc/systemd/system/tapd-peers.service", {
        "/usr/lib/tapd/discover": str(ROOT / "scripts/discover"), "/run/tapd-peers": str(tmp_path)})
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    with subprocess.Popen(lines["ExecStart"].split(),
                          env={**os.environ, **environment_of(consul)}) as process:
        try:
            wait_for(lambda: (tmp_path / "peers").exists())
            wait_for(lambda: len(consul.asked) == 2)
            consul.change([fake_consul.instance("10.0.0.1"), fake_consul.instance("10.0.0.2")])
            wait_for(lambda: (tmp_path / "peers").read_text().split() ==
                     ["10.0.0.1:8273", "10.0.0.2:8273"])
        finally:
            process.terminate()
        assert process.wait(timeout=20) == 0


# ---- promtool ----

@pytest.fixture
def promtool(ec2, tmp_path):
    config = script(tmp_path, "/etc/tapd/sd.yml", {
        "  - port: 8273\n": f"  - port: 8273\n    endpoint: {ec2.url}\n    region: eu-west-1\n"})
    file = script(tmp_path, "/etc/tapd/peers-promtool",
                  {"10s": "3s", "/etc/tapd/sd.yml": str(config)})
    keys = ec2.new_keys()
    return lambda: command(file, AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
                           AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
                           AWS_SESSION_TOKEN=keys["Token"])


def test_promtool_lists_the_hosts_of_ec2(ec2, promtool):
    ec2.instances = [instance("10.0.0.1", cluster="web"), instance("10.0.0.2", cluster="web"),
                     instance("10.0.0.3", cluster="db"),
                     instance("10.0.0.4", cluster="web", state="stopped")]
    assert promtool()[:2] == (0, ["10.0.0.1:8273", "10.0.0.2:8273"])


def test_promtool_takes_a_refusal_for_nothing(ec2, promtool):
    ec2.denied = True
    assert promtool()[:2] == (0, [])


# ---- etcd ----

def free_ports():
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]


def ask(url, *words):
    return subprocess.run(["etcdctl", "--endpoints", url, "--dial-timeout=1s",
                           "--command-timeout=1s", *words], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, "ETCDCTL_API": "3"})


def start_etcd(folder):
    """(process, url) of a server that answers; None if its ports were taken meanwhile."""
    client, peer = (f"http://127.0.0.1:{port}" for port in free_ports())
    process = subprocess.Popen(
        ["etcd", "--data-dir", folder / "etcd", "--listen-client-urls", client,
         "--advertise-client-urls", client, "--listen-peer-urls", peer,
         "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while process.poll() is None:
        if ask(client, "endpoint", "health").returncode == 0:
            return process, client
        assert time.monotonic() < end, "etcd does not answer"
    return None


@pytest.fixture
def etcd(tmp_path):
    """The address of a server of its own."""
    started = next(filter(None, (start_etcd(tmp_path / str(i)) for i in range(5))))
    process, url = started
    yield url
    process.kill()
    process.wait()


@contextlib.contextmanager
def registered(file, name, address):
    with subprocess.Popen([file, name, address], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_hosts_that_register_with_etcd_are_listed(etcd, tmp_path):
    changes = {"http://10.0.0.5:2379": etcd}
    peers = script(tmp_path, "/etc/tapd/peers-etcd", changes)
    register = script(tmp_path, "/etc/tapd/register", changes)
    assert command(peers)[:2] == (0, [])
    with registered(register, "web1", "10.0.0.1"), registered(register, "web2", "10.0.0.2:9"):
        wait_for(lambda: command(peers)[:2] == (0, ["10.0.0.1", "10.0.0.2:9"]))
    # What an ended host leaves behind ends with its lease.
    leases = ask(etcd, "lease", "list").stdout.split()[-2:]
    for lease in leases:
        assert ask(etcd, "lease", "revoke", lease).returncode == 0
    assert command(peers)[:2] == (0, [])


def test_an_etcd_that_does_not_answer_is_a_failure(tmp_path):
    port = free_ports()[0]
    peers = script(tmp_path, "/etc/tapd/peers-etcd",
                   {"http://10.0.0.5:2379": f"http://127.0.0.1:{port}"})
    status, found, error = command(peers)
    assert status != 0 and not found and error
