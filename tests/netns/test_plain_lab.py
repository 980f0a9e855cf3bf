"""The plain hosts of the other tests, without tapd: what they do is theirs."""

import pytest

from cloud import Audience, interface_mac
from cloud.frames import BROADCAST, frame
from cloud.streams import streams
from cloud.vteps import PlainHosts


@pytest.mark.parametrize("kind, family, mtu", [("vxlan", "v4", 1450), ("vxlan", "v6", 1430),
                                               ("gre", "v4", 1458)])
def test_the_kernel_and_open_vswitch_make_one_ethernet(make_cloud, kind, family, mtu):
    runs = ["ovs", "ovs"] if kind == "gre" else ["kernel", "ovs", "kernel-partial",
                                                 "kernel-bridged"]
    lab = PlainHosts(make_cloud(len(runs), family=family), runs, kind=kind)
    lab.wait_reached()
    assert lab.mtu == mtu
    assert not lab.unreached("-M", "do", "-s", mtu - 28)
    with Audience(lab.hosts) as audience:
        for host in lab.hosts:
            octets = frame(BROADCAST, interface_mac(host), b"to all")
            assert audience.who_gets(host, octets) == \
                {other.name for other in lab.hosts if other is not host}
    first, second = lab.hosts[:2]
    streams((first, second, second.tap4), (second, first, first.tap6))
