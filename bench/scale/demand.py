"""What one build asks of each service, counted while one is built on a one-machine cloud.

The cloud checks every call against the template's roles, so it knows all of them; the states are those of the
execution's history. Calls that only this machine makes, or that services of AWS make by themselves, are left out.
"""

import collections
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import httpx

from bench.calls import counted
from bench.sources import never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud

_WRITES: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
_SETTLING_SECONDS: Final = 3
"""After a task is done: its end is announced, the log is closed."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Calls of one build of one file, from its POST to the announced end.

    ``requests`` are HTTP requests of a caller who waits by long polls; ``reads`` and ``writes`` are DynamoDB's.
    ``builder_seconds`` is what the builder took, ``task_seconds`` what the caller saw, both on the machine measured.
    """

    requests: float
    transitions: float
    functions: float
    reads: float
    writes: float
    s3_puts: float
    s3_gets: float
    put_images: float
    layer_uploads: float
    events: float
    kms: float
    builder_seconds: float
    task_seconds: float

    def on_codebuild(self, provisioning: float) -> "Demand":
        """Return that of a build that waits ``provisioning`` seconds for its machine, while its caller polls."""
        return replace(
            self,
            task_seconds=self.task_seconds + provisioning,
            requests=self.requests + provisioning // LONG_POLL_SECONDS,
            reads=self.reads + provisioning / READ_EVERY_SECONDS,
        )


LONG_POLL_SECONDS: Final = 20
"""What callers ask for, as docs/building.md has it."""
READ_EVERY_SECONDS: Final = 1
"""How often a waiting call reads its row (`functions/tasks`), once the first seconds are over."""


def measure() -> Demand:
    """Build one file, after one that warms everything up, and count."""
    with counted() as calls, Cloud(CloudOptions(port=0, cluster=False)) as cloud:
        _build(cloud)
        time.sleep(_SETTLING_SECONDS)
        calls.new()
        started = time.perf_counter()
        task, polls = _build(cloud)
        seconds = time.perf_counter() - started
        time.sleep(_SETTLING_SECONDS)
        count = collections.Counter(action for _, action in calls.new())
        transitions = _states_entered(cloud, task["task_id"])
    return Demand(
        requests=1 + polls,
        transitions=transitions,
        functions=1 + polls + count["lambda:InvokeFunction"],
        reads=count["dynamodb:GetItem"] + count["dynamodb:Query"] + count["dynamodb:BatchGetItem"],
        writes=sum(count[action] for action in _WRITES),
        s3_puts=count["s3:PutObject"],
        s3_gets=count["s3:GetObject"],
        put_images=count["ecr:PutImage"],
        layer_uploads=count["ecr:InitiateLayerUpload"],
        events=count["events:PutEvents"],
        kms=sum(number for action, number in count.items() if action.startswith("kms:")),
        builder_seconds=task["result"]["duration"]["total"],
        task_seconds=seconds,
    )


def _build(cloud: Cloud) -> tuple[dict[str, Any], int]:
    """Return the task when it is done, and how often it was asked for."""
    workspace = {"workspace_id": "demand"}
    with httpx.Client(base_url=cloud.url, timeout=60) as http:
        answer = http.post("/api/v1/build-and-push", files={"file": ("app.py", never_built())}, data=workspace)
        task_id = answer.raise_for_status().json()["task_id"]
        polls = 0
        while True:
            answer = http.get(f"/api/v1/tasks/{task_id}", params={**workspace, "wait": str(LONG_POLL_SECONDS)})
            task: dict[str, Any] = answer.raise_for_status().json()
            polls += 1
            if task["status"] == "done":
                return task, polls
            if task["status"] == "failed":
                raise RuntimeError(f"the build failed: {task['error']}")


def _states_entered(cloud: Cloud, task_id: str) -> int:
    """How many states AWS would have charged for."""
    client = cloud.credentials.client("stepfunctions", cloud.aws_endpoint, cloud.region)
    machine = cloud.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    events = client.get_execution_history(executionArn=f"{machine}:{task_id}")["events"]
    return sum(event["type"].endswith("StateEntered") for event in events)


def as_rows(demand: Demand) -> list[tuple[str, float]]:
    """Each field, as a person reads it."""
    return [(name.replace("_", " "), value) for name, value in asdict(demand).items()]
