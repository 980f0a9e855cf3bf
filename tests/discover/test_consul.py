"""Consul."""

import pytest

from fake import Answer
from fake_consul import instance


@pytest.fixture
def fleet(consul):
    consul.instances = [
        instance("10.0.0.1"),
        instance("", node_address="10.0.0.2", port=0, tags=["blue"]),
        instance("10.0.0.3", passing=False),
        instance("10.0.0.4", service="web"),
        instance("web5.internal", port=9000),
        instance("fd00::6", tagged={"lan_ipv4": "10.0.0.6", "wan": "203.0.113.6"}),
    ]
    return consul


@pytest.mark.parametrize("arguments, found", [
    ([], ["web5.internal:9000", "10.0.0.1:8273", "10.0.0.2", "10.0.0.6:8273"]),
    (["service=web"], ["10.0.0.4:8273"]),
    (["tag=blue"], ["10.0.0.2"]),
    (["tag=blue", "--port", "99"], ["10.0.0.2:99"]),
    (["dc=dc1", "tag=blue"], ["10.0.0.2"]),
    (["--ipv6"], ["web5.internal:9000", "[fd00::6]:8273"]),
    (["address=wan", "tag=blue"], ["10.0.0.2"]),
    (["address=wan", "--port", "1"], ["web5.internal:1", "10.0.0.1:1", "10.0.0.2:1",
                                      "203.0.113.6:1"]),
])
def test_what_is_asked_for_is_listed(fleet, run, arguments, found):
    result = run("consul", *arguments, fake=fleet)
    assert (result.status, result.endpoints) == (0, found)


@pytest.mark.parametrize("address", ["127.0.0.1", "a b", "-", "..", "1.2.3", "x" * 70, "",
                                     "a.b." * 80])
def test_addresses_that_are_none_are_left_out(consul, run, address):
    consul.instances = [instance(address, node_address=address), instance("10.0.0.1", port=0)]
    found = run("consul", fake=consul).endpoints
    assert found == ["10.0.0.1"] or address == "-"


def test_a_token_is_sent(fleet, run, tmp_path):
    fleet.tokens = {"b1gs33cr3t": True}
    fleet.secrets = {"b1gs33cr3t"}
    assert run("consul", fake=fleet, environment={"CONSUL_HTTP_TOKEN": "b1gs33cr3t"}).status == 0
    file = tmp_path / "token"
    file.write_text("b1gs33cr3t\n")
    assert run("consul", fake=fleet, environment={"CONSUL_HTTP_TOKEN_FILE": str(file)}).status == 0


def test_a_token_that_is_not_known_is_said(fleet, run):
    fleet.tokens = {}
    result = run("consul", fake=fleet, environment={"CONSUL_HTTP_TOKEN": "t0ken-of-yesterday"})
    assert result.status == 1 and "t0ken-of-yesterday" not in result.error
    assert "does not know the ACL token" in result.error and "service:read" in result.error


def test_a_missing_right_is_named(fleet, run):
    fleet.plan("/v1/.*", Answer(403, "Permission denied: anonymous token lacks permission "
                                     "'service:read' on \"tapd\""))
    result = run("consul", fake=fleet)
    assert result.status == 1
    for words in ("Permission denied", "service:read", "node:read", "CONSUL_HTTP_TOKEN"):
        assert words in result.error


def test_what_is_kept_back_is_not_taken_for_nothing(fleet, run):
    fleet.tokens = {"anonymous": False}
    result = run("consul", fake=fleet)
    assert result.status == 0 and result.endpoints == []
    assert "keeps instances back" in result.error and "service:read" in result.error


@pytest.mark.parametrize("content, why", [(None, "No such file"), (b"\xff\xfe", "it is no text")])
def test_a_file_that_holds_no_token_is_said(fleet, run, tmp_path, content, why):
    file = tmp_path / "token"
    if content:
        file.write_bytes(content)
    result = run("consul", fake=fleet, environment={"CONSUL_HTTP_TOKEN_FILE": str(file)})
    assert result.status == 1 and why in result.error


@pytest.mark.parametrize("token", ["a\nX-Evil: yes", "grüße-von-üb€rall"])
def test_a_token_that_no_header_can_hold_is_not_shown(fleet, run, token):
    result = run("consul", fake=fleet, environment={"CONSUL_HTTP_TOKEN": token})
    assert result.status == 1 and "no HTTP header can" in result.error
    assert "Evil" not in result.error and "rall" not in result.error


def test_other_errors_are_quoted(fleet, run):
    fleet.plan("/v1/.*", Answer(400, "Invalid filter"))
    assert "status 400, Invalid filter" in run("consul", fake=fleet).error


def test_no_agent_is_said(run, clock):
    from fake import Fake
    with Fake(clock) as gone:
        host = gone.host
    result = run("consul", environment={"CONSUL_HTTP_ADDR": host})
    assert "does an agent run there?" in result.error and "CONSUL_HTTP_ADDR" in result.error


def test_a_unix_socket_is_said(run):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": "unix:///run/consul.sock"})
    assert result.status == 1 and "Unix socket" in result.error


@pytest.mark.parametrize("entry", [None, 7, {}, {"Node": []}, {"Node": {"Address": 7}},
                                   {"Service": {"Port": "8273"}},
                                   {"Service": {"TaggedAddresses": {"lan_ipv4": None}}}])
def test_lists_of_another_shape_harm_nothing(fleet, run, entry):
    fleet.plan("/v1/.*", Answer(200, [entry]))
    result = run("consul", fake=fleet)
    assert (result.status, result.endpoints) == (0, [])
