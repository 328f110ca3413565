"""The documented Python client, given a file that no module could be named after, and that means harm.

It is componentize-py that imports the app. (What the other tools run: tests/security.)
"""

import os
import subprocess
import sys

import pytest

from tests.local.client import EXAMPLES, ROOT, Client
from tests.local.conftest import PLANTED

SPY = """
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


@pytest.fixture(scope="module")
def printed(cloud: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the client printed."""
    hello = (EXAMPLES / "hello" / "app.py").read_text()
    spying = hello.replace('bytes("Hello from Blue FaaS!", "utf-8")', "SEEN")
    assert spying != hello
    source = tmp_path_factory.mktemp("app") / "111-한글.py"
    source.write_text(SPY + spying)
    done = subprocess.run(
        [sys.executable, "examples/client/deploy_or_update.py", str(source)],
        cwd=ROOT,
        env={**os.environ, "BASE_URL": cloud.url, "REGISTRY": cloud.repository},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_builds_and_deploys(printed: str) -> None:
    assert printed == "Deployed/Updated: my-function\nEndpoint: my-function.default.svc.cluster.local\n"


@pytest.mark.usefixtures("printed")
def test_an_app_that_looks_around_when_it_is_imported_sees_nothing(cloud: Client) -> None:
    """componentize-py imports the app, in WebAssembly, and keeps what it did: the function tells what it saw."""
    saw = cloud.call_until("my-function", lambda text: text.startswith("[{"))
    for secret in (PLANTED, "AWS_", "TASK_", "root:"):
        assert secret not in saw
