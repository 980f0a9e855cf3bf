"""Names of peers, by /etc/hosts: what is counted are hosts, not addresses."""

import time

import pytest

from cloud import PORT, Tapd, holds, new_secret, wait_for

DEAD = ("10.9.99.1", "10.9.99.2", "fd09::dead")


@pytest.fixture
def hosts(make_cloud):
    """Two hosts, and a daemon for each that is not started: ([host, host], [daemon, …])."""
    cloud = make_cloud(2, family="dual")
    secret = new_secret()
    return cloud.hosts, [Tapd(host, secret, peers=[]) for host in cloud.hosts]


def counts(daemon):
    status = daemon.status()["peers"]
    rows = len(daemon.ctl("peers"))
    # Between the two questions a peer may come up.
    return (status["up"], status["total"]) if rows == status["total"] else rows


def settles(daemon, expected):
    """It comes to these counts, and stays there while all addresses are tried. A name
    that is answered last may be another host until its address is, too."""
    def missed():
        return f"{expected}: {daemon.ctl('peers')}"
    deadline = time.monotonic() + 8
    while True:
        wait_for(lambda: counts(daemon) == expected, deadline - time.monotonic(), missed)
        try:
            return holds(lambda: counts(daemon) == expected, 3, missed)
        except AssertionError:
            if time.monotonic() > deadline:
                raise


def publish(host, *names):
    """Its /etc/hosts: pairs of an address and a name."""
    host.publish([f"{address} {name}" for address, name in names])


def start(daemons, **hosts):
    """All with these hosts in /etc/hosts, and with their names as peers."""
    for daemon in daemons:
        publish(daemon.host, *[(address, name) for name, addresses in hosts.items()
                                for address in addresses])
        daemon.configure(peers=list(hosts))
    for daemon in daemons:
        daemon.start()


def test_a_name_whose_second_address_is_dead(hosts):
    (web1, web2), daemons = hosts
    start(daemons, web1=[web1.address, DEAD[0]], web2=[DEAD[1], web2.address, DEAD[2]])
    for daemon in daemons:
        settles(daemon, (1, 1))


@pytest.mark.parametrize("listen", [None, "address"])
def test_the_own_name_is_127_0_1_1(hosts, listen):
    """As Debian has it; also where tapd listens at the outer address alone."""
    (web1, web2), daemons = hosts
    for daemon in daemons:
        others = {"web1": [web1.address], "web2": [web2.address]}
        others[daemon.host.name] = ["127.0.1.1", DEAD[0]]
        publish(daemon.host, *[(address, name) for name, addresses in others.items()
                                for address in addresses])
        daemon.configure(peers=["web1", "web2"],
                         listen=[f"{daemon.host.address4}:{PORT}"] if listen else None)
    for daemon in daemons:
        daemon.start()
    for daemon in daemons:
        settles(daemon, (1, 1))


def test_a_dual_stack_name(hosts):
    (web1, web2), daemons = hosts
    start(daemons, web1=[web1.address4, web1.address6], web2=[web2.address6, web2.address4])
    for daemon in daemons:
        settles(daemon, (1, 1))


def test_two_names_of_one_host_and_its_address(hosts):
    (web1, web2), daemons = hosts
    daemons[1].start()
    publish(daemons[0].host, (web2.address4, "web2"), (web2.address6, "also"), (DEAD[0], "also"))
    daemons[0].configure(peers=["web2", "also", web2.address4])
    daemons[0].start()
    settles(daemons[0], (1, 1))


def test_a_host_that_is_dead_is_one_whatever_its_addresses(hosts):
    (web1, web2), daemons = hosts
    start(daemons, web1=[web1.address], web2=[web2.address], web9=list(DEAD))
    for daemon in daemons:
        settles(daemon, (1, 2))


def test_one_name_of_many_hosts_counts_each(make_cloud):
    """All have the same list, themselves among them, and one that is dead."""
    cloud = make_cloud(5)
    secret = new_secret()
    daemons = [Tapd(host, secret, peers=["cluster"]) for host in cloud.hosts]
    for daemon in daemons:
        publish(daemon.host, *[(host.address, "cluster") for host in cloud.hosts],
                              (DEAD[0], "cluster"))
    daemons[0].start()
    settles(daemons[0], (0, 1))
    for daemon in daemons[1:]:
        daemon.start()
    for daemon in daemons:
        settles(daemon, (4, 4))
