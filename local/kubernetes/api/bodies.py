"""Bodies: reading them in the forms that clients send, and the form of the answer that they ask for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response

from local.kubernetes.api.errors import bad_request, unsupported_media_type
from local.kubernetes.api.protobuf import MEDIA_TYPE, decode_protobuf


class JsonResponse(Response):
    """A JSON body, as small as the real server's."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of the body."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def wants_table(request: Request) -> bool:
    """Whether the Accept header names a Table first, as kubectl's does for `kubectl get`."""
    first = request.headers.get("accept", "").partition(",")[0]
    return {"application/json", "as=Table", "v=v1", "g=meta.k8s.io"} <= {part.strip() for part in first.split(";")}


async def read_body(request: Request) -> Any:
    """Read the body as data; `None` when there is none. Raises ApiError 400 or 415."""
    raw = await request.body()
    if not raw:
        return None
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip()
    try:
        if media_type.endswith("yaml"):
            # PyYAML takes seconds for a body of megabytes: keep the other requests going.
            return await asyncio.to_thread(yaml.safe_load, raw)
        if media_type == MEDIA_TYPE:
            return decode_protobuf(raw)
        if media_type.endswith("json") or media_type == "*/*":
            return json.loads(raw)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise bad_request(f"the body cannot be read as {media_type}: {error}") from error
    raise unsupported_media_type(["application/json", "application/yaml"])
