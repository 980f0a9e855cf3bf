"""One HTTP request and its answer, bounded in bytes and in time.

Everything happens in a thread of its own, which is abandoned when the time is over:
a name server, or a server that sends a byte now and then, would outlast any timeout
of a socket. Redirects are not followed. Proxies are used for https alone: metadata
services and agents are this host's own.
"""

import base64
import dataclasses
import http.client
import queue
import socket
import ssl
import threading
import urllib.parse
import urllib.request

from discovery.errors import Failure, Unreachable
from discovery.text import printable


# For whoever looks into the cloud's log of calls.
_WHO = {"User-Agent": "tapd-discover"}


@dataclasses.dataclass
class Request:
    method: str
    url: str
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = None


@dataclasses.dataclass
class Response:
    """headers.get(name) knows no case."""
    status: int
    headers: object
    body: bytes


class _Cut(Exception):
    """The connection ended within the answer."""


class _TooLarge(Exception):
    """The answer is larger than any of its kind."""


class Transport:
    def __init__(self, environment):
        self._proxy = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
        self._no_proxy = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        self._authorities = None
        self._context = None

    def trust(self, path):
        """Certificates are to be signed by an authority of that file."""
        self._authorities = path

    def send(self, request, size, seconds):
        """The Response, of at most `size` bytes, within so many seconds; else Unreachable."""
        url = urllib.parse.urlsplit(request.url)
        connection = self._connection(url, seconds)
        done = queue.SimpleQueue()
        threading.Thread(target=_run, args=(connection, request, url, size, done),
                         daemon=True).start()
        try:
            response, error = done.get(timeout=seconds)
        except queue.Empty:
            response, error = None, TimeoutError()
            _abandon(connection)
        if error:
            raise _explained(error, request, url, size) from error
        return response

    def _connection(self, url, seconds):
        try:
            port = url.port
        except ValueError:
            port = -1
        if url.scheme not in ("http", "https") or not url.hostname or port == -1:
            raise Failure(f"{printable(url.geturl(), 100)} is no http:// or https:// address")
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname, port, timeout=seconds)
        proxy = self._proxy_for(url.hostname)
        # It reads the authorities' certificates: once is enough.
        context = self._context or ssl.create_default_context(cafile=self._authorities)
        self._context = context
        if not proxy:
            return http.client.HTTPSConnection(url.hostname, port, timeout=seconds,
                                               context=context)
        connection = http.client.HTTPSConnection(proxy.hostname, proxy.port or 80,
                                                 timeout=seconds, context=context)
        connection.set_tunnel(url.hostname, port or 443, _proxy_headers(proxy))
        return connection

    def _proxy_for(self, host):
        if not self._proxy or urllib.request.proxy_bypass_environment(
                host, {"no": self._no_proxy}):
            return None
        proxy = urllib.parse.urlsplit(self._proxy if "//" in self._proxy
                                      else "http://" + self._proxy)
        if proxy.scheme != "http" or not proxy.hostname:
            raise Failure("https_proxy must be http://HOST:PORT")
        return proxy


def _proxy_headers(proxy):
    if proxy.username is None:
        return {}
    words = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(words.encode()).decode()}


def _run(connection, request, url, size, done):
    try:
        done.put((_exchange(connection, request, url, size), None))
    except Exception as error:  # it is raised where it can be handled
        done.put((None, error))
    finally:
        connection.close()


def _exchange(connection, request, url, size):
    target = (url.path or "/") + ("?" + url.query if url.query else "")
    connection.connect()
    try:
        connection.request(request.method, target, request.body, {**_WHO, **request.headers})
    except ValueError:
        # The value is in the exception's text, and may be a token.
        raise Failure("the credentials have characters that no HTTP header can") from None
    answer = connection.getresponse()
    body = answer.read(size + 1)
    if len(body) > size:
        raise _TooLarge
    # http.client says so of chunks alone.
    expected = answer.headers.get("Content-Length", "")
    if not answer.chunked and expected.isascii() and expected.isdigit() \
            and len(body) < int(expected[:20]):
        raise _Cut
    return Response(answer.status, answer.headers, body)


def _abandon(connection):
    """Ends what its thread waits for. The method of the class, not TLS's: that one is
    for the thread which reads."""
    if connection.sock:
        try:
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        except OSError:
            pass


def _explained(error, request, url, size):
    """The Failure that says in words what the exception was."""
    where = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
    if isinstance(error, Failure):
        return error
    if isinstance(error, _TooLarge):
        return Failure(f"{where} sent more than {size} bytes: is it that service?")
    # Before Python 3.10 they are two.
    if isinstance(error, (TimeoutError, socket.timeout)):
        return Unreachable(f"{where} gave no answer in time", late=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(f"{where} shows a certificate that is not trusted "
                       f"({error.verify_message}): is a proxy between? SSL_CERT_FILE names "
                       "the authorities to trust")
    if isinstance(error, socket.gaierror):
        return Unreachable(f"{where}: its name is not found ({error.strerror})")
    if isinstance(error, (_Cut, http.client.IncompleteRead)):
        return Unreachable(f"{where} was cut off within its answer to {request.method}")
    if isinstance(error, http.client.RemoteDisconnected):
        return Unreachable(f"{where} closed the connection without an answer")
    if isinstance(error, http.client.HTTPException):
        return Failure(f"{where} does not speak HTTP: is it that service?")
    if isinstance(error, UnicodeError):
        return Failure(f"{where} has no name that can be looked up")
    if isinstance(error, OSError):
        return Unreachable(f"{where}: {printable(error.strerror or str(error), 100)}")
    return error
