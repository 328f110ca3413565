"""A client that also breaks what tasks depend on, through the AWS APIs, and mends it."""

import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.cloud.supervisor import Cloud
from tests.support.client import COMPONENT, Client, spin_toml, zipped

SLEEP = "sleep 1000"
_REPORT = Path(__file__).with_name("report.py")


def source(command: str | None = None) -> bytes:
    """One that is like no other."""
    return zipped(**{"spin.toml": spin_toml(command), "app.wasm": COMPONENT, "nonce": secrets.token_bytes(16)})


def reporting(folder: Path, result: bytes) -> str:
    """Command of a build that leaves this as its result, and does nothing else."""
    (folder / "result").write_bytes(result)
    return f"{sys.executable} -I {_REPORT} {folder / 'result'}"


class Chaos(Client):
    """A client that also breaks things, and mends them."""

    def __init__(self, cloud: Cloud, faults: Path) -> None:
        super().__init__(cloud)
        self._faults = faults
        resources = self.aws("cloudformation").describe_stack_resources(StackName="BlueFaas")["StackResources"]
        self._resources = [(r["ResourceType"], r["LogicalResourceId"], r["PhysicalResourceId"]) for r in resources]

    def resource(self, kind: str, named: str = "") -> str:
        """Physical id of the one resource of a type whose logical id begins so."""
        (found,) = [p for resource, logical, p in self._resources if resource == kind and logical.startswith(named)]
        return str(found)

    def invoke(self, function: str, event: Any = None) -> Any:
        """Invoke a function of the stack, as its event source would."""
        name = self.resource("AWS::Lambda::Function", function)
        answer = self.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    def start_sleeping(self) -> str:
        """A task whose build goes on until something ends it."""
        task_id = self.start("app.zip", source(SLEEP))
        self.until(lambda: "build_id" in self.row_of(task_id))
        return task_id

    def row_of(self, task_id: str) -> dict[str, Any]:
        """The task's row."""
        (row,) = [row for row in self.rows() if row["task_id"]["S"] == task_id and "status" in row]
        return row

    def builder_of(self, task_id: str) -> int | None:
        """Process id of the builder at work on a task: the parent of its sandbox."""
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdecimal() or b"-m\0builder" not in (folder / "cmdline").read_bytes():
                    continue
                if f"TASK_ID={task_id}".encode() in (folder / "environ").read_bytes():
                    return int(folder.name)
            except OSError:
                continue
        return None

    def execution_arn(self, task_id: str) -> str:
        """Of the task's one execution."""
        (execution,) = [e for e in self.executions() if e["name"] == task_id]
        return str(execution["executionArn"])

    def failed(self, task_id: str) -> str:
        """The error of a task that has to fail."""
        task = self.wait(task_id)
        assert task["status"] == "failed"
        assert task["result"] is None
        return str(task["error"])

    def done(self, task_id: str) -> None:
        """Hold that a task ends well."""
        task = self.wait(task_id)
        assert task["status"] == "done", task["error"]

    @contextmanager
    def failing(self, *faults: dict[str, Any]) -> Iterator[None]:
        """Requests to AWS that fail for a while (`tests.chaos.aws`)."""
        draft = self._faults.with_suffix(".draft")
        draft.write_text(json.dumps(faults))
        draft.replace(self._faults)
        try:
            yield
        finally:
            self._faults.unlink()

    @contextmanager
    def without_project(self) -> Iterator[None]:
        """The CodeBuild project is gone for a while."""
        codebuild, before = self.aws("codebuild"), self._project()
        codebuild.delete_project(name=before["name"])
        try:
            yield
        finally:
            known = codebuild.meta.service_model.operation_model("CreateProject").input_shape.members
            codebuild.create_project(**{name: value for name, value in before.items() if name in known})

    @contextmanager
    def buildspec(self, command: str) -> Iterator[None]:
        """Builds run this command in place of the builder, for a while."""
        codebuild, before = self.aws("codebuild"), self._project()
        spec = {"version": 0.2, "phases": {"build": {"commands": [command]}}}
        changed = {"type": "NO_SOURCE", "buildspec": json.dumps(spec)}
        codebuild.update_project(name=before["name"], source=changed)
        try:
            yield
        finally:
            codebuild.update_project(name=before["name"], source=before["source"])

    def _project(self) -> dict[str, Any]:
        name = self.resource("AWS::CodeBuild::Project")
        found: dict[str, Any] = self.aws("codebuild").batch_get_projects(names=[name])["projects"][0]
        return found

    def backdated(self, minutes: int) -> str:
        """The row of a task whose maker died right after writing it, so long ago; its source is there."""
        made = int((time.time() - minutes * 60) * 1000)
        task_id = f"{made >> 16:08x}-{made & 0xFFFF:04x}-7{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-"
        task_id += secrets.token_hex(6)
        like = next(row for row in self.rows() if row.get("status", {}).get("S") == "done")
        key = f"build-sources/my-workspace/{task_id}/app.zip"
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(made / 1000))
        kept = ("workspace_id", "image_repository", "expires_at")
        row = {name: like[name] for name in kept} | {
            "task_id": {"S": task_id},
            "status": {"S": "pending"},
            "source_key": {"S": key},
            "created_at": {"S": moment},
            "updated_at": {"S": moment},
            "unsettled": {"S": "task"},
        }
        self.aws("s3").put_object(Bucket=self.outputs["CodeBucket"], Key=key, Body=source())
        self.aws("dynamodb").put_item(TableName=self.outputs["TaskTable"], Item=row)
        return task_id
