"""Counts its calls in the default key-value store; the count survives an update of the function."""

from spin_sdk import key_value
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        with key_value.open_default() as store:
            stored = store.get("calls")
            calls = int(stored or b"0") + 1
            store.set("calls", str(calls).encode())
        return Response(200, {"content-type": "text/plain"}, f"{calls}\n".encode())
