"""What `make local` prints when the cloud is up: the documented curl lines, with host and registry of this machine."""

import shlex
import sys
from typing import Final

from local.cloud.assembly import CARRIED
from local.cloud.issuer import ADMINISTRATOR, CLI_CLIENT, DEVICE_PATH
from local.cloud.places import ROOT
from local.cloud.supervisor import Cloud

_FIELD: Final = """field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }"""


def welcome(cloud: Cloud) -> str:
    """Text with commands that work when pasted into a shell in the repository."""
    if cloud.authorizer != "none":
        return _with_authorizer(cloud)
    if CARRIED.is_dir():
        return _for_blue(cloud)
    registry = cloud.outputs["ImageRepository"]
    return f"""Blue FaaS is ready at {cloud.url}
# The page, for a browser: {cloud.url}/ui

{_FIELD}
API={cloud.url}

# Step 1: upload a source
TASK=$(curl -s -X POST $API/api/v1/build-and-push \\
  -F "file=@examples/hello/app.py" \\
  -F "workspace_id=my-workspace" \\
  -F "app_name=my-function" \\
  -F "registry_url={registry}" \\
  -F "username=AWS" \\
  -F "password=$(cat {shlex.quote(str(cloud.registry_password_file))})" | field "['task_id']")

# Step 2: ask for the task until it has ended; its log says what is being done
until curl -s "$API/api/v1/tasks/$TASK?workspace_id=my-workspace&wait=20" \\
  | grep -E '"status": ?"(done|failed)"'; do :; done
curl -s "$API/api/v1/tasks/$TASK/logs?workspace_id=my-workspace" -H "Accept: text/plain"

{_deploy(cloud)}# Look at AWS (the AWS CLI)
{_operator(cloud)}

Ctrl-C stops it."""


def _for_blue(cloud: Cloud) -> str:
    """Say what to type where there is `blue` and no repository."""
    where = "" if cloud.port == 8000 else f"export BLUE_URL={cloud.url}\n"
    deploy = "blue deploy" if cloud.has_cluster else "blue deploy --build-only"
    return f"""Blue FaaS is ready at {cloud.url}
# The page, for a browser: {cloud.url}/ui

# In another terminal:
{where}blue init hello && cd hello && {deploy}

Ctrl-C stops it."""


def _with_authorizer(cloud: Cloud) -> str:
    """Say what to export for the commands of docs/authorizers.md."""
    tokens = ""
    if cloud.issuer_key is not None:
        path = f"PYTHONPATH={ROOT} " if CARRIED.is_dir() else ""
        issuer = f"{path}{sys.executable} -m local.cloud.issuer --key {cloud.issuer_key}"
        tokens = f'export TOKEN="$({issuer} --workspace my-workspace)"\n'
        if cloud.tenancy == "policy":
            tokens += f'export ADMINISTRATOR_TOKEN="$({issuer} --subject {ADMINISTRATOR})"\n'
    pages = "docs/authorizers.md"
    if cloud.tenancy == "policy":
        pages = f"{pages} and, for the workspace that they need, docs/tenancy.md"
    return f"""Blue FaaS is ready at {cloud.url}, with the authorizer {cloud.authorizer} and tenancy {cloud.tenancy}
{_sign_in(cloud)}
# The commands are in {pages}; before them:
API={cloud.url} WORKSPACE=my-workspace
{tokens}{_operator(cloud)}

Ctrl-C stops it."""


def _sign_in(cloud: Cloud) -> str:
    """Say where users sign in: a browser signs no requests, so `blue ui` serves the page then."""
    if cloud.issuer_key is None:
        return f"# The page, for a browser: blue ui --url {cloud.url} --authorizer iam\n"
    issuer = f"--issuer {cloud.url}{DEVICE_PATH} --client-id {CLI_CLIENT}"
    return f"""# The page, for a browser: {cloud.url}/ui
# The command line: blue login --url {cloud.url} {issuer} -w my-workspace
"""


def _operator(cloud: Cloud) -> str:
    keys = cloud.credentials
    return f"""export AWS_ENDPOINT_URL={cloud.aws_endpoint} AWS_REGION={cloud.region} AWS_DEFAULT_REGION={cloud.region}
export AWS_ACCESS_KEY_ID={keys.access_key_id} AWS_SECRET_ACCESS_KEY={keys.secret_access_key}"""


def _deploy(cloud: Cloud) -> str:
    if not cloud.has_cluster:
        return ""
    return f"""# Step 3: deploy it, and wait until it is up
IMAGE=$(curl -s "$API/api/v1/tasks/$TASK?workspace_id=my-workspace" | field "['result']['image_url']")
curl -X POST $API/api/v1/deploy \\
  -H "Content-Type: application/json" \\
  -d '{{
    "app_name": "my-function",
    "namespace": "default",
    "image_ref": "'$IMAGE'",
    "function_id": "fn-my-function-001",
    "enable_autoscaling": true,
    "use_spot": false,
    "wait": true
  }}'

# Call the function, and read what it has printed
curl --connect-to ::127.0.0.1:{cloud.port} http://my-function.default.svc.cluster.local/
curl "$API/api/v1/apps/default/my-function/logs?since=10m" -H "Accept: text/plain"

# Look at the cluster (kubectl)
export KUBECONFIG={cloud.kubeconfig}

"""
