"""Servers that are slow, busy, broken or others than was thought: with any provider."""

import email.utils
import threading
import time

import pytest

from fake import PAGE, Answer, Fake, addresses, cut, drip, noise, slow
from populations import KINDS, THREE

WITH_METADATA = ["ec2", "gce", "azure"]


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def fake(kind, request):
    """The provider's, with three hosts."""
    fake = request.getfixturevalue(kind.arguments[0])
    kind.populate(fake, THREE)
    return fake


def test_hosts_are_listed(kind, fake, run):
    result = run(*kind.arguments, fake=fake)
    assert (result.status, result.endpoints, result.error) == (0, THREE, "")


def test_every_request_says_whose_it_is(kind, fake, run):
    run(*kind.arguments, fake=fake)
    assert {asked.headers["User-Agent"] for asked in fake.asked} == {"tapd-discover"}


def test_1500_hosts_come_in_pages(kind, fake, run):
    kind.populate(fake, addresses(1500))
    result = run(*kind.arguments, "--port", "8273", fake=fake)
    assert sorted(result.endpoints) == sorted(f"{each}:8273" for each in addresses(1500))
    pages = {"ec2": 3, "gce": 3, "azure": 2, "consul": 1}
    assert fake.count(kind.api) == pages[kind.arguments[0]]


def test_an_empty_answer_is_one(kind, fake, run):
    kind.populate(fake, [])
    result = run(*kind.arguments, fake=fake)
    assert (result.status, result.endpoints) == (0, [])
    assert "web" in result.error or "tapd" in result.error


def test_an_answer_without_this_host_says_so(kind, fake, run):
    result = run(*kind.arguments, fake=fake, source=lambda address: "10.77.0.1")
    assert (result.status, result.endpoints) == (0, THREE)
    assert "this host is not among those that match" in result.error


@pytest.mark.parametrize("name, word", [("ec2", "address=public"), ("gce", "address=public"),
                                        ("consul", "address=wan")])
def test_public_addresses_are_not_this_hosts_own(name, word, request, run):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, ["203.0.113.1"])
    for each in fake.instances:
        each["public"] = "203.0.113.1"
    result = run(*KINDS[name].arguments, word, fake=fake, source=lambda address: "10.0.0.1")
    assert (result.endpoints, result.error) == (["203.0.113.1"], "")


def test_no_route_there_says_nothing_of_this_host(kind, fake, run):
    assert run(*kind.arguments, fake=fake, source=lambda address: None).error == ""


# ---- busy ----

@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(kind, fake, run, clock, status):
    fake.plan(kind.api, Answer(status), Answer(status))
    assert run(*kind.arguments, fake=fake).endpoints == THREE
    assert clock.slept == sorted(clock.slept) and len(clock.slept) == 2


def test_retry_after_in_seconds_is_kept_to(kind, fake, run, clock):
    fake.plan(kind.api, Answer(503, headers={"Retry-After": "7"}))
    assert run(*kind.arguments, fake=fake).endpoints == THREE
    assert [round(each) for each in clock.slept] == [7]


def test_retry_after_as_a_date_is_kept_to(kind, fake, run, clock):
    date = email.utils.formatdate(clock.now() + 8, usegmt=True)
    fake.plan(kind.api, Answer(429, headers={"Retry-After": date}))
    assert run(*kind.arguments, fake=fake).endpoints == THREE
    assert len(clock.slept) == 1 and 2 < clock.slept[0] < 9


@pytest.mark.parametrize("words", ["soon", "-5", "9" * 40, "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_means_nothing_harms_nothing(kind, fake, run, clock, words):
    fake.plan(kind.api, *[Answer(503, headers={"Retry-After": words})] * 2)
    result = run(*kind.arguments, fake=fake)
    assert result.endpoints == THREE or "busy" in result.error


def test_who_may_come_back_in_an_hour_does_not_wait(kind, fake, run, clock):
    fake.plan(kind.api, Answer(429, headers={"Retry-After": "3600"}))
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1 and clock.slept == []
    assert "busy" in result.error and "asked again in 3600 s" in result.error


def test_a_server_that_stays_busy_is_left_within_the_limit(kind, fake, run, clock):
    fake.plan(kind.api, *[Answer(503)] * 50)
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1 and sum(clock.slept) < 15
    assert "busy (HTTP status 503)" in result.error
    assert 3 < fake.count(kind.api) < 10


def test_a_second_page_that_is_busy_is_asked_again(run, ec2):
    KINDS["ec2"].populate(ec2, THREE)
    ec2.page_most = 1
    ec2.plan("/", Answer(200, ec2_page(THREE[0], "page-1")), Answer(503))
    assert run("ec2", "tag:cluster=web", fake=ec2).endpoints == THREE


def ec2_page(address, token):
    from fake_ec2 import instance, listed
    return listed([instance(address)], token)


# ---- broken ----

GARBAGE = {
    "empty": b"", "open object": b"{", "open tag": b"<a", "bytes": b"\x00\xff\xfe\x01",
    "word": b"OK", "null": b"null", "open lists": b"[[[[", "deep lists": b"[" * 100000,
    "deep tags": b"<a>" * 5000, "UTF-16": b"\xff\xfe<\x00a\x00", "no UTF-8": b'{"a": "\xff"}',
    "number": b"123", "text": b'"text"', "object": b"{}"}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_an_error_that_says_so(kind, fake, run, body):
    fake.plan(kind.api, *[Answer(200, body)] * 9)
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1
    assert "answered" in result.error


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_web_page_is_an_error_that_says_so(kind, fake, run, status):
    fake.plan(kind.api, Answer(status, PAGE.body, PAGE.headers))
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1
    assert "web page (HTML" in result.error


def test_a_web_page_of_no_kind_is_known_by_its_start(kind, fake, run):
    fake.plan(kind.api, Answer(200, "\ufeff \n<HTML><title>Proxy</title>"))
    assert "web page" in run(*kind.arguments, fake=fake).error


def test_an_answer_that_is_cut_is_asked_for_again(kind, fake, run):
    fake.plan(kind.api, cut(b"<Descr"), cut(b""))
    assert run(*kind.arguments, fake=fake).endpoints == THREE


def test_answers_that_are_always_cut_are_an_error(kind, fake, run):
    fake.plan(kind.api, *[cut(b'[{"Node": ')] * 50)
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1 and "cut off" in result.error


def test_chunks_that_end_early_are_cut(kind, fake, run):
    fake.plan(kind.api, *[Answer(raw=lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n"))] * 50)
    assert "cut off" in run(*kind.arguments, fake=fake).error


@pytest.mark.parametrize("length", ["²", "9" * 5000, "x", "-1", ""],
                         ids=["sup", "long", "word", "minus", "none"])
def test_a_length_that_is_no_number_harms_nothing(kind, fake, run, length):
    fake.plan(kind.api, Answer(raw=lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n[7]" % length.encode("latin-1"))))
    run(*kind.arguments, fake=fake)  # asked again, or an error; no bug, which run finds


def test_chunks_have_the_last_word_on_the_length(kind, fake, run):
    fake.plan(kind.api, Answer(raw=lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\n[7]\r\n0\r\n\r\n")))
    assert "cut off within" not in run(*kind.arguments, fake=fake).error


def test_a_server_of_another_protocol_is_named(kind, fake, run):
    fake.plan(kind.api, *[noise()] * 9)
    assert "does not speak HTTP" in run(*kind.arguments, fake=fake).error


def test_a_server_that_only_hangs_up_is_an_error(kind, fake, run):
    fake.plan(kind.api, *[Answer(raw=lambda handler: None)] * 9)
    assert "closed the connection" in run(*kind.arguments, fake=fake).error


def test_an_answer_has_a_largest_size(kind, fake, run):
    fake.plan(kind.api, Answer(200, b" " * (17 << 20)))
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1 and "more than" in result.error


def test_an_endless_header_is_no_answer(kind, fake, run):
    fake.plan(kind.api, *[Answer(raw=lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10000))] * 9)
    assert run(*kind.arguments, fake=fake).status == 1


# ---- slow ----

def test_a_server_that_is_slow_once_is_asked_again(kind, fake, run, impatient):
    fake.plan(kind.api, slow(fake))
    assert run(*kind.arguments, fake=fake).endpoints == THREE


@pytest.mark.parametrize("how", [slow, drip])
def test_a_server_that_never_answers_is_an_error(kind, fake, run, hasty, how):
    fake.plan(kind.api, *[how(fake)] * 9)
    result = run(*kind.arguments, fake=fake)
    assert result.status == 1 and "gave no answer in" in result.error


@pytest.mark.parametrize("name", WITH_METADATA)
def test_pages_that_come_too_slowly_are_an_error(name, run, request, clock, monkeypatch):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, addresses(50))
    fake.page_most = 1
    answer = fake.answer
    monkeypatch.setattr(fake, "answer", lambda asked: clock.sleep(4) or answer(asked))
    result = run(*KINDS[name].arguments, fake=fake)
    assert result.status == 1 and "is too slow" in result.error
    assert fake.count(KINDS[name].api) < 5


@pytest.mark.parametrize("name", WITH_METADATA)
def test_metadata_that_never_answers_says_what_it_may_be(name, run, request, hasty):
    fake = request.getfixturevalue(name)
    fake.plan(KINDS[name].metadata, *[slow(fake)] * 9)
    result = run(*KINDS[name].arguments, fake=fake)
    assert result.status == 1
    assert "gave no answer" in result.error or "gave no usable" in result.error


def test_nothing_waits_on_for_a_server_that_was_given_up(kind, fake, run, hasty):
    before = threading.active_count()
    fake.plan(kind.api, *[drip(fake)] * 9)
    run(*kind.arguments, fake=fake)
    end = time.monotonic() + 20
    # Those of the fake end with its connections.
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("name", WITH_METADATA)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", PAGE.body.encode(), b'{"a": 1}'])
def test_metadata_that_is_garbage_is_an_error(name, run, request, body):
    fake = request.getfixturevalue(name)
    fake.plan(r"/latest/.*|/computeMetadata/.*|/metadata/.*", *[Answer(200, body)] * 20)
    assert run(*KINDS[name].arguments, fake=fake).status == 1


def test_a_port_where_nobody_listens_is_named(kind, run, clock, request):
    with Fake(clock) as gone:
        host = gone.host
    result = run(*kind.arguments, environment={
        "AWS_ENDPOINT_URL_EC2": f"http://{host}", "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
        "GCE_METADATA_HOST": host, "TAPD_PROVIDER_URL": f"http://{host}",
        "CONSUL_HTTP_ADDR": host})
    assert result.status == 1 and f"{host}: Connection refused" in result.error


# ---- elsewhere ----

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(kind, fake, run, clock, status):
    with Fake(clock) as other:
        fake.plan(kind.api, Answer(status, headers={"Location": other.url + "/x"}))
        result = run(*kind.arguments, fake=fake)
        assert other.asked == []
    assert result.status == 1
    assert f"redirects to {other.url}/x, which is not followed" in result.error


@pytest.mark.parametrize("host", ["a" * 70, "a..b", ".."])
def test_a_name_that_is_none_is_said(run, host):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": f"{host}:8500"})
    assert result.status == 1
    assert "no name that can be looked up" in result.error


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "127.0.0.1:99999", "http://:80",
                                     "http://127.0.0.1:x"])
def test_an_address_that_is_none_is_said(run, address):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": address})
    assert result.status == 1 and "is no http:// or https:// address" in result.error


def test_a_name_that_is_not_found_is_said(run, impatient):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": "no-such-host.invalid:8500"})
    assert result.status == 1
    assert "is not found" in result.error or "gave no answer" in result.error
