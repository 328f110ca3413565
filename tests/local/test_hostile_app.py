"""Code that means harm and runs when componentize-py imports the app. (What the other tools run: tests/security.)"""

from tests.local.client import EXAMPLES, Client
from tests.local.conftest import PLANTED

WORKSPACE = "hostile-app"
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


def test_an_app_that_looks_around_when_it_is_imported_sees_nothing(cloud: Client) -> None:
    """componentize-py imports the app, in WebAssembly, and keeps what it did: the function tells what it saw."""
    spying = (EXAMPLES / "hello" / "app.py").read_text().replace('bytes("Hello from Blue FaaS!", "utf-8")', "SEEN")
    assert "SEEN" in spying
    image = cloud.image(cloud.start("spy.py", (SPY + spying).encode(), workspace_id=WORKSPACE), WORKSPACE)
    assert cloud.deploy(app_name="spy", namespace="default", image_ref=image).status_code == 200
    saw = cloud.call("spy").text
    assert saw.startswith("[{")
    for secret in (PLANTED, "AWS_", "TASK_", "root:"):
        assert secret not in saw
