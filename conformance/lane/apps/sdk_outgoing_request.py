"""As the SDK's example of an outgoing request: passes on what another component and other hosts say."""

from spin_sdk.http import IncomingHandler, Request, Response, send


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        got = send(Request("GET", f"http://{request.uri.removeprefix('/')}", {"x-asked-by": "app"}, None))
        return Response(got.status, {"content-type": "text/plain"}, got.body)
