"""The NATs of the other tests, without tapd: what the boxes do is theirs."""

import contextlib
import socket

import pytest

from cloud.nat import Nat
from cloud.sockets import udp_socket

PORT = 8273


@pytest.fixture
def lab(make_cloud):
    """lab(kind, …) → (what stands outside, a host behind each NAT)."""
    cloud = make_cloud(3)

    def make(*kinds):
        return cloud.hosts[:3], [Nat(cloud, kind).host(f"inside{number}")
                                 for number, kind in enumerate(kinds)]
    return make


@contextlib.contextmanager
def opened(*hosts, port=PORT):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(udp_socket(host, port=port)) for host in hosts]


def gets(target, source, address):
    """Whether what source sends to that address gets to target."""
    target.settimeout(0.3)
    source.sendto(b"to you", address)
    with contextlib.suppress(TimeoutError):
        return bool(target.recv(100))
    return False


def mapped(inside, outside):
    """Where each of those outside sees the socket inside."""
    found = []
    for sock, host in outside:
        inside.sendto(b"here", (host.address, PORT))
        sock.settimeout(2)
        found.append(sock.recvfrom(100)[1])
    return found


def test_a_preserving_one_lets_in_only_whom_its_host_has_sent_to(lab):
    outside, (web,) = lab("preserving")
    with opened(web, *outside) as (inside, *socks), opened(outside[0], port=9999) as (other,):
        places = mapped(inside, list(zip(socks[:2], outside)))
        assert places == [(web.box.address, PORT)] * 2
        assert gets(inside, socks[0], places[0])
        assert not gets(inside, other, places[0]), "another port of the same host"
        assert not gets(inside, socks[2], places[0]), "another host"


def test_a_symmetric_one_has_a_port_for_each_destination(lab):
    outside, (web,) = lab("random")
    with opened(web, *outside) as (inside, *socks):
        places = mapped(inside, list(zip(socks, outside)))
        assert {address for address, _ in places} == {web.box.address}
        assert len({port for _, port in places}) > 1 and PORT not in {p for _, p in places}
        assert gets(inside, socks[0], places[0])
        assert not gets(inside, socks[0], places[1]) and not gets(inside, socks[1], places[0])


def test_a_cone_lets_in_everybody(lab):
    outside, (web,) = lab("cone")
    with opened(web, *outside) as (inside, *socks):
        assert mapped(inside, list(zip(socks, outside))) == [(web.box.address, PORT)] * 3
    with opened(web, outside[0], port=PORT) as (inside, sock):
        web.box.forget()
        assert gets(inside, sock, (web.box.address, PORT))


def punched(lab, *kinds, spoil=lambda box: None):
    """Two hosts behind NATs send to where a third one sees the other; who hears whom."""
    (seer, *_), webs = lab(*kinds)
    for web in webs:
        spoil(web.box)
    with opened(*webs, seer) as (*socks, sock):
        places = [mapped(inside, [(sock, seer)])[0] for inside in socks]
        for _ in range(2):  # the first opens the sender's own NAT
            for inside, place in zip(socks, reversed(places)):
                inside.sendto(b"punch", place)
        heard = []
        for inside in socks:
            inside.settimeout(0.3)
            try:
                heard.append(bool(inside.recv(100)))
            except TimeoutError:
                heard.append(False)
        return heard


@pytest.mark.parametrize("kinds, works", [
    (("preserving", "preserving"), True), (("preserving", "cone"), True),
    (("random", "preserving"), False), (("random", "random"), False)], ids=str)
def test_what_two_of_them_let_through(lab, kinds, works):
    assert punched(lab, *kinds) == [works, works]


def test_a_box_that_accepts_what_comes_to_itself_cannot_be_punched(lab):
    assert not all(punched(lab, "preserving", "preserving", spoil=Nat.accept_at_the_box))


def test_two_hosts_behind_one_do_not_meet_by_its_outer_address(lab):
    (seer, *_), (web,) = lab("preserving")
    second = web.box.host("second")
    with opened(web, second, seer) as (one, two, sock):
        places = [mapped(inside, [(sock, seer)])[0] for inside in (one, two)]
        assert places[0] == (web.box.address, PORT)
        assert places[1][0] == web.box.address and places[1][1] != PORT
        assert not gets(two, one, places[1]), "it does not hairpin"
        assert gets(two, one, (second.address, PORT))


def test_one_that_begins_again_knows_nothing(lab):
    (seer, *_), (web,) = lab("preserving")
    with opened(web, seer) as (inside, sock):
        place, = mapped(inside, [(sock, seer)])
        assert gets(inside, sock, place)
        web.box.forget()
        assert not gets(inside, sock, place)
        assert mapped(inside, [(sock, seer)]) == [place] and gets(inside, sock, place)
        web.box.renumber("10.9.1.99")
        assert mapped(inside, [(sock, seer)]) == [("10.9.1.99", PORT)]
        assert not gets(inside, sock, place)
