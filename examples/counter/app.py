"""Counts its calls in the default key-value store.

On the one-machine cloud all pods share the count, and it survives updates. On SpinKube each pod counts for itself and
begins at 1, unless the app is deployed with a `runtime_config` that keeps the store elsewhere (docs/deploying.md).
"""

from spin_sdk import key_value
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        with key_value.open_default() as store:
            stored = store.get("calls")
            calls = int(stored or b"0") + 1
            store.set("calls", str(calls).encode())
        return Response(200, {"content-type": "text/plain"}, f"{calls}\n".encode())
