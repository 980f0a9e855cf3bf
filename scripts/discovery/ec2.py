"""Amazon EC2: DescribeInstances.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

import email.utils
import urllib.parse

from discovery.answers import refuse_page, xml_of
from discovery.client import BUSY, Service
from discovery.ec2_metadata import Metadata
from discovery.endpoints import Host
from discovery.errors import Failure, Usage
from discovery.provider import Provider, once_each, plain
from discovery.sigv4 import Credentials, sign
from discovery.text import printable
from discovery.transport import Request

# Up to 1000, of several kilobytes each: smaller answers are throttled less.
_PAGE = 500
_THROTTLED = frozenset("""
    EC2ThrottledException InternalError InternalFailure RequestLimitExceeded
    RequestThrottled RequestThrottledException ServiceUnavailable Throttling
    ThrottlingException TooManyRequestsException Unavailable""".split())
# Credentials that were good once.
_EXPIRED = frozenset(["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
_CLOCK = frozenset(["AuthFailure", "InvalidSignatureException", "RequestExpired",
                    "RequestTimeTooSkewed", "SignatureDoesNotMatch"])
# AWS takes requests that are five minutes old.
_SKEW_S = 240
# Credentials with less to live are asked for again.
_AGED_S = 120


class Ec2(Provider):
    name = "ec2"
    usage = ("tag:KEY=VALUE, or another filter of DescribeInstances such as vpc-id=ID; "
             "all must match, of one key any value; region=NAME; address=public")

    def __init__(self, options, client, environment):
        self._client = client
        self._environment = environment
        self.metadata = Metadata(client, environment)
        self.region = (options.one("region") or environment.get("AWS_REGION") or
                       environment.get("AWS_DEFAULT_REGION"))
        self._public = options.one("address", "private", ("private", "public")) == "public"
        self.lists_own = not self._public
        self._filters = options.groups()
        if not self._filters:
            raise Usage("ec2 needs to know which instances: tag:KEY=VALUE")
        self._credentials = None
        self._service = Service("EC2", busy=_busy, advice="a longer discover.interval on all "
                                "hosts spares the account")

    def hosts(self):
        self.region = plain(self.region or self.metadata.region(), "region", "AWS_REGION")
        found, more = [], []
        for token in once_each(more, "EC2"):
            answer = self._page(token)
            for instance in answer.findall("reservationSet/item/instancesSet/item"):
                found.append(self._host(instance))
            more.append(answer.findtext("nextToken", ""))
        return found

    def nothing(self):
        words = " ".join(f"{key}={value}" for key, values in self._filters.items()
                         for value in values)
        return f"EC2 has no running instance with {words} in {self.region}"

    def _page(self, token):
        for fresh in (False, True):
            response = self._client.ask(self._service, lambda: self._request(token))
            code, message = _error(response)
            if code not in _EXPIRED or fresh or not self.metadata.role:
                break
            self._credentials = None
        refuse_page("EC2", response)
        if code or response.status != 200:
            raise Failure(self._refused(response, code, message))
        answer = xml_of("EC2", response)
        if _local(answer.tag) != "DescribeInstancesResponse":
            raise Failure(f"EC2 answered with <{printable(answer.tag, 40)}>: is "
                          "AWS_ENDPOINT_URL_EC2 the address of EC2?")
        return answer

    def _request(self, token):
        fields = [("Action", "DescribeInstances"), ("Version", "2016-11-15"),
                  ("MaxResults", _PAGE)]
        filters = {"instance-state-name": ["running"], **self._filters}
        for i, (key, values) in enumerate(filters.items(), 1):
            fields.append((f"Filter.{i}.Name", key))
            fields += [(f"Filter.{i}.Value.{j}", value) for j, value in enumerate(values, 1)]
        if token:
            fields.append(("NextToken", token))
        request = Request("POST", self.api_url(), {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            urllib.parse.urlencode(fields).encode())
        sign(request, self._good_credentials(), self.region, "ec2", self._client.clock.now())
        return request

    def api_url(self):
        own = (self._environment.get("AWS_ENDPOINT_URL_EC2") or
               self._environment.get("AWS_ENDPOINT_URL"))
        if own:
            return own.rstrip("/") + "/"
        if self._environment.get("AWS_USE_DUALSTACK_ENDPOINT", "").lower() == "true":
            return f"https://ec2.{self.region}.api.aws/"
        china = ".cn" if self.region.startswith("cn-") else ""
        return f"https://ec2.{self.region}.amazonaws.com{china}/"

    def _good_credentials(self):
        now = self._client.clock.now()
        known = self._credentials
        if known is None or known.expires is not None and known.expires - now < _AGED_S:
            self._credentials = self._own_credentials() or self.metadata.credentials()
        return self._credentials

    def _own_credentials(self):
        key_id = self._environment.get("AWS_ACCESS_KEY_ID")
        secret = self._environment.get("AWS_SECRET_ACCESS_KEY")
        if not key_id and not secret:
            return None
        if not key_id or not secret:
            raise Failure("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set")
        token = self._environment.get("AWS_SESSION_TOKEN", "")
        return Credentials(key_id, self._client.secrets.add(secret),
                           self._client.secrets.add(token))

    def _host(self, instance):
        if self._public:
            return Host(instance.findtext("ipAddress", ""), _ipv6(instance))
        return Host(instance.findtext("privateIpAddress", ""), _ipv6(instance))

    def _refused(self, response, code, message):
        who = f"role {self.metadata.role}" if self.metadata.role else "AWS_ACCESS_KEY_ID's user"
        said = printable(f"{code}: {message}" if code else f"status {response.status}", 250)
        if code == "UnauthorizedOperation":
            return (f"{who} may not ec2:DescribeInstances in {self.region}: allow that action "
                    f"on resource * in its IAM policy ({said})")
        skew = _skew_s(response, self._client.clock.now())
        if code in _CLOCK and abs(skew) > _SKEW_S:
            way = "ahead of" if skew > 0 else "behind"
            return f"this host's clock is {abs(skew):.0f} s {way} EC2's: set it ({said})"
        if code in _EXPIRED:
            return f"the credentials have expired: set new ones, AWS_SESSION_TOKEN too ({said})"
        if code in _CLOCK or code == "InvalidClientTokenId":
            return f"EC2 does not know the credentials of {who} ({said})"
        if code.startswith("InvalidParameter"):
            return f"EC2 does not know such a filter; a tag's is tag:KEY=VALUE ({said})"
        return f"EC2 refuses DescribeInstances ({said})"


def _ipv6(instance):
    """The first interface's first one: that of the default route, as a rule."""
    found = []
    for interface in instance.findall("networkInterfaceSet/item"):
        index = interface.findtext("attachment/deviceIndex", "")
        first = interface.findtext("ipv6AddressesSet/item/ipv6Address", "")
        if first:
            known = index.isascii() and index.isdigit() and len(index) < 8
            found.append((int(index) if known else 0, first))
    return min(found)[1] if found else instance.findtext("ipv6Address", "")


def _local(tag):
    return tag.rpartition(":")[2]


def _error(response):
    """(code, message) of an error's answer; two empty ones where there is none."""
    if response.status == 200 and b"<Errors>" not in response.body[:1024]:
        return "", ""
    try:
        answer = xml_of("EC2", response)
    except Failure:
        return "", ""
    return (answer.findtext("Errors/Error/Code", ""),
            answer.findtext("Errors/Error/Message", ""))


def _busy(response):
    if response.status == 200:
        return None
    code = _error(response)[0]
    if code in _THROTTLED or response.status in BUSY:
        return code or f"HTTP status {response.status}"
    return None


def _skew_s(response, now):
    """How far this host's clock is ahead of the server's."""
    try:
        return now - email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0.0
