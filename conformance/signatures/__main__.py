"""Have the real cosign verify an image that the one-machine cloud built and signed: `python -m conformance.signatures`.

The other way round, too: what cosign writes when it signs has to be what the deploy function takes for a signature.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives import serialization

from conformance.go_programs import MissingError
from conformance.report import NOT_RUN, record
from conformance.signatures import cosign
from conformance.signatures.cosign import Cosign
from functions.signing.formats import MANIFEST_TYPE, digest_of, signature_payload, signature_tag
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT
from local.cloud.supervisor import Cloud

_WORKSPACE: Final = "conformance"
_PATIENCE: Final = 600.0
_OLD_FORMAT: Final = "--new-bundle-format=false"
_REFERRERS: Final = "--experimental-oci11"


def main() -> int:
    """Run the part; returns its exit status."""
    try:
        program, version = cosign.find(os.environ)
    except MissingError as missing:
        print(f"Not run: {missing}")
        return NOT_RUN
    with Cloud(CloudOptions(port=0, cluster=False)) as cloud, tempfile.TemporaryDirectory() as folder:
        host, password = cloud.url.removeprefix("http://"), cloud.registry_password_file.read_text()
        checks = _Checks(cloud, Cosign.logged_in(program, Path(folder), host, password))
        outcomes = {what: check() for what, check in checks.all().items()}
    for what, agrees in outcomes.items():
        print(f"{'agrees ' if agrees else 'DIFFERS'} {what}")
    facts = {what: "yes" if agrees else "NO" for what, agrees in outcomes.items()}
    record("signatures", {"cosign": version, **facts})
    return int(not all(outcomes.values()))


class _Checks:
    def __init__(self, cloud: Cloud, program: Cosign) -> None:
        self._cloud = cloud
        self._cosign = program
        self._ecr = cloud.credentials.client("ecr", cloud.aws_endpoint, cloud.region)
        self._name = cloud.outputs["ImageRepository"].partition("/")[2]
        self._repository = f"{cloud.url.removeprefix('http://')}/{self._name}"
        self._key = self._public_key(program.folder / "stack.pub")
        self._private_key, self._other_key = program.make_key()
        self._signed = self._built()
        self._unsigned = self._by_hand()

    def all(self) -> dict[str, Callable[[], bool]]:
        """Return what is checked, and how."""
        image, other = self._image(self._signed), self._image(self._unsigned)
        key, verifies = self._key, self._cosign.verifies
        attestation = "verify-attestation"
        return {
            "`verify` takes the image": lambda: verifies("verify", key=key, image=image),
            "the signature by its tag": lambda: verifies("verify", _OLD_FORMAT, key=key, image=image),
            "the signature among the referrers": lambda: verifies(
                "verify", _OLD_FORMAT, _REFERRERS, key=key, image=image
            ),
            "the provenance": lambda: verifies(attestation, "--type", "slsaprovenance1", key=key, image=image),
            "the SBOM": lambda: verifies(attestation, "--type", "cyclonedx", key=key, image=image),
            "another key is refused": lambda: not verifies("verify", key=self._other_key, image=image),
            "another key, by tag, is refused": lambda: (
                not verifies("verify", _OLD_FORMAT, key=self._other_key, image=image)
            ),
            "an attestation of another kind is not found": lambda: (
                not verifies(attestation, "--type", "vuln", key=key, image=image)
            ),
            "an image without a signature is refused": lambda: not verifies("verify", key=key, image=other),
            "`sign` writes what the deploy function looks for": lambda: self._sign(other),
        }

    def _sign(self, image: str) -> bool:
        options = (_OLD_FORMAT, "--use-signing-config=false", "--tlog-upload=false", "--yes")
        answer = self._cosign.run("sign", "--key", str(self._private_key), *options, image=image)
        if answer.returncode:
            print(answer.stderr)
            return False
        (layer,) = self._layers(signature_tag(self._unsigned))
        return bool(layer["digest"] == digest_of(signature_payload(self._repository, self._unsigned)))

    def _image(self, digest: str) -> str:
        return f"{self._repository}@{digest}"

    def _built(self) -> str:
        """Build examples/hello; answers its image's digest, once all is beside it."""
        with httpx.Client(base_url=self._cloud.url, timeout=60) as http:
            app = (ROOT / "examples" / "hello" / "app.py").read_bytes()
            files, form = {"file": ("app.py", app)}, {"workspace_id": _WORKSPACE}
            sent = http.post("/api/v1/build-and-push", files=files, data=form)
            task = f"/api/v1/tasks/{sent.raise_for_status().json()['task_id']}"
            query: dict[str, Any] = {"workspace_id": _WORKSPACE, "wait": 20}
            _until(lambda: http.get(task, params=query).json()["status"] in ("done", "failed"))
            digest = str(http.get(task, params=query).json()["result"]["digest"])
        _until(lambda: len(self._ecr.list_images(repositoryName=self._name)["imageIds"]) == 4)
        return digest

    def _by_hand(self) -> str:
        """Put an image that no build made; answers its digest."""
        identity = [{"imageDigest": self._signed}]
        (image,) = self._ecr.batch_get_image(repositoryName=self._name, imageIds=identity)["images"]
        content = json.dumps({**json.loads(image["imageManifest"]), "annotations": {"by": "hand"}})
        put = {"imageManifest": content, "imageManifestMediaType": MANIFEST_TYPE, "imageTag": "by-hand"}
        self._ecr.put_image(repositoryName=self._name, **put)
        return digest_of(content.encode())

    def _public_key(self, path: Path) -> Path:
        kms = self._cloud.credentials.client("kms", self._cloud.aws_endpoint, self._cloud.region)
        der = kms.get_public_key(KeyId=self._cloud.outputs["SigningKeyArn"])["PublicKey"]
        pem = serialization.load_der_public_key(der).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        path.write_bytes(pem)
        return path

    def _layers(self, tag: str) -> list[dict[str, Any]]:
        (image,) = self._ecr.batch_get_image(repositoryName=self._name, imageIds=[{"imageTag": tag}])["images"]
        found: list[dict[str, Any]] = json.loads(image["imageManifest"])["layers"]
        return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not there after {_PATIENCE:g} s")
        time.sleep(0.25)


if __name__ == "__main__":
    sys.exit(main())
