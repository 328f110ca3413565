"""The one-machine cloud as a whole: starts its parts, deploys the stack to it, stops it.

```
front :8000 ─▶ aws (ministack, CodeBuild runner) ◀─ builds run blue-faas-build
     └───────▶ kubernetes (API, controllers, kubelet) ◀─ deploy function
```
"""

import fcntl
import json
import os
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from fast_lane.installation import Installation

from local.aws.assembly import deploy_assembly
from local.aws.credentials import RunCredentials
from local.aws.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from local.cloud import issuer, tools
from local.cloud.assembly import CLUSTER_NAME, assembly, wants_cluster
from local.cloud.command_line import options
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT, TOOLCHAIN, make_work_root, others_can_enter, shared_root, state_root
from local.cloud.prepare import prepare
from local.cloud.processes import Part, PartFailedError, answers, free_port, port_is_free
from local.front.config import FrontConfig
from local.oci.credentials import Credentials, encode_pair
from local.spin_cli.real_spin import install_real_spin

# Functions are forked from the cluster's process: what it does not have, none of them can get to.
_CLUSTER_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_",
    "TMPDIR",
    "PYTHON",
    "SSL_CERT_",
    "NO_PROXY",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
)

_KUBERNETES_FILE = "kubernetes.json"
_REGISTRY_BUNDLE = "registry-authorities.pem"
STACK_NAME = "BlueFaas"


class Cloud:
    """A running cloud; use as a context manager."""

    def __init__(self, options: CloudOptions) -> None:
        if options.port and not port_is_free(options.port):
            raise PartFailedError(
                f"Port {options.port} on 127.0.0.1 is taken; stop what listens there, or choose another: "
                "PORT=8001 make local, or blue up --port 8001"
            )
        self._options = options
        self.port = options.port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.region, self.account = DEFAULT_REGION, DEFAULT_ACCOUNT
        self.outputs: dict[str, str] = {}
        self._parts: list[Part] = []
        self._precompiling: Part | None = None
        self.has_cluster = wants_cluster() if options.cluster is None else options.cluster
        self._keep_state = options.state_dir is not None
        self._lock = -1
        self._aws_port = free_port()
        self._real_spin = shutil.which("spin")
        self._registry_port = free_port()
        self.aws_endpoint = f"http://127.0.0.1:{self._aws_port}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start every part and return when ``GET /health`` answers.

        Raises
        ------
        PartFailedError, local.cloud.prepare.PrepareError, local.cloud.assembly.SynthesisError
            One says in its text what is missing.
        """
        prepare(self._options.say)
        self.state = self._make_state_dir()
        self.credentials = RunCredentials.at(self._credentials_file)
        self._write_tools()
        if self.issuer_key is not None:
            issuer.make_key(self.issuer_key)
        aws = self._start_part(
            self._options.aws,
            *options(
                port=self._aws_port,
                state_dir=self.state / "aws",
                keep_state=self._keep_state,
                region=self.region,
                account=self.account,
                cluster_name=CLUSTER_NAME,
                codebuild_path=f"{self._tools}:{shared_root() / TOOLCHAIN / 'bin'}:/usr/bin:/bin",
                codebuild_env=self.state / "codebuild.json",
                codebuild_concurrency=self._options.concurrent_builds,
                kubernetes_file=self._kubernetes_file,
                issuer=f"{self.url}{issuer.PATH}" if self._options.authorizer == "jwt" else None,
            ),
        )
        kubernetes = self._start_cluster() if self.has_cluster else None
        registry = self._start_registry_proxy() if self._real_spin is not None else None
        with ThreadPoolExecutor(1) as pool:
            template = pool.submit(
                assembly,
                cluster=self.has_cluster,
                authorizer=self._options.authorizer,
                tenancy=self._options.tenancy,
                concurrent_builds=self._options.concurrent_builds,
            )
            aws.wait_until(lambda: answers(self._aws_port, "/_ministack/health"), 30)
            folder = template.result()
        self.outputs = deploy_assembly(
            folder, STACK_NAME, self.aws_endpoint, self.credentials, region=self.region, account=self.account
        )
        if kubernetes is not None:
            kubernetes.wait_until(self._kubernetes_file.exists, 30)
        self._write_front_config()
        front = self._start_part("local.front", *options(port=self.port, config=self.state / "front.json"))
        front.wait_until(lambda: answers(self.port, "/health"), 30, needs=[aws])
        if registry is not None:
            registry.wait_until((self.state / _REGISTRY_BUNDLE).exists, 30)

    def stop(self) -> None:
        """Stop every part, the last started first, and remove the run's folder unless it is to be kept."""
        while self._parts:
            self._parts.pop().stop()
        if self._precompiling is not None:
            self._precompiling.stop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if hasattr(self, "work"):
            shutil.rmtree(self.work, ignore_errors=True)
        if not self._keep_state and hasattr(self, "state"):
            shutil.rmtree(self.state, ignore_errors=True)

    def wait(self, stopped: threading.Event) -> None:
        """Return when ``stopped`` is set.

        Raises
        ------
        PartFailedError
            A part ended by itself.
        """
        while not stopped.wait(0.5):
            for part in self._parts:
                if not part.running:
                    raise PartFailedError(f"{part.name} ended unexpectedly:\n{part.last_lines()}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its processes."""
        return tuple(self._parts)

    @property
    def kubeconfig(self) -> Path:
        """For kubectl."""
        return Path(json.loads(self._kubernetes_file.read_text())["kubeconfig"])

    @property
    def registry_password_file(self) -> Path:
        """What ``aws ecr get-login-password`` prints on AWS, for a machine that has no AWS CLI."""
        return self.state / "ecr-login-password"

    @property
    def authorizer(self) -> str:
        """Who may call the API."""
        return self._options.authorizer

    @property
    def tenancy(self) -> str:
        """Whether workspaces are kept apart."""
        return self._options.tenancy

    @property
    def issuer_key(self) -> Path | None:
        """The key that tokens are signed with (`local.cloud.issuer`); None when the API takes none."""
        return self.state / "issuer.json" if self._options.authorizer == "jwt" else None

    @property
    def _tools(self) -> Path:
        """Folder of the commands that builds find on PATH."""
        return self.state / "bin"

    @property
    def _credentials_file(self) -> Path:
        return self.state / "aws" / "credentials.json"

    @property
    def _kubernetes_file(self) -> Path:
        return self.state / _KUBERNETES_FILE

    def logs(self) -> dict[str, str]:
        """Output of each part so far."""
        return {part.name: part.log.read_text(errors="replace") for part in self._parts}

    def _make_state_dir(self) -> Path:
        if self._options.state_dir is not None:
            return self._take_state_dir(self._options.state_dir.absolute())
        state_root().mkdir(parents=True, exist_ok=True)
        state = Path(tempfile.mkdtemp(prefix="run-", dir=state_root()))
        state.chmod(0o711)  # the unprivileged build user passes through to its own folder, and reads nothing here
        return state

    def _take_state_dir(self, state: Path) -> Path:
        """Take a folder that is kept: for one cloud at a time."""
        if not state.exists():
            state.mkdir(parents=True)
            state.chmod(0o711)
        if os.geteuid() == 0 and not others_can_enter(state):
            raise PartFailedError(
                f"Folder {state} is closed to other users, but builds run as one and need what is in it; choose "
                "another, or let others pass through this one and those above it (chmod o+x)."
            )
        self._lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PartFailedError(
                f"Folder {state} is in use by another one-machine cloud; stop that one first."
            ) from None
        if any((state / "aws" / "services").glob("*.json")):
            raise PartFailedError(
                f"Folder {state} was written by an earlier version of the one-machine cloud, whose state this one "
                "cannot take up. Choose another folder, or remove this one."
            )
        # What a cloud that was killed left: it would be taken for this one's.
        (state / _KUBERNETES_FILE).unlink(missing_ok=True)
        return state

    def _write_tools(self) -> None:
        """Write the commands that builds find on PATH, and what tells builds and nodes where this cloud is."""
        registry = f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"
        # Builds push through the front, whose address stays the same; both ask for a password as ECR does.
        mirrors = tools.write_mirrors(self.state / "build-mirrors.json", {registry: self.url})
        tools.write_mirrors(self.state / "node-mirrors.json", {registry: self.aws_endpoint})
        login = {"auths": {registry: {"auth": encode_pair(Credentials("AWS", self.credentials.node_password))}}}
        tools.write_private(self.state / "node-docker.json", json.dumps(login))
        tools.write_private(self.registry_password_file, self.credentials.registry_password)
        if self._real_spin is None:
            tools.install_stand_in(self._tools, mirrors)
        else:
            proxy = f"http://127.0.0.1:{self._registry_port}"
            install_real_spin(self._tools, self._real_spin, proxy, self.state / _REGISTRY_BUNDLE)
        tools.install_builder(self._tools)
        self.work = make_work_root(self.state)
        environment = tools.build_environment(self.work) | self._options.builder_environment
        tools.write_private(self.state / "codebuild.json", json.dumps(environment))

    def _write_front_config(self) -> None:
        config = FrontConfig(
            aws_endpoint=self.aws_endpoint,
            api_id=self.outputs["ApiId"],
            account=self.account,
            region=self.region,
            cluster_name=CLUSTER_NAME,
            credentials_file=self._credentials_file,
            kubeconfig=self.kubeconfig if self.has_cluster else None,
            issuer_key=self.issuer_key,
            real_cluster=self._options.kubeconfig is not None,
        )
        (self.state / "front.json").write_text(config.model_dump_json())

    def _start_cluster(self) -> Part:
        """Start the built-in Kubernetes, or the way to a real one."""
        common = options(
            state_dir=self.state / "kubernetes",
            cluster_name=CLUSTER_NAME,
            sts_endpoint=self.aws_endpoint,
            ready_file=self._kubernetes_file,
        )
        if (kubeconfig := self._options.kubeconfig) is not None:
            return self._start_part("local.kubernetes.real_cluster", *common, *options(kubeconfig=kubeconfig))
        compiled = self._options.compile_cache or self.state / "compiled"
        self._precompile(compiled)
        # As the stack's access entry has it: the role of the deploy function, and nobody else.
        deployer = f"arn:aws:sts::{self.account}:assumed-role/{STACK_NAME}-DeployerFunctionServiceRole*/*"
        own = options(
            compile_cache=compiled,
            mirrors=self.state / "node-mirrors.json",
            docker_config=self.state / "node-docker.json",
            access_entry=f"{deployer}=blue-faas-deployer",
            local_port=self._options.local_ports,
        )
        return self._start_part("local.kubernetes", *common, *own, variables=_CLUSTER_VARIABLES)

    def _precompile(self, compiled: Path) -> None:
        """Compile what all Python functions share, while the rest starts: the first one deployed would wait for it."""
        base = Installation(shared_root() / TOOLCHAIN).component
        self._precompiling = self._start_part("local.spin_host.precompile", str(base), *options(cache_dir=compiled))
        self._parts.remove(self._precompiling)  # it ends by itself

    def _start_registry_proxy(self) -> Part:
        """Start what leads a real `spin` to this cloud's registry."""
        (self.state / _REGISTRY_BUNDLE).unlink(missing_ok=True)
        return self._start_part(
            "local.oci.registry_proxy",
            *options(
                port=self._registry_port,
                upstream=self.aws_endpoint,
                region=self.region,
                account=self.account,
                folder=self.state / "registry-proxy",
                bundle=self.state / _REGISTRY_BUNDLE,
            ),
        )

    def _start_part(self, module: str, *arguments: str, variables: tuple[str, ...] = ("",)) -> Part:
        """Start ``python -m {module}``.

        ``variables``: how the names begin that the part gets of this process's environment.
        """
        name = module.rpartition(".")[2]
        logs = self.state / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name.upper().startswith(variables) and not name.startswith("AWS_")
        }
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        part = Part(name, [sys.executable, "-m", module, *arguments], logs / f"{name}.log", environment)
        self._parts.append(part)
        return part
