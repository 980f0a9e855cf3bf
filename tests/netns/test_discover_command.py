"""tapd finds its hosts by scripts/discover, which asks fakes of the APIs on each host."""

import contextlib
import pathlib
import re
import subprocess
import sys

import pytest

from cloud import Tapd, new_secret, program, wait_for
from cloud.namespace import entered

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/discover"), str(TOP / "scripts")]

import fake_consul  # noqa: E402
import fake_ec2  # noqa: E402
from discovery.clock import Clock  # noqa: E402


def ec2(fake, cloud):
    fake.instances = [fake_ec2.instance(host.address, cluster="web") for host in cloud.hosts]
    return (f"AWS_ENDPOINT_URL_EC2={fake.url} AWS_EC2_METADATA_SERVICE_ENDPOINT={fake.url} "
            f"{TOP}/scripts/discover ec2 tag:cluster=web")


def consul(fake, cloud):
    fake.instances = [fake_consul.instance(host.address) for host in cloud.hosts]
    return f"CONSUL_HTTP_ADDR={fake.host} {TOP}/scripts/discover consul"


@contextlib.contextmanager
def fakes(kind, hosts):
    """One on each host's loopback: sockets stay in the namespace where they were made."""
    with contextlib.ExitStack() as stack:
        made = []
        for host in hosts:
            with entered(host.netns):
                made.append(stack.enter_context(kind(Clock())))
        yield made


@pytest.mark.parametrize("kind, populate", [(fake_ec2.FakeEc2, ec2),
                                            (fake_consul.FakeConsul, consul)])
def test_hosts_find_each_other(make_cloud, kind, populate):
    cloud, secret = make_cloud(3), new_secret()
    with fakes(kind, cloud.hosts) as made:
        daemons = [Tapd(host, secret, peers=[], **{
            "discover.peer_exchange": False, "discover.interval": 1,
            "discover.command": f"/usr/bin/env {populate(fake, cloud)}"}).start()
            for host, fake in zip(cloud.hosts, made)]
        for daemon in daemons:
            daemon.wait_up(*[other for other in daemons if other is not daemon], within=20)
        row, = [row for row in daemons[0].status()["sources"] if row["source"] == "command"]
        assert (row["endpoints"], row["error"]) == (3, None)
        assert "does not list" not in daemons[0].process.log()


def test_a_right_that_is_taken_away_is_named_and_takes_nobody_away(make_cloud):
    cloud, secret = make_cloud(2), new_secret()
    other = Tapd(cloud.hosts[1], secret, peers=[]).start()
    with fakes(fake_ec2.FakeEc2, cloud.hosts[:1]) as (fake,):
        web1 = Tapd(cloud.hosts[0], secret, peers=[], **{
            "discover.interval": 1, "discover.peer_exchange": False,
            "discover.command": f"/usr/bin/env {ec2(fake, cloud)}"}).start()
        web1.wait_up(other, within=20)
        fake.denied = True

        def said():
            row, = [row for row in web1.status()["sources"] if row["source"] == "command"]
            return row["error"] and "may not ec2:DescribeInstances" in row["error"]
        wait_for(said, 20, lambda: str(web1.status()["sources"]))
        web1.wait_up(other)


def recipes():
    """Each `discover` of the page, as it stands there."""
    page = (TOP / "docs/recipes/discovery").read_text(encoding="utf-8")
    return [text.replace("(*)", "") for text in
            re.findall(r"^\tdiscover = \{.*?\};", page, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("text", recipes())
def test_the_configuration_of_a_recipe_is_one(tmp_path, text):
    secret, conf = tmp_path / "secret", tmp_path / "tap0.conf"
    secret.write_text(new_secret())
    secret.chmod(0o600)
    conf.write_text(f'interface = {{ name = "tap0"; address = [ "10.77.0.1/24" ]; }};\n'
                    f'secret_file = "{secret}";\nkey_file = "{tmp_path}/key";\n{text}\n')
    done = subprocess.run([program("tapd"), "-n", "-c", conf], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    wanted = re.findall(r"/[a-z]+/[a-z/-]+|[a-z_.]+\.(?:local|consul)", text)
    assert wanted and all(each in done.stdout for each in wanted), done.stdout


def test_the_page_has_them_all():
    assert len(recipes()) == 10
