"""EC2's instance metadata service, version 2: region and credentials of this instance.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

import datetime
import urllib.parse

from discovery.answers import json_of, member, refuse_page
from discovery.client import Service
from discovery.errors import Failure, Unreachable
from discovery.provider import plain
from discovery.sigv4 import Credentials
from discovery.transport import Request

_SERVICE = Service("the metadata service", size=64 << 10, attempt_s=2, attempts=2)
_TOKEN_TTL_S = 21600
_ROLES = "/latest/meta-data/iam/security-credentials/"
_NO_ROLE = ("no role is attached to this instance: attach an instance profile that allows "
            "ec2:DescribeInstances, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
_HOP_LIMIT = ("in a container the usual cause is its hop limit of 1: aws ec2 "
              "modify-instance-metadata-options --instance-id ID "
              "--http-put-response-hop-limit 2; elsewhere ")
_NOT_THERE = ("metadata is off, or this is no EC2 instance: then set AWS_REGION, "
              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


class Metadata:
    def __init__(self, client, environment):
        self._client = client
        self._off = environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        default = "http://169.254.169.254"
        if environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "").lower() == "ipv6":
            default = "http://[fd00:ec2::254]"
        self.base = (environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or default).rstrip("/")
        self._token = None
        # Whose credentials they are, for messages.
        self.role = None

    def region(self):
        document = json_of(_SERVICE.name, self._get("/latest/dynamic/instance-identity/document"))
        return plain(member(document, "region", str), "region", _SERVICE.name)

    def credentials(self):
        response = self._get(_ROLES, missing=_NO_ROLE)
        refuse_page(_SERVICE.name, response)
        self.role = plain_role(response.body)
        answer = json_of(_SERVICE.name, self._get(_ROLES + urllib.parse.quote(self.role),
                                                  missing=_NO_ROLE))
        if member(answer, "Code", str) not in ("Success", ""):
            raise Failure(f"the metadata service has no credentials of role {self.role} "
                          f"({answer['Code']}): look at the role's trust policy")
        words = [member(answer, name, str) for name in ("AccessKeyId", "SecretAccessKey", "Token")]
        if not all(words):
            raise Failure(f"the metadata service gave incomplete credentials of {self.role}")
        for word in words[1:]:
            self._client.secrets.add(word)
        return Credentials(*words, expires=_instant(member(answer, "Expiration", str)))

    def _get(self, path, missing=None):
        for _ in range(2):
            response = self._client.ask(_SERVICE, lambda: Request("GET", self.base + path, {
                "X-aws-ec2-metadata-token": self._token or self._new_token()}))
            if response.status != 401:
                break
            self._token = None  # it aged
        if response.status == 404 and missing:
            raise Failure(missing)
        if response.status != 200:
            raise Failure(f"the metadata service refuses {path} (status {response.status})")
        return response

    def _new_token(self):
        if self._off:
            raise Failure("AWS_EC2_METADATA_DISABLED is true; set AWS_REGION, "
                          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY then")
        try:
            response = self._client.ask(_SERVICE, lambda: Request(
                "PUT", self.base + "/latest/api/token",
                {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_TTL_S)}, b""))
        except Unreachable as error:
            # Packets that lived too long vanish; a refusal is another's.
            why = _HOP_LIMIT if error.late else ""
            raise Failure(f"{error}: {why}{_NOT_THERE}") from error
        if response.status == 403:
            raise Failure("the metadata service is off for this instance: aws ec2 "
                          "modify-instance-metadata-options --instance-id ID "
                          "--http-endpoint enabled")
        refuse_page(_SERVICE.name, response)
        text = response.body.decode("ascii", "replace").strip()
        if response.status != 200 or not text.isprintable() or not 0 < len(text) < 1024:
            raise Failure(f"the metadata service gives no token (status {response.status}): "
                          "is this an EC2 instance?")
        self._token = self._client.secrets.add(text)
        return self._token


def plain_role(body):
    """The name of the instance's role: the first line."""
    lines = body.decode("utf-8", "replace").split()
    if not lines or len(lines[0]) > 128 or "/" in lines[0]:
        raise Failure(_NO_ROLE)
    return lines[0]


def _instant(text):
    """Of 2026-11-29T19:00:00Z; what cannot be read has passed, so that they are asked
    for again."""
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
