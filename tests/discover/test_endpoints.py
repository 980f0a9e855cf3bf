"""Endpoints, and whether this host is among them."""

import ipaddress

import pytest

from discovery.endpoints import Host, endpoints, lists_this_host, source_towards, usable
from discovery.text import Secrets, fit, printable


def test_endpoints_are_sorted_by_number_and_each_once():
    hosts = [Host("10.0.0.10"), Host("10.0.0.9"), Host("b.example"), Host("10.0.0.9"),
             Host("a.example", port=80)]
    assert endpoints(hosts, {4}) == ["a.example:80", "b.example", "10.0.0.9", "10.0.0.10"]


def test_each_port_is_the_hosts_own_or_the_one_given():
    hosts = [Host("10.0.0.1", "fd00::1", 80), Host("10.0.0.2")]
    assert endpoints(hosts, {4, 6}) == ["10.0.0.1:80", "10.0.0.2", "[fd00::1]:80"]
    assert endpoints(hosts, {4, 6}, 9) == ["10.0.0.1:9", "10.0.0.2:9", "[fd00::1]:9"]


@pytest.mark.parametrize("text", [
    "", None, 7, "127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "169.254.0.1",
    "fe80::1", "fe80::1%eth0", "255.255.255.255",
    "300.1.1.1", "1.2.3", "a b", "a;b", "a..b", ".", "a" * 64,
    "x." * 130 + "y", "a\n", "ü.example", "10.0.0.1/24", "10.0.0.1:80"])
def test_what_cannot_be_sent_to(text):
    assert usable(text) is None


@pytest.mark.parametrize("text", ["10.0.0.1", "203.0.113.1", "fd00::1", "2001:db8::1"])
def test_what_can_be_sent_to(text):
    assert usable(text) == ipaddress.ip_address(text)


@pytest.mark.parametrize("text", ["a", "web1.internal", "web-1.example.", "_x.y"])
def test_names_that_can_be_looked_up(text):
    assert usable(text) == text


def test_this_host_is_known_by_its_address_towards_the_others():
    hosts = [Host("10.0.0.1"), Host("10.0.0.2", "fd00::2")]
    own = ipaddress.ip_address("10.0.0.2")
    assert lists_this_host(hosts, lambda address: own) is True
    assert lists_this_host(hosts[:1], lambda address: own) is False
    assert lists_this_host(hosts, lambda address: None) is None
    assert lists_this_host([Host("a.example")], lambda address: own) is None


def test_the_source_towards_loopback_is_loopback():
    assert source_towards(ipaddress.ip_address("127.0.0.5")) == ipaddress.ip_address("127.0.0.1")


def test_a_broadcast_address_has_no_source():
    assert source_towards(ipaddress.ip_address("255.255.255.255")) is None


@pytest.mark.parametrize("text, shown", [
    ("a\n\tb\x1b[0m c", "a b [0m c"), ("x" * 400, "x" * 299 + "…"), ("", "")])
def test_printable_text(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["ü" * 2000, "x" * 1023, "x" * 1024, "€" * 341, "\ud800"])
def test_a_message_fits_what_is_read_of_it(text):
    line = fit(text)
    assert len(line) <= 1024 and line.endswith(b"\n") and line.decode()


def test_an_address_of_the_other_family_is_not_listed():
    assert endpoints([Host("fd00::1", "10.0.0.1")], {4, 6}) == []


def test_old_secrets_are_forgotten():
    secrets = Secrets()
    for i in range(1000):
        secrets.add(f"secret-{i:04}")
    assert secrets.hide("secret-0000 secret-0999") == "secret-0000 ***"
    assert len(secrets._known) < 100


def test_secrets_are_hidden_the_longest_first():
    secrets = Secrets()
    for secret in ("abcdef", "abcdefgh", "x"):
        assert secrets.add(secret) == secret
    assert secrets.hide("x abcdefgh abcdef") == "x *** ***"
