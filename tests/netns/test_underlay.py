"""Underlays: IPv6, names with both families, one configuration for all hosts."""

import os

import pytest

from cloud import Tapd, conf_text, holds, new_secret, start_all, wait_for, wait_mesh


def pings_all(hosts):
    return all(a.ping(b.tap4) for a in hosts for b in hosts)


def test_an_ipv6_underlay(make_cloud):
    cloud = make_cloud(3, family="v6")
    daemons = start_all(cloud)
    assert pings_all(cloud.hosts)
    for peer in daemons[0].ctl("peers"):
        assert peer["endpoint"].startswith("[fd09::") and peer["endpoint"].endswith("]:8273")


def test_an_ipv4_endpoint_prints_as_one(trio):
    """The socket is dual-stack and knows it as ::ffff:10.9.0.11."""
    cloud, (web1, _, _) = trio
    assert {peer["endpoint"] for peer in web1.ctl("peers")} == \
        {f"{host.address4}:8273" for host in cloud.hosts[1:]}


def test_names_with_both_families_make_one_peer_each(make_cloud):
    cloud = make_cloud(3, family="dual")
    daemons = start_all(cloud, peers=[f"{h.name}.internal" for h in cloud.hosts])

    def one_each():
        return all(d.status()["peers"] == {"total": 2, "up": 2} and len(d.ctl("peers")) == 2
                   for d in daemons)
    wait_for(one_each, 10, "two peers each, and no third entry")
    holds(one_each, 5, "one entry a peer")
    for daemon in daemons:
        assert "duplicate" not in daemon.process.log()
    assert pings_all(cloud.hosts)


def test_a_name_with_both_families_fails_over_between_them(make_cloud):
    cloud = make_cloud(2, family="dual")
    web1, _ = start_all(cloud, peers=[f"{h.name}.internal" for h in cloud.hosts])
    name = cloud.hosts[1].name
    was_v4 = not web1.peers()[name]["endpoint"].startswith("[")
    cloud.add_rule(f"meta nfproto {'ipv4' if was_v4 else 'ipv6'} drop")
    wait_for(lambda: web1.peer_state(name_of := cloud.hosts[1]) == "up"
             and web1.peer(name_of)["endpoint"].startswith("[") == was_v4, 15,
             "the peer over the other family")
    assert pings_all(cloud.hosts)


@pytest.mark.parametrize("listed", [3, 1], ids=["all", "one seed"])
def test_one_file_on_all_hosts(make_cloud, listed):
    """The very same bytes: paths, names and addresses differ by the host alone."""
    cloud = make_cloud(3, family="dual")
    secret = new_secret()
    place = f"{cloud.directory}/place"
    os.mkdir(place)
    daemons = []
    texts = set()
    for host in cloud.hosts:
        daemon = Tapd(host, secret, [h.address for h in cloud.hosts[:listed]], name=None, **{
            "interface.address": ["10.77.0.0/24", "fd77::/64"],
            "interface.address_from": "default", "secret_file": f"{place}/tap0.secret",
            "key_file": f"{place}/tap0.key", "control_socket": f"{place}/tap0.sock"})
        texts.add(conf_text(daemon.settings))
        # Its own files at the path that the file names, and its own host name.
        daemon.launch("unshare", "--mount", "--uts", "sh", "-c",
                      f"hostname {host.name} && mount --bind {host.directory} {place} "
                      '&& exec "$@"', "sh")
        daemons.append(daemon)
    assert len(texts) == 1
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons)
    assert daemons[0].up() == {"web2", "web3"}
    assert all(d.status()["peers"]["total"] == 2 for d in daemons), "nobody lists itself"
    for i, host in enumerate(cloud.hosts):
        assert f"10.77.0.{10 + i}/24" in host.ip("addr", "show", "dev", "tap0")
    assert cloud.hosts[0].reaches("10.77.0.12")


def test_one_side_needs_to_know_the_other(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    web1 = Tapd(cloud.hosts[0], secret, peers=[]).start()
    web2 = Tapd(cloud.hosts[1], secret, peers=[cloud.hosts[0].address]).start()
    wait_mesh([web1, web2])
    assert pings_all(cloud.hosts)


def link(web1, web2):
    """A cable between the two, l0 on both sides."""
    web1.ip("link", "add", "l0", "type", "veth", "peer", "name", "l0", "netns", web2.netns)
    for number, host in enumerate((web1, web2), 1):
        host.ip("addr", "add", f"fe80::77:{number}/64", "dev", "l0", "nodad")
        host.ip("link", "set", "l0", "up")


def test_a_peer_at_a_link_is_found_again_when_the_link_is_made_again(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    web1, web2 = (Tapd(host, secret, peers=peers).start() for host, peers in zip(
        cloud.hosts, (["[fe80::77:2%l0]:8273"], [])))
    web1.process.wait_log("fe80::77:2%l0")
    link(*cloud.hosts)
    wait_mesh([web1, web2], 15)
    index = cloud.hosts[0].ifindex("l0")
    cloud.hosts[0].ip("link", "del", "l0")
    cloud.hosts[0].ip("link", "add", "other", "type", "veth", "peer", "name", "other2")
    link(*cloud.hosts)
    assert cloud.hosts[0].ifindex("l0") != index
    web1.wait_up(web2, within=15)
    wait_for(lambda: f"%{cloud.hosts[0].ifindex('l0')}]" in web1.peer(web2)["endpoint"], 15,
             "the new link to be used")
    assert pings_all(cloud.hosts)


def test_another_port(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud, listen=["0.0.0.0:9999"],
                        peers=[f"{h.address}:9999" for h in cloud.hosts])
    assert daemons[0].ctl("peers")[0]["endpoint"].endswith(":9999")


@pytest.mark.parametrize("listen", [None, ["0.0.0.0:8273"]])
def test_a_host_without_ipv6(make_cloud, listen):
    cloud = make_cloud(2)
    cloud.hosts[0].sysctl(net__ipv6__conf__all__disable_ipv6=1,
                          net__ipv6__conf__default__disable_ipv6=1)
    secret = new_secret()
    daemons = [Tapd(host, secret, listen=listen,
                    **{"interface.address": [f"{host.tap4}/24"]}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    assert pings_all(cloud.hosts)


def test_a_host_that_changes_its_address_is_followed(trio):
    cloud, daemons = trio
    web2 = cloud.hosts[1]
    cloud.router.ip("route", "add", "10.9.0.99/32", "dev", "web2")
    web2.ip("addr", "add", "10.9.0.99/32", "dev", "eth0")
    web2.ip("route", "replace", "default", "via", "10.9.0.1", "dev", "eth0", "src", "10.9.0.99")
    web2.ip("addr", "del", f"{web2.address}/32", "dev", "eth0")
    wait_for(lambda: (daemons[0].peer(web2) or {}).get("endpoint") == "10.9.0.99:8273", 10,
             "web1 to see web2 at its new address")
    wait_for(lambda: cloud.hosts[0].ping(web2.tap4), 5, "ping")
    assert daemons[0].status()["peers"]["up"] == 2
