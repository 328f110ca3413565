"""A registry on this machine as `functions.registry.distribution` meets it: manifests, challenges, a token server."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

DIGEST = "sha256:" + "ab" * 32
USER, PASSWORD = "builder", "s3cret-password"
TOKEN = "the-token"


@dataclass
class Request:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class HttpRegistry:
    """``library/app:v1`` is what it holds; set its fields to make it behave otherwise."""

    host: str = ""
    access: Literal["open", "basic", "bearer"] = "open"
    realm: str = ""
    """Token server named in the challenge; empty: this one."""
    digest: str = DIGEST
    token_answer: Any = field(default_factory=lambda: {"token": TOKEN})
    token_needs_password: bool = False
    answer_instead: Callable[[BaseHTTPRequestHandler], None] | None = None
    token_drip: Callable[[BaseHTTPRequestHandler], None] | None = None
    requests: list[Request] = field(default_factory=list)

    def image(self, version: str = ":v1") -> str:
        return f"{self.host}/library/app{version}"


def start(registry: HttpRegistry) -> ThreadingHTTPServer:
    """Serve ``registry`` on a free port, from a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._take_down()
            if registry.answer_instead:
                registry.answer_instead(self)
            elif not self._is_authorized():
                self._answer(401, {"WWW-Authenticate": self._challenge()})
            elif self.path in ("/v2/library/app/manifests/v1", f"/v2/library/app/manifests/{DIGEST}"):
                self._answer(200, {"Docker-Content-Digest": registry.digest} if registry.digest else {})
            else:
                self._answer(404, {})

        def do_GET(self) -> None:
            self._take_down()
            if registry.token_drip:
                registry.token_drip(self)
                return
            allowed = not registry.token_needs_password or self.headers.get("Authorization") == basic()
            self._answer(200 if allowed else 401, {}, json.dumps(registry.token_answer).encode())

        def _is_authorized(self) -> bool:
            given = self.headers.get("Authorization")
            return (
                registry.access == "open" or given == {"basic": basic(), "bearer": f"Bearer {TOKEN}"}[registry.access]
            )

        def _challenge(self) -> str:
            if registry.access == "basic":
                return 'Basic realm="registry"'
            realm = registry.realm or f"http://{registry.host}/token?account=x"
            return f'Bearer realm="{realm}",service="registry.test",scope="repository:library/app:pull"'

        def _take_down(self) -> None:
            url = urlsplit(self.path)
            request = Request(self.command, url.path, parse_qs(url.query), dict(self.headers))
            registry.requests.append(request)

        def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
