"""``make smoke`` against a cloud: every step works, and nothing is left."""

import subprocess
import sys

from tests.support.client import ROOT, Client


def test_every_step_works(cloud: Client) -> None:
    command = [sys.executable, "-m", "infra.smoke", cloud.url, "--authorizer", "none", "--namespace", "default"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    states = [line.partition(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert states == ["works", "left out", *["works"] * 7], done.stdout + done.stderr
    assert done.returncode == 0
    assert cloud.http.get("/api/v1/workspaces/smoke-test/tasks").json()["tasks"] == []
    apps = cloud.http.get("/api/v1/apps", params={"namespace": "default"}).json()["apps"]
    assert [app["app_name"] for app in apps if app["app_name"].startswith("smoke-")] == []
