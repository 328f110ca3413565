"""A cluster, an EKS that describes it, an ECR with its images, and the Lambda invoked with API Gateway events."""

import base64
import copy
import hashlib
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

# Powertools reads these when a handler's module is loaded, as a Lambda has them from the start.
os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "true")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "BlueFaas")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "blue-faas")

from functions.aws import clients
from functions.cluster import retries
from functions.cluster.eks import transport
from functions.contracts import settings
from functions.handlers import deploy as deploy_function
from functions.models.workspaces import WorkspacePolicy
from functions.registry import ecr
from functions.signing import formats
from tests.support.control_plane import REAL, SERVERS, real_server, skip_where_different
from tests.unit.cluster.clusters import RealCluster, StandIn
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

CLUSTER = "blue-faas"
REGION = "ap-northeast-2"
POLICY_TABLE = "policies-of-the-deploy-tests"
IMAGE = "217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/blue-final-faas-app:a1b2c3d4"

SIGNING_KEY = f"arn:aws:kms:{REGION}:123456789012:key/4b1c33cd-9a3a-4f1c-8a2e-0b9de62a4c0e"
INGRESS = {"kind": "Ingress", "domains": ["apps.example.com"], "ingress_class": "alb", "annotations": {"group": "one"}}
HTTP_ROUTE = {
    "kind": "HTTPRoute",
    "domains": ["apps.example.com", "example.org"],
    "gateway": {"namespace": "gateways", "name": "public", "section": "https"},
}
"""Both ways in which an installation can expose apps."""

CALLER = "arn:aws:iam::123456789012:user/developer"

_EVENT = json.loads((Path(__file__).parent / "events" / "post_deploy.json").read_text())
_numbers = itertools.count(1)


@dataclass
class Answer:
    """A Lambda's answer, as API Gateway hands it on."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    text: str

    @property
    def detail(self) -> str:
        return str(self.body["detail"])


@dataclass(frozen=True)
class Context:
    """The Lambda context: how much time is left is what matters here."""

    seconds: float = 29.0
    function_name: str = "deploy"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:ap-northeast-2:123456789012:function:deploy"
    aws_request_id: str = "8f5e1f0e-6f0c-4f43-9a49-6b2a4a5f2c11"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


Deploy = Callable[..., Answer]


def digest_of(image: str) -> str:
    """Digest of an image in the registry of these tests: another one for each tag."""
    return "sha256:" + hashlib.sha256(image.rpartition(":")[2].encode()).hexdigest()


def deployed(image: str) -> str:
    """The image as a SpinApp names it: by digest."""
    return f"{image.rpartition(':')[0]}@{digest_of(image)}"


SETTINGS = {
    "AWS_REGION": REGION,
    "KUBERNETES_CLUSTER_NAME": CLUSTER,
    "KUBERNETES_EXECUTOR_SPOT": "spot",
    "KUBERNETES_EXECUTOR_ON_DEMAND": "on-demand",
    "KUBERNETES_MIN_REPLICAS": "1",
    "KUBERNETES_MAX_REPLICAS": "10",
    "KUBERNETES_TARGET_CPU": "50",
    "KUBERNETES_DEFAULT_REPLICAS": "1",
    "KUBERNETES_DEFAULT_CPU_REQUEST": "100m",
    "KUBERNETES_DEFAULT_MEMORY_REQUEST": "128Mi",
    "KUBERNETES_REQUIRE_SIGNATURE": "true",
    "SIGNING_KEY_ARN": SIGNING_KEY,
    "REGISTRY_ALLOW_LIST": '[".*"]',
    "TENANCY": "open",
    "DEFAULT_IMAGE_REPOSITORY": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/blue-faas",
    "TASK_TABLE": "tasks-of-the-deploy-tests",
    "LIMITS_WAITING_REQUESTS": "20",
    "LIMITS_ALL_WAITING_REQUESTS": "60",
}
"""What the stack, and Lambda itself, set for the deploy function."""


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session", params=SERVERS)
def server(
    request: pytest.FixtureRequest, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesServer]:
    certificate = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    real = real_server()
    cluster = RealCluster(real) if real and request.param == REAL else StandIn()
    server = KubernetesServer(certificate, cluster)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _differences(request: pytest.FixtureRequest) -> None:
    skip_where_different(request)


@dataclass
class Eks:
    """EKS as DescribeCluster sees it (``clusters`` is what it answers, by name), ECR as
    DescribeImages does, and DynamoDB as GetItem."""

    url: str
    clusters: dict[str, dict[str, Any]]
    asked: int = 0
    missing: set[str] = field(default_factory=set)
    """Tags and digests that ECR does not have; it has every other."""
    ecr_fails: str = ""
    """Error code with which ECR answers instead."""
    keep_fails: str = ""
    """Error code with which ECR refuses to mark an image."""
    kept: dict[str, str] = field(default_factory=dict)
    """Digest by tag of the images that were marked."""
    images_asked: list[str] = field(default_factory=list)
    row: dict[str, Any] = field(default_factory=dict)
    """The task that DynamoDB has, in its own JSON."""
    policies: dict[str, WorkspacePolicy] = field(default_factory=dict)
    """What the policy table has, by workspace."""
    waiting: int = 0
    """Callers who hold a place to wait in."""
    waited: list[str] = field(default_factory=list)
    """Whose places were taken."""
    full: bool = False
    """Whether there is no place left."""
    signing_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    """KMS's, of the stack."""
    kms_fails: str = ""
    """Error code with which KMS answers instead."""
    verified: int = 0
    """How often KMS was asked."""
    signatures: dict[str, str] = field(default_factory=dict)
    """Manifest by tag of what ECR has about images."""
    signs_all: bool = True
    """Whether every image is signed that `signatures` has nothing about."""
    signed_after: int = 0
    """How often ECR has to be asked for a signature before it is there."""
    tags: dict[str, list[str]] = field(default_factory=dict)
    """All tags of an image, by its digest; of others ECR knows the one that was asked for."""


@pytest.fixture(scope="session")
def eks_api(server: KubernetesServer, authority: trustme.CA) -> Iterator[Eks]:
    eks = Eks("", {})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["X-Amz-Target"].startswith("DynamoDB"):
                if self.headers["X-Amz-Target"].endswith(".UpdateItem"):
                    self._count(request)
                else:
                    self._answer(_of_tables(eks, request))
                return
            if self.headers["X-Amz-Target"] == "TrentService.Verify":
                self._answer(*_of_kms(eks, request))
                return
            if self.headers["X-Amz-Target"].endswith(".BatchGetImage") and "imageTag" in request["imageIds"][0]:
                self._answer(*_of_signatures(eks, request))
                return
            if self.headers["X-Amz-Target"].endswith((".BatchGetImage", ".PutImage")):
                self._keep(request)
                return
            assert self.headers["X-Amz-Target"].endswith(".DescribeImages")
            (image,) = request["imageIds"]
            version = image.get("imageDigest") or image["imageTag"]
            eks.images_asked.append(version)
            error = eks.ecr_fails or ("ImageNotFoundException" if version in eks.missing else "")
            if error:
                self._answer({"__type": error, "message": "told to fail"}, 400)
                return
            digest = image.get("imageDigest") or digest_of(":" + version)
            tags = eks.tags.get(digest, [image["imageTag"]] if "imageTag" in image else [])
            self._answer({"imageDetails": [{"imageDigest": digest, "imageTags": tags}]})

        def _count(self, request: dict[str, Any]) -> None:
            assert request["Key"] == {"workspace_id": {"S": "#waiting"}, "task_id": {"S": "deploy"}}
            if request["UpdateExpression"].startswith("DELETE"):
                eks.waiting -= 1
            elif eks.full:
                self._answer({"__type": "ConditionalCheckFailedException", "message": "full"}, 400)
                return
            else:
                eks.waiting += 1
                eks.waited.append(request["ExpressionAttributeNames"]["#own"])
            self._answer({})

        def _keep(self, request: dict[str, Any]) -> None:
            if eks.keep_fails:
                self._answer({"__type": eks.keep_fails, "message": "told to fail"}, 400)
            elif "imageTag" in request:
                eks.kept[request["imageTag"]] = request["imageDigest"]
                self._answer({"image": {}})
            else:
                manifest = {
                    "imageManifest": "{}",
                    "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
                }
                self._answer({"images": [{"imageId": request["imageIds"][0], **manifest}]})

        def _answer(self, answer: dict[str, Any], status: int = 200) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            eks.asked += 1
            cluster = eks.clusters.get(self.path.removeprefix("/clusters/"))
            answer = {"cluster": cluster} if cluster else {"message": f"No cluster found for name: {self.path}."}
            body = json.dumps(answer).encode()
            self.send_response(200 if cluster else 404)
            if not cluster:
                self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    eks.url = f"http://127.0.0.1:{http.server_address[1]}"
    pem = authority.cert_pem.bytes()
    eks.clusters[CLUSTER] = {
        "name": CLUSTER,
        "status": "ACTIVE",
        "endpoint": server.endpoint,
        "certificateAuthority": {"data": base64.b64encode(pem).decode()},
    }
    yield eks
    http.shutdown()
    http.server_close()


def sign_with(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign as KMS does."""
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def _of_kms(eks: Eks, request: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """KMS's answer to Verify."""
    eks.verified += 1
    assert (request["KeyId"], request["SigningAlgorithm"]) == (SIGNING_KEY, "ECDSA_SHA_256")
    assert request["MessageType"] == "DIGEST"
    if eks.kms_fails:
        return {"__type": eks.kms_fails, "message": "told to fail"}, 400
    message, signed = (base64.b64decode(request[name]) for name in ("Message", "Signature"))
    try:
        eks.signing_key.public_key().verify(signed, message, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return {"__type": "KMSInvalidSignatureException"}, 400
    return {"KeyId": SIGNING_KEY, "SignatureValid": True, "SigningAlgorithm": request["SigningAlgorithm"]}, 200


def signature_of(key: ec.EllipticCurvePrivateKey, repository: str, digest: str) -> str:
    """The manifest of a signature of an image."""
    signed = sign_with(key, formats.signature_payload(repository, digest))
    subject = formats.Blob(formats.MANIFEST_TYPE, b"{}")
    return formats.signature(repository, digest, signed).manifest(subject).decode()


def _of_signatures(eks: Eks, request: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """ECR's answer to BatchGetImage by tag."""
    if eks.keep_fails:
        return {"__type": eks.keep_fails, "message": "told to fail"}, 400
    if eks.signed_after:
        eks.signed_after -= 1
        return {"images": []}, 200
    (tag,) = (identity["imageTag"] for identity in request["imageIds"])
    manifest = eks.signatures.get(tag)
    if manifest is None and eks.signs_all:
        digest = tag.removesuffix(".sig").replace("-", ":")
        manifest = signature_of(eks.signing_key, os.environ["DEFAULT_IMAGE_REPOSITORY"], digest)
    return {"images": [{"imageId": {"imageTag": tag}, "imageManifest": manifest}] if manifest else []}, 200


def _of_tables(eks: Eks, request: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's answer to GetItem of a task, and to GetItem and Query of the policy."""
    if request["TableName"] != POLICY_TABLE:
        if request["Key"]["workspace_id"]["S"] == "#waiting":
            leases = [f"9999999999/{number:08x}" for number in range(60 if eks.full else 0)]
            return {"Item": {**request["Key"], "all": {"SS": leases}}} if leases else {}
        return {"Item": eks.row} if eks.row else {}
    if "Key" in request:
        workspace_id = request["Key"]["workspace_id"]["S"]
        return {"Item": _policy_item(eks, workspace_id)} if workspace_id in eks.policies else {}
    return {"Items": [_policy_item(eks, workspace_id) for workspace_id in sorted(eks.policies)]}


def _policy_item(eks: Eks, workspace_id: str) -> dict[str, Any]:
    texts = {
        "partition": "workspaces",
        "workspace_id": workspace_id,
        "policy": eks.policies[workspace_id].model_dump_json(),
        "updated_at": "2026-01-01T00:00:00.000Z",
        "updated_by": "set-up",
    }
    return {**{name: {"S": value} for name, value in texts.items()}, "version": {"N": "1"}}


@pytest.fixture
def eks(eks_api: Eks) -> Iterator[Eks]:
    """The EKS and ECR APIs, put back afterwards as they were."""
    before = copy.deepcopy(eks_api.clusters)
    yield eks_api
    eks_api.clusters = before
    eks_api.missing.clear()
    eks_api.ecr_fails = ""
    eks_api.keep_fails = ""
    eks_api.kept.clear()
    eks_api.images_asked.clear()
    eks_api.row = {}
    eks_api.waited.clear()
    eks_api.full = False
    assert eks_api.waiting == 0, "each place was given back"
    eks_api.policies.clear()
    eks_api.tags.clear()
    eks_api.kms_fails = ""
    eks_api.verified = 0
    eks_api.signatures.clear()
    eks_api.signs_all = True
    eks_api.signed_after = 0


@pytest.fixture(scope="session", autouse=True)
def _own_ecr_client() -> Iterator[None]:
    """The function keeps its client: it must be one of these tests, and no other's afterwards."""
    ecr.client.cache_clear()
    yield
    ecr.client.cache_clear()


@pytest.fixture(autouse=True)
def environment(eks: Eks, server: KubernetesServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the stack and the Lambda runtime set; the cluster's connection stays warm from test to test.

    The first pause before another try is a tenth of the function's: tests look at what is tried again, and how often.
    """
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.005)
    for name, value in {
        "AWS_ENDPOINT_URL_EKS": eks.url,
        "AWS_ENDPOINT_URL_ECR": eks.url,
        "AWS_ENDPOINT_URL_DYNAMODB": eks.url,
        "AWS_ENDPOINT_URL_KMS": eks.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "no-secret-at-all",
        "AWS_EC2_METADATA_DISABLED": "true",
        **SETTINGS,
    }.items():
        monkeypatch.setenv(name, value)
    _forget()
    server.reset()
    yield
    _forget()


def _forget() -> None:
    """Drop settings and clients: those of these tests go to other endpoints than those of others."""
    settings.reset()
    clients.reset()


@pytest.fixture
def cold_start() -> Iterator[None]:
    """Forget the connection to the cluster, before and after."""
    transport.cache_clear()
    yield
    transport.cache_clear()


@pytest.fixture(scope="session")
def administrator(server: KubernetesServer, authority: trustme.CA) -> Iterator[Administrator]:
    """Somebody with kubectl; gives the deployer its role, as whoever sets up the cluster does."""
    administrator = Administrator(server, authority)
    server.grant_deployers()
    yield administrator
    administrator.close()


@pytest.fixture
def kubectl(server: KubernetesServer, administrator: Administrator) -> Administrator:
    """The administrator, in a fresh namespace with both executors."""
    namespace = f"team-{next(_numbers)}"
    server.prepare(namespace, executors=("spot", "on-demand"))
    return administrator.within(namespace)


@pytest.fixture
def deploy(kubectl: Administrator, server: KubernetesServer) -> Deploy:
    """Invoke the Lambda: keyword arguments are the body's fields, on top of a namespace and an image.

    ``seconds`` are those that the Lambda has left, at the stand-in's pace.
    """

    def invoke(*, seconds: float = 29.0, **fields: Any) -> Answer:
        body = json.dumps({"namespace": kubectl.namespace, "image_ref": IMAGE, **fields})
        return invoke_raw(body, seconds=min(29.0, seconds * server.pace))

    return invoke


@pytest.fixture
def call(kubectl: Administrator, server: KubernetesServer) -> Deploy:
    """Any other route: ``call("GET", "/my-function")`` is one on an app of the namespace, "" is the list."""

    def invoke(method: str, path: str = "", body: Any = None, *, seconds: float = 29.0, **event: Any) -> Answer:
        if path:
            raw, query = f"/api/v1/apps/{kubectl.namespace}{path}", {}
        else:
            raw, query = "/api/v1/apps", {"namespace": kubectl.namespace}
        text = "" if body is None else json.dumps(body)
        left = min(29.0, seconds * server.pace)
        return invoke_raw(text, seconds=left, method=method, path=raw, query=query, **event)

    return invoke


def invoke_raw(
    body: str,
    *,
    seconds: float = 29.0,
    method: str = "POST",
    path: str = "/api/v1/deploy",
    query: dict[str, str] | None = None,
    authorizer: dict[str, Any] | None = None,
    **event: Any,
) -> Answer:
    """Invoke the Lambda with ``body`` as it is."""
    request = copy.deepcopy(_EVENT)
    request["rawPath"] = request["requestContext"]["http"]["path"] = path
    request["requestContext"]["http"]["method"] = method
    request["requestContext"]["authorizer"] = {"iam": {"userArn": CALLER}} if authorizer is None else authorizer
    request["queryStringParameters"] = query or {}
    request["rawQueryString"] = urlencode(query or {})
    result = deploy_function.handler({**request, "body": body, **event}, Context(seconds))
    headers = {**result.get("headers", {}), **{k: v[-1] for k, v in result.get("multiValueHeaders", {}).items()}}
    answered: dict[str, Any] = {} if "text/plain" in headers["Content-Type"] else json.loads(result["body"])
    return Answer(result["statusCode"], answered, headers, result["body"])
