"""Google Compute Engine."""

import pytest

from fake import Answer, addresses
from fake_gce import PROJECT, instance, not_allowed, out_of_scope, rate_limited, refused

WEB = ("gce", "label:cluster=web")


@pytest.fixture
def fleet(gce):
    gce.instances = [
        instance("10.0.0.1", "203.0.113.1", "fd20::1", cluster="web"),
        instance("10.0.0.2", "", "", "2600:1900::2", cluster="web", stage="test"),
        instance("10.0.0.3", cluster="db"),
        instance("10.0.0.4", cluster="web", status="TERMINATED"),
    ]
    return gce


@pytest.mark.parametrize("arguments, found", [
    (["label:cluster=web"], ["10.0.0.1", "10.0.0.2"]),
    (["label:cluster=web", "label:stage=test"], ["10.0.0.2"]),
    (["label:cluster=web", "label:cluster=db"], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    (["label:stage=*"], ["10.0.0.2"]),
    (["filter=labels.stage=\"test\""], ["10.0.0.2"]),
    (["label:cluster=web", f"project={PROJECT}"], ["10.0.0.1", "10.0.0.2"]),
    (["label:cluster=web", "address=public"], ["203.0.113.1"]),
    (["label:cluster=web", "--ipv6"], ["[2600:1900::2]", "[fd20::1]"]),
    (["label:cluster=web", "--ipv6", "--ipv4", "--port", "8273"],
     ["10.0.0.1:8273", "10.0.0.2:8273", "[2600:1900::2]:8273", "[fd20::1]:8273"]),
])
def test_what_is_asked_for_is_listed(fleet, run, arguments, found):
    result = run("gce", *arguments, fake=fleet)
    assert (result.status, result.endpoints) == (0, found)


@pytest.mark.parametrize("word", ["label:cluster=a\" OR name=\"b", "label:a b=c", "label:x=y)"])
def test_a_label_that_there_cannot_be_is_not_asked_for(fleet, run, word):
    result = run("gce", word, fake=fleet)
    assert result.status == 64 and "lower-case letters" in result.error
    assert fleet.asked == []


def test_a_project_given_is_not_asked_for(fleet, run):
    run(*WEB, f"project={PROJECT}", fake=fleet)
    assert fleet.count(".*/project-id") == 0


def test_a_missing_scope_is_named(fleet, run):
    fleet.refusal = out_of_scope()
    result = run(*WEB, fake=fleet)
    assert result.status == 1
    assert "compute.readonly" in result.error and "--scopes compute-ro" in result.error


def test_a_missing_permission_is_named(fleet, run):
    fleet.refusal = not_allowed()
    result = run(*WEB, fake=fleet)
    assert result.status == 1
    for words in ("compute.instances.list", "roles/compute.viewer", PROJECT):
        assert words in result.error


def test_an_api_that_is_off_is_said(fleet, run):
    fleet.refusal = refused(403, "Compute Engine API has not been used in project 1 before",
                            "accessNotConfigured")
    assert "gcloud services enable compute.googleapis.com" in run(*WEB, fake=fleet).error


def test_a_rate_limit_is_waited_out(fleet, run, clock):
    fleet.plan("/compute/.*", rate_limited(), rate_limited())
    assert len(run(*WEB, fake=fleet).endpoints) == 2
    assert len(clock.slept) == 2


def test_a_rate_limit_without_end_says_how_to_spare_the_quota(fleet, run, clock):
    fleet.refusal = rate_limited()
    result = run(*WEB, fake=fleet)
    assert result.status == 1 and sum(clock.slept) < 15
    assert "rateLimitExceeded" in result.error and "discover.interval" in result.error


def test_a_token_that_expired_is_fetched_anew(fleet, run):
    fleet.plan("/compute/.*", refused(401, "Invalid Credentials", "authError"))
    assert len(run(*WEB, fake=fleet).endpoints) == 2
    assert fleet.count(".*/token") == 2


def test_tokens_that_never_work_are_an_error(fleet, run):
    fleet.refusal = refused(401, "Invalid Credentials", "authError")
    result = run(*WEB, fake=fleet)
    assert result.status == 1 and "Invalid Credentials" in result.error
    assert fleet.count(".*/token") == 2


def test_an_instance_without_an_account_is_said(fleet, run):
    fleet.account = False
    assert "has no service account" in run(*WEB, fake=fleet).error


@pytest.mark.parametrize("status, reason, words", [
    (404, "notFound", "there is no project"), (400, "invalid", "does not understand the filter"),
    (409, "conflict", "refuses to list")])
def test_other_refusals_are_said(fleet, run, status, reason, words):
    fleet.refusal = refused(status, "Something else", reason)
    assert words in run(*WEB, fake=fleet).error


def test_another_clouds_metadata_is_known(fleet, run):
    fleet.plan("/computeMetadata/.*", Answer(401, "x"))
    assert "is this a Compute Engine instance?" in run(*WEB, fake=fleet).error


def test_metadata_that_refuses_is_said(fleet, run):
    fleet.plan("/computeMetadata/.*", Answer(403, "no", {"Metadata-Flavor": "Google"}))
    assert "refuses project/project-id" in run(*WEB, fake=fleet).error


def test_a_token_without_a_token_is_an_error(fleet, run):
    fleet.plan(".*/token", Answer(200, {"expires_in": 3}, {"Metadata-Flavor": "Google"}))
    assert "gave no access token" in run(*WEB, fake=fleet).error


@pytest.mark.parametrize("lives", [10 ** 400, -(10 ** 400)], ids=["long", "minus"])
def test_any_lifetime_of_a_token_will_do(fleet, run, lives):
    """The API refuses that one, and the next is a good one."""
    expected = run(*WEB, fake=fleet).endpoints
    fleet.plan(".*/token", Answer(200, {"access_token": "x", "expires_in": lives},
                                  {"Metadata-Flavor": "Google"}))
    result = run(*WEB, fake=fleet)
    assert (result.status, result.endpoints) == (0, expected), result.error


@pytest.mark.parametrize("instances", [
    {"zones/a": None}, {"zones/a": {"instances": {}}}, {"zones/a": {"instances": [None, 1]}},
    {"zones/a": {"instances": [{"networkInterfaces": [None]}]}},
    {"zones/a": {"instances": [{"networkInterfaces": [{"networkIP": 7}]}]}}, []])
def test_lists_of_another_shape_harm_nothing(fleet, run, instances):
    fleet.plan("/compute/.*", Answer(200, {"kind": "compute#instanceAggregatedList",
                                           "items": instances}))
    result = run(*WEB, fake=fleet)
    assert (result.status, result.endpoints) == (0, [])


def test_pages_end_where_the_token_does(gce, run):
    gce.instances = [instance(each, cluster="web") for each in addresses(7)]
    gce.page_most = 2
    assert len(run(*WEB, fake=gce).endpoints) == 7
    assert gce.count("/compute/.*") == 4
    assert gce.count(".*/token") == 1
