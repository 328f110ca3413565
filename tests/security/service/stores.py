"""Everything that a cloud stores or shows, as named pieces of bytes: for tests that look for what must not be there."""

import base64
import contextlib
import json
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.client import Client

Piece = tuple[str, bytes]


def forms(secret: str) -> list[bytes]:
    """A secret as it is, in JSON, in a URL, in base64 (alone, and wherever it begins in a longer text)."""
    found = {secret, json.dumps(secret)[1:-1], urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    for before in range(3):
        # Base64 works on groups of three bytes: the characters that the secret alone decides are the same for every
        # text before it of the same length modulo three.
        encoded = base64.b64encode(b"x" * before + secret.encode())
        found.add(encoded[4 if before else 0 : -4].decode())
    return sorted({form.encode() for form in found if len(form) >= 8})


def everything(client: Client) -> Iterator[Piece]:
    """Every store of a cloud, and the files of its folder."""
    yield from _objects(client)
    yield from _rows(client)
    yield from _executions(client)
    yield from _builds(client)
    yield from _logs(client)
    yield from _images(client)
    yield from _files(client.cloud.state)
    for row in client.rows():
        if "status" in row:
            yield (
                f"answer for task {row['task_id']['S']}",
                _json(client.task(row["task_id"]["S"], row["workspace_id"]["S"])),
            )


def command_lines() -> Iterator[Piece]:
    """What every process of this machine was started with: anybody can read that."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                yield f"command line of process {folder.name}", (folder / "cmdline").read_bytes()


def environments_of_others() -> Iterator[Piece]:
    """Environment of every process that is not root's (seen from root)."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                if folder.stat().st_uid != os.geteuid():
                    yield f"environment of process {folder.name}", (folder / "environ").read_bytes()


def _objects(client: Client) -> Iterator[Piece]:
    """Every version of every object of every bucket, with its metadata."""
    s3 = client.aws("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if "cdk-" in name:
            continue  # the deployed code itself, from before there was a secret
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for version in page.get("Versions", []):
                where = {"Bucket": name, "Key": version["Key"], "VersionId": version["VersionId"]}
                answer = s3.get_object(**where)
                yield f"object {where}", answer["Body"].read() + _json(answer["Metadata"]) + version["Key"].encode()


def _rows(client: Client) -> Iterator[Piece]:
    dynamodb = client.aws("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for row in page["Items"]:
                yield f"row of {table}", _json(row)


def _executions(client: Client) -> Iterator[Piece]:
    """Input, output and history of every execution."""
    states = client.aws("stepfunctions")
    for execution in client.executions():
        arn = execution["executionArn"]
        yield f"execution {execution['name']}", _json(states.describe_execution(executionArn=arn))
        for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
            yield f"history of execution {execution['name']}", _json(page["events"])


def _builds(client: Client) -> Iterator[Piece]:
    for build in client.builds():
        yield f"CodeBuild build {build['id']}", _json(build)


def _logs(client: Client) -> Iterator[Piece]:
    """CloudWatch Logs: Lambda's, CodeBuild's, the state machine's."""
    logs = client.aws("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            for streams in logs.get_paginator("describe_log_streams").paginate(logGroupName=name):
                for stream in streams["logStreams"]:
                    yield f"log {name} {stream['logStreamName']}", _stream(logs, name, stream["logStreamName"])


def _stream(logs: Any, group: str, stream: str) -> bytes:
    lines: list[str] = []
    request = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    while True:
        answer = logs.get_log_events(**request)
        lines += [event["message"] for event in answer["events"]]
        if answer["nextForwardToken"] == request.get("nextToken"):
            return "\n".join(lines).encode()
        request["nextToken"] = answer["nextForwardToken"]


def _images(client: Client) -> Iterator[Piece]:
    """Manifests and blobs of every image, pulled as the cluster's nodes pull them."""
    ecr = client.aws("ecr")
    for repository in ecr.describe_repositories()["repositories"]:
        name = repository["repositoryName"]
        for image in ecr.list_images(repositoryName=name)["imageIds"]:
            (found,) = ecr.batch_get_image(repositoryName=name, imageIds=[image])["images"]
            yield f"manifest of {name} {image}", found["imageManifest"].encode()
            manifest = json.loads(found["imageManifest"])
            for blob in (manifest["config"], *manifest["layers"]):
                answer = client.http.get(f"/v2/{name}/blobs/{blob['digest']}", auth=("AWS", client.ecr_password()))
                assert answer.status_code == 200, answer.text
                yield f"blob {blob['digest']} of {name}", answer.content


def _files(folder: Path) -> Iterator[Piece]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                yield f"file {path}", path.read_bytes()


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_shown, ensure_ascii=False).encode()


def _shown(value: Any) -> str:
    # Bytes (ciphertext) as they are: a plain text in them would be one here, too.
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
