r"""`local.aws` with requests that fail on purpose: throttling, a service that is down.

Which ones is in a JSON file, named by the variable `FILE_VARIABLE`, that may come, change and go meanwhile: a list of

    {"operation": "DynamoDB_20120810\\..*", "error": "ThrottlingException", "tries": 1}

``operation`` is matched against the whole X-Amz-Target header (AWS JSON protocol); requests that match get ``error`` as
their answer. With ``tries``, only the first so many tries of each call do: the SDK counts them in a header
(``botocore.handlers.add_retry_headers``). Calls that ministack's services make to each other are not requests.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from local.aws.__main__ import main

FILE_VARIABLE: Final = "CHAOS_AWS_FAULTS"
_JSON: Final = b"application/x-amz-json-1.0"


class Fault(BaseModel):
    """One line of the file."""

    operation: str
    error: str
    tries: int | None = None


_FAULTS: Final = TypeAdapter(list[Fault])


class FaultyApi:
    """An ASGI app that lets a request through to ``app`` unless it is to fail."""

    def __init__(self, app: Any, file: Path) -> None:
        self._app = app
        self._file = file

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
                return fault if fault.tries is None or _try(headers) <= fault.tries else None
        return None


def _try(headers: dict[bytes, bytes]) -> int:
    """Which try of its call a request is, from 1 (``amz-sdk-request: attempt=2; max=5``)."""
    found = re.search(rb"attempt=(\d+)", headers.get(b"amz-sdk-request", b""))
    return int(found[1]) if found else 1


if __name__ == "__main__":
    faults = Path(os.environ[FILE_VARIABLE])
    main(lambda app: FaultyApi(app, faults))
