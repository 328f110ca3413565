"""Requests that both sides answer, as they are sent and in order: later ones see what earlier ones stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MANIFEST: Final = """\
spin_manifest_version = 2
[application]
name = "sample"
version = "1.2.3"
[variables]
greeting = { default = "hello" }
secret = { default = "unset" }
[[trigger.http]]
route = "/..."
component = "main"
[[trigger.http]]
route = "/users/:id/..."
component = "users"
[[trigger.http]]
route = "/exact/"
component = "users"
[[trigger.http]]
route = { private = true }
component = "private"
[[trigger.http]]
route = "/static"
static_response = { status_code = 418, headers = { x-tea = "green" }, body = "tea" }
[component.main]
source = "app.wasm"
key_value_stores = ["default"]
sqlite_databases = ["default"]
allowed_outbound_hosts = ["http://127.0.0.1:9", "http://*.spin.internal", "http://gone.spin.internal"]
files = [{ source = "data", destination = "/" }]
environment = { LEVEL = "debug" }
variables = { greeting = "{{ greeting }}, {{secret}}!", plain = "text" }
[component.users]
source = "app.wasm"
[component.private]
source = "app.wasm"
key_value_stores = ["default"]
"""
FILES: Final = {
    "data/greeting.txt": b"hi there",
    "data/empty.txt": b"",
    "data/large/large.txt": b"".join(b"line %d\n" % number for number in range(30_000)),
}
ENVIRONMENT: Final = {"SPIN_VARIABLE_SECRET": "from the environment"}
_LIMIT: Final = "a limit of this machine, or of API Gateway"
_SERVER: Final = "the server below: h11 here, hyper there"


_KNOWN: Final = {
    "broken": "in Spin the first part of a body may or may not have left when the function ends with an exception",
    "strange": "h11 strips white space around a header's value",
    "sql: wrong": "libsql adds the place to SQLite's words",
}


@dataclass(frozen=True)
class HttpCase:
    """One request, and why the sides may differ."""

    name: str
    request: bytes
    known: str | None = None


def request(
    target: str,
    *headers: str,
    method: str = "GET",
    body: bytes = b"",
    host: str | None = "sample",
    version: str = "1.1",
) -> bytes:
    """Write a whole request, after which the connection ends."""
    lines = [f"{method} {target} HTTP/{version}", "connection: close", *headers]
    if host is not None:
        lines.append(f"host: {host}")
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def cases() -> Iterator[HttpCase]:
    """Every case."""
    for target in _TARGETS:
        yield HttpCase(target, request(target))
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE", "HEAD", "get"):
        yield HttpCase(
            f"method {method}", request("/echo?a=1&b=%2F", method=method, body=b"" if method == "HEAD" else b"b")
        )
    for status in (200, 201, 204, 205, 299, 301, 304, 400, 404, 418, 500, 503, 599, 600, 799):
        yield HttpCase(f"status {status}", request(f"/answer?status={status}&name=x-a&value=b"))
    spaces = "/answer?status=200&name=x-a&value=%20v%20"
    yield HttpCase(spaces, request(spaces), _KNOWN["strange"])
    for length in ("1", "4", "5", "6", "100", "none"):
        yield HttpCase(f"content-length {length}", request(f"/claims?length={length}", method="POST", body=b"hello"))
    for action in ("unfinished", "broken", "strange", "silent", "failing", "early"):
        yield HttpCase(f"raw {action}", request(f"/raw/{action}"), _KNOWN.get(action))
    for name, sent in _SEQUENCE.items():
        yield HttpCase(name, sent, _KNOWN.get(name))
    for path in (
        "/greeting.txt",
        "/empty.txt",
        "/large/large.txt",
        "/absent",
        "/large",
        "/../greeting.txt",
        "greeting.txt",
    ):
        yield HttpCase(f"read {path}", request(f"/read?path={path}"))
    for url in _URLS:
        yield HttpCase(f"fetch {url}", request(f"/fetch?url={url}"))
    for name, sent in _ODD.items():
        yield HttpCase(name, sent)
    yield HttpCase("Host that is no authority", request("/hello", host="a b"), _SERVER)
    yield HttpCase("HTTP/1.1 without Host", request("/hello", host=None), _SERVER)
    yield HttpCase("query of nothing", request("/echo?"), _SERVER)
    yield HttpCase("redis", request("/redis"), _LIMIT)
    yield HttpCase("a body over 10 MB", request("/hello", method="POST", body=bytes(11 << 20)), _LIMIT)
    yield HttpCase("a large value", request("/large-value?bytes=3000000"), _LIMIT)
    yield HttpCase("much memory", request("/memory?megabytes=300"), _LIMIT)


_TARGETS: Final = [
    "/",
    "/hello",
    "/hello?name=%ED%95%9C",
    "/a%20b//echo?x=1",
    "/headers",
    "/users/42/x/headers?q=1",
    "/users/7",
    "/exact",
    "/exact/",
    "/exact/headers",
    "/users/a%20b/headers/",
    "/static",
    "/static/",
    "/static/x",
    "/variable?name=greeting",
    "/variable?name=plain",
    "/variable?name=absent",
    "/variable?name=Bad-Name",
    "/environment",
    "/list?path=/",
    "/raises",
    "/leave",
    "/crash",
    "/text-body",
    "/write?path=/new",
    "/answer?status=204&name=content-length&value=7",
    "/answer?status=200&name=connection&value=close",
    "/users/1/kv?key=a",
    "/answer?status=200&name=x-a&value=1%0D%0Ax-b:2",
    "/answer?status=1000",
    "/answer?status=99",
    "/deep?depth=35",
    "/.well-known/spin/health",
    "/.well-known/spin/info",
    "/.well-known/spin/nothing",
    "/wasi-kv",
    "/sql-types",
]
_SEQUENCE: Final = {
    "kv: nothing there": request("/kv?key=k"),
    "kv: set": request("/kv?key=k", method="PUT", body=b"value"),
    "kv: another component's view": request("/fetch?url=http://private.spin.internal/kv?key=k"),
    "kv: keys": request("/kv"),
    "kv: delete": request("/kv?key=k", method="DELETE"),
    "kv: an unknown store": request("/kv?store=other&key=k"),
    "sql: create": request("/sql", method="POST", body=b"CREATE TABLE t (a INTEGER, b TEXT)"),
    "sql: insert": request("/sql", method="POST", body=b"INSERT INTO t VALUES (1, 'x'), (2, NULL)"),
    "sql: select": request("/sql", method="POST", body=b"SELECT * FROM t ORDER BY a"),
    "sql: wrong": request("/sql", method="POST", body=b"SELEKT"),
    "sql: an unknown database": request("/sql?database=other", method="POST", body=b"SELECT 1"),
}
_URLS: Final = [
    "http://users.spin.internal/a/headers?q",
    "http://private.spin.internal/hello",
    "http://nobody.spin.internal/",
    "http://gone.spin.internal/",
    "http://example.com/",
    "https://127.0.0.1:9/",
    "http://127.0.0.1:9/",
    "/hello",
    "http://user:password@127.0.0.1:9/",
    "http://127.0.0.1:9/a%20b",
    "ftp://127.0.0.1:9/",
    "nonsense",
]
_ODD: Final = {
    "OPTIONS *": request("*", method="OPTIONS"),
    "HTTP/1.0": request("/hello", version="1.0"),
    "HTTP/1.0 without Host": request("/hello", version="1.0", host=None),
    "a header that is no UTF-8": request("/hello", "x-a: \xff"),
    "a header in UTF-8": request("/headers", "x-a: \xc3\xbc"),
    "the caller's own spin headers": request("/users/7/headers", "spin-path-match-id: 8", "spin-x: mine"),
    "X-Forwarded-For": request("/headers", "X-Forwarded-For: 9.9.9.9"),
    "98 more headers": request("/hello", *(f"x-{number}: 1" for number in range(98))),
    "99 more headers": request("/hello", *(f"x-{number}: 1" for number in range(99))),
    "a header of 200 KB": request("/hello", f"x-a: {'a' * 200_000}"),
    "a target of 65,534 bytes": request(f"/hello?{'a' * 65_527}"),
    "a target of 65,535 bytes": request(f"/hello?{'a' * 65_528}"),
    "a body in chunks": request("/echo", "transfer-encoding: chunked", method="POST")
    + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "a body of 5 MB": request("/reply", method="POST", body=b"x" * (5 << 20)),
}
