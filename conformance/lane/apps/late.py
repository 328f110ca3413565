"""Imports and look-ups while a request is handled, when nothing of the build's file system is there any more."""

import importlib
import importlib.metadata
import importlib.resources
import importlib.util
import os
import sys

from spin_sdk.http import IncomingHandler, Request, Response

SHOWN = (
    "json",
    "wave",
    "colorsys",
    "app",
    "nosuch",
    "spin_sdk",
    "spin_sdk.redis",
    "spin_sdk.wit.imports.redis",
    "asyncio",
    "dataclasses",
    "random",
    "logging",
    "email.message",
    "sitecustomize",
    "blue_faas_base",
    "blue_faas_shelf",
    "componentize_py_runtime",
    "encodings.cp949",
    "encodings.idna",
    "zlib",
    "ssl",
    "sqlite3",
    "ctypes",
    "multiprocessing",
)


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        kind, _, name = request.uri.removeprefix("/").partition("/")
        match kind:
            case "import":
                answer = importlib.import_module(name).__name__
            case "spec":
                answer = [(name, importlib.util.find_spec(name) is not None) for name in SHOWN if "." not in name]
            case "loaded":
                answer = [(name, name in sys.modules) for name in SHOWN]
            case "codec":
                answer = "한글".encode(name).hex()
            case "files":
                answer = [
                    os.path.exists(place) for place in ("/", "/0", "/0/app.py", "/1", "/python", "/world", "/bundled")
                ]
            case "metadata":
                answer = [d.name for d in importlib.metadata.distributions()]
            case "reload":
                answer = importlib.reload(sys.modules[name]).__name__
        return Response(200, {}, repr(answer).encode())
