"""As the SDK's example of a key-value store: GET, POST, DELETE and HEAD of a key."""

from spin_sdk import key_value
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        with key_value.open_default() as store:
            match request.method:
                case "GET":
                    value = store.get(request.uri)
                    return Response(404 if value is None else 200, {"content-type": "text/plain"}, value)
                case "POST":
                    store.set(request.uri, request.body)
                case "DELETE":
                    store.delete(request.uri)
                case "HEAD":
                    return Response(200 if store.exists(request.uri) else 404, {}, None)
                case _:
                    return Response(405, {}, None)
        return Response(200, {}, None)
