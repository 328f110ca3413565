"""As the SDK's example of SQLite."""

from spin_sdk import sqlite
from spin_sdk.http import IncomingHandler, Request, Response
from spin_sdk.wit.imports.sqlite import Value_Integer


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        with sqlite.open_default() as db:
            result = db.execute("SELECT ? + 1 AS one", [Value_Integer(1)])
            return Response(200, {}, f"{result.columns} {result.rows}".encode())
