"""Consul: the passing instances of a service, from the local agent.

https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
https://developer.hashicorp.com/consul/api-docs/features/blocking
"""

import os
import urllib.parse

from discovery.answers import json_of, member, refuse_page
from discovery.client import LIMIT_S, Service
from discovery.endpoints import Host, usable
from discovery.errors import Failure, Unreachable
from discovery.provider import Provider
from discovery.text import printable
from discovery.transport import Request

_WAIT_S = 300
# The server adds up to a sixteenth to what it is asked to wait.
_LATE_S = 15
_SECRET_BYTES = 4096
_ACL = ("a token with service:read on {service} and node:read, as in "
        "service \"{service}\" {{ policy = \"read\" }} node_prefix \"\" {{ policy = \"read\" }}, "
        "in CONSUL_HTTP_TOKEN or the file that CONSUL_HTTP_TOKEN_FILE names")


class Consul(Provider):
    name = "consul"
    usage = "service=NAME, default tapd; tag=NAME; dc=NAME; address=wan; wait=SECONDS"
    retry_s = 2

    def __init__(self, options, client, environment):
        self._client = client
        self._environment = environment
        self._base = _base(environment)
        self._service = options.one("service", "tapd")
        self._wan = options.one("address", "lan", ("lan", "wan")) == "wan"
        self.lists_own = not self._wan
        self._wait_s = options.seconds("wait", _WAIT_S, 1, _WAIT_S)
        self._query = {"passing": "true"}
        for key in ("tag", "dc"):
            value = options.one(key)
            if value:
                self._query[key] = value
        # What the next query waits for a change of; 0: it does not wait.
        self._index = 0
        self._filtered = False

    def hosts(self):
        query = dict(self._query)
        patience = 0
        if self._index:
            query.update(index=self._index, wait=f"{self._wait_s}s")
            patience = self._wait_s * 17 / 16 + _LATE_S
            self._client.restart(patience + LIMIT_S)
        url = (f"{self._base}/v1/health/service/{urllib.parse.quote(self._service, safe='')}?" +
               urllib.parse.urlencode(query))
        response = self._ask(url, patience)
        answer = json_of("Consul", response)
        if not isinstance(answer, list):
            raise Failure("Consul answered with what is no list of services: is "
                          "CONSUL_HTTP_ADDR its address?")
        self._filtered = response.headers.get("X-Consul-Results-Filtered-By-ACLs") == "true"
        self._index = _next_index(self._index, response.headers.get("X-Consul-Index", ""))
        return [self._host(entry) for entry in answer]

    def rest_s(self):
        # A busy cluster changes the index all the time.
        return 1 if self._index else None

    def nothing(self):
        if self._filtered:
            return ("Consul keeps instances back: there must be " +
                    _ACL.format(service=self._service))
        return f"Consul knows no passing instance of the service {self._service}"

    def _ask(self, url, patience):
        service = Service("Consul", attempt_s=patience or 6, attempts=1 if patience else 4)
        headers = self._token()
        try:
            response = self._client.ask(service, lambda: Request("GET", url, headers))
        except Unreachable as error:
            raise Failure(f"{error}: does an agent run there? CONSUL_HTTP_ADDR says where "
                          "it listens") from error
        refuse_page("Consul", response)
        if response.status != 200:
            raise Failure(self._refused(response))
        return response

    def _refused(self, response):
        said = printable(response.body[:1000].decode("utf-8", "replace"), 200)
        acl = _ACL.format(service=self._service)
        if response.status in (401, 403) and "not found" in said:
            return f"Consul does not know the ACL token ({said}): there must be {acl}"
        if response.status in (401, 403):
            return f"Consul denies that ({said}): there must be {acl}"
        return f"Consul refuses (status {response.status}, {said})"

    def _token(self):
        """The header, read anew each time: tokens in files are replaced."""
        token = self._environment.get("CONSUL_HTTP_TOKEN", "")
        path = self._environment.get("CONSUL_HTTP_TOKEN_FILE")
        if not token and path:
            try:
                with open(path, encoding="ascii") as file:
                    token = file.read(_SECRET_BYTES).strip()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is no text"
                raise Failure(f"CONSUL_HTTP_TOKEN_FILE {path}: {why}") from None
        return {"X-Consul-Token": self._client.secrets.add(token)} if token else {}

    def _host(self, entry):
        service, node = member(entry, "Service", dict), member(entry, "Node", dict)
        tagged = {**_tagged(node), **_tagged(service)}
        kind = "wan" if self._wan else "lan"
        plain = member(service, "Address", str) or member(node, "Address", str)
        if self._wan:
            plain = tagged.get("wan") or plain
        ipv6 = tagged.get(f"{kind}_ipv6", "")
        ipv4 = tagged.get(f"{kind}_ipv4", "")
        address = usable(plain)
        if isinstance(address, str):  # a name, of either family
            ipv4 = ipv6 = plain
        elif address is not None and address.version == 6:
            ipv6 = plain
        elif address is not None:
            ipv4 = plain
        port = member(service, "Port", int)
        return Host(ipv4, ipv6, port if 0 < port < 65536 else None)


def _tagged(value):
    """{tag: address}: a node's are texts, a service's are objects."""
    found = {}
    for tag, address in member(value, "TaggedAddresses", dict).items():
        text = address if isinstance(address, str) else member(address, "Address", str)
        if text:
            found[tag] = text
    return found


def _next_index(known, text):
    """An index that goes back, after a restore, is none; nor is what is no number."""
    index = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return index if index >= known else 0


def _base(environment):
    address = environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    if address.startswith("unix:"):
        raise Failure("CONSUL_HTTP_ADDR is a Unix socket: let the agent listen on "
                      "127.0.0.1:8500 too")
    if "://" not in address:
        secure = environment.get("CONSUL_HTTP_SSL", "").lower() in ("1", "true")
        address = ("https://" if secure else "http://") + address
    return address.rstrip("/")


def authorities(environment):
    """The file of authorities that Consul's certificates are signed by; None: the system's."""
    path = environment.get("CONSUL_CACERT")
    if path and not os.path.isfile(path):
        raise Failure(f"CONSUL_CACERT {path}: there is no such file")
    return path or None
