"""The commands of docs/building.md and docs/deploying.md, run as they stand.

Only the port is another, and the name of the app that is deployed; one of the sources means harm.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import PLANTED
from tests.support.client import EXAMPLES, ROOT, Client

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_FOUND = """b'{"error": "not found"}'"""
_SPY = """
import os

def look(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(200).decode("latin-1")
    except BaseException as error:
        return type(error).__name__

SEEN = repr(
    [dict(os.environ), *map(look, ["/proc/self/environ", "/etc/passwd", "/proc/1/environ", "../../upload"])]
).encode()
"""


def _answers(output: str) -> list[dict[str, object]]:
    """The JSON objects among what the commands print, each on a line."""
    lines = output.replace("}{", "}\n{").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"')]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples; examples/shop looks around when it is imported, and tells it where nothing is."""
    folder = tmp_path_factory.mktemp("commands")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    app = folder / "examples" / "shop" / "app.py"
    assert _NOT_FOUND in app.read_text()
    app.write_text(_SPY + app.read_text().replace(_NOT_FOUND, "SEEN"))
    return folder


def _run(page: str, folder: Path, cloud: Client, app: str = "my-function") -> str:
    """What the commands of a page print."""
    commands = "\necho\n".join(["set -euo pipefail", *_SHELL.findall((ROOT / page).read_text())])
    script = commands.replace("http://127.0.0.1:8000", cloud.url).replace("my-function", app)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def building(cloud: Client, examples: Path) -> str:
    """What the commands of docs/building.md print."""
    return _run("docs/building.md", examples, cloud)


def test_building(building: str) -> None:
    answers = _answers(building)
    statuses = [answer.get("status") for answer in answers if "result" in answer]
    assert statuses[1:] == ["done", "failed", "done"]
    assert "'line': 12" in building
    assert "one task" in building
    assert any("lines" in answer for answer in answers)
    assert any("tasks" in answer for answer in answers)
    assert any(answer.get("outcome") == "deleted" for answer in answers)


def test_deploying(cloud: Client, examples: Path) -> None:
    answers = _answers(_run("docs/deploying.md", examples, cloud, "deployed-as-documented"))
    deployed = [answer for answer in answers if "rollout" in answer]
    assert [answer["revision"] for answer in deployed] == [1, 2, 3, 4]
    assert [entry["revision"] for entry in next(a for a in answers if "revisions" in a)["revisions"]] == [2, 1]  # type: ignore[attr-defined]
    assert [answer["status"] for answer in answers if "source_s3_path" in answer] == ["pending"]
    cloud.until(lambda: cloud.call("deployed-as-documented").text == "Hello from Blue FaaS!")


@pytest.fixture(scope="module")
def shop(cloud: Client, building: str) -> str:
    """examples/shop, an app of several modules, whose .zip they announced and sent: deployed."""
    assert building
    tasks = cloud.http.get("/api/v1/workspaces/my-workspace/tasks", params={"limit": 100}).json()["tasks"]
    image = next(task["result"]["image_url"] for task in tasks if task["app_name"] == "shop" and task["result"])
    assert cloud.deploy(app_name="shop", namespace="default", image_ref=image).status_code == 200
    return "shop"


def test_the_app_of_several_modules_that_they_built(cloud: Client, shop: str) -> None:
    answer = cloud.call(shop, "/shop/total", method="POST", json={"apple": 2, "kimchi": 1})
    assert answer.json() == {"total": 11_400}
    assert cloud.call(shop, "/elsewhere").status_code == 404


def test_an_app_that_looks_around_when_it_is_imported_sees_nothing(cloud: Client, shop: str) -> None:
    """componentize-py imports it, in WebAssembly, and keeps what it did. (What the other tools run: tests/security.)"""
    saw = cloud.call(shop, "/shop/elsewhere").text
    assert saw.startswith("[{")
    for secret in (PLANTED, "AWS_", "TASK_", "root:"):
        assert secret not in saw
