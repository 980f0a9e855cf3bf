"""Azure."""

import json

import pytest

from fake import Answer, addresses
from fake_azure import GROUP, SUBSCRIPTION, machine, refused

WEB = ("azure", "tag:cluster=web")


@pytest.fixture
def fleet(azure):
    azure.machines = [
        machine("10.0.0.1", "fd00::1", cluster="web"),
        machine("10.0.0.2", cluster="web", stage="it's \\ odd"),
        machine("10.0.0.3", cluster="db"),
        machine("10.0.0.4", cluster="web", state="deallocated"),
        machine("10.0.0.5", cluster="web", primary=False),
        machine("10.0.0.6", cluster="web", group="other-rg"),
    ]
    azure.sets["old"] = [machine(each) for each in addresses(3)]
    return azure


@pytest.mark.parametrize("arguments, found", [
    (["tag:cluster=web"], ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
    (["tag:cluster=web", "tag:cluster=db"], ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.6"]),
    (["tag:cluster=web", "tag:stage=it's \\ odd"], ["10.0.0.2"]),
    (["tag:cluster=web", "resource_group=Web-RG"], ["10.0.0.1", "10.0.0.2"]),
    (["resource_group=other-rg"], ["10.0.0.6"]),
    (["tag:cluster=web", "client_id=known"], ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
    (["tag:cluster=web", f"subscription={SUBSCRIPTION}"], ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
    (["tag:cluster=web", "--ipv6", "--port", "8273"], ["[fd00::1]:8273"]),
    (["scale_set=old"], addresses(3)),
    (["scale_set=old", f"resource_group={GROUP}"], addresses(3)),
])
def test_what_is_asked_for_is_listed(fleet, run, arguments, found):
    result = run("azure", *arguments, fake=fleet)
    assert (result.status, result.endpoints) == (0, found)


@pytest.mark.parametrize("word, instead", [
    ("tag:a=x') or true or tags['b'] in ('", "10.0.0.9"), ("tag:a'] == '' or tags['b=x", "")])
def test_a_quote_in_a_tag_does_not_end_the_text(azure, run, word, instead):
    azure.machines = [machine("10.0.0.9", b="x")]
    result = run("azure", word, fake=azure)
    assert (result.status, result.endpoints) == (0, [])
    query = json.loads(azure.asked[-1].body)["query"]
    assert query.count("where tostring(tags[") == 1


def test_nothing_to_be_seen_may_be_a_missing_right(fleet, run):
    fleet.machines = []
    result = run(*WEB, "resource_group=web-rg", fake=fleet)
    assert result.status == 0 and result.endpoints == []
    for words in ("tag:cluster=web", "Microsoft.Compute/virtualMachines/read",
                  "Microsoft.Network/networkInterfaces/read", "az role assignment create"):
        assert words in result.error
    fleet.sets["new"] = []
    assert "scale set new" in run("azure", "scale_set=new", fake=fleet).error


@pytest.mark.parametrize("word, right", [
    ("tag:cluster=web", "Microsoft.Compute/virtualMachines/read"),
    ("scale_set=old", "Microsoft.Compute/virtualMachineScaleSets/networkInterfaces/read")])
def test_a_missing_right_is_named(fleet, run, word, right):
    fleet.refusal = refused(403, "AuthorizationFailed", "The client does not have authorization")
    result = run("azure", word, fake=fleet)
    assert result.status == 1
    assert right in result.error and "az role assignment create" in result.error


@pytest.mark.parametrize("arguments", [[], ["client_id=unknown"]])
def test_a_machine_without_an_identity_is_said(fleet, run, arguments):
    fleet.identity = bool(arguments)
    result = run(*WEB, *arguments, fake=fleet)
    assert result.status == 1
    assert "az vm identity assign" in result.error and "Identity not found" in result.error


def test_a_token_that_expired_is_fetched_anew(fleet, run):
    fleet.plan("/providers/.*", refused(401, "ExpiredAuthenticationToken", "expired"))
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert fleet.count("/metadata/identity/.*") == 2


def test_metadata_that_is_being_renewed_is_asked_again(fleet, run, clock):
    fleet.plan("/metadata/identity/.*", Answer(410), Answer(429))
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert len(clock.slept) == 2


def test_a_quota_that_is_used_up_is_waited_for_before_the_next_page(azure, run, clock):
    azure.machines = [machine(each, cluster="web") for each in addresses(3)]
    azure.page_most = 1
    azure.quota = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}
    assert len(run(*WEB, fake=azure).endpoints) == 3
    assert clock.slept == [3, 3]


def test_throttling_tells_when_the_quota_is_back(fleet, run, clock):
    fleet.plan("/providers/.*", refused(429, "RateLimiting", "Please provide below info",
                                        {"x-ms-user-quota-resets-after": "00:00:04"}))
    assert len(run(*WEB, fake=fleet).endpoints) == 3
    assert [int(each) for each in clock.slept] == [4]


def test_pages_of_a_scale_set_are_followed(fleet, run):
    fleet.sets["old"] = [machine(each) for each in addresses(7)]
    fleet.page_most = 3
    assert len(run("azure", "scale_set=old", fake=fleet).endpoints) == 7


def test_a_next_page_elsewhere_is_not_asked_for(fleet, run):
    fleet.plan("/subscriptions/.*", Answer(200, {
        "value": [], "nextLink": f"http://127.0.0.2:{fleet.host.split(':')[1]}/x"}))
    result = run("azure", "scale_set=old", fake=fleet)
    assert result.status == 1 and "not its own" in result.error
    assert fleet.count("/x") == 0


def test_a_scale_set_that_there_is_not_is_said(fleet, run):
    result = run("azure", "scale_set=none", fake=fleet)
    assert result.status == 1 and "ResourceNotFound" in result.error


@pytest.mark.parametrize("arguments, words", [
    ([], "tag:KEY=VALUE"), (["scale_set=a", "tag:b=c"], "not both")])
def test_what_does_not_go_together_is_said(run, arguments, words):
    result = run("azure", *arguments)
    assert result.status == 64 and words in result.error


def test_another_error_is_quoted(fleet, run):
    fleet.refusal = refused(400, "BadRequest", "Please provide below info")
    assert "BadRequest: Please provide" in run(*WEB, fake=fleet).error
    fleet.refusal = Answer(418, {})
    assert "status 418" in run(*WEB, fake=fleet).error


def test_another_clouds_metadata_is_known(fleet, run):
    fleet.plan("/metadata/instance.*", Answer(200, {}))
    assert "no usable subscription" in run(*WEB, fake=fleet).error
    fleet.plan("/metadata/instance.*", Answer(404, {}))
    assert "refuses (status 404)" in run(*WEB, fake=fleet).error
    fleet.plan("/metadata/identity.*", Answer(200, {"expires_in": 12}))
    assert "no access token" in run(*WEB, fake=fleet).error


@pytest.mark.parametrize("lives", ["9" * 5000, 10 ** 400, "²", -1],
                         ids=["text", "long", "sup", "minus"])
def test_any_lifetime_of_a_token_will_do(fleet, run, lives):
    """The API refuses that one, and the next is a good one."""
    expected = run(*WEB, fake=fleet).endpoints
    fleet.plan("/metadata/identity.*", Answer(200, {"access_token": "x", "expires_in": lives}))
    result = run(*WEB, fake=fleet)
    assert (result.status, result.endpoints) == (0, expected), result.error


@pytest.mark.parametrize("cloud, api", [
    ("AzurePublicCloud", "https://management.azure.com"),
    ("AzureUSGovernmentCloud", "https://management.usgovcloudapi.net"),
    ("AzureChinaCloud", "https://management.chinacloudapi.cn")])
def test_each_cloud_has_its_own_api(azure, clock, cloud, api):
    provider = azure_at(azure, clock)
    azure.environment = cloud
    provider.learn()
    assert provider.api == api


def test_a_cloud_that_is_not_known_is_said(azure, clock):
    from discovery.errors import Failure
    azure.environment = "AzureMars"
    with pytest.raises(Failure, match="AzureMars.*TAPD_PROVIDER_URL"):
        azure_at(azure, clock).learn()


def azure_at(fake, clock):
    """A provider that has its metadata there, and the API wherever they say."""
    from discovery.azure import Azure
    from discovery.client import Client
    from discovery.options import Options
    from discovery.transport import Transport
    provider = Azure(Options(["tag:a=b"]), Client(Transport({}), clock), {})
    provider.metadata = fake.url
    return provider
