"""The parsers that a stranger reaches, each with what it may raise and inputs to begin from."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from builder.compile import python_traceback
from builder.errors import BuildError
from builder.packages import requirements
from builder.settings import Limits
from builder.source import toml_text
from builder.source.glob import Patterns, TooMuchWorkError
from builder.source.manifest import Manifest
from builder.source.text import decode
from builder.source.upload import App, unpack
from builder.typecheck.sdk_classes import top_level
from pydantic import TypeAdapter, ValidationError

from functions.api.media_type import parse_header
from functions.api.multipart_form import UnreadableFormError, read_form
from functions.api.request_body import json_object
from functions.contracts import archive
from functions.contracts.archive_names import UnusableArchiveError
from functions.contracts.image_reference import ImageReference
from functions.contracts.names import ImageRepository, WorkspaceId, check_file_name
from functions.contracts.task_row import BuildOrder
from functions.models.apps import RollbackRequest
from functions.models.builds import UploadRequest
from functions.models.deploy import DeployRequest
from functions.tasks.paging import UnusableTokenError, position_in

_BOUNDARY: Final = "b"
_LIMITS: Final = Limits(unpacked_bytes=1024 * 1024)


@dataclass(frozen=True, slots=True)
class Target:
    """One parser."""

    name: str
    run: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    """What it raises for an input that it does not take."""
    seeds: tuple[bytes, ...]
    sandboxed: bool = False
    """It runs in a build's sandbox, whose limits end it."""


def _zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


_MANIFEST: Final = """\
spin_manifest_version = 2
[application]
name = "a"
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "app.wasm"
files = ["static/**/*", { source = "b", destination = "/b" }]
[component.a.build]
command = ["componentize-py -w spin-http componentize app -o app.wasm"]
workdir = "."
"""
_SCRIPT: Final = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["a==1.0"]\n# ///\nx = 1\n'
_FORM: Final = (
    b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''a%20b.py\r\n\r\nx\r\n"
    b"--b\r\nContent-Disposition: form-data; name=workspace_id\r\n\r\nw\r\n--b--\r\n"
)
_DEPLOY: Final = {
    "namespace": "default",
    "image_ref": "host.example.com/a/b:c",
    "cpu_limit": "500m",
    "memory_limit": "128Mi",
    "variables": {"a_b": "c", "d": {"secret": "s", "key": "k"}},
    "replicas": 2,
    "enable_autoscaling": False,
}
_TRACEBACK: Final = (
    b"AssertionError: Traceback (most recent call last):\n"
    b'  File "/0/app.py", line 1, in <module>\n    x\nValueError: y\n'
)


def _archive(data: bytes) -> None:
    with archive.checked(io.BytesIO(data)):
        pass


def _upload(data: bytes) -> None:
    """Unpack an upload and read all that the builder reads of it before the sandbox."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "upload").write_bytes(data)
        (folder / "app").mkdir()
        kind = "zip" if data.startswith(b"PK") else "py"
        task = BuildOrder(
            workspace_id="w",
            task_id="t",
            source_key=f"build-sources/w/t/app.{kind}",
            image_repository="r.example.com/a",
        )
        requirements.of_app(unpack(folder / "upload", task, folder / "app", _LIMITS), "3.4.1")


def _manifest(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "spin.toml").write_bytes(data)
        Manifest.read(Path(name), 20)


def _traceback(data: bytes) -> None:
    app = App(Path("/nowhere"), Manifest(b"", "a", ()), {})
    python_traceback.find(data.decode("utf-8", "replace"), app)


def _patterns(data: bytes) -> None:
    path, *patterns = data.decode("utf-8", "replace").split("\n")
    Patterns(patterns).selecting(path)


def _header(data: bytes) -> None:
    header = parse_header(data.decode("latin-1"))
    for name in ("name", "filename", "boundary", "charset"):
        header.parameter(name)


def _names(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for check in (
        TypeAdapter(WorkspaceId).validate_python,
        TypeAdapter(ImageRepository).validate_python,
        ImageReference.parse,
        check_file_name,
    ):
        try:
            check(text)
        except ValueError:  # ValidationError is one
            continue


def _model(model: type[DeployRequest | UploadRequest | RollbackRequest]) -> Callable[[bytes], object]:
    return lambda data: model.model_validate(json_object(data, lambda: "{}") or {})


_JSON: Final = (RequestValidationError, ValidationError)
TARGETS: Final = {
    target.name: target
    for target in (
        Target("archive", _archive, (UnusableArchiveError,), (_zip({"spin.toml": "x", "a/한글.py": "y"}),)),
        Target("upload", _upload, (BuildError,), (_zip({"spin.toml": _MANIFEST, "app.py": "x"}), _SCRIPT.encode())),
        Target("manifest", _manifest, (BuildError,), (_MANIFEST.encode(), _MANIFEST.encode("utf-16"))),
        Target("toml", lambda data: toml_text.read_toml(decode(data, "x"), "x"), (BuildError,), (_MANIFEST.encode(),)),
        Target(
            "requirements",
            lambda data: requirements.parse(decode(data, "x"), "x"),
            (BuildError,),
            (b"a==1.0 ; python_version < '3.12' # c\nb[x,y]>=2,!=2.1 \\\n,<3\n",),
        ),
        Target(
            "python-source",
            lambda data: top_level(data.decode("utf-8", "replace")),
            (SyntaxError, ValueError, RecursionError, MemoryError),
            (b"try:\n    from spin_sdk.http import *\nexcept ImportError:\n    pass\nclass A(B): x = 1\n",),
            sandboxed=True,
        ),
        Target("traceback", _traceback, (), (_TRACEBACK,)),
        Target("patterns", _patterns, (TooMuchWorkError,), (b"a/b/c.txt\na/**/*.txt\n[a-c]?/{x,y}*\n",)),
        Target("form", lambda data: read_form(data, _BOUNDARY), (UnreadableFormError,), (_FORM,)),
        Target("header", _header, (ValueError,), (b"form-data; name=\"a\"; filename*=utf-8''%20; boundary=x",)),
        Target("deploy", _model(DeployRequest), _JSON, (json.dumps(_DEPLOY).encode(),)),
        Target(
            "uploads",
            _model(UploadRequest),
            _JSON,
            (json.dumps({"workspace_id": "w", "file_name": "a.py", "size": 1, "sha256": "0" * 64}).encode(),),
        ),
        Target("rollback", _model(RollbackRequest), _JSON, (b'{"revision": 3, "wait": true}',)),
        Target("names", _names, (), (b"team-a", b"localhost:5000/a/b__c@sha256:" + b"0" * 64, "한글.zip".encode())),
        Target("token", lambda data: position_in(data.decode("latin-1")), (UnusableTokenError,), (b"MWFiYw",)),
    )
}
