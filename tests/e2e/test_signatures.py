"""Built images are signed; what is signed otherwise, or not at all, does not run.

Signatures are checked here without the product's own code for it: with cryptography, and by securesystemslib's DSSE.
"""

import base64
import copy
import hashlib
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it says so in __init__ without __all__

from tests.e2e.conftest import hello_task
from tests.support.client import EXAMPLES, Client

SIGNATURE = "dev.cosignproject.cosign/signature"
OCI = "application/vnd.oci.image.manifest.v1+json"
Json = dict[str, Any]


class Registry:
    """The stack's own repository, as somebody with a password sees it."""

    def __init__(self, cloud: Client) -> None:
        self.ecr = cloud.aws("ecr")
        self.name = cloud.repository.partition("/")[2]
        url = f"{cloud.url}/v2/{self.name}/"
        self.http = httpx.Client(base_url=url, auth=("AWS", cloud.ecr_password()), headers={"Accept": OCI})

    def manifest(self, reference: str) -> Json:
        answer = self.http.get(f"manifests/{reference}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def blob(self, digest: str) -> bytes:
        content = self.http.get(f"blobs/{digest}").content
        assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        return content

    def referrers(self, digest: str) -> list[Json]:
        found: list[Json] = self.http.get(f"referrers/{digest}").json()["manifests"]
        return found

    def bundle(self, digest: str, predicate_type: str) -> Json:
        """The one attestation of this type about an image."""
        name = "dev.sigstore.bundle.predicateType"
        (found,) = [r for r in self.referrers(digest) if r.get("annotations", {}).get(name) == predicate_type]
        (layer,) = self.manifest(found["digest"])["layers"]
        bundle: Json = json.loads(self.blob(layer["digest"]))
        return bundle

    def put(self, tag: str, manifest: Json) -> str:
        """Put a manifest whose layers are there; answers its digest."""
        content = json.dumps(manifest)
        answer = self.ecr.put_image(
            repositoryName=self.name, imageManifest=content, imageManifestMediaType=OCI, imageTag=tag
        )
        return str(answer["image"]["imageId"]["imageDigest"])


@pytest.fixture(scope="module")
def registry(cloud: Client) -> Registry:
    return Registry(cloud)


@pytest.fixture(scope="module")
def public_key(cloud: Client) -> ec.EllipticCurvePublicKey:
    """What `aws kms get-public-key` gives everybody who is to check signatures."""
    der = cloud.aws("kms").get_public_key(KeyId=cloud.outputs["SigningKeyArn"])["PublicKey"]
    key = load_der_public_key(der)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


@pytest.fixture(scope="module")
def built(cloud: Client, registry: Registry) -> Json:
    """Result of a build, once its image is signed."""
    result: Json = cloud.wait(hello_task(cloud))["result"]
    cloud.until(lambda: len(registry.referrers(result["digest"])) == 3)
    return result


def signature_tag(digest: str) -> str:
    return f"{digest.replace(':', '-')}.sig"


def test_the_signature_is_of_this_image_by_the_stacks_key(
    cloud: Client, registry: Registry, built: Json, public_key: ec.EllipticCurvePublicKey
) -> None:
    manifest = registry.manifest(signature_tag(built["digest"]))
    assert manifest["subject"]["digest"] == built["digest"]
    (layer,) = manifest["layers"]
    payload = registry.blob(layer["digest"])
    public_key.verify(base64.b64decode(layer["annotations"][SIGNATURE]), payload, ec.ECDSA(hashes.SHA256()))
    critical = json.loads(payload)["critical"]
    assert critical["image"] == {"docker-manifest-digest": built["digest"]}
    assert critical["identity"] == {"docker-reference": cloud.repository}


@pytest.mark.parametrize("predicate_type", ["https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"])
def test_an_attestation_is_signed_and_about_this_image(
    registry: Registry, built: Json, public_key: ec.EllipticCurvePublicKey, predicate_type: str
) -> None:
    bundle = registry.bundle(built["digest"], predicate_type)
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    envelope = bundle["dsseEnvelope"]
    key = SSlibKey.from_crypto(public_key, keyid="the stack's")
    # DSSE leaves a key's name to those who sign; this verifier wants one.
    named = [{**each, "keyid": key.keyid} for each in envelope["signatures"]]
    signed = Envelope.from_dict({**envelope, "signatures": named})
    assert signed.verify([key], 1)
    statement = json.loads(signed.payload)
    assert statement["predicateType"] == predicate_type
    assert {"sha256": built["digest"].removeprefix("sha256:")} in [each["digest"] for each in statement["subject"]]


def test_what_is_attested_is_what_the_build_wrote_down(cloud: Client, registry: Registry, built: Json) -> None:
    folder = built["wasm_path"].partition("/build-artifacts/")[2].partition("/")[0]

    def stored(name: str) -> Json:
        key = f"build-artifacts/{folder}/{name}"
        found: Json = json.load(cloud.aws("s3").get_object(Bucket=cloud.outputs["CodeBucket"], Key=key)["Body"])
        return found

    def statement(predicate_type: str) -> Json:
        envelope = registry.bundle(built["digest"], predicate_type)["dsseEnvelope"]
        found: Json = json.loads(base64.b64decode(envelope["payload"]))
        return found

    assert statement("https://slsa.dev/provenance/v1") == stored("provenance.intoto.json")
    assert statement("https://cyclonedx.org/bom")["predicate"] == stored("sbom.cdx.json")


def test_an_image_that_is_reused_is_not_signed_again(cloud: Client, registry: Registry, built: Json) -> None:
    before = registry.referrers(built["digest"])
    block = json.dumps({"namespace": "default", "app_name": "signed-once"})
    task = cloud.start("app.py", (EXAMPLES / "hello" / "app.py").read_bytes(), app_name="my-function", deploy=block)
    cloud.until(lambda: cloud.task(task)["deployment"]["status"] != "pending")
    deployment = cloud.task(task)["deployment"]
    assert deployment["app_name"] == "signed-once", deployment
    assert registry.referrers(built["digest"]) == before


@pytest.fixture(scope="module")
def unsigned(registry: Registry, built: Json) -> tuple[str, str]:
    """An image that somebody put into the repository by hand: tag and digest."""
    tag = f"{'0' * 16}-my-workspace"
    manifest = registry.manifest(built["digest"])
    manifest["annotations"] = {**manifest.get("annotations", {}), "by": "hand"}
    return tag, registry.put(tag, manifest)


def test_what_no_build_pushed_does_not_run(
    cloud: Client, registry: Registry, built: Json, unsigned: tuple[str, str]
) -> None:
    """Unsigned; with the signature of another image, a tampered one, one by another key; and signed at last."""
    tag, digest = unsigned
    reference = f"{cloud.repository}:{tag}"

    def deploy() -> tuple[int, str]:
        answer = cloud.deploy(namespace="default", image_ref=reference, app_name="by-hand")
        return answer.status_code, answer.text

    assert deploy()[0] == 403
    of_another = registry.manifest(signature_tag(built["digest"]))
    registry.put(signature_tag(digest), of_another)
    status, said = deploy()
    assert (status, "has no valid signature of this installation" in said) == (403, True)
    payload = json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": cloud.repository},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        },
        separators=(",", ":"),
    ).encode()
    kms = cloud.aws("kms")
    other_key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]

    def signed_by(key: str, *, spoil: bool = False) -> Json:
        message = hashlib.sha256(payload).digest()
        made = kms.sign(KeyId=key, Message=message, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
        manifest = copy.deepcopy(of_another)
        layer = manifest["layers"][0]
        layer |= {"digest": f"sha256:{hashlib.sha256(payload).hexdigest()}", "size": len(payload)}
        layer["annotations"] = {SIGNATURE: base64.b64encode(made[:-1] + b"\0" if spoil else made).decode()}
        return manifest

    started = registry.http.post("blobs/uploads/")
    location = started.url.join(started.headers["Location"]).path
    registry.http.put(
        f"{cloud.url}{location}", params={"digest": f"sha256:{hashlib.sha256(payload).hexdigest()}"}, content=payload
    )
    registry.put(signature_tag(digest), signed_by(other_key))
    assert deploy()[0] == 403
    registry.put(signature_tag(digest), signed_by(cloud.outputs["SigningKeyArn"], spoil=True))
    assert deploy()[0] == 403
    registry.put(signature_tag(digest), signed_by(cloud.outputs["SigningKeyArn"]))
    assert deploy()[0] == 200
    assert cloud.call("by-hand").text.startswith("Hello")
