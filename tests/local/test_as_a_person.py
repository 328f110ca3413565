"""What a person does: pastes the printed lines, stops the cloud."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from local.cloud import Cloud, CloudOptions
from local.places import state_root
from local.processes import PartFailedError, free_port
from local.welcome import welcome
from tests.local.client import PATIENCE, ROOT, Client


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
    cloud.call("my-function")
    assert shell(call) == "Hello from Blue FaaS!"


def test_ctrl_c_stops_everything_and_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    before = set(state_root().glob("run-*"))
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "--port", str(port)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + PATIENCE
    while f"ready at http://127.0.0.1:{port}" not in (tmp_path / "log").read_text():
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert httpx.get(f"http://127.0.0.1:{port}/health").json() == {"status": "ok"}
    children = _descendants(process.pid)
    assert children
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert [command for pid, command in children.items() if _runs(pid)] == []
    assert set(state_root().glob("run-*")) == before


def test_a_taken_port_is_said_in_one_line(cloud: Client) -> None:
    with pytest.raises(PartFailedError, match=r"Port \d+ on 127.0.0.1 is taken; .*PORT=") as raised:
        Cloud(CloudOptions(port=cloud.cloud.port))
    assert "\n" not in str(raised.value)


def _descendants(pid: int) -> dict[int, str]:
    """Process id to command line of everything that a process has started."""
    found: dict[int, str] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= _descendants(int(child))
    return found


def _runs(pid: int) -> bool:
    """Whether a process is still there, other than as a zombie that its new parent has not collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
