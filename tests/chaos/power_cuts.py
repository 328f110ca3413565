"""``python -m tests.chaos.power_cuts --times 50``: a one-machine cloud under load, killed at random moments.

Every process of it is killed at once, during its start too; then it is started again with the same folder, and all that
its clients were told has to be there: tasks end, what was done is as it was, images and objects are whole, apps run.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.credentials import RunCredentials
from local.aws.settings import DEFAULT_REGION
from local.cloud.places import state_root
from local.cloud.supervisor import Cloud
from local.front.config import FrontConfig
from tests.support import components
from tests.support.client import ENDED, PATIENCE, ROOT, Client, spin_toml, zipped

APPS = ("app-a", "app-b", "app-c")
WORKSPACE = "power-cuts"
_CUT_OFF = (httpx.TransportError, BotoCoreError, ClientError)


def source() -> bytes:
    """A function that runs, of a few hundred bytes, like no other."""
    manifest = spin_toml("true")
    return zipped(**{"spin.toml": manifest, "app.wasm": components.silent_wasm(), "nonce": uuid.uuid4().bytes})


@dataclass
class Told:
    """What clients were told, and what they may have done without being told."""

    tasks: set[str] = field(default_factory=set)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    """As their tasks were shown."""
    dropped: set[str] = field(default_factory=set)
    """Names of apps whose source S3 has taken."""
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    images: dict[str, set[str]] = field(default_factory=dict)
    """What each app may run: what it is said to run, and what was sent after that."""


class Load:
    """Clients at work, each on a thread of its own, until they get no answer."""

    def __init__(self, client: Client, told: Told, seed: int) -> None:
        self._client = client
        self._told = told
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._stopping = threading.Event()
        self.problems: list[BaseException] = []
        jobs = (self._upload, self._upload, self._drop, self._look, self._deploy, self._delete)
        self._threads = [threading.Thread(target=self._repeat, args=(job,), daemon=True) for job in jobs]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Return when the last answer has come, or has not."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, job: Callable[[], None]) -> None:
        try:
            while not self._stopping.is_set():
                job()
                time.sleep(0.05)
        except _CUT_OFF:
            return
        except BaseException as problem:
            self.problems.append(problem)

    def _upload(self) -> None:
        answer = self._client.upload("app.zip", source(), workspace_id=WORKSPACE)
        if answer.status_code == httpx.codes.ACCEPTED:
            self._told.tasks.add(answer.json()["task_id"])
        time.sleep(0.5)

    def _drop(self) -> None:
        name = f"dropped-{uuid.uuid4().hex[:12]}"
        key = f"uploads/{WORKSPACE}/{name}/app.zip"
        self._client.aws("s3").put_object(Bucket=self._client.outputs["CodeBucket"], Key=key, Body=source())
        self._told.dropped.add(name)
        time.sleep(1)

    def _look(self) -> None:
        for task_id in self._open():
            answer = self._client.http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": WORKSPACE})
            if answer.is_success and answer.json()["status"] == "done":
                self._told.done[task_id] = answer.json()

    def _open(self) -> list[str]:
        return sorted(self._told.tasks - self._told.done.keys() - self._told.deleting)

    def _deploy(self) -> None:
        done = [task for task_id, task in sorted(self._told.done.items()) if task_id not in self._told.deleting]
        if not done:
            return
        name, image = self._random.choice(APPS), self._random.choice(done)["result"]["image_url"]
        if name in self._told.images:
            self._told.images[name].add(image)
        answer = self._client.deploy(app_name=name, namespace="default", image_ref=image)
        if answer.is_success:
            self._told.images[name] = {image}

    def _delete(self) -> None:
        ended = sorted(self._told.done.keys() - self._told.deleting)
        if len(ended) < 5:
            return
        task_id = self._random.choice(ended)
        self._told.deleting.add(task_id)
        answer = self._client.http.delete(f"/api/v1/tasks/{task_id}", params={"workspace_id": WORKSPACE})
        if answer.is_success:
            self._told.deleted.add(task_id)


def hold(client: Client, told: Told, *, all_tasks: bool = False) -> None:
    """Hold a cloud to what was told.

    Parameters
    ----------
    all_tasks
        Whether those tasks have to end too that nobody was told of: the reconciler takes care of them after a while.

    Raises
    ------
    AssertionError
        Something is not there, or does not fit.
    """
    client.until(lambda: told.dropped <= {_app(row) for row in client.rows()})
    rows = _rows(client)
    assert told.tasks - told.deleting <= rows.keys(), f"lost: {told.tasks - told.deleting - rows.keys()}"
    assert not told.deleted & rows.keys(), f"back again: {told.deleted & rows.keys()}"
    for task_id, row in rows.items():
        if all_tasks or task_id in told.tasks or _app(row) in told.dropped:
            _ended(client, task_id)
    for task_id in rows.keys() - told.deleting:
        task = client.task(task_id, WORKSPACE)
        assert task == told.done.get(task_id, task)
        if task["status"] == "done":
            _hold_result(client, task["result"])
    names = [execution["name"] for execution in client.executions()]
    assert len(names) == len(set(names))
    for name, images in told.images.items():
        _hold_app(client, name, images)


def _app(row: dict[str, Any]) -> str | None:
    name: str | None = row.get("app_name", {}).get("S")
    return name


def _rows(client: Client) -> dict[str, dict[str, Any]]:
    """Rows of tasks, by task."""
    of_workspace = (row for row in client.rows() if row["workspace_id"]["S"] == WORKSPACE)
    return {row["task_id"]["S"]: row for row in of_workspace if "status" in row}


def _ended(client: Client, task_id: str) -> None:
    """Wait for a task's end; the reconciler is invoked more often than its schedule does."""
    deadline = time.monotonic() + PATIENCE
    while client.task(task_id, WORKSPACE, wait=5)["status"] not in ENDED:
        assert time.monotonic() < deadline, f"{task_id} does not end"
        resources = client.aws("cloudformation").describe_stack_resources(StackName="BlueFaas")["StackResources"]
        (reconciler,) = (
            each["PhysicalResourceId"]
            for each in resources
            if each["ResourceType"] == "AWS::Lambda::Function" and each["LogicalResourceId"].startswith("Reconcile")
        )
        client.aws("lambda").invoke(FunctionName=reconciler, Payload=b"{}")


def _hold_result(client: Client, result: dict[str, Any]) -> None:
    assert client.object_of(result["wasm_path"])
    name, _, tag = result["image_url"].partition("/")[2].partition(":")
    address = f"{client.url}/v2/{name}"
    registry = httpx.Client(base_url=address, auth=("AWS", client.ecr_password()), timeout=PATIENCE)
    manifest = registry.get(f"/manifests/{tag}")
    assert manifest.headers["docker-content-digest"] == result["digest"], manifest.text
    for blob in (manifest.json()["config"], *manifest.json()["layers"]):
        content = registry.get(f"/blobs/{blob['digest']}").content
        assert len(content) == blob["size"], blob


def _hold_app(client: Client, name: str, images: set[str]) -> None:
    answer = client.http.get(f"/api/v1/apps/default/{name}")
    assert answer.is_success, f"{name}: {answer.text}"
    assert answer.json()["image"] in images, (name, answer.json()["image"], images)
    assert client.call(name).content == b"", "the function answers nothing, which is an empty 500"


class CloudProcess:
    """``python -m local`` as its user has it, with what a `Client` asks of a cloud."""

    region = DEFAULT_REGION

    def __init__(self, folder: Path) -> None:
        self.state = folder
        command = [sys.executable, "-m", "local", "--port", "0", "--state-dir", str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def wait_ready(self) -> Client:
        """A client, once it is up."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Blue FaaS is ready at "):
                self.url = line.split()[-1]
                break
        else:
            raise AssertionError("the cloud did not start")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        config = FrontConfig.model_validate_json((self.state / "front.json").read_text())
        self.aws_endpoint = config.aws_endpoint
        self.credentials = RunCredentials.at(config.credentials_file)
        self.registry_password_file = self.state / "ecr-login-password"
        self.kubeconfig = Path(json.loads((self.state / "kubernetes.json").read_text())["kubeconfig"])
        (stack,) = self.credentials.client("cloudformation", self.aws_endpoint, self.region).describe_stacks()["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return Client(cast(Cloud, self))

    def cut(self) -> None:
        """Kill all of it, as a power cut does: no process sees another's end."""
        kill_tree(self._process.pid)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


def kill_tree(root: int) -> None:
    """Kill a process and all that descend from it; they are held first, so that none can act on another's end."""
    held: set[int] = set()
    while new := _tree(root) - held:
        for pid in new:
            _signal(pid, signal.SIGSTOP)
        held |= new
    for pid in held:
        _signal(pid, signal.SIGKILL)


def _tree(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, open_ = {root}, [root]
    while open_:
        new = children.get(open_.pop(), [])
        found |= set(new)
        open_ += new
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def main() -> None:
    """Cut the power many times; exit code 1 with the seed when something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.power_cuts", description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--longest", type=float, default=20, help="seconds from a start to the latest cut")
    given = parser.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 - not for secrets
    folder = state_root() / f"power-cuts-{given.seed}"
    told = Told()
    print(f"seed {given.seed}, state in {folder}", flush=True)
    for number in range(given.times + 1):
        last = number == given.times
        started, cloud = time.monotonic(), CloudProcess(folder)
        seconds = chance.uniform(0, given.longest)
        try:
            if not last and chance.random() < 0.2:  # while it starts
                time.sleep(seconds / 4)
                print(f"{number}: cut {time.monotonic() - started:.1f} s after the start, not up", flush=True)
                continue
            client = cloud.wait_ready()
            up = time.monotonic() - started
            hold(client, told, all_tasks=last)
            held = time.monotonic() - started
            if last:
                break
            load = Load(client, told, chance.randrange(2**32))
            load.start()
            time.sleep(seconds)
            print(
                f"{number}: up after {up:.1f} s, all there after {held:.1f} s; cut after {seconds:.1f} s of load: "
                f"{len(told.tasks)} tasks, {len(told.done)} done, {len(told.deleted)} deleted, "
                f"{len(told.dropped)} dropped, {len(told.images)} apps",
                flush=True,
            )
        finally:
            cloud.cut()
        load.join()
        if load.problems:
            raise load.problems[0]
    print(f"{given.times} power cuts: nothing that was told is lost")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
