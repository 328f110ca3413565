"""``python -m local.oci.registry_proxy``: the HTTPS registry and the proxy that leads to it, until SIGTERM."""

import argparse
import asyncio
import os
import ssl
from pathlib import Path

import uvicorn

from local.cloud.collector import spare_what_stays
from local.cloud.serving import bound_socket
from local.kubernetes.certificates import ServerCertificate, make_certificate
from local.oci.gate import create_gate
from local.oci.registry_proxy.connect_proxy import ConnectProxy

_HTTPS = 443


def main() -> None:
    """Serve; the bundle of trusted authorities is there once connections are taken."""
    spare_what_stays()
    parser = argparse.ArgumentParser(prog="python -m local.oci.registry_proxy", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of the proxy")
    parser.add_argument("--upstream", required=True, help="base URL of the AWS process")
    parser.add_argument("--region", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the certificate")
    parser.add_argument("--bundle", type=Path, required=True, help="where to write the authorities to trust")
    given = parser.parse_args()
    host = f"{given.account}.dkr.ecr.{given.region}.amazonaws.com"
    asyncio.run(_serve(given, host, make_certificate(given.folder, host)))


async def _serve(given: argparse.Namespace, host: str, certificate: ServerCertificate) -> None:
    registry = uvicorn.Server(
        uvicorn.Config(
            create_gate(given.upstream, account=given.account),
            ssl_certfile=certificate.certificate,
            ssl_keyfile=certificate.key,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    with bound_socket("127.0.0.1", 0) as listener:
        proxy = ConnectProxy({(host, _HTTPS): listener.getsockname()[1]}, f"{given.account}.dkr.ecr.")
        server = await asyncio.start_server(proxy.handle, "127.0.0.1", given.port)
        listener.listen()
        _write_bundle(given.bundle, certificate)
        async with server:
            await registry.serve(sockets=[listener])


def _write_bundle(path: Path, certificate: ServerCertificate) -> None:
    """Write this part's authority beside those that the process would trust without us."""
    usual = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    trusted = Path(usual).read_bytes() if usual and Path(usual).exists() else b""
    draft = path.with_suffix(".draft")
    draft.write_bytes(certificate.ca_pem + b"\n" + trusted)
    draft.chmod(0o644)
    draft.replace(path)


if __name__ == "__main__":
    main()
