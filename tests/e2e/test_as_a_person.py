"""What a person does: pastes the printed lines, takes a port that is taken."""

import json
import os
import re
import subprocess

import pytest

from local.cloud.options import CloudOptions
from local.cloud.processes import PartFailedError
from local.cloud.supervisor import Cloud
from local.cloud.welcome import welcome
from tests.support.client import ROOT, Client


def shell(script: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def commands(text: str, starting: str) -> list[str]:
    """The commands of the printed text that start so, continued lines and quoted bodies included."""
    return re.findall(rf"^({starting}(?:[^\n]*\\\n)*(?:[^\n]*'\{{.*?\}}'|[^\n]*))$", text, re.MULTILINE | re.DOTALL)


def test_the_printed_lines_work_when_pasted(running_cloud: Cloud, cloud: Client) -> None:
    text = welcome(running_cloud)
    upload, ask, deploy, call = commands(text, "curl ")
    created = json.loads(shell(upload))
    assert created["status"] == "pending"
    image = cloud.image(created["task_id"])
    asked = json.loads(shell(ask.replace("TASK_ID", created["task_id"])))
    assert asked["result"]["image_url"] == image
    deployed = json.loads(shell(deploy.replace("IMAGE_URL", image)))
    assert deployed["app_name"] == "my-function"
    cloud.call_until("my-function", lambda text: text.startswith("Hello"))
    assert shell(call) == "Hello from Blue FaaS!"


def test_a_taken_port_is_said_in_one_line(cloud: Client) -> None:
    with pytest.raises(PartFailedError, match=r"Port \d+ on 127.0.0.1 is taken; .*PORT=") as raised:
        Cloud(CloudOptions(port=cloud.cloud.port))
    assert "\n" not in str(raised.value)
