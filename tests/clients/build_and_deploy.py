"""Build a source and deploy it, with the client that openapi-python-client makes of docs/openapi.json.

Usage: ``python build_and_deploy.py API FILE NAME``. Prints the endpoint of the app.
"""

import io
import sys
from pathlib import Path

from blue_faas_client import Client
from blue_faas_client.api.apps import deploy
from blue_faas_client.api.builds import build_and_push
from blue_faas_client.api.tasks import get_task
from blue_faas_client.models import BuildForm, DeployRequest, DeployResponse, Task, TaskCreated, TaskStatus
from blue_faas_client.types import File

WORKSPACE = "python"


def main(api: str, path: Path, name: str) -> None:
    client = Client(api, timeout=60, raise_on_unexpected_status=True)
    source = File(io.BytesIO(path.read_bytes()), path.name)
    created = build_and_push.sync(client=client, body=BuildForm(file=source, workspace_id=WORKSPACE, app_name=name))
    assert isinstance(created, TaskCreated), created
    while True:
        task = get_task.sync(created.task_id, client=client, workspace_id=WORKSPACE, wait=20)
        assert isinstance(task, Task), task
        if task.status in (TaskStatus.DONE, TaskStatus.FAILED):
            break
    assert task.result, task.error
    request = DeployRequest(namespace="default", image_ref=task.result.image_url, app_name=name, wait=True)
    # An update changes what the request names: a client must not name what its user has not.
    assert request.to_dict().keys() == {"namespace", "image_ref", "app_name", "wait"}, request.to_dict()
    app = deploy.sync(client=client, body=request)
    assert isinstance(app, DeployResponse), app
    print(app.endpoint)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
