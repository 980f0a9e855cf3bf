"""tapctl peers NAME: all there is to know of a peer."""

import pytest

from cloud import member, program, start_all, wait_for

GROUP = "239.7.8.9"


@pytest.fixture(scope="module")
def three(make_module_cloud):
    return start_all(make_module_cloud(3))


def details(daemon, which):
    done = daemon.host.run(program("tapctl"), "-s", daemon.socket, "peers", which, check=False)
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    return done


def test_a_peer_is_meant_by_name_key_or_endpoint(three):
    web1, web2, _ = three
    peer = web1.peer(web2)
    for which in (peer["name"], peer["key"], peer["key"][:8], peer["endpoint"],
                  web2.host.address4):
        assert [p["key"] for p in web1.ctl("peers", which)] == [peer["key"]]
    done = details(web1, "no-such-one")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no peer has that name, key or endpoint: no-such-one" in done.stderr
    assert details(web1, "").returncode == 1
    assert details(web1, "x" * 300).returncode == 1


def test_it_has_paths_sessions_and_groups(three):
    web1, web2, _ = three
    with member(web2.host, GROUP, 7000):
        def settled():
            [peer] = web1.ctl("peers", web2.host.name)
            return peer if peer["groups"] and not peer["gets_all"] else None
        peer = wait_for(settled, 15, "the group to be known, and no other to be sent")
        text = details(web1, web2.host.name).stdout
    assert peer["groups"] == [{"group": GROUP, "vlan": 0}]
    assert peer["groups_total"] == 1
    assert peer["state"] == "up"
    used = [path for path in peer["paths"] if path["state"] == "used"]
    assert [path["remote"] for path in used] == [peer["endpoint"]]
    assert used[0]["datagram_size"] == peer["datagram_size"] <= used[0]["size_max"]
    assert [s["open"] for s in peer["sessions"] if s["used"]] == [True]
    assert sum(s["sent"] for s in peer["sessions"]) > 0
    assert peer["tap_mac"] == web2.status()["interface"]["mac"]
    # What a row of all peers has is there too.
    assert web1.peer(web2).keys() < peer.keys()
    for piece in (peer["key"], peer["endpoint"], peer["tap_mac"], GROUP, "found by", "sessions"):
        assert piece in text


def test_a_host_that_does_not_answer_has_what_is_known(three):
    web1, *_ = three
    web1.configure(peers=[web1.host.cloud.hosts[1].address, "10.9.0.77"])
    web1.ctl("reload")
    try:
        [peer] = web1.ctl("peers", "10.9.0.77")
        assert (peer["paths"], peer["sessions"], peer["groups"]) == ([], [], [])
        assert peer["state"] == "connecting"
        assert "found by   peers" in details(web1, "10.9.0.77:8273").stdout
    finally:
        web1.configure(peers=[host.address for host in web1.host.cloud.hosts])
        web1.ctl("reload")
