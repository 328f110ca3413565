"""An AWS account in moto with one task in it, and a `spin` that builds for real and records logins and pushes."""

import io
import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from builder.aws import Aws
from builder.command import build
from builder.log import BuildLog
from builder.sandbox.users import USERS
from builder.settings import Limits, Settings

from functions.contracts.build_result import BuildResult
from functions.contracts.task import (
    TaskKey,
    credentials_context,
    provenance_key,
    result_key,
    sbom_key,
    source_key,
    wasm_key,
)
from functions.contracts.task_row import BuildOrder
from local.cloud import places

ROOT: Final = Path(__file__).resolve().parents[3]
TOOLCHAIN: Final = Path(os.environ.get("BLUE_FAAS_TOOLCHAIN", places.shared_root() / places.TOOLCHAIN))
REGION: Final = "ap-northeast-2"
WORKSPACE: Final = "team-a"
TASK: Final = "0199f0a0-0000-7000-8000-000000000001"
BUCKET: Final = "code-bucket"
TABLE: Final = "tasks"
REPOSITORY: Final = "registry.example.com/team/app"
BUILDS: Final = "arn:aws:codebuild:ap-northeast-2:123456789012:build/"
FIRST_UID: Final = 210_000 + USERS * (os.getpid() % 1000)
"""Not the users of builds, or of other test runs, on this machine at the same time: a sandbox ends all that its user
runs."""

COMPONENT: Final = b"\0asm\x0d\x00\x01\x00"
"""The shortest file that counts as a component: its header."""
MAKE_COMPONENT: Final = r"printf '\000asm\015\000\001\000' > app.wasm"

HELLO: Final = """\
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, bytes("Hello", "utf-8"))
"""

_SPIN: Final = """\
#!/bin/sh
case "$1" in
--version) echo "spin 3.6.3 (test 2026-01-01)" ;;
build) exec {python} -I {root}/local/spin_cli/__main__.py "$@" ;;
*) exec {python} -I {recorder} "$@" ;;
esac
"""

_RECORDER: Final = """\
import json, os, pathlib, sys, time
folder = pathlib.Path(__file__).parent
argv, call = sys.argv[1:], sys.argv[2]
answer = json.loads((folder / f"{call}.json").read_text())
files = {}
if call == "push":
    app = pathlib.Path(argv[argv.index("--from") + 1]).parent
    files = {str(p.relative_to(app)): p.read_bytes().hex() for p in app.rglob("*") if p.is_file()}
entry = {"argv": argv, "stdin": sys.stdin.read(), "environment": dict(os.environ), "cwd": os.getcwd(), "files": files,
         "home_mode": os.stat(os.environ["HOME"]).st_mode & 0o777}
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(entry) + "\\n")
time.sleep(answer.get("seconds", 0))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", "").replace("{manifest}", argv[argv.index("--from") + 1] if call == "push" else ""))
sys.exit(answer.get("status", 0))
"""

DIGEST: Final = "sha256:" + "5a" * 32


def order(source_key: str, repository: str = "r.example.com/a", sealed: bytes | None = None) -> BuildOrder:
    """What the builder is told of a task."""
    _, workspace_id, task_id, _ = source_key.split("/", 3)
    return BuildOrder(
        workspace_id=workspace_id,
        task_id=task_id,
        source_key=source_key,
        image_repository=repository,
        registry_credentials=sealed,
    )


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter (pytest's are closed to all but their owner)."""
    folder = Path(tempfile.mkdtemp(prefix="blue-faas-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def install_spin(folder: Path) -> None:
    """Put the recording `spin` into ``folder``."""
    folder.mkdir(mode=0o755)
    recorder = folder / "recorder.py"
    recorder.write_text(_RECORDER)
    script = folder / "spin"
    script.write_text(_SPIN.format(python=TOOLCHAIN / "bin" / "python", root=ROOT, recorder=recorder))
    script.chmod(0o755)
    (folder / "login.json").write_text(json.dumps({"out": "Successfully logged in\n"}))
    (folder / "push.json").write_text(json.dumps({"out": f"Pushed with digest {DIGEST}\n"}))


def zipped(files: Mapping[str, str | bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """A .zip of files, and of symbolic links (name to target)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return buffer.getvalue()


def manifest(command: str | None = MAKE_COMPONENT, **component: Any) -> str:
    """A spin.toml with one component; keyword values are TOML for its table."""
    lines = [
        "spin_manifest_version = 2",
        '[application]\nname = "app"\nversion = "0.1.0"',
        '[[trigger.http]]\nroute = "/..."\ncomponent = "app"',
        "[component.app]",
        *(f"{name} = {value}" for name, value in {"source": '"app.wasm"', **component}.items()),
    ]
    if command is not None:
        lines.append(f"[component.app.build]\ncommand = '''{command}'''")
    return "\n".join(lines) + "\n"


def make_account() -> Aws:
    """Make the bucket and the task table; call inside ``moto.mock_aws()``."""
    aws = Aws(REGION)
    aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "workspace_id", "KeyType": "HASH"},
            {"AttributeName": "task_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "workspace_id", "AttributeType": "S"},
            {"AttributeName": "task_id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return aws


@dataclass
class Cloud:
    """The account with one task, and the builder's machine in ``folder``."""

    aws: Aws
    folder: Path
    mypy_cache: Path
    limits: Limits = field(default_factory=Limits)
    log: str = ""
    build_id: str | None = None

    def __post_init__(self) -> None:
        install_spin(self.folder / "bin")
        (self.folder / "work").mkdir(mode=0o711)
        for key in (result_key(TASK), wasm_key(TASK), sbom_key(TASK), provenance_key(TASK)):
            self.aws.s3.delete_object(Bucket=BUCKET, Key=key)

    def submit(
        self,
        file_name: str,
        content: str | bytes,
        *,
        app_name: str | None = None,
        repository: str = REPOSITORY,
        login: tuple[str, str] | None = None,
        status: str = "building",
    ) -> None:
        """Upload a source and write its row, as the API does."""
        key = source_key(TaskKey(WORKSPACE, TASK), file_name)
        body = content.encode() if isinstance(content, str) else content
        self.aws.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        row: dict[str, Any] = {
            "workspace_id": {"S": WORKSPACE},
            "task_id": {"S": TASK},
            "status": {"S": status},
            "source_key": {"S": key},
            "image_repository": {"S": repository},
        }
        if app_name is not None:
            row["app_name"] = {"S": app_name}
        if login is not None:
            row["registry_credentials"] = {"B": seal(self.aws, *login)}
        self.aws.dynamodb.put_item(TableName=TABLE, Item=row)

    def settings(self) -> Settings:
        """Settings of the task's build."""
        return Settings(
            task_table=TABLE,
            code_bucket=BUCKET,
            workspace_id=WORKSPACE,
            task_id=TASK,
            aws_region=REGION,
            build_id=self.build_id,
            build_arn=f"{BUILDS}{self.build_id}" if self.build_id else None,
            toolchain=TOOLCHAIN,
            mypy_cache=self.mypy_cache,
            work_dir=self.folder / "work",
            build_user=str(FIRST_UID),
            limits=self.limits,
        )

    def build(self) -> BuildResult | None:
        """Run the build; its log is in ``log`` afterwards, its work folder gone."""
        stream = io.StringIO()
        try:
            result = build(self.settings(), self.aws, BuildLog(stream))
        finally:
            self.log = stream.getvalue()
        assert not list((self.folder / "work").iterdir())
        return result

    def report(self) -> BuildResult:
        """The report in S3."""
        answer = self.aws.s3.get_object(Bucket=BUCKET, Key=result_key(TASK))
        return BuildResult.model_validate_json(answer["Body"].read())

    def document(self, key: str) -> dict[str, Any]:
        """A JSON object in S3."""
        content: dict[str, Any] = json.loads(self.aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        return content

    def row(self) -> dict[str, Any]:
        """The task's row."""
        key = {"workspace_id": {"S": WORKSPACE}, "task_id": {"S": TASK}}
        item: Any = self.aws.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def answer(self, call: str, **answer: Any) -> None:
        """What `spin registry <call>` does from now on: out, err, status, seconds."""
        (self.folder / "bin" / f"{call}.json").write_text(json.dumps(answer))

    def calls(self) -> list[dict[str, Any]]:
        """What `spin registry …` was called with."""
        path = self.folder / "bin" / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def seal(aws: Aws, username: str, password: str, task_id: str = TASK) -> bytes:
    """A registry login as the API encrypts it."""
    key = aws.kms.create_key()["KeyMetadata"]["KeyId"]
    plaintext = json.dumps({"username": username, "password": password}).encode()
    answer = aws.kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=credentials_context(task_id))
    return answer["CiphertextBlob"]
