"""Azure's metadata service, Resource Graph and scale sets, as their documentation has them.

https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results
https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
"""

import json
import re

from fake import Answer, Fake, pages

SUBSCRIPTION = "4c1ee92d-0000-4000-8000-6d02a0f2c9b5"
GROUP = "web-rg"
_TEXT = r"'(?:[^'\\]|\\.)*'"


class FakeAzure(Fake):
    def __init__(self, clock):
        super().__init__(clock)
        self.machines = []
        # {name of a Uniform scale set: [machine]}
        self.sets = {}
        self.identity = True
        self.environment = "AzurePublicCloud"
        self.page_most = 1000
        self.refusal = None
        self.quota = {}
        self.token_lives_s = 86399
        self._tokens = {}

    def expire_tokens(self):
        self._tokens = dict.fromkeys(self._tokens, 0)

    def answer(self, asked):
        if asked.path.startswith("/metadata/"):
            if asked.headers.get("Metadata") != "true" or "X-Forwarded-For" in asked.headers:
                return Answer(400, {"error": "Bad request. Required metadata header not specified"})
            return self._metadata(asked)
        token = asked.headers.get("Authorization", "").partition("Bearer ")[2]
        if self._tokens.get(token, 0) < self.clock.now():
            return refused(401, "ExpiredAuthenticationToken", "The access token expiry UTC time")
        if self.refusal:
            return self.refusal
        if asked.path == "/providers/Microsoft.ResourceGraph/resources":
            return self._graph(asked)
        return self._set(asked)

    def _metadata(self, asked):
        if asked.path == "/metadata/instance" and "api-version" in asked.query:
            return Answer(200, {"compute": {
                "subscriptionId": SUBSCRIPTION, "resourceGroupName": GROUP,
                "azEnvironment": self.environment, "vmScaleSetName": ""}})
        if asked.path == "/metadata/identity/oauth2/token":
            assert asked.query["api-version"] == "2018-02-01"
            assert asked.query["resource"] == "https://management.azure.com/"
            if not self.identity or asked.query.get("client_id", "known") != "known":
                return Answer(400, {"error": "invalid_request",
                                    "error_description": "Identity not found"})
            token = f"eyJ0eXAiOiJKV1Qi-{len(self._tokens)}"
            self._tokens[token] = self.clock.now() + self.token_lives_s
            self.secrets.add(token)
            return Answer(200, {"access_token": token, "expires_in": str(self.token_lives_s),
                                "token_type": "Bearer"})
        return Answer(404, {"error": "Not found"})

    # ---- Resource Graph ----

    def _graph(self, asked):
        question = json.loads(asked.body)
        assert asked.method == "POST" and question["subscriptions"] == [SUBSCRIPTION]
        options = question["options"]
        assert options["resultFormat"] == "objectArray" and options["$top"] <= 1000
        query = question["query"]
        found = [each for each in self.machines if selected(query, each)]
        page, token = pages(found, min(options["$top"], self.page_most),
                            options.get("$skipToken"))
        body = {"totalRecords": len(found), "count": len(page), "facets": [],
                "resultTruncated": "false", "data": [interface(each) for each in page]}
        # There are no pages without a column that orders them.
        if token and re.search(r"\| project id\b.*\| order by id asc$", query):
            body["$skipToken"] = token
        return Answer(200, body, self.quota)

    def _set(self, asked):
        found = re.fullmatch(
            rf"/subscriptions/{SUBSCRIPTION}/resourceGroups/([^/]+)/providers/microsoft\.Compute/"
            r"virtualMachineScaleSets/([^/]+)/networkInterfaces", asked.path)
        if not found or found[1] != GROUP or found[2] not in self.sets:
            return refused(404, "ResourceNotFound", f"The Resource '{asked.path}' was not found.")
        page, token = pages(self.sets[found[2]], self.page_most, asked.query.get("$skiptoken"))
        body = {"value": [interface(each) for each in page]}
        if token:
            body["nextLink"] = f"{self.url}{asked.path}?api-version=2018-10-01&$skiptoken={token}"
        return Answer(200, body)


def unquoted(text):
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def selected(query, each):
    """Whether a machine is what the query's conditions select."""
    for key, values in re.findall(rf"where tostring\(tags\[({_TEXT})\]\) in \(((?:{_TEXT}|, )+)\)",
                                  query):
        if each["tags"].get(unquoted(key)) not in map(unquoted, re.findall(_TEXT, values)):
            return False
    group = re.search(rf"where resourceGroup =~ ({_TEXT})", query)
    if group and unquoted(group[1]).lower() != each["group"].lower():
        return False
    states = re.search(r"powerState\.code\) !in~ \(([^)]*)\)", query)
    return not states or f"PowerState/{each['state']}" not in map(
        unquoted, re.findall(_TEXT, states[1]))


def interface(each):
    configurations = [{"name": "extra", "properties": {
        "privateIPAddress": "10.250.0.1", "privateIPAddressVersion": "IPv4", "primary": False}}]
    if each["ipv6"]:
        configurations.append({"name": "v6", "properties": {
            "privateIPAddress": each["ipv6"], "privateIPAddressVersion": "IPv6"}})
    configurations.append({"name": "ipconfig1", "properties": {
        "privateIPAddress": each["private"], "privateIPAddressVersion": "IPv4",
        "primary": True}})
    return {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{each['group']}/providers/"
                  f"Microsoft.Network/networkInterfaces/nic-{each['private']}",
            "properties": {"primary": each["primary"], "ipConfigurations": configurations}}


def machine(private, ipv6="", group=GROUP, state="running", primary=True, **tags):
    return {"private": private, "ipv6": ipv6, "group": group, "state": state,
            "primary": primary, "tags": tags}


def refused(status, code, message, headers=None):
    return Answer(status, {"error": {"code": code, "message": message}}, headers or {})
