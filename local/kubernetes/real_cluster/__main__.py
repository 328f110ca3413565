"""``python -m local.kubernetes.real_cluster``: the proxy as a process, in place of ``python -m local.kubernetes``."""

import argparse
import base64
import json
import secrets
import sys
from pathlib import Path

import uvicorn
from kubernetes.config import ConfigException

from local.cloud.serving import bound_socket
from local.kubernetes.certificates import make_certificate
from local.kubernetes.kubeconfig import write_kubeconfig
from local.kubernetes.real_cluster.proxy import create_proxy


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.kubernetes.real_cluster", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="of the real cluster")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--sts-endpoint", required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    given = parser.parse_args()
    given.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate = make_certificate(given.state_dir / "certificates", "127.0.0.1")
    token = secrets.token_urlsafe(32)
    try:
        app = create_proxy(
            given.kubeconfig, cluster_name=given.cluster_name, sts_endpoint=given.sts_endpoint, admin_token=token
        )
    except (ConfigException, OSError) as error:
        sys.exit(f"KUBECONFIG {given.kubeconfig} cannot be used: {error}")
    listener = bound_socket("127.0.0.1", 0)
    listener.listen()  # from now on requests wait: the ready file says that they may come
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    kubeconfig = given.state_dir / "kubeconfig"
    write_kubeconfig(kubeconfig, cluster=given.cluster_name, url=url, ca_pem=certificate.ca_pem, token=token)
    ready = {
        "endpoint": url,
        "ca_data": base64.b64encode(certificate.ca_pem).decode(),
        "kubeconfig": str(kubeconfig),
    }
    given.ready_file.write_text(json.dumps(ready))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ssl_certfile=str(certificate.certificate),
        ssl_keyfile=str(certificate.key),
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
