"""SBOM and provenance, as they stand in S3 after a build, held against the published formats."""

import datetime
import hashlib
import json

import pytest
from builder.documents.statements import package_url
from builder.settings import Settings
from builder.toolchain import buildspec, identity
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.statements import PAYLOAD_TYPE, canonical
from functions.contracts.task import TaskKey, provenance_key, sbom_key, source_key, wasm_key
from functions.contracts.toolchain import builder_identity
from tests.unit.builder.harness import (
    BUCKET,
    BUILDS,
    COMPONENT,
    DIGEST,
    HELLO,
    MAKE_COMPONENT,
    ROOT,
    TASK,
    WORKSPACE,
    Cloud,
    manifest,
    zipped,
)

WASM_SHA256 = hashlib.sha256(COMPONENT).hexdigest()
COMMAND = f": componentize-py; {MAKE_COMPONENT}"


@pytest.fixture
def built(cloud: Cloud) -> Cloud:
    """A build of an app that brought a package along."""
    shipped = {
        "vendor/odd name-1.dist-info/METADATA": "Name: odd name\nVersion: 1\n",
        "vendor/router-4.1.dist-info/METADATA": "Name: Http_Router\nVersion: 4.1+local\n\nVersion: not a header\n",
    }
    cloud.build_id = "builder:0123"
    upload = zipped({"spin.toml": manifest(COMMAND), "app.py": HELLO, **shipped})
    cloud.submit("app.zip", upload, login=("ci", "hunter2"), app_name="shop")
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error
    assert (result.sbom_key, result.provenance_key) == (sbom_key(TASK), provenance_key(TASK))
    assert result.wasm_sha256 == WASM_SHA256
    assert result.builder == identity()
    return cloud


def test_the_sbom_is_valid_and_complete(built: Cloud) -> None:
    from cyclonedx.schema import SchemaVersion  # three seconds to import: not in every process that collects tests
    from cyclonedx.validation.json import JsonStrictValidator

    content = built.aws.s3.get_object(Bucket=BUCKET, Key=sbom_key(TASK))
    text = content["Body"].read().decode()
    assert content["ContentType"] == "application/vnd.cyclonedx+json; version=1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["serialNumber"] == f"urn:uuid:{TASK}"
    assert document["metadata"]["component"]["name"] == "app"
    parts = {part["name"]: part for part in document["components"]}
    assert parts["app.wasm"]["hashes"] == [{"alg": "SHA-256", "content": WASM_SHA256}]
    assert parts["Http_Router"]["purl"] == "pkg:pypi/http-router@4.1%2Blocal"
    assert set(parts) == {"app.wasm", "CPython", "spin-sdk", "Http_Router"}
    assert {tool["name"] for tool in document["metadata"]["tools"]["components"]} == {
        *("spin", "componentize-py", "spin-sdk", "mypy")
    }
    references = {part["bom-ref"] for part in [*document["components"], document["metadata"]["component"]]}
    for entry in document["dependencies"]:
        assert {entry["ref"], *entry["dependsOn"]} <= references


def test_the_provenance_says_what_was_built_from_what_and_by_whom(built: Cloud) -> None:
    content = built.aws.s3.get_object(Bucket=BUCKET, Key=provenance_key(TASK))
    payload = content["Body"].read()
    assert content["ContentType"] == PAYLOAD_TYPE
    statement = json.loads(payload)
    assert payload == canonical(statement)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    image, wasm = statement["subject"]
    assert image["name"].startswith("registry.example.com/team/app:")
    assert image["digest"] == {"sha256": DIGEST.removeprefix("sha256:")}
    assert wasm == {"name": f"s3://{BUCKET}/{wasm_key(TASK)}", "digest": {"sha256": WASM_SHA256}}
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    key = source_key(TaskKey(WORKSPACE, TASK), "app.zip")
    upload = built.aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    source = {"uri": f"s3://{BUCKET}/{key}", "digest": {"sha256": hashlib.sha256(upload).hexdigest()}}
    assert definition["resolvedDependencies"][0] == source
    assert "pkg:pypi/componentize-py@0.17.2" in {entry["uri"] for entry in definition["resolvedDependencies"]}
    file = (ROOT / "builder_image" / "buildspec.yml").read_bytes()
    assert definition["internalParameters"]["buildspec"] == {"sha256": hashlib.sha256(file).hexdigest()}
    assert definition["externalParameters"]["app_name"] == "shop"
    assert details["builder"]["id"] == f"{BUILDS.removesuffix('build/')}project/builder"
    assert details["metadata"]["invocationId"] == TASK
    started, finished = (
        datetime.datetime.fromisoformat(details["metadata"][name]) for name in ("startedOn", "finishedOn")
    )
    assert started <= finished
    assert b"hunter2" not in payload


def test_a_registry_that_does_not_say_the_digest(cloud: Cloud) -> None:
    cloud.answer("push", out="pushed\n")
    cloud.submit("app.zip", zipped({"spin.toml": manifest(None), "app.wasm": COMPONENT}))
    result = cloud.build()
    assert result is not None
    assert result.digest is None
    (subject,) = cloud.document(provenance_key(TASK))["subject"]
    assert subject["digest"] == {"sha256": WASM_SHA256}
    # Nothing of this build's tools is in a component that was shipped ready-made.
    assert [part["name"] for part in cloud.document(sbom_key(TASK))["components"]] == ["app.wasm"]


@given(st.recursive(st.integers() | st.text() | st.booleans(), lambda inner: st.dictionaries(st.text(), inner)))
def test_equal_documents_are_equal_bytes(value: object) -> None:
    try:
        text = canonical({"value": value})
    except UnicodeEncodeError:
        return  # a lone surrogate, which is no text
    assert canonical(json.loads(text)) == text


def test_package_urls() -> None:
    assert package_url("A_b.C", "1.0+cpu") == "pkg:pypi/a-b-c@1.0%2Bcpu"


def test_the_builders_identity_follows_the_pins() -> None:
    toolchain, spin = ((ROOT / "builder_image" / name).read_text() for name in ("toolchain.txt", "spin.json"))
    same = "\n".join(["# another comment", *reversed(toolchain.splitlines()), ""])
    assert identity() == builder_identity(toolchain, spin) == builder_identity(same, spin)
    assert builder_identity(toolchain.replace("mypy==", "mypy==1"), spin) != identity()
    newer = json.dumps({**json.loads(spin), "version": "9.9.9"})
    assert builder_identity(toolchain, newer) != identity()
    assert builder_identity(toolchain, json.dumps({**json.loads(spin), "url": "https://x"})) == identity()


def test_the_image_has_what_identity_and_provenance_read() -> None:
    dockerfile = (ROOT / "builder_image" / "Dockerfile").read_text()
    (copied,) = (line.split() for line in dockerfile.replace("\\\n", " ").splitlines() if "/buildspec.yml" in line)
    assert {f"builder_image/{name}" for name in ("toolchain.txt", "spin.json", "buildspec.yml")} <= set(copied)
    assert (copied[0], copied[-1]) == ("COPY", "/opt/blue-faas/")
    assert b"blue-faas-build" in buildspec()


def test_codebuild_says_which_build_it_is() -> None:
    names = ("TASK_TABLE", "CODE_BUCKET", "WORKSPACE_ID", "TASK_ID", "AWS_REGION")
    environment = {**dict.fromkeys(names, "x"), "CODEBUILD_BUILD_ID": "p:1", "CODEBUILD_BUILD_ARN": f"{BUILDS}p:1"}
    settings = Settings.of(environment)
    assert (settings.build_id, settings.build_arn) == ("p:1", f"{BUILDS}p:1")
    assert Settings.of(dict.fromkeys(names, "x")).build_id is None
