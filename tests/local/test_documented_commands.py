"""The commands of docs/building.md, run as they stand: only the port is another."""

import json
import re
import subprocess

from tests.local.client import ROOT, Client

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _answers(output: str) -> list[dict[str, object]]:
    """The JSON objects among what the commands print, each on a line."""
    lines = output.replace("}{", "}\n{").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"')]


def test_building(cloud: Client) -> None:
    page = (ROOT / "docs" / "building.md").read_text()
    script = "\necho\n".join(["set -euo pipefail", *_SHELL.findall(page)]).replace("http://127.0.0.1:8000", cloud.url)
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = _answers(done.stdout)
    statuses = [answer.get("status") for answer in answers if "result" in answer]
    assert statuses[1:] == ["done", "failed", "done"]
    assert "'line': 12" in done.stdout
    assert "one task" in done.stdout
    assert any("lines" in answer for answer in answers)
    assert any("tasks" in answer for answer in answers)
    assert any(answer.get("outcome") == "deleted" for answer in answers)
