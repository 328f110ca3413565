"""Sending a source: in the request, or to S3 where it is too large for that."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

import httpx

from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session
from blue_faas_cli.source import Source
from functions.models.builds import TaskCreated, UploadCreated, UploadTarget
from functions.models.deploy import DeployOptions
from functions.models.schema_errors import reason

LARGEST_IN_REQUEST: Final = 4_000_000
"""Bytes of a source sent in the request. Requests may have 4.5 MB as shipped; the form around the file needs some."""
_CHUNK_BYTES: Final = 262_144
_UPLOAD_TIMEOUT: Final = httpx.Timeout(60, connect=10)


def deploy_options(fields: dict[str, Any]) -> DeployOptions:
    """Return the deploy block that the fields make.

    Raises
    ------
    BlueError
        A field is unknown, or its value cannot be.
    """
    from pydantic import ValidationError

    try:
        return DeployOptions.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'deploy'}: {reason(each)}" for each in error.errors()
        )
        raise usage(f"The options of the deploy do not fit: {wrong}") from None


def submit(session: Session, source: Source, app_name: str, deploy: DeployOptions | None) -> tuple[str, dict[str, Any]]:
    """Start a build; returns the id of its task, and the API's answer."""
    block = None if deploy is None else deploy.model_dump(mode="json", exclude_unset=True)
    if len(source.content) <= LARGEST_IN_REQUEST:
        fields = {"workspace_id": session.settings.workspace_id, "app_name": app_name}
        if block is not None:
            fields["deploy"] = json.dumps(block)
        answer = session.api.post(
            TaskCreated,
            "/api/v1/build-and-push",
            data=fields,
            files={"file": (source.file_name, source.content, "application/octet-stream")},
        )
        return answer.typed.task_id, answer.raw
    created = session.api.post(
        UploadCreated,
        "/api/v1/uploads",
        json={
            "workspace_id": session.settings.workspace_id,
            "app_name": app_name,
            "file_name": source.file_name,
            "size": len(source.content),
            "sha256": hashlib.sha256(source.content).hexdigest(),
            "deploy": block,
        },
    )
    if created.typed.upload is not None:
        _send(session, created.typed.upload, source)
    return created.typed.task_id, created.raw


def _send(session: Session, target: UploadTarget, source: Source) -> None:
    """PUT the file where the API said."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    bar = Progress("sending", BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=session.output.console)
    bar.disable = not session.output.console.is_terminal
    with bar:
        sending = bar.add_task("", total=len(source.content))

        def chunks() -> Iterator[bytes]:
            for start in range(0, len(source.content), _CHUNK_BYTES):
                yield source.content[start : start + _CHUNK_BYTES]
                bar.update(sending, completed=start + _CHUNK_BYTES)

        headers = {**target.headers, "Content-Length": str(len(source.content))}
        try:
            answer = httpx.put(target.url, content=chunks(), headers=headers, timeout=_UPLOAD_TIMEOUT)
        except httpx.HTTPError as error:
            raise BlueError(f"S3 did not take the file: {error}. Run the command again.", Exit.NO_ANSWER) from None
    if not answer.is_success:
        raise BlueError(f"S3 refused the file (HTTP {answer.status_code}). Run the command again.", Exit.REFUSED)
