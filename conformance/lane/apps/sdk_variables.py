"""As the SDK's example of variables: answers one."""

from spin_sdk import variables
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, variables.get(request.uri.removeprefix("/")).encode())
