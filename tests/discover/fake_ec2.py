"""EC2's query API and its metadata service, as their documentation has them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html

Each request's signature is computed again, from the text of the documentation and
not with the code that is tested.
"""

import datetime
import hashlib
import hmac
import re
import urllib.parse
from xml.sax.saxutils import escape

from fake import Answer, Fake, pages

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
ROLE = "tapd-web"


class FakeEc2(Fake):
    def __init__(self, clock, region="eu-west-1"):
        super().__init__(clock)
        self.region = region
        self.instances = []
        self.role = ROLE
        self.denied = False
        self.page_most = 1000
        self.skew_s = 0
        self._made = 0
        self._tokens = set()
        # {key id: (secret, token, expires)}
        self.keys = {}

    # ---- metadata ----

    def forget_tokens(self):
        self._tokens.clear()

    def expire_keys(self):
        """The server no longer takes them, whatever it said."""
        for name, (secret, token, _) in self.keys.items():
            self.keys[name] = (secret, token, 0)

    def answer(self, asked):
        if asked.path == "/latest/api/token":
            return self._token(asked)
        if asked.path.startswith("/latest/"):
            if asked.headers.get("X-aws-ec2-metadata-token") not in self._tokens:
                return Answer(401)
            return self._metadata(asked.path)
        return self._api(asked)

    def _token(self, asked):
        ttl = asked.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if asked.method != "PUT" or not ttl.isdigit() or not 0 < int(ttl) <= 21600:
            return Answer(400)
        token = f"AQAAA-metadata-token-{len(self._tokens)}=="
        self._tokens.add(token)
        self.secrets.add(token)
        return Answer(200, token)

    def _metadata(self, path):
        if path == "/latest/dynamic/instance-identity/document":
            return Answer(200, {"region": self.region, "instanceId": "i-0123456789abcdef0",
                                "privateIp": "10.1.0.1", "accountId": "123456789012"})
        roles = "/latest/meta-data/iam/security-credentials/"
        if path == roles and self.role:
            return Answer(200, self.role)
        if path == roles + (self.role or "-"):
            return Answer(200, self.new_keys())
        return Answer(404)

    def new_keys(self, lives_s=3600):
        self._made += 1
        name = f"ASIAEXAMPLE{self._made}"
        secret, token = f"secret/key+{self._made}", f"IQoJb3session{self._made}=="
        expires = self.clock.now() + lives_s
        self.keys[name] = (secret, token, expires)
        self.secrets |= {secret, token}
        stamp = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        return {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": name,
                "SecretAccessKey": secret, "Token": token,
                "Expiration": stamp.strftime("%Y-%m-%dT%H:%M:%SZ")}

    # ---- the API ----

    def _api(self, asked):
        refusal = self._unsigned(asked)
        if refusal:
            return refusal
        fields = urllib.parse.parse_qsl(asked.body.decode(), strict_parsing=True)
        query = dict(fields)
        assert len(fields) == len(query), "a field comes twice"
        if query.get("Action") != "DescribeInstances" or query.get("Version") != "2016-11-15":
            return error(400, "InvalidAction", "The action is not valid for this web service")
        if self.denied:
            return error(403, "UnauthorizedOperation", "You are not authorized to perform this "
                         "operation. User: arn:aws:sts::123456789012:assumed-role/tapd-web is "
                         "not authorized to perform: ec2:DescribeInstances")
        found, bad = self._filtered(query)
        if bad:
            return error(400, "InvalidParameterValue", f"The filter '{bad}' is invalid")
        size = int(query.get("MaxResults", 1000))
        if not 5 <= size <= 1000:
            return error(400, "InvalidParameterValue", "Value for parameter MaxResults")
        page, token = pages(found, min(size, self.page_most), query.get("NextToken"))
        return Answer(200, listed(page, token), {"Content-Type": "text/xml;charset=UTF-8"})

    def _filtered(self, query):
        """(the instances that match, the name of a filter that there is not)."""
        found = self.instances
        for i in range(1, 201):
            name = query.get(f"Filter.{i}.Name")
            if name is None:
                return found, None
            values = [query[f"Filter.{i}.Value.{j}"] for j in range(1, 201)
                      if f"Filter.{i}.Value.{j}" in query]
            if name.startswith("tag:"):
                found = [each for each in found if each["tags"].get(name[4:]) in values]
            elif name in ("instance-state-name", "vpc-id"):
                found = [each for each in found if each[name] in values]
            else:
                return [], name
        raise AssertionError("more than 200 filters")

    def _unsigned(self, asked):
        """The refusal of a request that is not signed as it should be."""
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
            r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
            asked.headers.get("Authorization", ""))
        if not found:
            return error(401, "AuthFailure", "AWS was not able to validate the provided access "
                                             "credentials")
        name, day, region, service, signed, signature = found.groups()
        if name not in self.keys:
            return error(401, "AuthFailure", "AWS was not able to validate the provided access "
                                             "credentials")
        secret, token, expires = self.keys[name]
        stamp = asked.headers["X-Amz-Date"]
        then = datetime.datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
        now = self.clock.now() + self.skew_s
        if abs(now - then) > 300:
            return error(400, "RequestExpired", "Request has expired.", self._date(now))
        if token and asked.headers.get("X-Amz-Security-Token") != token:
            return error(401, "AuthFailure", "no such token")
        if now > expires:
            return error(400, "ExpiredToken", "The security token included in the request is "
                                              "expired")
        names = signed.split(";")
        assert names == sorted(names) and {"host", "x-amz-date"} <= set(names)
        assert not token or "x-amz-security-token" in names
        assert (day, region, service) == (stamp[:8], self.region, "ec2")
        if signature != self._signature(asked, names, stamp, secret):
            return error(403, "SignatureDoesNotMatch", "The request signature we calculated does "
                         f"not match. The canonical string was '{token}'")
        return None

    def _signature(self, asked, names, stamp, secret):
        headers = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in names)
        query = "&".join(f"{quoted(key)}={quoted(value)}" for key, value
                         in sorted(asked.query.items()))
        canonical = (f"{asked.method}\n{asked.path}\n{query}\n{headers}\n{';'.join(names)}\n"
                     f"{hashlib.sha256(asked.body).hexdigest()}")
        scope = f"{stamp[:8]}/{self.region}/ec2/aws4_request"
        text = (f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n"
                f"{hashlib.sha256(canonical.encode()).hexdigest()}")
        key = mac(mac(mac(mac(b"AWS4" + secret.encode(), stamp[:8]), self.region), "ec2"),
                  "aws4_request")
        return mac(key, text).hex()

    def _date(self, now):
        stamp = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
        return {"Date": stamp.strftime("%a, %d %b %Y %H:%M:%S GMT")}


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def quoted(text):
    return urllib.parse.quote(text, safe="-_.~")


def instance(private, public="", ipv6=(), state="running", vpc="vpc-1", **tags):
    return {"private": private, "public": public, "ipv6": ipv6, "instance-state-name": state,
            "vpc-id": vpc, "tags": tags}


def error(status, code, message, headers=None):
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
                  f"<Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
                  "<RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>",
                  headers or {})


def element(name, text):
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def listed(instances, token):
    """DescribeInstancesResponse: two instances a reservation."""
    reservations = ""
    for i in range(0, len(instances), 2):
        items = "".join(_item(each) for each in instances[i:i + 2])
        reservations += (f"<item><reservationId>r-{i:08x}</reservationId><ownerId>1</ownerId>"
                         f"<groupSet/><instancesSet>{items}</instancesSet></item>")
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse '
            f'xmlns="{NAMESPACE}"><requestId>8f7724cf</requestId><reservationSet>{reservations}'
            f"</reservationSet>{element('nextToken', token)}</DescribeInstancesResponse>")


def _item(each):
    tags = "".join(f"<item>{element('key', key)}{element('value', value)}</item>"
                   for key, value in each["tags"].items())
    ipv6 = "".join(f"<item>{element('ipv6Address', address)}<isPrimaryIpv6>false"
                   "</isPrimaryIpv6></item>" for address in each["ipv6"])
    return (f"<item><instanceId>i-0123456789abcdef0</instanceId><imageId>ami-1</imageId>"
            f"<instanceState><code>16</code>"
            f"{element('name', each['instance-state-name'])}</instanceState>"
            f"<privateDnsName/><instanceType>t3.nano</instanceType><architecture>x86_64"
            f"</architecture><placement><availabilityZone>eu-west-1a</availabilityZone>"
            f"<tenancy>default</tenancy></placement><subnetId>subnet-1</subnetId>"
            f"{element('privateIpAddress', each['private'])}"
            f"{element('ipAddress', each['public'])}{element('vpcId', each['vpc-id'])}"
            f"<tagSet>{tags}</tagSet><networkInterfaceSet><item><networkInterfaceId>eni-1"
            f"</networkInterfaceId><attachment><deviceIndex>0</deviceIndex></attachment>"
            f"<ipv6AddressesSet>{ipv6}</ipv6AddressesSet></item></networkInterfaceSet></item>")
