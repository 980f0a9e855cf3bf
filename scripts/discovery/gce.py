"""Google Compute Engine: instances of all zones of a project.

https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList
https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

import re
import urllib.parse

from discovery.answers import json_of, member
from discovery.client import BUSY, Service
from discovery.endpoints import Host
from discovery.errors import Failure, Unreachable, Usage
from discovery.provider import Provider, once_each, plain
from discovery.text import printable
from discovery.token import Token
from discovery.transport import Request

_PAGE = 500
_METADATA = Service("the metadata server", size=64 << 10, attempt_s=2, attempts=3)
_BUSY_REASONS = frozenset(["rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"])
_ADVICE = "a longer discover.interval on all hosts spares the project's quota"


class Gce(Provider):
    name = "gce"
    usage = "label:KEY=VALUE; filter=EXPRESSION; project=NAME; address=public"

    def __init__(self, options, client, environment):
        self._client = client
        host = environment.get("GCE_METADATA_HOST") or "169.254.169.254"
        self._metadata = f"http://{host}/computeMetadata/v1/"
        self._api = (environment.get("TAPD_PROVIDER_URL") or
                     "https://compute.googleapis.com").rstrip("/")
        self._project = options.one("project")
        self._public = options.one("address", "private", ("private", "public")) == "public"
        self.lists_own = not self._public
        self._filter = _filter(options.groups("label:"), options.one("filter"))
        self._token = Token(client.clock, self._new_token)
        self._service = Service("Compute Engine", busy=_busy, advice=_ADVICE)

    def hosts(self):
        self._project = plain(self._project or self._own("project/project-id").strip(),
                              "project", "the metadata server")
        found, more = [], []
        for token in once_each(more, "Compute Engine"):
            answer = self._page(token)
            for scope in member(answer, "items", dict).values():
                found += [self._host(each) for each in member(scope, "instances", list)]
            more.append(member(answer, "nextPageToken", str))
        return found

    def nothing(self):
        return f"project {self._project} has no instance with {self._filter}"

    def _page(self, token):
        query = {"filter": self._filter, "maxResults": _PAGE}
        if token:
            query["pageToken"] = token
        url = (f"{self._api}/compute/v1/projects/{self._project}/aggregated/instances?" +
               urllib.parse.urlencode(query))
        response = self._token.ask(self._client, self._service, lambda token: Request(
            "GET", url, {"Authorization": f"Bearer {token}"}))
        answer = json_of("Compute Engine", response)
        if response.status != 200:
            raise Failure(self._refused(response, answer))
        if member(answer, "kind", str) != "compute#instanceAggregatedList" and \
                not member(answer, "items", dict):
            raise Failure("Compute Engine answered with what is no list of instances: "
                          "is TAPD_PROVIDER_URL its address?")
        return answer

    def _host(self, instance):
        interfaces = member(instance, "networkInterfaces", list)
        first = interfaces[0] if interfaces else {}
        outside = member(first, "accessConfigs", list)
        outside6 = member(first, "ipv6AccessConfigs", list)
        # An external IPv6 address is on the interface itself.
        ipv6 = (member(first, "ipv6Address", str) or
                member(outside6[0] if outside6 else {}, "externalIpv6", str))
        if self._public:
            return Host(member(outside[0] if outside else {}, "natIP", str), ipv6)
        return Host(member(first, "networkIP", str), ipv6)

    def _own(self, path):
        """Of the metadata server, as text."""
        try:
            response = self._client.ask(_METADATA, lambda: Request(
                "GET", self._metadata + path, {"Metadata-Flavor": "Google"}))
        except Unreachable as error:
            raise Failure(f"{error}: is this a Compute Engine instance?") from error
        if response.status != 200 and response.headers.get("Metadata-Flavor") != "Google":
            raise Failure("the metadata server is not Google's: is this a Compute Engine "
                          "instance?")
        if response.status == 404 and "service-accounts" in path:
            raise Failure("this instance has no service account: gcloud compute instances "
                          "set-service-account NAME --service-account ACCOUNT "
                          "--scopes compute-ro")
        if response.status != 200:
            raise Failure(f"the metadata server refuses {path} (status {response.status})")
        if path.endswith("/token"):
            return json_of("the metadata server", response)
        return response.body.decode("utf-8", "replace")

    def _new_token(self):
        answer = self._own("instance/service-accounts/default/token")
        token = self._client.secrets.add(member(answer, "access_token", str))
        if not token:
            raise Failure("the metadata server gave no access token")
        return token, member(answer, "expires_in", int)

    def _refused(self, response, answer):
        error = member(answer, "error", dict)
        said = printable(member(error, "message", str) or f"status {response.status}", 250)
        reasons = _reasons(answer)
        if "insufficient authentication scopes" in said or \
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons:
            return ("this instance's access scopes leave out compute.readonly: stop it, gcloud "
                    "compute instances set-service-account NAME --scopes compute-ro, and start "
                    f"it ({said})")
        if reasons & {"accessNotConfigured", "SERVICE_DISABLED"}:
            return (f"the Compute Engine API is off: gcloud services enable "
                    f"compute.googleapis.com --project {self._project} ({said})")
        if response.status == 403:
            return (f"this instance's service account lacks compute.instances.list: grant it "
                    f"roles/compute.viewer on project {self._project} ({said})")
        if response.status == 404:
            return f"there is no project {self._project} ({said})"
        if response.status == 400:
            return f"Compute Engine does not understand the filter {self._filter} ({said})"
        return f"Compute Engine refuses to list instances (status {response.status}, {said})"


def _filter(labels, expression):
    parts = []
    for key, values in labels.items():
        for word in (key, *values):
            if not re.fullmatch(r"[\w-]{1,63}|\*", word):
                raise Usage(f"label:{printable(key, 63)}: labels are of lower-case letters, "
                            "digits, - and _")
        some = " OR ".join(f"labels.{key}:*" if value == "*" else f'labels.{key}="{value}"'
                           for value in values)
        parts.append(f"({some})" if len(values) > 1 else some)
    if expression:
        parts.append(f"({expression})")
    if not parts:
        raise Usage("gce needs to know which instances: label:KEY=VALUE")
    return " AND ".join([*parts, "status=RUNNING"])


def _reasons(answer):
    error = member(answer, "error", dict)
    entries = member(error, "errors", list) + member(error, "details", list)
    return {member(entry, "reason", str) for entry in entries}


def _busy(response):
    """A rate limit comes as 403 too."""
    if response.status in BUSY:
        return f"HTTP status {response.status}"
    if response.status == 403:
        both = _reasons(json_of("Compute Engine", response)) & _BUSY_REASONS
        return min(both) if both else None
    return None
