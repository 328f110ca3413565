"""The cluster's certificate: its chain and name are checked, and not whether its authority has key identifiers."""

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.ssl_
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from functions.cluster.client import Cluster
from functions.cluster.connection import Connection
from functions.cluster.deadline import Deadline
from functions.cluster.errors import AccessError, UnreachableError
from functions.cluster.names import ObjectName
from functions.cluster.resources import NAMESPACES
from functions.cluster.transport import Transport

NOW = datetime.datetime.now(datetime.UTC)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Authority:
    """A certificate authority as EKS made them before Kubernetes 1.17 (``identified`` False), or makes them now."""

    def __init__(self, *, identified: bool) -> None:
        self._identified = identified
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(named("kubernetes"), self._key).add_extension(x509.BasicConstraints(True, None), True)
        usage = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement", "crl_sign"), False)
        usage |= {"digital_signature": True, "key_encipherment": True, "key_cert_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), True)
        self.pem = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def server_certificate(self, address: str) -> bytes:
        """Key and certificate for an IP address, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = self._builder(named("kube-apiserver"), key).add_extension(names, False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private + certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(named("kubernetes"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=1))
        )
        if not self._identified:
            return builder
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return builder.add_extension(own, False).add_extension(issuer, False)


Serve = Callable[[bytes], str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve one namespace over TLS with a certificate; gives the address."""
    servers: list[ThreadingHTTPServer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"kind": "Namespace", "metadata": {"name": "default"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    def start(certificate: bytes) -> str:
        file = tmp_path / "server.pem"
        file.write_bytes(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def strict_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3's own contexts are those of Python 3.13, on whatever Python this runs."""
    make = urllib3.util.ssl_.create_urllib3_context

    def strict(*args: Any, **options: Any) -> ssl.SSLContext:
        context = make(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict)


def ask(endpoint: str, authority: str) -> Any:
    transport = Transport(lambda _: Connection(endpoint, authority, lambda: "token", lambda: None))
    return Cluster(transport, Deadline.after(5)).get(NAMESPACES, ObjectName("", "default"))


@pytest.mark.parametrize("identified", [True, False])
def test_the_clusters_own_authority_is_trusted(serve: Serve, identified: bool) -> None:
    authority = Authority(identified=identified)
    assert ask(serve(authority.server_certificate("127.0.0.1")), authority.pem)["kind"] == "Namespace"


@pytest.mark.parametrize("identified", [True, False])
def test_another_authority_is_not(serve: Serve, identified: bool) -> None:
    endpoint = serve(Authority(identified=identified).server_certificate("127.0.0.1"))
    with pytest.raises(UnreachableError, match="certificate is not the cluster's"):
        ask(endpoint, Authority(identified=identified).pem)


@pytest.mark.parametrize("identified", [True, False])
def test_a_certificate_for_another_name_is_not(serve: Serve, identified: bool) -> None:
    authority = Authority(identified=identified)
    with pytest.raises(UnreachableError, match="certificate is not the cluster's"):
        ask(serve(authority.server_certificate("127.0.0.2")), authority.pem)


def test_an_authority_that_cannot_be_read() -> None:
    with pytest.raises(AccessError, match="no readable certificate authority"):
        ask("https://127.0.0.1:1", "no certificate")
