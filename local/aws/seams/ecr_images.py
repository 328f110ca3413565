"""ECR's own API for layers and manifests, where ministack answers without doing anything.

Layers that are uploaded in parts are kept, and checked by their digest; an image is put only when all that its manifest
names is there; an image that is asked for by a tag comes with that tag.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/, the operations below and their errors.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import error_response_json, get_account_id, json_response, new_uuid
from ministack.services import ecr as service

Json = dict[str, Any]
Operation = Callable[[Json], Any]
_PART_BYTES: Final = 20 * 1024 * 1024
_REFERENCES: Final = ("config", "layers")


class _RefusedError(Exception):
    """An error of ECR's API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Replace the operations."""
    put_image = service._put_image
    service._initiate_layer_upload = _answering(_initiate)
    service._upload_layer_part = _answering(_upload_part)
    service._complete_layer_upload = _answering(_complete)
    service._batch_check_layer_availability = _answering(_availability)
    service._batch_get_image = _named_as_asked(service._batch_get_image)
    service._put_image = _checked(put_image)


def _answering(operation: Callable[[Json], Json]) -> Operation:
    def answer(request: Json) -> Any:
        try:
            _check_repository(request)
            return json_response(operation(request))
        except _RefusedError as error:
            return error_response_json(error.code, str(error), 400)

    return answer


def _initiate(request: Json) -> Json:
    upload = new_uuid()
    service._uploads.setdefault(request["repositoryName"], {})[upload] = bytearray()
    return {"uploadId": upload, "partSize": _PART_BYTES}


def _upload_part(request: Json) -> Json:
    received, part = _upload(request), base64.b64decode(request["layerPartBlob"])
    first, last = request["partFirstByte"], request["partLastByte"]
    if first != len(received) or last - first + 1 != len(part):
        raise _RefusedError("InvalidLayerPartException", f"the part {first}-{last} does not follow {len(received)}")
    received.extend(part)
    return {**_place(request), "uploadId": request["uploadId"], "lastByteReceived": last}


def _complete(request: Json) -> Json:
    content = bytes(_upload(request))
    if not content:
        raise _RefusedError("EmptyUploadException", "no part was uploaded")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest not in request["layerDigests"]:
        raise _RefusedError("InvalidLayerException", "the content does not have the digest that was named")
    del service._uploads[request["repositoryName"]][request["uploadId"]]
    layers = service._layer_blobs.setdefault(request["repositoryName"], {})
    if digest in layers:
        raise _RefusedError("LayerAlreadyExistsException", f"layer {digest} already exists")
    layers[digest] = content
    return {**_place(request), "uploadId": request["uploadId"], "layerDigest": digest}


def _availability(request: Json) -> Json:
    layers = service._layer_blobs.get(request["repositoryName"], {})
    return {
        "layers": [
            {
                "layerDigest": digest,
                "layerAvailability": "AVAILABLE" if digest in layers else "UNAVAILABLE",
                "layerSize": len(layers.get(digest, b"")),
            }
            for digest in request["layerDigests"]
        ],
        "failures": [],
    }


def _checked(put_image: Operation) -> Operation:
    def check(request: Json) -> Any:
        try:
            _check_repository(request)
            _check_manifest(request)
        except _RefusedError as error:
            return error_response_json(error.code, str(error), 400)
        return put_image(request)

    return check


def _check_manifest(request: Json) -> None:
    name, content = request["repositoryName"], str(request["imageManifest"])
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    if request.get("imageDigest", digest) != digest:
        raise _RefusedError("ImageDigestDoesNotMatchException", "the manifest does not have the digest that was named")
    try:
        manifest = dict(json.loads(content))
        named = [manifest["config"], *manifest["layers"]] if "layers" in manifest else []
        digests = [layer["digest"] for layer in named]
    except (ValueError, KeyError, TypeError) as error:
        raise _RefusedError("InvalidParameterException", "the manifest is none") from error
    missing = [layer for layer in digests if layer not in service._layer_blobs.get(name, {})]
    if missing:
        raise _RefusedError("LayersNotFoundException", f"the repository has no layer {', '.join(missing)}")
    tag = request.get("imageTag")
    there = service._find_image(name, {"imageDigest": digest})
    if there is not None and (tag is None or tag in there.get("imageTags", [])):
        raise _RefusedError("ImageAlreadyExistsException", f"image {digest} already exists with this tag")
    # By its digest, too, for the registry's own API.
    service._manifest_blobs.setdefault(name, {})[digest] = content.encode()


def _named_as_asked(batch_get_image: Operation) -> Operation:
    """Ministack answers with the tag that an image got last, whichever was asked for."""

    def get(request: Json) -> Any:
        status, headers, body = batch_get_image(request)
        answer = json.loads(body)
        tags = [identity["imageTag"] for identity in request.get("imageIds", []) if "imageTag" in identity]
        for image in answer.get("images", []):
            known = service._find_image(request["repositoryName"], {"imageDigest": image["imageId"]["imageDigest"]})
            asked = next((tag for tag in tags if tag in known["imageTags"]), None)
            image["imageId"] = {"imageDigest": image["imageId"]["imageDigest"]}
            if asked is not None:
                tags.remove(asked)
                image["imageId"]["imageTag"] = asked
        return status, headers, json.dumps(answer).encode()

    return get


def _check_repository(request: Json) -> None:
    name = request.get("repositoryName", "")
    if name not in service._repositories:
        raise _RefusedError("RepositoryNotFoundException", f"The repository with name '{name}' does not exist")


def _upload(request: Json) -> bytearray:
    uploads: dict[str, bytearray] = service._uploads.get(request["repositoryName"], {})
    if request["uploadId"] not in uploads:
        raise _RefusedError("UploadNotFoundException", "there is no such upload")
    return uploads[request["uploadId"]]


def _place(request: Json) -> Json:
    return {"registryId": get_account_id(), "repositoryName": request["repositoryName"]}
