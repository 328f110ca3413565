"""A CloudWatch on this machine: ministack's, alone, with failures on demand."""

import asyncio
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ministack.services import cloudwatch


class CloudWatch:
    """The server in a thread of its own; `stop` it in the end."""

    def __init__(self) -> None:
        self.fails: tuple[str, int] | None = None
        """Code and status with which it answers instead."""
        self.asked = 0
        """How often it was asked for metrics."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        asks = headers.get("x-amz-target", path).endswith(("/GetMetricData", ".GetMetricData"))
        self.asked += asks
        answer: tuple[int, dict[str, str], bytes]
        if asks and self.fails is not None:
            code, status = self.fails
            answer = cloudwatch._error(
                code, "told to fail", status, use_json="x-amz-target" in headers, use_cbor="x-amz-target" not in headers
            )
            return answer
        answer = asyncio.run(cloudwatch.handle_request("POST", path, headers, body, {}))
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        def answer(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
            return self._answer(path, headers, body)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sent = {name.lower(): value for name, value in self.headers.items()}
                status, headers, content = answer(self.path, sent, body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Keep the test output clean."""

        return Handler
