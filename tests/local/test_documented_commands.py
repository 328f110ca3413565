"""The commands of docs/building.md, run as they stand: only the port is another."""

import json
import re
import subprocess

import pytest

from tests.local.client import ROOT, Client

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _answers(output: str) -> list[dict[str, object]]:
    """The JSON objects among what the commands print, each on a line."""
    lines = output.replace("}{", "}\n{").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"')]


@pytest.fixture(scope="module")
def building(cloud: Client) -> str:
    """What the commands of docs/building.md print."""
    page = (ROOT / "docs" / "building.md").read_text()
    script = "\necho\n".join(["set -euo pipefail", *_SHELL.findall(page)]).replace("http://127.0.0.1:8000", cloud.url)
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_building(building: str) -> None:
    answers = _answers(building)
    statuses = [answer.get("status") for answer in answers if "result" in answer]
    assert statuses[1:] == ["done", "failed", "done"]
    assert "'line': 12" in building
    assert "one task" in building
    assert any("lines" in answer for answer in answers)
    assert any("tasks" in answer for answer in answers)
    assert any(answer.get("outcome") == "deleted" for answer in answers)


@pytest.mark.usefixtures("building")
def test_the_app_of_several_modules_that_they_built(cloud: Client) -> None:
    """examples/shop, whose .zip they announced and sent."""
    tasks = cloud.http.get("/api/v1/workspaces/my-workspace/tasks", params={"limit": 100}).json()["tasks"]
    image = next(task["result"]["image_url"] for task in tasks if task["app_name"] == "shop" and task["result"])
    assert cloud.deploy(app_name="shop", namespace="default", image_ref=image).status_code == 200
    answer = cloud.call("shop", "/shop/total", method="POST", json={"apple": 2, "kimchi": 1})
    assert answer.json() == {"total": 11_400}
    assert cloud.call("shop", "/elsewhere").status_code == 404
