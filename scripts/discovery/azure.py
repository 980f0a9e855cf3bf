"""Azure: virtual machines by Resource Graph, or the members of a Uniform scale set.

Machines of Flexible scale sets are plain virtual machines.
https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
"""

import json
import re
import urllib.parse

from discovery.answers import json_of, member
from discovery.client import BUSY, Service, retry_after_s
from discovery.endpoints import Host
from discovery.errors import Failure, Unreachable, Usage
from discovery.provider import Provider, once_each, plain
from discovery.text import printable
from discovery.token import Token
from discovery.transport import Request

_PAGE = 1000
_CLOUDS = {
    "AzurePublicCloud": "https://management.azure.com",
    "AzureUSGovernmentCloud": "https://management.usgovcloudapi.net",
    "AzureChinaCloud": "https://management.chinacloudapi.cn",
}
_GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
_RIGHTS = "Microsoft.Compute/virtualMachines/read and Microsoft.Network/networkInterfaces/read"
_SET_RIGHT = "Microsoft.Compute/virtualMachineScaleSets/networkInterfaces/read"
_GRANT = "az role assignment create --role Reader --assignee IDENTITY --scope SCOPE"
_STOPPED = ("deallocated", "deallocating", "stopped", "stopping")


class Azure(Provider):
    name = "azure"
    usage = ("tag:KEY=VALUE; resource_group=NAME; scale_set=NAME, of a Uniform one; "
             "subscription=ID; client_id=ID of the identity, if there are several")
    least_interval_s = 60

    def __init__(self, options, client, environment):
        self._client = client
        base = environment.get("TAPD_PROVIDER_URL", "").rstrip("/")
        self.metadata = base or "http://169.254.169.254"
        self.api = base
        self._subscription = options.one("subscription")
        self._group = options.one("resource_group")
        self._set = options.one("scale_set")
        self._client_id = options.one("client_id")
        self._tags = options.groups("tag:")
        if self._set and self._tags:
            raise Usage("azure lists a scale_set or what has a tag:, not both")
        if not (self._set or self._tags or self._group):
            raise Usage("azure needs to know which machines: tag:KEY=VALUE")
        self._token = Token(client.clock, self._new_token)
        self._imds = Service("the metadata service", size=256 << 10, attempt_s=2, attempts=3,
                             busy=_imds_busy)
        self._service = Service("Azure", wait_s=_wait_s, advice="a longer discover.interval on "
                                "all hosts spares the quota")

    def hosts(self):
        self.learn()
        pages = self._set_pages() if self._set else self._graph_pages()
        return [host for page in pages for host in page]

    def nothing(self):
        if self._set:
            return f"scale set {self._set} in {self._group} has no network interfaces"
        words = [f"tag:{key}={value}" for key, values in self._tags.items() for value in values]
        where = f"resource group {self._group}" if self._group else \
            f"subscription {self._subscription}"
        return (f"Azure shows no machine {' '.join(['with', *words]) if words else ''} in {where}:"
                f" there is none, or this host's identity may not read it ({_RIGHTS}: {_GRANT})")

    def learn(self):
        """Where this machine is, as far as that was not told."""
        if self.api and self._subscription and (self._group or not self._set):
            return
        compute = member(self._own("/metadata/instance?api-version=2021-02-01"), "compute", dict)
        self._subscription = plain(self._subscription or member(compute, "subscriptionId", str),
                                   "subscription", "the metadata service")
        if self._set and not self._group:
            self._group = plain(member(compute, "resourceGroupName", str), "resource group",
                                "the metadata service")
        cloud = member(compute, "azEnvironment", str) or "AzurePublicCloud"
        self.api = self.api or _CLOUDS.get(cloud)
        if not self.api:
            raise Failure(f"the cloud {printable(cloud, 40)} is not known here: set "
                          "TAPD_PROVIDER_URL")

    # ---- virtual machines ----

    def _graph_pages(self):
        more = []
        for token in once_each(more, "Azure"):
            options = {"resultFormat": "objectArray", "$top": _PAGE}
            if token:
                options["$skipToken"] = token
            body = json.dumps({"subscriptions": [self._subscription], "query": self._query(),
                               "options": options}).encode()
            response = self._ask("POST", self.api + _GRAPH, body)
            answer = self._answer(response, _RIGHTS)
            rows = answer.get("data") if isinstance(answer, dict) else None
            if not isinstance(rows, list):
                raise Failure("Azure answered with what is no result of a query")
            yield [host for row in rows for host in _interface(row)]
            more.append(member(answer, "$skipToken", str))
            if more[-1] and response.headers.get("x-ms-user-quota-remaining") == "0":
                self._client.rest(_resets_after_s(response) or 0)

    def _query(self):
        lines = ["Resources", "where type =~ 'microsoft.compute/virtualmachines'"]
        for key, values in self._tags.items():
            lines.append(f"where tostring(tags[{_quoted(key)}]) in "
                         f"({', '.join(map(_quoted, values))})")
        if self._group:
            lines.append(f"where resourceGroup =~ {_quoted(self._group)}")
        states = ", ".join(_quoted(f"PowerState/{state}") for state in _STOPPED)
        lines += [
            f"where tostring(properties.extended.instanceView.powerState.code) !in~ ({states})",
            "project vm = tolower(id)",
            "join kind=inner (Resources "
            "| where type =~ 'microsoft.network/networkinterfaces' "
            "| project id, vm = tolower(tostring(properties.virtualMachine.id)), "
            "properties) on vm",
            # Pages need a column that orders them.
            "project id, properties", "order by id asc"]
        return " | ".join(lines)

    # ---- members of a Uniform scale set ----

    def _set_pages(self):
        path = "/".join(urllib.parse.quote(word, safe="") for word in (
            "subscriptions", self._subscription, "resourceGroups", self._group, "providers",
            "microsoft.Compute", "virtualMachineScaleSets", self._set, "networkInterfaces"))
        first = f"{self.api}/{path}?api-version=2018-10-01"
        more = []
        for link in once_each(more, "Azure"):
            if link and _origin(link) != _origin(first):
                raise Failure("Azure sent the address of a next page that is not its own")
            answer = self._answer(self._ask("GET", link or first), _SET_RIGHT)
            yield [host for each in member(answer, "value", list) for host in _interface(each)]
            more.append(member(answer, "nextLink", str))

    # ---- asking ----

    def _ask(self, method, url, body=None):
        return self._token.ask(self._client, self._service, lambda token: Request(
            method, url, {"Authorization": f"Bearer {token}",
                          "Content-Type": "application/json"}, body))

    def _answer(self, response, right):
        answer = json_of("Azure", response)
        if response.status == 200:
            return answer
        error = member(answer, "error", dict)
        said = printable(f"{member(error, 'code', str)}: {member(error, 'message', str)}"
                         if error else f"status {response.status}", 250)
        if response.status == 403:
            raise Failure(f"this host's identity lacks {right}: {_GRANT} ({said})")
        if response.status == 404:
            raise Failure(f"Azure finds no such thing; look at the names ({said})")
        raise Failure(f"Azure refuses to list machines ({said})")

    def _own(self, path):
        try:
            response = self._client.ask(self._imds, lambda: Request(
                "GET", self.metadata + path, {"Metadata": "true"}))
        except Unreachable as error:
            raise Failure(f"{error}: is this an Azure machine?") from error
        answer = json_of("the metadata service", response)
        if response.status == 200:
            return answer
        said = printable(member(answer, "error_description", str) or
                         f"status {response.status}", 150)
        if "/identity/" in path and response.status == 400:
            which = " of that client_id" if self._client_id else ""
            raise Failure(f"this machine has no managed identity{which}: az vm identity assign "
                          f"--resource-group GROUP --name NAME; if it has several, say "
                          f"client_id=ID ({said})")
        raise Failure(f"the metadata service refuses ({said})")

    def _new_token(self):
        query = {"api-version": "2018-02-01",
                 "resource": (self.api if self.api in _CLOUDS.values()
                              else _CLOUDS["AzurePublicCloud"]) + "/"}
        if self._client_id:
            query["client_id"] = self._client_id
        answer = self._own("/metadata/identity/oauth2/token?" + urllib.parse.urlencode(query))
        token = self._client.secrets.add(member(answer, "access_token", str))
        if not token:
            raise Failure("the metadata service gave no access token")
        lives = member(answer, "expires_in", str) or str(member(answer, "expires_in", int))
        return token, int(lives[:20]) if lives.isascii() and lives.isdigit() else 0


def _interface(row):
    """The host of a primary network interface; none for others."""
    properties = member(row, "properties", dict)
    if properties.get("primary") is False:
        return []
    addresses = {"IPv4": "", "IPv6": ""}
    configurations = [member(each, "properties", dict)
                      for each in member(properties, "ipConfigurations", list)]
    # The primary one first; the others in their order.
    for each in sorted(configurations, key=lambda each: each.get("primary") is not True):
        version = member(each, "privateIPAddressVersion", str) or "IPv4"
        if version in addresses and not addresses[version]:
            addresses[version] = member(each, "privateIPAddress", str)
    return [Host(addresses["IPv4"], addresses["IPv6"])]


def _quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _imds_busy(response):
    """410 means that the service is being renewed."""
    return f"HTTP status {response.status}" if response.status in BUSY | {410} else None


def _resets_after_s(response):
    found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)(\.\d+)?",
                         response.headers.get("x-ms-user-quota-resets-after", ""), re.ASCII)
    return sum(int(found[i]) * unit for i, unit in ((1, 3600), (2, 60), (3, 1))) if found else None


def _wait_s(response, now):
    asked = retry_after_s(response, now)
    return _resets_after_s(response) if asked is None else asked
