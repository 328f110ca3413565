"""The OpenAPI document apart from operations and schemas: title, order of use, who may call, what leads where."""

import tomllib
from typing import Any, Final

from infra.tools.build_folder import ROOT

_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INFO: Final = {
    "title": "Blue FaaS",
    "version": _PROJECT["version"],
    "summary": _PROJECT["description"],
    "description": """Build Python sources as WebAssembly components, and run them on Kubernetes.

1. `POST /api/v1/build-and-push` takes a source and answers with a task.
2. `GET /api/v1/tasks/{task_id}` says how far it is; when it is done, `result.image_url` names the image.
3. `POST /api/v1/deploy` runs the image as an app.

A *workspace* owns tasks, images and apps, and says which callers they belong to. A *namespace* is the place in the
Kubernetes cluster where an app runs; a workspace may deploy to some of them.

Every error is a JSON object with the field `detail`. What API Gateway itself refuses, such as a request that does not
say who calls, has the field `message` instead.""",
    "license": {"name": "Apache License 2.0", "identifier": _PROJECT["license"]},
}
TAGS: Final = (
    {"name": "Builds", "description": "Send a source: a build starts."},
    {"name": "Tasks", "description": "Follow a build, read its log, cancel it."},
    {"name": "Apps", "description": "Run an image in the cluster, look after what runs, go back."},
    {"name": "Workspaces", "description": "What the caller may use."},
    {"name": "Administration", "description": "Who belongs to which workspace, and what it may do."},
    {"name": "Service", "description": "The service itself."},
)
"""In the order in which a newcomer needs them."""
SECURITY_SCHEMES: Final = {
    "iam": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4 for the service execute-api.",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "JSON Web Token; its claims say which workspaces are the caller's.",
    },
}


def _links(*operations: str, **parameters: str) -> dict[str, Any]:
    return {operation: {"operationId": operation, "parameters": parameters} for operation in operations}


_OF_NEW_TASK: Final = _links(
    *("getTask", "getTaskLog", "deleteTask"),
    task_id="$response.body#/task_id",
    workspace_id="$request.body#/workspace_id",
)
LINKS: Final = {
    "buildAndPush": _OF_NEW_TASK,
    "createUpload": _OF_NEW_TASK,
    "listTasks": _links("listTasks", workspace_id="$request.path.workspace_id", next="$response.body#/next"),
    "getTaskLog": _links(
        "getTaskLog",
        task_id="$request.path.task_id",
        workspace_id="$request.query.workspace_id",
        next="$response.body#/next",
    ),
    "deploy": _links(
        *("getApp", "getAppLog", "listRevisions", "rollBack", "deleteApp"),
        namespace="$response.body#/namespace",
        app_name="$response.body#/app_name",
    ),
}
"""By operation: the operations to which the response of success leads."""
