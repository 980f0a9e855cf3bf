"""TLS, and proxies, which are for TLS alone."""

import socket
import ssl
import subprocess
import threading

import pytest

from fake import Answer, Fake
from fake_consul import FakeConsul
from populations import KINDS, THREE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) of localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files[0],
                    "-keyout", files[1]], check=True, capture_output=True, timeout=60)
    return files


@pytest.fixture
def secure(clock, certificate):
    """Consul with TLS."""
    fake = FakeConsul(clock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    fake.wrap(context)
    KINDS["consul"].populate(fake, THREE)
    with fake:
        yield fake


class Proxy(Fake):
    """CONNECT to anywhere on loopback."""

    def answer(self, asked):
        return Answer(405)

    def _serve(self, handler):
        self.asked.append(handler.headers)
        host, _, port = handler.path.rpartition(":")
        if handler.command != "CONNECT" or host != "127.0.0.1":
            handler.send_error(403)
            return
        with socket.create_connection((host, int(port)), timeout=10) as there:
            handler.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(there, handler.connection))
            back.start()
            pump(handler.connection, there)
            back.join()
        handler.close_connection = True


def pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def proxy(clock):
    with Proxy(clock) as running:
        yield running


@pytest.mark.parametrize("scheme", [{"CONSUL_HTTP_SSL": "true"}, {}])
def test_a_certificate_of_a_known_authority_is_trusted(secure, run, certificate, scheme):
    address = secure.host if scheme else f"https://{secure.host}"
    result = run("consul", fake=secure, environment={
        "CONSUL_HTTP_ADDR": address, "CONSUL_CACERT": str(certificate[0]), **scheme})
    assert result.endpoints == THREE


def test_another_certificate_is_not(secure, run):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": f"https://{secure.host}"})
    assert result.status == 1
    assert "certificate that is not trusted" in result.error and "SSL_CERT_FILE" in result.error
    assert secure.asked == []


def test_an_authority_that_there_is_not_is_said(run, tmp_path):
    result = run("consul", environment={"CONSUL_CACERT": str(tmp_path / "none")})
    assert result.status == 1 and "there is no such file" in result.error


def test_tls_to_a_server_without_it_is_an_error(consul, run):
    assert run("consul", environment={"CONSUL_HTTP_ADDR": f"https://{consul.host}"}).status == 1


def test_https_goes_by_the_proxy(secure, proxy, run, certificate):
    result = run("consul", environment={
        "CONSUL_HTTP_ADDR": f"https://{secure.host}", "CONSUL_CACERT": str(certificate[0]),
        "https_proxy": proxy.url})
    assert result.endpoints == THREE
    assert len(proxy.asked) == 1 and "Proxy-Authorization" not in proxy.asked[0]


def test_a_proxys_password_is_sent_to_it_alone(secure, proxy, run, certificate):
    run("consul", environment={
        "CONSUL_HTTP_ADDR": f"https://{secure.host}", "CONSUL_CACERT": str(certificate[0]),
        "HTTPS_PROXY": f"me:s3cr%3At@{proxy.host}"})
    assert proxy.asked[0]["Proxy-Authorization"] == "Basic bWU6czNjcjp0"
    assert "Proxy-Authorization" not in secure.asked[0].headers


def test_a_proxy_that_is_not_for_the_host_is_not_used(secure, proxy, run, certificate):
    result = run("consul", environment={
        "CONSUL_HTTP_ADDR": f"https://{secure.host}", "CONSUL_CACERT": str(certificate[0]),
        "https_proxy": proxy.host, "no_proxy": "127.0.0.1"})
    assert result.endpoints == THREE and proxy.asked == []


@pytest.mark.parametrize("name", KINDS)
def test_plain_http_goes_by_no_proxy(name, request, proxy, run):
    fake = request.getfixturevalue(name)
    KINDS[name].populate(fake, THREE)
    result = run(*KINDS[name].arguments, fake=fake, environment={
        "http_proxy": proxy.url, "https_proxy": proxy.url, "HTTP_PROXY": proxy.url})
    assert result.endpoints == THREE and proxy.asked == []


def test_a_proxy_that_refuses_is_an_error(proxy, run):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": "https://192.0.2.1:8501",
                                        "https_proxy": proxy.host})
    assert result.status == 1 and "403" in result.error


@pytest.mark.parametrize("address", ["https://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_proxy_of_another_kind_is_said(run, address):
    result = run("consul", environment={"CONSUL_HTTP_ADDR": "https://192.0.2.1:8501",
                                        "https_proxy": address})
    assert result.status == 1 and "https_proxy must be http://HOST:PORT" in result.error
