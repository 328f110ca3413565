"""etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1, from their start to their end."""

import json
import secrets
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.cloud.places import BUILD
from local.cloud.processes import Part, free_port
from local.kubernetes.certificates import make_certificate
from local.kubernetes.kubeconfig import write_kubeconfig

LOGS: Final = BUILD / "control-plane" / "logs"
"""One file for each program, of the last run."""
DEPLOYER_GROUP: Final = "blue-faas-deployer"

ANONYMOUS: Final[dict[str, Any]] = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")]},
}
"""Who shows no token may ask for the server's health and for nothing else, as on EKS."""

_READY_SECONDS: Final = 120
_ISSUER: Final = "https://kubernetes.default.svc"
# Workloads are left alone, so that tests can write the status that these controllers would write.
STILL: Final = ("*", "-deployment-controller", "-replicaset-controller", "-horizontal-pod-autoscaler-controller")
ALL: Final = ("*",)
# The one-machine kubelet renews no lease; without this its nodes would be tainted after 40 s.
_NODE_GRACE: Final = "24h"


@dataclass(frozen=True)
class Tokens:
    """Bearer tokens of those who use the server, made anew at every start."""

    administrator: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    deployer: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """Of a user who is in `DEPLOYER_GROUP` and has nothing else."""
    controller_manager: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def lines(self) -> str:
        """Write the server's token file: token, user, uid, groups."""
        return "".join(
            f'{token},{user},,"{group}"\n'
            for token, user, group in (
                (self.administrator, "admin", "system:masters"),
                (self.deployer, "deployer", DEPLOYER_GROUP),
                (self.controller_manager, "system:kube-controller-manager", ""),
            )
        )


class ControlPlane:
    """A running control plane; a context manager. Its state goes with it, its logs stay."""

    def __init__(self, programs: dict[str, Path], controllers: Sequence[str] = STILL) -> None:
        self._programs = programs
        self._controllers = controllers
        self._stack = ExitStack()
        self.tokens = Tokens()
        self.url = f"https://127.0.0.1:{free_port()}"
        self.folder = Path()
        self.ca_file = Path()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def kubeconfig(self, user: str) -> Path:
        """Write the kubeconfig of ``administrator`` or ``deployer``."""
        return self._kubeconfig(user, getattr(self.tokens, user))

    def endpoint_file(self) -> Path:
        """Write what tests need to reach the server."""
        path = self.folder / "endpoint.json"
        path.touch(mode=0o600)
        access = {"administrator": self.tokens.administrator, "deployer": self.tokens.deployer}
        path.write_text(json.dumps({"url": self.url, "ca_file": str(self.ca_file), **access}), "utf-8")
        return path

    def _start(self, stack: ExitStack) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=LOGS.parent))
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        certificate = make_certificate(self.folder / "tls", "127.0.0.1", "localhost", "kubernetes.default.svc")
        self.ca_file = certificate.ca_file
        tokens = self.folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(self.tokens.lines(), "utf-8")
        authentication = self.folder / "authentication.yaml"
        authentication.write_text(yaml.safe_dump(ANONYMOUS), "utf-8")
        account_key = self.folder / "service-accounts.key"
        account_key.touch(mode=0o600)
        account_key.write_bytes(_rsa_key())
        etcd_url = f"http://127.0.0.1:{free_port()}"
        self._run(stack, "etcd", etcd_arguments(etcd_url, f"http://127.0.0.1:{free_port()}", self.folder / "etcd"))
        server = self._run(
            stack,
            "kube-apiserver",
            apiserver_arguments(
                etcd_url=etcd_url,
                url=self.url,
                certificate=certificate.certificate,
                key=certificate.key,
                tokens=tokens,
                authentication=authentication,
                account_key=account_key,
                scratch=self.folder / "apiserver",
            ),
        )
        server.wait_until(self._is_ready, _READY_SECONDS)
        self._run(
            stack,
            "kube-controller-manager",
            controller_manager_arguments(
                kubeconfig=self._kubeconfig("controller-manager", self.tokens.controller_manager),
                ca_file=self.ca_file,
                account_key=account_key,
                controllers=self._controllers,
            ),
        )

    def _run(self, stack: ExitStack, name: str, arguments: list[str]) -> Part:
        log = LOGS / f"{name}.log"
        log.unlink(missing_ok=True)
        part = Part(name, [str(self._programs[name]), *arguments], log, {"HOME": str(self.folder)})
        stack.callback(part.stop)
        return part

    def _kubeconfig(self, user: str, token: str) -> Path:
        path = self.folder / f"{user}.kubeconfig"
        write_kubeconfig(path, cluster="conformance", url=self.url, ca_pem=self.ca_file.read_bytes(), token=token)
        return path

    def _is_ready(self) -> bool:
        headers = {"Authorization": f"Bearer {self.tokens.administrator}"}
        request = urllib.request.Request(f"{self.url}/readyz", headers=headers)  # noqa: S310  (its own https URL)
        context: Any = ssl.create_default_context(cafile=self.ca_file)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def etcd_arguments(url: str, peer_url: str, data: Path) -> list[str]:
    """Write the command line of etcd: one member, nothing to survive a power cut."""
    return [
        f"--data-dir={data}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync=true",
    ]


def apiserver_arguments(
    *,
    etcd_url: str,
    url: str,
    certificate: Path,
    key: Path,
    tokens: Path,
    authentication: Path,
    account_key: Path,
    scratch: Path,
) -> list[str]:
    """kube-apiserver's command line: default admission plugins, RBAC, `ANONYMOUS`."""
    return [
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={url.rpartition(':')[2]}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--cert-dir={scratch}",
        f"--token-auth-file={tokens}",
        f"--authentication-config={authentication}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={account_key}",
        f"--service-account-signing-key-file={account_key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--shutdown-delay-duration=0s",
    ]


def controller_manager_arguments(
    *, kubeconfig: Path, ca_file: Path, account_key: Path, controllers: Sequence[str]
) -> list[str]:
    """kube-controller-manager's command line."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={free_port()}",
        f"--controllers={','.join(controllers)}",
        f"--root-ca-file={ca_file}",
        f"--service-account-private-key-file={account_key}",
        f"--node-monitor-grace-period={_NODE_GRACE}",
        "--leader-elect=false",
        # Its own user may not do what its controllers do: each has an account with its own rights, as on every cluster.
        "--use-service-account-credentials=true",
    ]


def _rsa_key() -> bytes:
    """Kubernetes signs its tokens of service accounts with RSA or ECDSA keys."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
