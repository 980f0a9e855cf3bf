"""docs/recipes/kubernetes: a pod with a macvlan on tap0, made by the CNI plugin itself."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from cloud import (member, multicast_sender, received, start_all, wait_for, wait_members,
                   wait_settled)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../apps"))

from recipe import page, recipe  # noqa: E402

PLUGINS = "/usr/lib/cni"
GROUP, PORT = "239.77.1.1", 7100


def attachment():
    """(configuration, plugin) of the page's NetworkAttachmentDefinition."""
    definition = yaml.safe_load(recipe("kubernetes", "/etc/kubernetes/tap0-net.yaml"))
    assert definition["kind"] == "NetworkAttachmentDefinition"
    configuration = json.loads(definition["spec"]["config"])
    plugin, = configuration["plugins"]
    return configuration, plugin


def addresses():
    """Of the page's annotation."""
    networks = re.search(r"networks: >-\n\s*(\[.*\])$", page("kubernetes"), re.MULTILINE)[1]
    network, = json.loads(networks)
    assert network["name"] == attachment()[0]["name"]
    return network["ips"]


def on_tap0(host):
    """With address_from, as in the DaemonSet's file."""
    return host.address.replace("10.9.", "10.77.")


def add(node, pod, ips):
    """What Multus and the runtime do; the plugin's answer."""
    configuration, plugin = attachment()
    runtime = {**plugin, "cniVersion": configuration["cniVersion"], "name": configuration["name"],
               "runtimeConfig": {"ips": ips}}
    env = {**os.environ, "CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod.name, "CNI_IFNAME": "net1",
           "CNI_NETNS": f"/run/netns/{pod.netns}", "CNI_PATH": PLUGINS}
    done = subprocess.run(["ip", "netns", "exec", node.netns, f"{PLUGINS}/{plugin['type']}"],
                          input=json.dumps(runtime), env=env, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def nodes(make_cloud):
    """Three nodes on 10.77.0.0/16; the first has a pod: (cloud, pod, daemons)."""
    cloud = make_cloud(3)
    daemons = start_all(cloud, **{"interface.address": ["10.77.0.0/16"],
                                  "interface.address_from": "default"})
    pod = cloud.guest(cloud.hosts[0], "pod")
    ips = addresses()
    assert add(cloud.hosts[0], pod, ips)["ips"][0]["address"] == ips[0]
    return cloud, pod, ips[0].split("/")[0], daemons


def test_a_pod_is_one_more_host_of_the_lan(nodes):
    cloud, pod, address, daemons = nodes
    web1, web2, web3 = cloud.hosts
    for host in web2, web3:
        wait_for(lambda: host.ping(address), 10, f"{host} to reach the pod")
        assert pod.ping(on_tap0(host))
    wait_settled(daemons, 15)
    with member(pod, GROUP, PORT, interface="net1") as listener, \
            multicast_sender(web2) as sender:
        # As if its node had joined; and nobody else is sent anything.
        wait_members(daemons[1], GROUP, "web1", within=10)
        sender.sendto(b"to the pod", (GROUP, PORT))
        assert received(listener) == b"to the pod"
    with member(web3, GROUP, PORT) as listener, \
            multicast_sender(pod, interface="net1") as sender:
        wait_members(daemons[0], GROUP, "web3", within=10)
        sender.sendto(b"from the pod", (GROUP, PORT))
        assert received(listener) == b"from the pod"


def test_a_node_and_its_pod_do_not_hear_each_other(nodes):
    """As the page says."""
    cloud, pod, address, _ = nodes
    web1, web2, _ = cloud.hosts
    wait_for(lambda: web2.ping(address), 10, "the pod to be there")
    assert not web1.ping(address) and not pod.ping(on_tap0(web1))
