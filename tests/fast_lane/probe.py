"""An app that tells what it sees, when it is imported and when it is asked."""

import sys

LOADED = set(sys.modules)

import json  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402

AT_IMPORT = {
    "modules": sorted(LOADED),
    "environment": dict(os.environ),
    "arguments": sys.argv,
    "original": sys.orig_argv,
    "path": sys.path,
    "folders": list(sys.path_importer_cache),
    "main": sorted(vars(sys.modules["__main__"])),
    "flags": repr(sys.flags),
    "hooks": repr(sys.excepthook),
    "own": __file__,
}
AT_IMPORT = json.loads(json.dumps(AT_IMPORT))
SEEN_TIME = time.time()

from spin_sdk import http, variables  # noqa: E402
from spin_sdk.http import Request, Response  # noqa: E402

ORDER = list(sys.modules)


class IncomingHandler(http.IncomingHandler):
    """``/`` tells, ``/random`` and ``/hash`` answer numbers, ``/late`` and ``/crash`` fail."""

    def __init__(self) -> None:
        self.made = len(ORDER)

    def handle_request(self, request: Request) -> Response:
        """Answer by path."""
        print("asked for", request.uri)  # noqa: T201 - the log is compared
        if request.uri == "/crash":
            raise ValueError("한글")
        if request.uri == "/late":
            import wave  # noqa: F401 - in no component: nothing has loaded it
        now = {
            "modules": sorted(sys.modules),
            "at_first": sorted(ORDER),
            "environment": dict(os.environ),
            "arguments": sys.argv,
            "path": sys.path,
            "folders": list(sys.path_importer_cache),
            "main": sorted(vars(sys.modules["__main__"])),
            "sdk": sorted(vars(sys.modules["spin_sdk.wit"])),
            "made": self.made,
            "body": (request.body or b"").decode(),
        }
        values = {
            "/random": random.random(),  # noqa: S311 - no secret
            "/age": time.time() - SEEN_TIME,
            "/": {"import": AT_IMPORT, "now": now},
        }
        return Response(200, {"content-type": "application/json"}, json.dumps(values[request.uri]).encode())


_ = variables
