"""``python -m local.cloud.demo``: one source through the whole chain, on a cloud that lives as long as the demo.

Upload, follow the task, deploy, call the function: over HTTP only, as a client would.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.text import Text

from local.aws.assembly import DeployError
from local.cloud.assembly import SynthesisError
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT
from local.cloud.prepare import PrepareError
from local.cloud.processes import PartFailedError
from local.cloud.supervisor import Cloud

_SOURCE = ROOT / "examples" / "hello" / "app.py"
_WORKSPACE, _APP, _NAMESPACE = "demo", "hello", "default"
_NEXT = """
What next
  make local                  a cloud that stays, with commands to paste and the API's page at /docs
  docs/tutorial.md            a function of your own in ten minutes: change it, break it, read why, go back
  examples/hello/app.py       the function that was built; examples/shop is one of several modules
  make cli                    `blue`: build and deploy a file in one command (docs/cli.md)"""
_POLL_SECONDS = 0.1
_GIVE_UP_SECONDS = 300
_HEARTBEAT_SECONDS = 5
"""Between lines of a state that lasts, where there is no terminal to show it on."""


class DemoFailedError(Exception):
    """A step of the demo did not succeed; the text is what the API said."""


class Demo:
    """The steps, each reported to the terminal as it goes."""

    def __init__(self, cloud: Cloud, console: Console) -> None:
        self._cloud = cloud
        self._console = console
        self._http = httpx.Client(base_url=cloud.url, timeout=40)

    def run(self) -> None:
        """Upload, wait, summarize; where there is a cluster, deploy and call, too."""
        started = time.monotonic()
        task_id = self._upload(_SOURCE)
        task, states = self._follow(task_id, started)
        self._summarize(task_id, states, task["result"])
        if self._cloud.has_cluster:
            deployed = self._deploy(task["result"]["image_url"])
            self._summarize_deployment(deployed, self._call(deployed))

    def _upload(self, source: Path) -> str:
        answer = self._http.post(
            "/api/v1/build-and-push",
            files={"file": (source.name, source.read_bytes())},
            data={"workspace_id": _WORKSPACE, "app_name": _APP},
        )
        return str(_expect(answer, 202)["task_id"])

    def _follow(self, task_id: str, started: float) -> tuple[dict[str, Any], list[tuple[str, float]]]:
        """Poll the task; show state and elapsed time. Returns the ended task and when each state was first seen."""
        states: list[tuple[str, float]] = []
        said = 0.0
        terminal = self._console.is_terminal
        with Live(console=self._console, refresh_per_second=10, transient=True) as live:
            while True:
                task = _expect(self._http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": _WORKSPACE}), 200)
                elapsed = time.monotonic() - started
                progress = f"  {elapsed:5.1f} s  {task['status']}{_step_of(task)}"
                if not states or states[-1][0] != task["status"]:
                    states.append((task["status"], elapsed))
                    said = 0.0
                if terminal:
                    live.update(Text(f"{progress} …"))
                elif said == 0 or elapsed - said > _HEARTBEAT_SECONDS:
                    self._console.print(progress)
                    said = elapsed
                if task["status"] == "done":
                    return task, states
                if task["status"] == "failed":
                    raise DemoFailedError(f"The build failed: {task['error']}")
                if elapsed > _GIVE_UP_SECONDS:
                    raise DemoFailedError(f"The task is still {task['status']} after {elapsed:.0f} s")
                time.sleep(_POLL_SECONDS)

    def _deploy(self, image: str) -> dict[str, Any]:
        body = {"app_name": _APP, "namespace": _NAMESPACE, "image_ref": image, "function_id": "fn-hello-001"}
        return _expect(self._http.post("/api/v1/deploy", json=body), 200)

    def _call(self, deployed: dict[str, Any]) -> httpx.Response:
        """Call the function by its cluster name until it answers with something else than "not ready"."""
        deadline = time.monotonic() + 60
        while True:
            answer = self._http.get("/", headers={"host": deployed["endpoint"]})
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            time.sleep(_POLL_SECONDS)

    def _summarize(self, task_id: str, states: list[tuple[str, float]], result: dict[str, Any]) -> None:
        self._print(
            task=task_id,
            states=" → ".join(f"{state} {seconds:.1f} s" for state, seconds in states),
            steps=", ".join(f"{step} {seconds:.1f} s" for step, seconds in result["duration"].items()),
            image=result["image_url"],
            digest=result["digest"],
        )

    def _summarize_deployment(self, deployed: dict[str, Any], answer: httpx.Response) -> None:
        self._print(
            SpinApp=f"{deployed['namespace']}/{deployed['app_name']} (service {deployed['service_status']})",
            endpoint=f"http://{deployed['endpoint']}/",
            answer=f"HTTP {answer.status_code}: {answer.text}",
        )
        if not answer.is_success:
            raise DemoFailedError("The function did not answer with success")

    def _print(self, **rows: str) -> None:
        # Lines, not a table: a table would break an image reference that people copy.
        for name, value in rows.items():
            self._console.print(f"  [bold]{name:<9}[/bold]", Text(str(value)), soft_wrap=True)


def _step_of(task: dict[str, Any]) -> str:
    return "" if task["step"] is None else f": {task['step'].replace('_', ' ')}"


def _expect(answer: httpx.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise DemoFailedError(
            f"{answer.request.method} {answer.request.url.path}: HTTP {answer.status_code} {answer.text}"
        )
    body: dict[str, Any] = answer.json()
    return body


def show(cloud: Cloud, console: Console) -> None:
    """Run the demo on a cloud that is up.

    Raises
    ------
    DemoFailedError
        A step did not succeed.
    """
    console.print(f"Building and deploying {_SOURCE.relative_to(ROOT)} at {cloud.url}")
    Demo(cloud, console).run()
    console.print(_NEXT)


def main() -> None:
    """Run the demo; exit code 1 with one sentence when something does not work."""
    console = Console(soft_wrap=True, highlight=False)
    port = int(os.environ.get("PORT", "0"))
    console.print("Starting the one-machine cloud")
    try:
        with Cloud(CloudOptions(port=port, say=console.print)) as cloud:
            show(cloud, console)
    except KeyboardInterrupt:
        sys.exit("Stopped")
    except (DemoFailedError, PartFailedError, PrepareError, SynthesisError, DeployError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
