"""What a component cannot do, and what ends a request: threads, sockets, processes, memory, depth, exits."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

from spin_sdk.http import IncomingHandler, Request, Response

try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    AT_IMPORT = repr(error)


def depth(n: int) -> int:
    return n and 1 + depth(n - 1)


def endless() -> None:
    endless()


ACTIONS = {
    "thread": lambda: threading.Thread(target=print).start(),
    "at-import": lambda: AT_IMPORT,
    "timer": lambda: threading.Timer(0.01, print).start(),
    "lock": lambda: threading.Lock().acquire(timeout=0.01),
    "socket": lambda: socket.socket(),
    "resolve": lambda: socket.getaddrinfo("example.com", 80),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "process": lambda: subprocess.run(["true"]),
    "fork": lambda: os.fork(),
    "kill": lambda: os.kill(1, 9),
    "signal": lambda: signal.signal(signal.SIGTERM, print),
    "pid": lambda: os.getpid(),
    "user": lambda: os.getuid(),
    "cwd": lambda: os.getcwd(),
    "write": lambda: open("/file", "w"),
    "temporary": lambda: __import__("tempfile"),
    "depth": lambda: depth(400),
    "endless": lambda: endless(),
    "memory": lambda: len(bytes(30 << 20)),
    "exit": lambda: sys.exit(3),
    "os-exit": lambda: os._exit(4),
    "abort": lambda: os.abort(),
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    "sleep": lambda: time.sleep(0.05),
    "divide": lambda: 1 / 0,
    "stdin": lambda: sys.stdin.read(),
    "stderr": lambda: print("to stderr", file=sys.stderr),
    "trace": lambda: "".join(traceback.format_stack()),
    "arguments": lambda: (sys.argv, sys.orig_argv),
}


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        print("asked for", request.uri)
        return Response(200, {}, repr(ACTIONS[request.uri.removeprefix("/")]()).encode())
