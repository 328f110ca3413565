"""Everything that a module may make at its import and keep: the first request finds it as it was left."""

import collections
import contextvars
import datetime
import decimal
import enum
import functools
import hashlib
import io
import itertools
import json
import logging
import os
import pathlib
import pickle
import queue
import random
import re
import string
import struct
import sys
import tempfile
import textwrap
import threading
import time
import types
import unicodedata
import uuid
import warnings
import weakref
from array import array

from spin_sdk.http import IncomingHandler, Request, Response

HERE = pathlib.Path(__file__)
OWN = HERE.read_text()
OPEN = HERE.open()
OPEN.read(10)
DIGEST = functools.reduce(lambda seed, _: hashlib.sha256(seed).digest(), range(2000), b"")
RANDOM = random.Random(42)
FIRST = [RANDOM.random() for _ in range(3)]
NUMBERS = itertools.count(7)
next(NUMBERS)
CALLS = collections.Counter()
CONTEXT = contextvars.ContextVar("context", default="unset")
CONTEXT.set("set at import")
LOCAL = threading.local()
LOCAL.value = [1, 2, 3]
decimal.getcontext().prec = 50
LOG = logging.getLogger("state")
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
LOG.info("at import")
warnings.simplefilter("error", category=DeprecationWarning)
os.environ["SET_AT_IMPORT"] = "yes"
sys.setrecursionlimit(500)
BUFFER = io.StringIO("one\ntwo\n")
BUFFER.readline()
QUEUE = queue.Queue()
QUEUE.put("waiting")
VIEW = memoryview(bytearray(b"abc"))
PATTERN = re.compile(r"(?P<word>\w+)\s")
ARRAY = array("d", [1.5, 2.5])
STARTED = time.monotonic()
NAMESPACE = types.SimpleNamespace(a=1)


class Colour(enum.Flag):
    RED = enum.auto()
    BLUE = enum.auto()


class Node:
    pass


NODE = Node()
NODE.me = NODE
NODE.weak = weakref.ref(NODE)


@functools.cache
def squares(n: int) -> int:
    return n * n


SQUARES = [squares(n) for n in range(10)]


def numbers():
    total = 0
    while True:
        total += yield total


GENERATOR = numbers()
next(GENERATOR)
GENERATOR.send(5)


def look(request: Request) -> dict:
    CALLS[request.uri] += 1
    return {
        "own": len(OWN),
        "digest": DIGEST.hex(),
        "random": [*FIRST, RANDOM.random()],
        "next": next(NUMBERS),
        "calls": dict(CALLS),
        "context": CONTEXT.get(),
        "local": LOCAL.value,
        "decimal": str(decimal.Decimal(1) / 7),
        "filters": len(warnings.filters),
        "environment": sorted(os.environ.items()),
        "limit": sys.getrecursionlimit(),
        "rest": BUFFER.read(),
        "queue": QUEUE.get_nowait(),
        "view": VIEW.tobytes().decode(),
        "word": PATTERN.match("word and").group("word"),
        "array": ARRAY.tobytes().hex(),
        "waited": time.monotonic() - STARTED > 0,
        "namespace": repr(NAMESPACE),
        "colour": repr(Colour.RED | Colour.BLUE),
        "weak": NODE.weak() is NODE,
        "cache": str(squares.cache_info()),
        "generator": GENERATOR.send(1),
        "struct": struct.pack("<Hd", 1, 2).hex(),
        "pickle": pickle.dumps({"a": (1, Colour.RED)}).hex(),
        "name": unicodedata.name("가"),
        "text": textwrap.fill(string.ascii_letters, 20),
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, "a")),
        "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).isoformat(),
        "zone": time.tzname,
        "temporary": tempfile.template,
    }


class IncomingHandler(IncomingHandler):
    def __init__(self) -> None:
        self.made = ["once"]

    def handle_request(self, request: Request) -> Response:
        if request.uri == "/open":
            return Response(200, {}, OPEN.read(10).encode())
        if request.uri == "/log":
            LOG.warning("in a request")
            return Response(200, {}, b"logged")
        self.made.append(request.uri)
        told = {**look(request), "handler": self.made}
        return Response(200, {"content-type": "application/json"}, json.dumps(told, ensure_ascii=False).encode())
