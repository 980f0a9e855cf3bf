"""Members go on receiving whatever happens to tapd, to its TAP, and to its queries."""

import select
import signal

import pytest

from cloud import (Audience, Stream, counters, interface_mac, member, wait_for, wait_members,
                   wait_mesh, wait_settled)
from cloud.frames import BROADCAST, ETHERTYPE, Wire, frame
from cloud.reports import QUERIER_MAC, group_frame, is_report

GROUP, PORT = "239.77.1.1", 7100
# Drops every query, and lets in what the tunnel and the application need.
FIREWALL = """table inet firewall {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        udp dport { 8273, 7100 } accept
    }
}
"""


@pytest.fixture
def settled(trio):
    cloud, daemons = trio
    wait_settled(daemons)
    return cloud.hosts, daemons


def gaps(got):
    return [(one, other) for one, other in zip(got, got[1:]) if other != one + 1]


# ---- tapd dies ----

@pytest.mark.parametrize("dies", ["member", "sender"])
def test_a_stream_goes_on_after_tapd_was_killed(settled, dies):
    """With the application's sockets as they were; members-only again soon."""
    (web1, web2, web3), daemons = settled
    victim = daemons[1 if dies == "member" else 0]
    with member(web2, GROUP, PORT) as receiver, Stream(web1, GROUP, PORT) as stream:
        wait_members(daemons[0], GROUP, web2)
        stream.wait_sent(50)
        victim.kill()
        stream.wait_sent(50)
        victim.start()
        wait_mesh(daemons)
        wait_settled(daemons)
        wait_members(daemons[0], GROUP, web2)
        stream.wait_sent(50)
        got = stream.finish(receiver)
        assert len(gaps(got)) == 1, f"only while tapd was not there: {gaps(got)}"
    octets = group_frame(interface_mac(web1), GROUP, b"after")
    with member(web2, GROUP, PORT), Audience([web1, web2, web3]) as audience:
        wait_members(daemons[0], GROUP, web2)
        assert audience.who_gets(web1, octets) == {"web2"}


def test_tap0_down_and_up_again(settled):
    (web1, web2, web3), daemons = settled
    octets = group_frame(interface_mac(web1), GROUP, b"after")
    with member(web2, GROUP, PORT):
        wait_members(daemons[0], GROUP, web2)
        web2.ip("link", "set", "tap0", "down")
        wait_for(lambda: daemons[1].status()["multicast"]["wants_all"], 3, "it to know nothing")
        web2.ip("link", "set", "tap0", "up")
        wait_settled(daemons)
        wait_members(daemons[0], GROUP, web2)
        with Audience([web1, web2, web3]) as audience:
            assert audience.who_gets(web1, octets) == {"web2"}


# ---- a firewall ----

def test_a_firewall_that_drops_queries_costs_no_member_that_joined_later(settled):
    (web1, web2, web3), daemons = settled
    web2.cloud.nft(FIREWALL, web2)
    with member(web2, GROUP, PORT) as receiver:
        wait_members(daemons[0], GROUP, web2)
        with Stream(web1, GROUP, PORT) as stream:
            # A new host is asked soon after its first report, and says nothing.
            wait_for(lambda: any("firewall" in text for text in daemons[1].status()["warnings"]),
                     20, lambda: f"a warning: {daemons[1].status()}")
            assert daemons[0].group(GROUP)["members"] == ["web2"]
            stream.wait_sent(100)
            assert stream.finish(receiver) == list(range(stream.sent))
    wait_members(daemons[0], GROUP, within=6)  # that it left, it can say


def joined_and_silent(host):
    """A member that has reported its join twice, and says no more unless asked."""
    said = []
    with Wire(host, only=0x0800, own=True) as own:
        receiver = member(host, GROUP, PORT)

        def spoken():
            said.extend(f for f in own.pending() if is_report(f))
            return len(said) >= 2
        wait_for(spoken, 3, "both reports")
    return receiver


def test_a_firewall_that_drops_queries_costs_no_member_that_joined_before(settled):
    """A tapd that starts anew never hears of it, and so wants everything."""
    (web1, web2, web3), daemons = settled
    octets = group_frame(interface_mac(web1), GROUP, b"to whom it may concern")
    with joined_and_silent(web2) as receiver, Wire(web2, only=0x0800) as asked:
        web2.cloud.nft(FIREWALL, web2)
        daemons[1].kill()
        asked.pending()
        daemons[1].start()
        wait_mesh(daemons)
        with Stream(web1, GROUP, PORT) as stream:
            queries = []

            def both_asked():
                queries.extend(f for f in asked.pending() if f[6:12].hex(":") == QUERIER_MAC)
                return len(queries) >= 2
            wait_for(both_asked, 4, "two queries")
            stream.wait_sent(700)  # meanwhile they run out
            assert daemons[0].group(GROUP) is None, "it was not reported again"
            assert stream.finish(receiver) == list(range(stream.sent))
        assert any("firewall" in text for text in daemons[1].status()["warnings"])
        with Audience([web1, web2, web3]) as audience:
            assert audience.who_gets(web1, octets) == {"web2"}


# ---- a TAP that overflows ----

def overflow(daemon, during):
    """Its TAP's queue is full while `during` runs, so what that sends is lost."""
    host = daemon.host
    host.ip("link", "set", "tap0", "txqueuelen", 16)
    before = counters(host, "tap0")["tx"]["dropped"]
    daemon.process.signal(signal.SIGSTOP)
    try:
        with Wire(host) as wire:
            for _ in range(40):
                wire.send(frame(BROADCAST, interface_mac(host), bytes(46), ETHERTYPE))
        during()
    finally:
        daemon.process.signal(signal.SIGCONT)
    assert counters(host, "tap0")["tx"]["dropped"] > before


def test_a_join_whose_reports_found_the_tap_full_is_heard_of_in_the_end(settled):
    (web1, web2, web3), daemons = settled
    receivers = []
    with Stream(web1, GROUP, PORT) as stream:
        overflow(daemons[1], lambda: receivers.append(joined_and_silent(web2)))
        with receivers[0] as receiver:
            wait_for(lambda: select.select([receiver], [], [], 0)[0], 3, "a first datagram")
            wait_members(daemons[0], GROUP, web2, within=6)
            got = stream.finish(receiver)
    assert gaps(got) == [], "none is lost once the loss was noticed"


def test_a_tap_that_overflowed_wants_everything_until_asked_again(settled):
    (web1, web2, web3), daemons = settled
    octets = group_frame(interface_mac(web1), GROUP, b"in doubt to web2")
    with Audience([web1, web2, web3]) as audience:
        assert audience.who_gets(web1, octets) == set()
        overflow(daemons[1], lambda: None)
        audience.wait_gets(web1, octets, {"web2"}, within=3)
        audience.wait_gets(web1, octets, set(), within=6)


def test_members_outlive_an_overflow_behind_a_firewall(settled):
    """They are asked again, and cannot answer."""
    (web1, web2, _), daemons = settled
    web2.cloud.nft(FIREWALL, web2)
    with joined_and_silent(web2) as receiver:
        wait_members(daemons[0], GROUP, web2)
        with Stream(web1, GROUP, PORT) as stream:
            overflow(daemons[1], lambda: None)
            wait_for(lambda: daemons[1].status()["multicast"]["wants_all"], 3, "the doubt")
            wait_settled(daemons)
            wait_members(daemons[0], GROUP, web2)
            stream.wait_sent(100)
            assert stream.finish(receiver) == list(range(stream.sent))
