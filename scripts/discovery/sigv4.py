"""AWS Signature Version 4 of requests without a query.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import dataclasses
import hashlib
import hmac
import time
import urllib.parse


@dataclasses.dataclass(frozen=True)
class Credentials:
    """token: of temporary ones. expires: by the wall clock; None: never."""
    key_id: str
    secret: str
    token: str = ""
    expires: float = None


def sign(request, credentials, region, service, now):
    """Adds Host, X-Amz-Date and Authorization to the request's headers, and signs all."""
    url = urllib.parse.urlsplit(request.url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    request.headers["Host"] = url.netloc
    request.headers["X-Amz-Date"] = stamp
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    headers = sorted((name.lower(), " ".join(value.split()))
                     for name, value in request.headers.items())
    signed = ";".join(name for name, _ in headers)
    canonical = "\n".join([
        request.method, url.path or "/", "",
        *(f"{name}:{value}" for name, value in headers), "",
        signed, hashlib.sha256(request.body or b"").hexdigest()])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + credentials.secret).encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={signed}, Signature={_hmac(key, text).hex()}")


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
