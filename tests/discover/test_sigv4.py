"""Signatures against those that AWS published: its Signature Version 4 test suite,
aws-sig-v4-test-suite, from "Signature Version 4 Test Suite" in the AWS General Reference.
"""

import calendar
import time

import pytest

from discovery.sigv4 import Credentials, sign
from discovery.transport import Request

KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
WHEN = calendar.timegm(time.strptime("20150830T123600Z", "%Y%m%dT%H%M%SZ"))
# Of post-sts-header-before.
SESSION = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
    "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"
    "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
    "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==")


@pytest.mark.parametrize("name, method, headers, body, signed, signature", [
    ("get-vanilla", "GET", {}, None, "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("post-vanilla", "POST", {}, None, "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-header-key-sort", "POST", {"My-Header1": "value1"}, None, "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    ("post-header-value-case", "POST", {"My-Header1": "VALUE1"}, None,
     "host;my-header1;x-amz-date",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    ("post-x-www-form-urlencoded", "POST",
     {"Content-Type": "application/x-www-form-urlencoded"}, b"Param1=value1",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
])
def test_signatures_of_the_suite(name, method, headers, body, signed, signature):
    request = Request(method, "https://example.amazonaws.com/", dict(headers), body)
    sign(request, Credentials(*KEYS), "us-east-1", "service", WHEN)
    assert request.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}")


def test_the_suites_signature_with_a_session_token():
    request = Request("POST", "https://example.amazonaws.com/")
    sign(request, Credentials(*KEYS, token=SESSION), "us-east-1", "service", WHEN)
    assert request.headers["X-Amz-Security-Token"] == SESSION
    assert request.headers["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")
