"""Compute Engine's API and metadata server, as their documentation has them.

https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList
https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

import re

from fake import Answer, Fake, pages

PROJECT = "web-prod-1"
_TERM = re.compile(r'labels\.([\w-]+)="([^"]*)"|labels\.([\w-]+):(\*)|(status)=(\w+)')


class FakeGce(Fake):
    def __init__(self, clock):
        super().__init__(clock)
        self.instances = []
        self.account = True
        self.token_lives_s = 3599
        self.page_most = 500
        # What the API says to requests that are otherwise right.
        self.refusal = None
        self._tokens = {}

    def expire_tokens(self):
        self._tokens = dict.fromkeys(self._tokens, 0)

    def answer(self, asked):
        if asked.path.startswith("/computeMetadata/v1/"):
            return self._metadata(asked)
        return self._api(asked)

    def _metadata(self, asked):
        google = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        if asked.headers.get("Metadata-Flavor") != "Google":
            return Answer(403, "Missing Metadata-Flavor:Google header", google)
        path = asked.path[len("/computeMetadata/v1/"):]
        if path == "project/project-id":
            return Answer(200, PROJECT, google)
        if path == "instance/service-accounts/default/token" and self.account:
            token = f"ya29.c.token-{len(self._tokens)}"
            self._tokens[token] = self.clock.now() + self.token_lives_s
            self.secrets.add(token)
            return Answer(200, {"access_token": token, "expires_in": self.token_lives_s,
                                "token_type": "Bearer"}, google)
        return Answer(404, "not found", google)

    def _api(self, asked):
        token = asked.headers.get("Authorization", "").partition("Bearer ")[2]
        if self._tokens.get(token, 0) < self.clock.now():
            return refused(401, "Request had invalid authentication credentials.", "authError")
        if asked.path != f"/compute/v1/projects/{PROJECT}/aggregated/instances":
            return refused(404, f"The resource '{asked.path}' was not found", "notFound")
        if self.refusal:
            return self.refusal
        size = int(asked.query.get("maxResults", 500))
        if not 0 <= size <= 500:
            return refused(400, "Invalid value for field 'maxResults'", "invalid")
        found = [each for each in self.instances if matches(asked.query.get("filter", ""), each)]
        page, token = pages(found, min(size, self.page_most), asked.query.get("pageToken"))
        # Zones that have none of them say so.
        items = {"zones/us-east1-b": {"warning": {
            "code": "NO_RESULTS_ON_PAGE",
            "message": "There are no results for scope 'zones/us-east1-b' on this page."}}}
        for i, each in enumerate(page):
            items.setdefault(f"zones/europe-west1-{'bcd'[i % 3]}",
                             {"instances": []})["instances"].append(described(each))
        body = {"kind": "compute#instanceAggregatedList", "items": items,
                "id": f"projects/{PROJECT}/aggregated/instances"}
        if token:
            body["nextPageToken"] = token
        return Answer(200, body, {"Content-Type": "application/json; charset=UTF-8"})


def matches(expression, each):
    """AND of terms, or of ORs of terms in parentheses."""
    for part in expression.split(" AND "):
        assert part.count("(") == part.count(")")
        some = False
        for term in part.strip("()").split(" OR "):
            found = _TERM.fullmatch(term)
            assert found, f"filter: {term}"
            key, value, present, _, status, wanted = found.groups()
            some |= (each["labels"].get(key) == value if key else
                     present in each["labels"] if present else each[status] == wanted)
        if not some:
            return False
    return True


def described(each):
    interface = {"name": "nic0", "networkIP": each["private"], "stackType": "IPV4_IPV6",
                 "accessConfigs": []}
    if each["public"]:
        interface["accessConfigs"].append({"type": "ONE_TO_ONE_NAT", "natIP": each["public"]})
    if each["ipv6"]:
        interface["ipv6Address"] = each["ipv6"]
    if each["ipv6_outside"]:
        interface["ipv6AccessConfigs"] = [{"externalIpv6": each["ipv6_outside"]}]
    return {"kind": "compute#instance", "name": "web", "status": each["status"],
            "labels": each["labels"], "networkInterfaces": [interface, {
                "name": "nic1", "networkIP": "172.16.0.9"}]}


def instance(private, public="", ipv6="", ipv6_outside="", status="RUNNING", **labels):
    return {"private": private, "public": public, "ipv6": ipv6, "ipv6_outside": ipv6_outside,
            "status": status, "labels": labels}


def refused(status, message, reason, details=()):
    return Answer(status, {"error": {"code": status, "message": message, "errors": [
        {"message": message, "domain": "global", "reason": reason}], "details": list(details)}})


def out_of_scope():
    return refused(403, "Request had insufficient authentication scopes.",
                   "insufficientPermissions", [{
                       "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                       "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                       "domain": "googleapis.com",
                       "metadata": {"service": "compute.googleapis.com"}}])


def not_allowed():
    return refused(403, "Required 'compute.instances.list' permission for "
                        f"'projects/{PROJECT}'", "forbidden")


def rate_limited():
    return refused(403, "Quota exceeded for quota metric 'List requests'", "rateLimitExceeded")
