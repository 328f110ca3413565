"""The function that tests deploy: it does one of everything the runtime offers; they pick by path."""

import base64
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from functools import reduce
from urllib.parse import parse_qs, urlsplit

from spin_sdk import http, key_value, variables
from spin_sdk.http import Request, Response, send
from spin_sdk.wit.imports import atomics, batch, redis
from spin_sdk.wit.imports import wasi_keyvalue_store as wasi_store
from spin_sdk.wit.imports.types import (
    ErrorCode_ConfigurationError,
    Fields,
    IncomingRequest,
    OutgoingResponse,
    ResponseOutparam,
)
from spin_sdk.wit.types import Err, Ok

# spin-sdk 3.4.1 looks for these bindings by another name than componentize-py 0.17.2 gives them without an option, with
# which the fast lane would leave the build to componentize-py.
sys.modules["spin_sdk.wit.imports.sqlite"] = importlib.import_module("spin_sdk.wit.imports.fermyon_spin_sqlite")

from spin_sdk import sqlite  # noqa: E402
from spin_sdk.wit.imports import sqlite as sqlite_types  # noqa: E402

COUNTER: Callable[[], http.IncomingHandler] = importlib.import_module("counter").IncomingHandler
# While a request is handled the standard library is not there to be looked at any more.
NOT_THERE = sorted(name for name in sys.stdlib_module_names if importlib.util.find_spec(name) is None)
Query = dict[str, str]
Cell = (
    sqlite_types.Value_Integer
    | sqlite_types.Value_Real
    | sqlite_types.Value_Text
    | sqlite_types.Value_Blob
    | sqlite_types.Value_Null
)


def _json(value: object, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(value).encode())


def _text(value: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "text/plain"}, value.encode())


def greet(_request: Request, _query: Query) -> Response:
    return _text(variables.get("greeting"))


def slow(request: Request, query: Query) -> Response:
    time.sleep(0.8)
    return greet(request, query)


def busy(request: Request, query: Query) -> Response:
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    return greet(request, query)


def count(request: Request, _query: Query) -> Response:
    """As examples/counter does."""
    return COUNTER().handle_request(request)


def reply(request: Request, _query: Query) -> Response:
    return Response(200, {"content-type": "text/plain"}, request.body or b"")


def hello(_request: Request, query: Query) -> Response:
    return _text(f"hello {query.get('name', 'world')}")


def echo(request: Request, _query: Query) -> Response:
    body = request.body or b""
    return Response(
        201,
        {"content-type": "application/octet-stream", "x-method": request.method, "x-uri": request.uri},
        body,
    )


def headers(request: Request, _query: Query) -> Response:
    return _json(dict(request.headers))


def answer(_request: Request, query: Query) -> Response:
    return Response(int(query["status"]), {query["name"]: query["value"]} if "name" in query else {}, None)


def variable(_request: Request, query: Query) -> Response:
    return _text(variables.get(query["name"]))


def environment(_request: Request, _query: Query) -> Response:
    return _json(dict(os.environ))


def key_values(request: Request, query: Query) -> Response:
    with key_value.open(query.get("store", "default")) as values:
        match request.method:
            case "PUT":
                values.set(query["key"], request.body or b"")
            case "DELETE":
                values.delete(query["key"])
            case _ if "key" not in query:
                return _json(values.get_keys())
        found = values.get(query["key"])
        return _json({"value": None if found is None else found.decode(), "exists": values.exists(query["key"])})


def wasi_key_values(_request: Request, _query: Query) -> Response:
    bucket = wasi_store.open("default")
    batch.set_many(bucket, [("a", b"1"), ("b", b"2")])
    many = batch.get_many(bucket, ["a", "b", "c"])
    counted = [atomics.increment(bucket, "counter", 5), atomics.increment(bucket, "counter", -2)]
    swap = atomics.Cas.new(bucket, "a")
    swap.current()
    bucket.set("a", b"changed meanwhile")
    try:
        atomics.swap(swap, b"3")
        lost = False
    except Err:
        lost = True
    atomics.swap(atomics.Cas.new(bucket, "a"), b"4")
    batch.delete_many(bucket, ["b"])
    listed = bucket.list_keys(None).keys
    return _json(
        {
            "many": [None if pair[1] is None else pair[1].decode() for pair in many],
            "counted": counted,
            "lost": lost,
            "a": (bucket.get("a") or b"").decode(),
            "keys": listed,
        }
    )


def database(request: Request, query: Query) -> Response:
    with sqlite.open(query.get("database", "default")) as connection:
        result = connection.execute((request.body or b"").decode(), [])
        return _json(
            {"columns": result.columns, "rows": [[_plain(cell) for cell in row.values] for row in result.rows]}
        )


def database_types(_request: Request, _query: Query) -> Response:
    with sqlite.open_default() as connection:
        cells: list[Cell] = [
            sqlite_types.Value_Integer(-(2**63)),
            sqlite_types.Value_Real(1.5),
            sqlite_types.Value_Text("한글"),
            sqlite_types.Value_Blob(b"\x00\xff"),
            sqlite_types.Value_Null(),
        ]
        result = connection.execute("SELECT ?, ?, ?, ?, ?", cells)
        return _json([[type(cell).__name__, _plain(cell)] for cell in result.rows[0].values])


def _plain(cell: object) -> object:
    value = getattr(cell, "value", None)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def fetch(request: Request, query: Query) -> Response:
    sent = {"x-sent": "yes"} if request.method == "GET" else {}
    response = send(Request(request.method, query["url"], sent, request.body))
    return Response(
        200, {"x-status": str(response.status), "x-seen": response.headers.get("x-seen", "")}, response.body
    )


def sleep(_request: Request, query: Query) -> Response:
    time.sleep(float(query["seconds"]))
    return _text("slept")


def spin(_request: Request, _query: Query) -> Response:
    while True:
        pass


def crash(_request: Request, _query: Query) -> Response:
    os.abort()


def raises(_request: Request, _query: Query) -> Response:
    raise RuntimeError("this is a bug in the function")


def leave(_request: Request, _query: Query) -> Response:
    os._exit(3)


def memory(_request: Request, query: Query) -> Response:
    return _text(str(len(bytearray(int(query["megabytes"]) << 20))))


def work(_request: Request, query: Query) -> Response:
    return _text(str(sum(number * number for number in range(int(query["n"])))))


def read(_request: Request, query: Query) -> Response:
    with open(query["path"], "rb") as file:  # noqa: PTH123  # the plainest way is what is tested
        return Response(200, {}, file.read())


def listing(_request: Request, query: Query) -> Response:
    found = os.listdir(query["path"])  # noqa: PTH208  # as above
    size = os.stat("/greeting.txt").st_size  # noqa: PTH116  # as above
    return _json({"entries": sorted(found), "size": size, "folder": os.path.isdir("/data")})  # noqa: PTH112


def write(_request: Request, query: Query) -> Response:
    with open(query["path"], "wb") as file:  # noqa: PTH123  # as above
        file.write(b"changed")
    return _text("written")


def prints(_request: Request, _query: Query) -> Response:
    print("to standard output")  # noqa: T201  # printing is what is tested
    print("to standard error", file=sys.stderr)  # noqa: T201  # as above
    return _text("printed")


def not_there(_request: Request, _query: Query) -> Response:
    """Modules of the standard library that this Python does not have."""
    return _json(NOT_THERE)


def text_body(_request: Request, _query: Query) -> Response:
    return Response(200, {}, "text, which mypy would refuse")  # type: ignore[arg-type]


def claims(request: Request, query: Query) -> Response:
    """Answers the request's body under another content-length."""
    return Response(200, {"content-length": query["length"]}, request.body)


def deep(_request: Request, query: Query) -> Response:
    return _text(str(_depth(int(query["depth"]))))


def _depth(left: int) -> int:
    # Through reduce(), which is C: parsers and templates recurse through the interpreter's own code like this.
    return 0 if left == 0 else 1 + reduce(lambda _, next_left: _depth(next_left), [left - 1], 0)


def large_value(_request: Request, query: Query) -> Response:
    with key_value.open_default() as values:
        values.set("large", bytes(int(query["bytes"])))
        return _text(str(len(values.get("large") or b"")))


def open_redis(_request: Request, _query: Query) -> Response:
    redis.Connection.open("redis://127.0.0.1")
    return _text("opened")


ACTIONS: dict[str, Callable[[Request, Query], Response]] = {
    "": greet,
    "slow": slow,
    "busy": busy,
    "count": count,
    "reply": reply,
    "hello": hello,
    "echo": echo,
    "headers": headers,
    "answer": answer,
    "variable": variable,
    "environment": environment,
    "kv": key_values,
    "wasi-kv": wasi_key_values,
    "sql": database,
    "sql-types": database_types,
    "fetch": fetch,
    "sleep": sleep,
    "spin": spin,
    "crash": crash,
    "raises": raises,
    "leave": leave,
    "memory": memory,
    "work": work,
    "read": read,
    "list": listing,
    "write": write,
    "print": prints,
    "redis": open_redis,
    "not-there": not_there,
    "text-body": text_body,
    "claims": claims,
    "deep": deep,
    "large-value": large_value,
}


def unfinished(response_out: ResponseOutparam) -> None:
    """Returns before the body is finished."""
    _write_start(response_out, 200)


def broken(response_out: ResponseOutparam) -> None:
    """Ends with an exception after the first part of the body."""
    _write_start(response_out, 200)
    raise RuntimeError("after the first part")


def early(response_out: ResponseOutparam) -> None:
    """Answers with a status that is no answer's."""
    response = OutgoingResponse(Fields())
    response.set_status_code(103)
    ResponseOutparam.set(response_out, Ok(response))


def strange(response_out: ResponseOutparam) -> None:
    """Answers with a status that has no name, and a value between spaces."""
    response = OutgoingResponse(Fields.from_list([("x-a", b" v ")]))
    response.set_status_code(799)
    ResponseOutparam.set(response_out, Ok(response))


def silent(_response_out: ResponseOutparam) -> None:
    """Does not answer."""


def failing(response_out: ResponseOutparam) -> None:
    """Answers with an error in place of a response."""
    ResponseOutparam.set(response_out, Err(ErrorCode_ConfigurationError()))


def _write_start(response_out: ResponseOutparam, status: int) -> None:
    response = OutgoingResponse(Fields())
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(b"start")


RAW_ACTIONS: dict[str, Callable[[ResponseOutparam], None]] = {
    action.__name__: action for action in (unfinished, broken, early, strange, silent, failing)
}


class IncomingHandler(http.IncomingHandler):
    """``/…/ACTION?name=value``: the last segment of the path picks the action."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        """Leave ``/raw/ACTION`` to a function that speaks WASI itself."""
        folder, _, action = (request.path_with_query() or "").partition("/raw/")
        if folder == "" and action in RAW_ACTIONS:
            RAW_ACTIONS[action](response_out)
        else:
            super().handle(request, response_out)

    def handle_request(self, request: Request) -> Response:
        """Run the action; a WIT error is answered as 422 with its name."""
        target = urlsplit(request.uri)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        try:
            return ACTIONS[target.path.rpartition("/")[2]](request, query)
        except Err as error:
            detail = getattr(error.value, "value", "")
            return _json({"error": type(error.value).__name__, "detail": str(detail)}, 422)
        except OSError as error:
            return _json({"error": type(error).__name__, "detail": str(error)}, 422)
