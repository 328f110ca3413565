"""A registry that serves Spin images from memory: the reading half of the OCI distribution API."""

import hashlib
import json
import threading
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

WASM = "application/vnd.wasm.content.layer.v1+wasm"
SPIN_CONFIG = "application/vnd.fermyon.spin.application.v1+config"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Images by repository and tag; `app` is the ASGI application."""

    def __init__(self, component: bytes) -> None:
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[tuple[str, str], bytes] = {}
        self._component = self._blob(component)
        self._component_size = len(component)
        self.pulls: list[str] = []
        self._lock = threading.Lock()
        routes = [
            Route("/v2/", lambda _: Response()),
            Route("/v2/{name:path}/manifests/{version}", self._manifest, methods=["GET", "HEAD"]),
            Route("/v2/{name:path}/blobs/{digest}", self._get_blob, methods=["GET", "HEAD"]),
        ]
        self.app = Starlette(routes=routes)

    def push(self, name: str, tag: str, greeting: str = "hello", **changes: Any) -> None:
        """Offer an image whose variable ``greeting`` has this default.

        ``changes``: ``architecture`` of the config; ``locked`` to update the locked app with.
        """
        locked = {
            "spin_lock_version": 0,
            "metadata": {"name": name, "trigger": {"type": "http"}, "triggers": {}},
            "variables": {"greeting": {"default": greeting}},
            "triggers": [{"id": "t", "trigger_type": "http", "trigger_config": {"component": "main", "route": "/..."}}],
            "components": [
                {
                    "id": "main",
                    "metadata": {"key_value_stores": ["default"]},
                    "source": {"content_type": "application/wasm", "digest": self._component},
                    "config": {"greeting": "{{ greeting }}"},
                }
            ],
            **changes.get("locked", {}),
        }
        architecture = changes.get("architecture", "wasm")
        config = {"architecture": architecture, "os": "wasip1", "rootfs": {"type": "layers", "diff_ids": []}}
        layers = [{"mediaType": WASM, "digest": self._component, "size": self._component_size}]
        manifest = {
            "schemaVersion": 2,
            "config": self._descriptor(IMAGE_CONFIG, config),
            "layers": [*layers, self._descriptor(SPIN_CONFIG, locked)],
        }
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._manifests[name, tag] = self._manifests[name, digest] = content

    def _descriptor(self, media_type: str, document: Any) -> dict[str, Any]:
        content = json.dumps(document).encode()
        return {"mediaType": media_type, "digest": self._blob(content), "size": len(content)}

    def _blob(self, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._blobs[digest] = content
        return digest

    async def _manifest(self, request: Request) -> Response:
        name, version = request.path_params["name"], request.path_params["version"]
        self.pulls.append(f"{name}:{version}")
        found = self._manifests.get((name, version))
        if found is None:
            error = {"code": "MANIFEST_UNKNOWN", "message": f"no image {name}:{version} here"}
            return JSONResponse({"errors": [error]}, 404)
        digest = f"sha256:{hashlib.sha256(found).hexdigest()}"
        return Response(found, media_type=MANIFEST, headers={"Docker-Content-Digest": digest})

    async def _get_blob(self, request: Request) -> Response:
        found = self._blobs.get(request.path_params["digest"])
        return Response(status_code=404) if found is None else Response(found, media_type="application/octet-stream")
