"""The function that the cluster's tests deploy."""

import sys
import time

from spin_sdk import http, key_value, variables
from spin_sdk.http import Request, Response


class IncomingHandler(http.IncomingHandler):
    """Answers with the variable ``greeting``, after doing what the path says."""

    def handle_request(self, request: Request) -> Response:
        """One request."""
        path = request.uri.partition("?")[0]
        if path == "/slow":
            time.sleep(0.8)
        if path == "/busy":
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                pass
        if path == "/count":
            with key_value.open_default() as store:
                count = int(store.get("count") or b"0") + 1
                store.set("count", str(count).encode())
            return Response(200, {"content-type": "text/plain"}, str(count).encode())
        if path == "/echo":
            return Response(200, {"content-type": "text/plain"}, request.body or b"")
        if path == "/print":
            sys.stdout.write("hello from the function\n")
        return Response(200, {"content-type": "text/plain"}, bytes(variables.get("greeting"), "utf-8"))
