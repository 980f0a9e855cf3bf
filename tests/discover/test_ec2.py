"""Amazon EC2."""

import re

import pytest

from fake import Answer, addresses
from fake_ec2 import ROLE, error, instance, listed

WEB = ("ec2", "tag:cluster=web")


@pytest.fixture
def fleet(ec2):
    ec2.instances = [
        instance("10.0.0.1", "203.0.113.1", ["2001:db8::1"], cluster="web"),
        instance("10.0.0.2", "203.0.113.2", ["2001:db8::2", "2001:db8::22"], cluster="web",
                 stage="test"),
        instance("10.0.0.3", cluster="db"),
        instance("10.0.0.4", cluster="web", state="stopped"),
        instance("", cluster="web"),
        instance("10.0.0.6", cluster="web", vpc="vpc-2"),
    ]
    return ec2


@pytest.mark.parametrize("arguments, found", [
    (["tag:cluster=web"], ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
    (["tag:cluster=web", "tag:stage=test"], ["10.0.0.2"]),
    (["tag:cluster=web", "tag:cluster=db"], ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.6"]),
    (["tag:cluster=web", "vpc-id=vpc-2"], ["10.0.0.6"]),
    (["tag:cluster=web", "address=public"], ["203.0.113.1", "203.0.113.2"]),
    (["tag:cluster=web", "--ipv6"], ["[2001:db8::1]", "[2001:db8::2]"]),
    (["tag:stage=test", "--ipv6", "--port", "9"], ["[2001:db8::2]:9"]),
    (["tag:stage=test", "--ipv4", "--ipv6"], ["10.0.0.2", "[2001:db8::2]"]),
    (["tag:stage=test", "--port", "8273"], ["10.0.0.2:8273"]),
    (["tag:stage=test", "region=eu-west-1"], ["10.0.0.2"]),
    (["tag:cluster=web", "instance-state-name=stopped"], ["10.0.0.4"]),
])
def test_what_is_asked_for_is_listed(fleet, run, arguments, found):
    result = run("ec2", *arguments, fake=fleet)
    assert (result.status, result.endpoints) == (0, found)


def test_signs_of_any_kind_in_a_tag_are_found(ec2, run):
    ec2.instances = [instance("10.0.0.1", **{"a b&c/ü": "x=y&z+%20~*"})]
    assert run("ec2", "tag:a b&c/ü=x=y&z+%20~*", fake=ec2).endpoints == ["10.0.0.1"]


@pytest.mark.parametrize("index", ["²", "9" * 5000, "x", "-1", ""],
                         ids=["sup", "long", "word", "minus", "none"])
def test_an_interface_may_have_any_number(fleet, run, index):
    text = listed(fleet.instances[:1], "")
    assert "<deviceIndex>0<" in text
    fleet.plan("/", Answer(200, text.replace("<deviceIndex>0<", f"<deviceIndex>{index}<")))
    result = run(*WEB, "--ipv6", fake=fleet)
    assert (result.status, result.endpoints) == (0, ["[2001:db8::1]"]), result.error


def test_hosts_without_an_address_of_the_kind_are_said(ec2, run):
    ec2.instances = [instance("10.0.0.1", cluster="web")]
    result = run(*WEB, "--ipv6", fake=ec2)
    assert (result.status, result.endpoints) == (0, [])
    assert "1 match, and none has an IPv6 address yet" in result.error


def test_addresses_that_cannot_be_sent_to_are_left_out(ec2, run):
    ec2.instances = [instance(each, cluster="web") for each in (
        "127.0.0.1", "0.0.0.0", "224.0.0.1", "169.254.1.1", "999.1.1.1", "10.0.0.1;rm", "10.0.0.9")]
    assert run(*WEB, fake=ec2).endpoints == ["10.0.0.9"]


def test_an_empty_page_is_not_the_end(ec2, run):
    ec2.plan("/", Answer(200, listed([], "page-0")))
    ec2.instances = [instance(each, cluster="web") for each in addresses(2)]
    assert run(*WEB, fake=ec2).endpoints == addresses(2)


def test_pages_in_a_circle_end(ec2, run):
    ec2.plan("/", *[Answer(200, listed([instance("10.0.0.1")], "again"))] * 3)
    result = run(*WEB, fake=ec2)
    assert result.status == 1 and "more pages than there can be" in result.error


def test_pages_without_end_end(ec2, run):
    ec2.plan("/", *[Answer(200, listed([instance("10.0.0.1")], f"page-{i}")) for i in range(200)])
    assert "more pages than there can be" in run(*WEB, fake=ec2).error


# ---- rights, keys, clock ----

def test_a_missing_right_is_named(fleet, run):
    fleet.denied = True
    result = run(*WEB, fake=fleet)
    assert result.status == 1
    for words in ("ec2:DescribeInstances", f"role {ROLE}", "IAM policy", "UnauthorizedOperation"):
        assert words in result.error


def test_an_instance_without_a_role_is_said(fleet, run):
    fleet.role = None
    result = run(*WEB, fake=fleet)
    assert result.status == 1
    assert "no role is attached" in result.error and "ec2:DescribeInstances" in result.error


def test_a_role_that_cannot_be_assumed_is_said(fleet, run):
    fleet.plan(".*/security-credentials/.+", Answer(200, {"Code": "AssumeRoleUnauthorizedAccess"}))
    result = run(*WEB, fake=fleet)
    assert "AssumeRoleUnauthorizedAccess" in result.error and "trust policy" in result.error


def test_keys_of_the_environment_need_no_metadata(fleet, run):
    keys = fleet.new_keys()
    result = run(*WEB, fake=fleet, environment={
        "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["Token"]})
    assert len(result.endpoints) == 3
    assert fleet.count("/latest/.*") == 0


def test_lasting_keys_have_no_session_token(fleet, run):
    fleet.keys["AKIDEXAMPLE"] = ("a/lasting+secret", "", fleet.clock.now() + 1e6)
    result = run(*WEB, fake=fleet, environment={
        "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a/lasting+secret"})
    assert len(result.endpoints) == 3


def test_half_a_pair_of_keys_is_said(fleet, run):
    result = run(*WEB, fake=fleet, environment={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"})
    assert result.status == 1 and "only one is set" in result.error


@pytest.mark.parametrize("name, secret", [("AKIDOTHER", "a/lasting+secret"),
                                          ("AKIDEXAMPLE", "a/mistyped+secret")])
def test_wrong_keys_are_said_and_not_shown(fleet, run, name, secret):
    fleet.keys["AKIDEXAMPLE"] = ("a/lasting+secret", "", fleet.clock.now() + 1e6)
    result = run(*WEB, fake=fleet, environment={
        "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret})
    assert result.status == 1 and secret not in result.error
    assert "does not know the credentials" in result.error


def test_a_server_that_quotes_a_token_does_not_have_it_shown(fleet, run):
    keys = fleet.new_keys()
    result = run(*WEB, fake=fleet, environment={
        "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": "another", "AWS_SESSION_TOKEN": keys["Token"]})
    assert "***" in result.error and keys["Token"] not in result.error


def test_nor_what_the_metadata_service_gave(fleet, run):
    fleet.plan("/", error(400, "Weird", "IQoJb3session1== secret/key+1 AQAAA-metadata-token-0=="))
    assert "Weird: *** *** ***" in run(*WEB, fake=fleet).error


@pytest.mark.parametrize("skew_s, way", [(3600, "behind"), (-900, "ahead of")])
def test_a_clock_that_is_wrong_is_said(fleet, run, skew_s, way):
    fleet.skew_s = skew_s
    result = run(*WEB, fake=fleet)
    assert result.status == 1
    found = re.search(rf"clock is (\d+) s {way} EC2's", result.error)
    assert found and abs(int(found[1]) - abs(skew_s)) < 60


def test_keys_that_expired_are_fetched_anew(fleet, run):
    fleet.plan("/", error(400, "RequestExpired", "Request has expired."))
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert len(fleet.keys) == 2


def test_keys_that_never_work_are_an_error(fleet, run):
    fleet.plan("/", *[error(400, "ExpiredToken", "The token is expired")] * 5)
    result = run(*WEB, fake=fleet)
    assert result.status == 1 and "have expired" in result.error


def test_a_metadata_token_that_expired_is_fetched_anew(fleet, run):
    fleet.plan("/latest/dynamic/.*", Answer(401))
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert fleet.count("/latest/api/token") == 2


def test_metadata_that_is_off_is_said(fleet, run):
    fleet.plan("/latest/api/token", Answer(403))
    assert "--http-endpoint enabled" in run(*WEB, fake=fleet).error
    assert "AWS_EC2_METADATA_DISABLED" in run(
        *WEB, fake=fleet, environment={"AWS_EC2_METADATA_DISABLED": "true"}).error


def test_metadata_that_refuses_is_said(fleet, run):
    fleet.plan("/latest/dynamic/.*", Answer(403))
    assert "refuses /latest/dynamic" in run(*WEB, fake=fleet).error
    fleet.plan("/latest/api/token", Answer(404))
    assert "is this an EC2 instance?" in run(*WEB, fake=fleet).error


def test_a_hop_limit_of_one_is_explained(fleet, run, hasty):
    from fake import slow
    fleet.plan("/latest/api/token", *[slow(fleet)] * 5)
    result = run(*WEB, fake=fleet)
    assert "hop limit" in result.error and "--http-put-response-hop-limit 2" in result.error


def test_metadata_that_is_not_there_is_no_hop_limit(ec2, run):
    ec2.plan("/latest/api/token", *[Answer(raw=lambda handler: None)] * 5)
    result = run(*WEB, fake=ec2)
    assert result.status == 1
    assert "hop limit" not in result.error and "AWS_ACCESS_KEY_ID" in result.error


# ---- throttled, refused ----

@pytest.mark.parametrize("status, code", [
    (503, "RequestLimitExceeded"), (503, "Unavailable"), (400, "Throttling"),
    (500, "InternalError")])
def test_throttling_is_waited_out(fleet, run, clock, status, code):
    fleet.plan("/", *[error(status, code, "Request limit exceeded.")] * 2)
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert len(clock.slept) == 2


def test_throttling_without_end_says_how_to_spare_the_account(fleet, run, clock):
    fleet.plan("/", *[error(503, "RequestLimitExceeded", "Request limit exceeded.")] * 50)
    result = run(*WEB, fake=fleet)
    assert result.status == 1 and sum(clock.slept) < 15
    assert "RequestLimitExceeded" in result.error and "discover.interval" in result.error


def test_a_filter_that_there_is_not_is_said(fleet, run):
    result = run("ec2", "cluster=web", fake=fleet)
    assert result.status == 1
    assert "'cluster' is invalid" in result.error and "tag:KEY=VALUE" in result.error


def test_another_error_is_quoted(fleet, run):
    fleet.plan("/", error(400, "OptInRequired", "You are not subscribed\u202e to this"))
    result = run(*WEB, fake=fleet)
    assert "OptInRequired: You are not subscribed" in result.error and "\u202e" not in result.error


def test_a_long_error_is_cut(fleet, run):
    fleet.plan("/", error(400, "Weird", "ä" * 5000))
    assert run(*WEB, fake=fleet).status == 1


def test_xml_has_a_largest_depth(fleet, run):
    fleet.plan("/", Answer(200, "<DescribeInstancesResponse>" + "<a>" * 200 + "</a>" * 200 +
                           "</DescribeInstancesResponse>"))
    assert "no XML" in run(*WEB, fake=fleet).error


@pytest.mark.parametrize("body", [
    '<!DOCTYPE x [<!ENTITY a "aa">]><DescribeInstancesResponse>&a;</DescribeInstancesResponse>',
    '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">'
    "<DescribeInstancesResponse/>",
])
def test_entities_are_refused(fleet, run, body):
    fleet.plan("/", Answer(200, body))
    result = run(*WEB, fake=fleet)
    assert result.status == 1 and "no XML" in result.error


def test_xml_of_something_else_is_said(fleet, run):
    fleet.plan("/", Answer(200, "<ListBucketResult/>"))
    assert "AWS_ENDPOINT_URL_EC2" in run(*WEB, fake=fleet).error


# ---- where it asks ----

@pytest.mark.parametrize("environment, url", [
    ({}, "https://ec2.eu-west-1.amazonaws.com/"),
    ({"AWS_REGION": "cn-north-1"}, "https://ec2.cn-north-1.amazonaws.com.cn/"),
    ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://ec2.eu-west-1.api.aws/"),
    ({"AWS_ENDPOINT_URL": "http://localhost:4566"}, "http://localhost:4566/"),
    ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_EC2": "http://b/"}, "http://b/"),
])
def test_the_address_of_the_api(environment, url):
    assert ec2_of({"AWS_REGION": "eu-west-1", **environment}).api_url() == url


def test_a_region_that_is_none_is_no_address(run):
    result = run(*WEB, environment={"AWS_REGION": "evil.example/"})
    assert result.status == 1 and "no usable region" in result.error


def test_metadata_by_ipv6():
    provider = ec2_of({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"})
    assert provider.metadata.base == "http://[fd00:ec2::254]"


def ec2_of(environment):
    from discovery.client import Client
    from discovery.clock import Clock
    from discovery.ec2 import Ec2
    from discovery.options import Options
    from discovery.transport import Transport
    return Ec2(Options(["tag:a=b"]), Client(Transport(environment), Clock()), environment)
