"""A Consul agent's /v1/health/service, as its documentation has it.

https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
https://developer.hashicorp.com/consul/api-docs/features/blocking
"""

import re
import threading

from fake import Answer, Fake


class FakeConsul(Fake):
    """instances: [{service, address, node_address, port, passing, tags, tagged}]"""

    def __init__(self, clock):
        super().__init__(clock)
        self.instances = []
        self.index = 17
        # {token: whether it may read}; None: no ACLs.
        self.tokens = None
        self.hold_s = 0.02
        self._changed = threading.Condition()

    def change(self, instances, index=None):
        """What is registered from now on; wakes those who wait."""
        with self._changed:
            self.instances = instances
            self.index = self.index + 1 if index is None else index
            self._changed.notify_all()

    def answer(self, asked):
        found = re.fullmatch(r"/v1/health/service/([^/]+)", asked.path)
        if not found or asked.method != "GET":
            return Answer(404, "Invalid URL path: not a recognized HTTP API endpoint")
        allowed = True
        if self.tokens is not None:
            token = asked.headers.get("X-Consul-Token", "anonymous")
            if token not in self.tokens:
                return Answer(403, "ACL not found")
            allowed = self.tokens[token]
        self._hold(asked.query)
        listed = [described(each) for each in self.instances if self._matches(each, found[1],
                                                                              asked.query)]
        headers = {"X-Consul-Index": str(self.index), "Content-Type": "application/json"}
        if not allowed and listed:
            # What a token may not see is left out.
            headers["X-Consul-Results-Filtered-By-ACLs"] = "true"
            listed = []
        return Answer(200, listed, headers)

    def _hold(self, query):
        """A blocking query: until the index is beyond that of the query."""
        if "index" not in query:
            return
        wait = re.fullmatch(r"(\d+)s", query["wait"])
        assert wait and 0 < int(wait[1]) <= 600
        with self._changed:
            self._changed.wait_for(lambda: self.index > int(query["index"]), self.hold_s)

    def _matches(self, each, service, query):
        return (each["service"] == service and query.get("dc", "dc1") == "dc1" and
                (each["passing"] or query.get("passing") != "true") and
                ("tag" not in query or query["tag"] in each["tags"]))


def instance(address, node_address="10.9.0.1", port=8273, service="tapd", passing=True,
             tags=(), tagged=None):
    return {"service": service, "address": address, "node_address": node_address, "port": port,
            "passing": passing, "tags": list(tags), "tagged": tagged or {}}


def described(each):
    return {
        "Node": {"Node": "n1", "Address": each["node_address"], "Datacenter": "dc1",
                 "TaggedAddresses": {"lan": each["node_address"]}},
        "Service": {"ID": "tapd", "Service": each["service"], "Address": each["address"],
                    "Port": each["port"], "Tags": each["tags"],
                    "TaggedAddresses": {tag: {"Address": text, "Port": each["port"]}
                                        for tag, text in each["tagged"].items()}},
        "Checks": [{"CheckID": "serfHealth",
                    "Status": "passing" if each["passing"] else "critical"}]}
