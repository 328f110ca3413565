"""A function with a type error: the build fails and names this file and the line."""

from spin_sdk.http import IncomingHandler, Request, Response


def greeting(name: str) -> str:
    return f"Hello, {name}!"


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        body: int = greeting("world")
        return Response(200, {"content-type": "text/plain"}, bytes(body, "utf-8"))
