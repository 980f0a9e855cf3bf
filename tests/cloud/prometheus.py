"""A real Prometheus in a host of the cloud, and the dashboard that asks it."""

import http.client
import json
import re
import socket

import yaml

UI_PORT = 9090


def filled(expression, rate_interval="10s"):
    """As Grafana fills its variables in."""
    text = re.sub(r"\$(job|instance|interface)\b", ".*", expression)
    return text.replace("$__rate_interval", rate_interval)


class Prometheus:
    """targets: (address of this host, what it is called, or None: by its address)."""

    def __init__(self, host, targets, rules=None, interval="1s"):
        self.host, self.targets = host, targets
        conf = {"global": {"scrape_interval": interval, "evaluation_interval": interval},
                "rule_files": [str(rules)] if rules else [],
                "scrape_configs": [{"job_name": "tapd", "static_configs": [
                    {"targets": [address], "labels": {"instance": name} if name else {}}
                    for address, name in targets]}]}
        self.process = host.start(
            "prometheus", "--config.file=" + host.write("prometheus.yml", yaml.safe_dump(conf)),
            "--storage.tsdb.path=" + host.path("tsdb"),
            f"--web.listen-address=127.0.0.1:{UI_PORT}", log="prometheus.log")

    def get(self, path):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        with connection.sock as sock:
            sock.settimeout(20)
            sock.connect(("127.0.0.1", UI_PORT))
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())

    def healthy(self):
        try:
            targets = self.get("/api/v1/targets")["data"]["activeTargets"]
        except (OSError, json.JSONDecodeError):  # it starts, and says so
            assert self.process.running, self.process.tail()
            return False
        return (len(targets) == len(self.targets)
                and all(target["health"] == "up" for target in targets))

    def _result(self, path, expression, more=""):
        quoted = "".join(f"%{byte:02x}" for byte in expression.encode())
        answer = self.get(f"/api/v1/{path}?query={quoted}{more}")
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def query(self, expression):
        """Its samples."""
        return self._result("query", expression)

    def query_range(self, expression, start, end, step):
        """Its series, each with values from start to end, in seconds since the epoch."""
        return self._result("query_range", expression, f"&start={start}&end={end}&step={step}")
