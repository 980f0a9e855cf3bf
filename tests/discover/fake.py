"""An HTTP server on loopback that plays an API, and can be made to misbehave."""

import contextlib
import dataclasses
import http.server
import json
import re
import threading
import urllib.parse


@dataclasses.dataclass
class Asked:
    method: str
    path: str
    query: dict
    headers: object
    body: bytes


@dataclasses.dataclass
class Answer:
    """body: bytes, text, or what becomes JSON. raw(handler) sends it all by itself."""
    status: int = 200
    body: object = b""
    headers: dict = dataclasses.field(default_factory=dict)
    raw: object = None

    def bytes(self):
        if isinstance(self.body, bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


PAGE = Answer(200, "<!DOCTYPE html>\n<html><body>Please log in</body></html>",
              {"Content-Type": "text/html; charset=utf-8"})


def cut(body, length=None):
    """Says that more is to come, and closes the connection."""
    def raw(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                            % (length or len(body) + 1000, body))
    return Answer(raw=raw)


def slow(fake):
    """No answer while the fake lives."""
    return Answer(raw=lambda handler: fake.closing.wait())


def drip(fake):
    """A byte of a header now and then: no timeout of a socket ends that."""
    def raw(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not fake.closing.wait(0.02):
            handler.wfile.write(b"x")
    return Answer(raw=raw)


def noise():
    return Answer(raw=lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2p1\r\n"))


class Fake:
    """Subclasses answer(asked). What is `planned` for a path is answered first, in turn."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.closing = threading.Event()
        self.secrets = set()
        self._planned = []
        self._lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _any(self):
                fake._serve(self)
            do_GET = do_PUT = do_POST = do_CONNECT = _any

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.02})

    def wrap(self, context):
        """TLS from now on; before it is started."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def host(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self):
        return f"http://{self.host}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def plan(self, path, *answers):
        """The next requests whose path matches that get these, one each."""
        with self._lock:
            self._planned += [(path, answer) for answer in answers]

    def count(self, path):
        """How many requests there were whose path matches that."""
        return sum(1 for asked in self.asked if re.fullmatch(path, asked.path))

    def answer(self, asked):
        raise NotImplementedError

    def _serve(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(handler.command, url.path, dict(urllib.parse.parse_qsl(url.query)),
                      handler.headers, handler.rfile.read(length))
        with self._lock:
            self.asked.append(asked)
            planned = next((each for each in self._planned
                            if re.fullmatch(each[0], asked.path)), None)
            if planned:
                self._planned.remove(planned)
        answer = planned[1] if planned else self.answer(asked)
        handler.close_connection = True
        with contextlib.suppress(OSError):
            if answer.raw:
                answer.raw(handler)
            else:
                _send(handler, answer, self.clock.now())


def _send(handler, answer, now):
    body = answer.bytes()
    handler.send_response_only(answer.status)
    headers = {"Date": handler.date_time_string(now), "Content-Length": str(len(body)),
               **answer.headers}
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def pages(items, size, token):
    """(the page that the token names, the token of the next or "")."""
    start = int(token.rpartition("-")[2]) if token else 0
    end = start + size
    return items[start:end], f"page-{end}" if end < len(items) else ""


def addresses(count):
    return [f"10.{1 + i // 65536}.{i // 250 % 250}.{1 + i % 250}" for i in range(count)]
