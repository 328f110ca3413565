"""Requests that fail on purpose, to try what the rest does then: throttling, a service that is down.

Which ones is in a JSON file that may be written, changed and removed while the process runs: a list of

    {"operation": "DynamoDB_20120810\\\\..*", "error": "ThrottlingException", "fail": 2, "of": 3}

``operation`` is matched against the whole X-Amz-Target header (AWS JSON protocol); of each ``of`` requests that match,
the first ``fail`` get ``error`` as their answer. Calls that ministack's services make to each other are not requests.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

_JSON: Final = b"application/x-amz-json-1.0"


class Fault(BaseModel):
    """One line of the file."""

    operation: str
    error: str
    fail: int = 1
    of: int = 1


_FAULTS: Final = TypeAdapter(list[Fault])


class FaultyApi:
    """An ASGI app that lets a request through to ``app`` unless it is to fail."""

    def __init__(self, app: Any, file: Path) -> None:
        self._app = app
        self._file = file
        self._seen: dict[str, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        fault = self._fault(dict(scope["headers"])) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        body = json.dumps({"__type": fault.error, "message": "This request was made to fail."}).encode()
        headers = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _fault(self, headers: dict[bytes, bytes]) -> Fault | None:
        target = headers.get(b"x-amz-target")
        if target is None or not self._file.exists():
            return None
        for fault in _FAULTS.validate_json(self._file.read_bytes()):
            if re.fullmatch(fault.operation, target.decode("latin-1")):
                number = self._seen[fault.operation] = self._seen.get(fault.operation, -1) + 1
                return fault if number % fault.of < fault.fail else None
        return None
