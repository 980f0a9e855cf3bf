"""The DaemonSet: checked without a server, and run as far as that goes without one."""

import copy
import subprocess

import pytest

from cloud import Tapd, new_secret, wait_for
from kinds import check
from pod import NAME, Pod

YAMLLINT = ("{extends: default, rules: {document-start: disable, line-length: {max: 90}, "
            "octal-values: disable, braces: {max-spaces-inside: 0}}}")
NET_ADMIN = 1 << 12

# The package and the image are made first.
pytestmark = pytest.mark.timeout(900)


def test_the_manifests_are_what_the_api_knows(manifests, manifest_file):
    subprocess.run(["yamllint", "-s", "-d", YAMLLINT, manifest_file], check=True)
    assert set(manifests) == {"Service", "ConfigMap", "DaemonSet"}
    for manifest in manifests.values():
        check(manifest)


@pytest.mark.parametrize("wrong", [
    lambda pod: pod.update(hostnetwork=True),
    lambda pod: pod["containers"][0].update(image=1),
    lambda pod: pod["containers"][0].pop("name"),
    lambda pod: pod["volumes"][0]["projected"].update(defaultMode="0440"),
])
def test_the_check_finds_what_is_wrong(manifests, wrong):
    manifest = copy.deepcopy(manifests["DaemonSet"])
    wrong(manifest["spec"]["template"]["spec"])
    with pytest.raises(AssertionError):
        check(manifest)


def test_the_parts_belong_together(manifests):
    service, daemon_set = manifests["Service"], manifests["DaemonSet"]
    template = daemon_set["spec"]["template"]
    labels = template["metadata"]["labels"]
    for selector in service["spec"]["selector"], daemon_set["spec"]["selector"]["matchLabels"]:
        assert selector.items() <= labels.items()
    assert len({m["metadata"]["namespace"] for m in manifests.values()}) == 1
    assert NAME == "{name}.{namespace}.svc.cluster.local".format(**service["metadata"])
    assert NAME in manifests["ConfigMap"]["data"]["tap0.conf"]
    spec = template["spec"]
    container, = spec["containers"]
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in spec["volumes"]}
    assert spec["volumes"][0]["projected"]["defaultMode"] == 0o440


def test_its_image_is_this_one(manifests, image):
    container, = manifests["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert container["image"].rpartition(":")[2] == image.version


@pytest.fixture
def pods(make_cloud, image, manifests):
    """Two nodes with a pod each and one host beside them: (pod, pod, daemon)."""
    cloud = make_cloud(3)
    secret = new_secret()
    *nodes, host = cloud.hosts
    pods = [Pod(node, image, manifests["DaemonSet"], manifests["ConfigMap"]["data"]["tap0.conf"],
                secret, nodes) for node in nodes]
    outside = Tapd(host, secret, peers=[], **{"interface.address": ["10.77.0.12/16"]})
    for starting in (*pods, outside):
        starting.start()
    return (*pods, outside)


def up(pod):
    return {line.split()[1] for line in pod.run("tapctl", "peers").stdout.splitlines()
            if " up " in line}


def test_nodes_find_each_other_and_hosts_that_dial_them(pods):
    """By the service's name, and with no right but to change tap0."""
    first, second, outside = pods
    outside.configure(peers=[first.host.address])
    outside.ctl("reload")
    for pod in first, second:
        wait_for(lambda: len(up(pod)) == 2, 20, lambda: f"{pod.host} to have both: {up(pod)}")
    assert first.host.ping("10.77.0.11") and outside.host.ping("10.77.0.11")
    with open(f"/proc/{first.process.pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert {int(status[f"Cap{kind}"], 16) for kind in ("Prm", "Bnd")} == {NET_ADMIN}
    assert first.probe("readinessProbe") and first.probe("livenessProbe")


def test_a_pod_is_replaced_and_the_interface_stays(pods):
    first, second, _ = pods
    wait_for(lambda: up(second), 20, "the nodes to be up")
    before = first.host.ifindex(), first.run("tapctl", "status").stdout.split("key")[1].split()[0]
    assert first.stop() == 0
    assert "10.77.0.10/16" in first.host.ip("addr", "show", "tap0")
    first.start()
    wait_for(lambda: up(first) and second.host.ping("10.77.0.10"), 20, "the new pod")
    assert before == (first.host.ifindex(),
                      first.run("tapctl", "status").stdout.split("key")[1].split()[0])
