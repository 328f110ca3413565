"""`python -m builder.prepare CACHE_DIR`: fill mypy's cache for typeshed and spin_sdk, once, when the image is made.

A check that starts from it takes a fifth of the time. mypy uses what fits (same configuration, versions and paths) and
makes the rest anew, so a stale cache is slow, never wrong.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from builder.typecheck.type_check import CONFIG

_DEFAULT_TOOLCHAIN: Final = "/opt/toolchain"

_PROGRAM: Final = """\
import asyncio, base64, collections, contextlib, dataclasses, datetime, enum, functools, hashlib, hmac, html, io
import itertools, json, logging, math, os, pathlib, random, re, string, sys, textwrap, time, traceback, types, typing
import urllib.parse, uuid
from spin_sdk import http, key_value, llm, mqtt, mysql, postgres, redis, sqlite, variables
from spin_sdk.http import IncomingHandler, Request, Response, poll_loop, send
from spin_sdk.wit import exports
from spin_sdk.wit.imports import types as wit_types
"""
"""What apps import: anything else is read from its stub at the check."""


def prepare(toolchain: Path, cache: Path) -> None:
    """Fill ``cache`` by checking a program that imports what apps import.

    Raises
    ------
    subprocess.CalledProcessError
        mypy did not accept that program: the toolchain is not what the builder expects.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mypy.ini")
        config.write_text(CONFIG, "utf-8")
        Path(folder, "app.py").write_text(_PROGRAM, "utf-8")
        python = str(toolchain / "bin" / "python")
        options = ["--config-file", str(config), "--python-executable", python, "--cache-dir", str(cache), "app.py"]
        subprocess.run(
            [python, "-I", "-m", "mypy", *options],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MYPYPATH": "."},
            check=True,
        )


if __name__ == "__main__":
    prepare(Path(os.environ.get("BLUE_FAAS_TOOLCHAIN", _DEFAULT_TOOLCHAIN)), Path(sys.argv[1]))
