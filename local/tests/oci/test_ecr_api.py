"""ECR's own API for layers and manifests: what is put is checked, and is there for the registry's API, too."""

import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.oci.reference import sha256_digest
from local.oci.registry import MANIFEST_TYPE
from local.tests.oci.servers import LocalRegistry

PLACE = {"repositoryName": "team/by-api"}
CONTENT = b"what a layer holds"
DIGEST = sha256_digest(CONTENT)


@pytest.fixture(scope="module")
def ecr(registry: LocalRegistry) -> Any:
    registry.ecr.create_repository(**PLACE)
    return registry.ecr


def refused(call: Any, **arguments: Any) -> str:
    """Code of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**PLACE, **arguments)
    return str(caught.value.response["Error"]["Code"])


def upload(ecr: Any, content: bytes, *cuts: int) -> str:
    """Upload a layer in parts, without completing it; answers the upload's id."""
    upload_id = str(ecr.initiate_layer_upload(**PLACE)["uploadId"])
    for first, end in zip((0, *cuts), (*cuts, len(content)), strict=True):
        part = {"partFirstByte": first, "partLastByte": end - 1, "layerPartBlob": content[first:end]}
        ecr.upload_layer_part(**PLACE, uploadId=upload_id, **part)
    return upload_id


def put_layer(ecr: Any, content: bytes) -> dict[str, Any]:
    """Upload a layer; answers how a manifest names it."""
    digest = sha256_digest(content)
    upload_id = upload(ecr, content)
    ecr.complete_layer_upload(**PLACE, uploadId=upload_id, layerDigests=[digest])
    return {"mediaType": "application/octet-stream", "digest": digest, "size": len(content)}


def manifest(*layers: dict[str, Any]) -> str:
    config = {"mediaType": "application/vnd.oci.empty.v1+json", **layers[0]}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": list(layers)})


def test_a_layer_in_parts_is_kept_and_known(ecr: Any, registry: LocalRegistry) -> None:
    availability = ecr.batch_check_layer_availability
    assert availability(**PLACE, layerDigests=[DIGEST])["layers"][0]["layerAvailability"] == "UNAVAILABLE"
    upload_id = upload(ecr, CONTENT, 4, 9)
    answer = ecr.complete_layer_upload(**PLACE, uploadId=upload_id, layerDigests=[DIGEST])
    assert answer["layerDigest"] == DIGEST
    (layer,) = availability(**PLACE, layerDigests=[DIGEST])["layers"]
    assert (layer["layerAvailability"], layer["layerSize"]) == ("AVAILABLE", len(CONTENT))
    auth = (registry.credentials.username, registry.credentials.password)
    found = httpx.get(f"{registry.gate_url}/v2/{PLACE['repositoryName']}/blobs/{DIGEST}", auth=auth)
    assert found.content == CONTENT
    again = upload(ecr, CONTENT)
    assert refused(ecr.complete_layer_upload, uploadId=again, layerDigests=[DIGEST]) == "LayerAlreadyExistsException"


def test_parts_follow_each_other(ecr: Any) -> None:
    upload_id = upload(ecr, b"four")
    for first, last, part in ((5, 6, b"ab"), (4, 9, b"ab"), (3, 4, b"ab")):
        part_of = {"partFirstByte": first, "partLastByte": last, "layerPartBlob": part}
        assert refused(ecr.upload_layer_part, uploadId=upload_id, **part_of) == "InvalidLayerPartException"


def test_a_layer_has_the_digest_that_was_named(ecr: Any) -> None:
    upload_id = upload(ecr, b"something else")
    assert refused(ecr.complete_layer_upload, uploadId=upload_id, layerDigests=[DIGEST]) == "InvalidLayerException"
    empty = str(ecr.initiate_layer_upload(**PLACE)["uploadId"])
    assert refused(ecr.complete_layer_upload, uploadId=empty, layerDigests=[DIGEST]) == "EmptyUploadException"
    unknown = "00000000-0000-0000-0000-000000000000"
    assert refused(ecr.complete_layer_upload, uploadId=unknown, layerDigests=[DIGEST]) == "UploadNotFoundException"


def test_an_image_is_put_when_all_that_it_names_is_there(ecr: Any) -> None:
    there = put_layer(ecr, b"there")
    missing = {**there, "digest": sha256_digest(b"missing")}
    assert refused(ecr.put_image, imageManifest=manifest(there, missing), imageTag="a") == "LayersNotFoundException"
    digest = sha256_digest(b"another")
    wrong = refused(ecr.put_image, imageManifest=manifest(there), imageTag="a", imageDigest=digest)
    assert wrong == "ImageDigestDoesNotMatchException"
    for content in ("no JSON", "[1]", '"text"', '{"layers": [{}]}', '{"config": {}, "layers": [1]}'):
        assert refused(ecr.put_image, imageManifest=content, imageTag="a") == "InvalidParameterException"


def test_an_image_by_a_tag_comes_with_that_tag(ecr: Any, registry: LocalRegistry) -> None:
    content = manifest(put_layer(ecr, b"of the image"))
    for tag in ("first", "second"):
        ecr.put_image(**PLACE, imageManifest=content, imageManifestMediaType=MANIFEST_TYPE, imageTag=tag)
    again = refused(ecr.put_image, imageManifest=content, imageManifestMediaType=MANIFEST_TYPE, imageTag="first")
    assert again == "ImageAlreadyExistsException"
    digest = sha256_digest(content.encode())
    asked = [{"imageTag": "first"}, {"imageTag": "second"}, {"imageDigest": digest}, {"imageTag": "none"}]
    answer = ecr.batch_get_image(**PLACE, imageIds=asked)
    assert [image["imageId"] for image in answer["images"]] == [
        {"imageDigest": digest, "imageTag": "first"},
        {"imageDigest": digest, "imageTag": "second"},
        {"imageDigest": digest},
    ]
    assert answer["failures"][0]["imageId"] == {"imageTag": "none"}
    auth = (registry.credentials.username, registry.credentials.password)
    path = f"{registry.gate_url}/v2/{PLACE['repositoryName']}/manifests/{digest}"
    assert httpx.get(path, auth=auth).content == content.encode()


def test_a_repository_that_is_not_there(ecr: Any) -> None:
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        ecr.initiate_layer_upload(repositoryName="no/such")
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        ecr.put_image(repositoryName="no/such", imageManifest="{}", imageTag="a")
