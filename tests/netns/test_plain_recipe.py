"""docs/recipes/plain: what the page tells people to write, and to run, works."""

from apps.recipe import recipe
from cloud import program, wait_for
from cloud.vteps import OvsVtep

TAPD, KERNEL, OVS = "10.9.0.10", "10.9.0.20", "10.9.0.21"


def test_the_page_makes_one_ethernet(make_cloud):
    cloud = make_cloud(3)
    tapd, kernel, ovs = cloud.hosts
    changes = {KERNEL: kernel.address, OVS: ovs.address}
    conf = recipe("plain", "/etc/tapd/tap1.conf", changes)
    path = tapd.write("tap1.conf", conf + f'control_socket = "{tapd.path("tap1.sock")}";\n')
    daemon = tapd.start(program("tapd"), "-c", path, log="tap1.log")
    assert tapd.address == TAPD
    kernel.run("sh", "-ec", recipe("plain", "vxlan42", changes))
    OvsVtep(ovs, [])
    commands = recipe("plain", "ovs-vsctl", {OVS: kernel.address, "br0": "tap0"})
    ovs.run("sh", "-ec", f"export OVS_RUNDIR={ovs.path('ovs')}\n{commands}")
    ovs.ip("addr", "add", "10.78.0.21/24", "dev", "tap0")

    def reached():
        return all(host.ping(address, "-M", "do", "-s", "1422")
                   for host in cloud.hosts
                   for address in ("10.78.0.10", "10.78.0.20", "10.78.0.21"))
    wait_for(reached, 15, "all to reach each other")
    done = tapd.run(program("tapctl"), "-s", tapd.path("tap1.sock"), "status")
    assert done.stdout.startswith("network    not sealed: VXLAN 42")
    assert daemon.stop(5) == 0
