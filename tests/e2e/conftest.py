"""One started cloud for the whole test session."""

import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from local.cloud.supervisor import Cloud, CloudOptions
from tests.support import components
from tests.support.client import EXAMPLES, Client

PLANTED: Final = f"planted-{secrets.token_hex(12)}"
"""In the environment of the cloud and of every builder: no build and no function may get to see it."""


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[Cloud]:
    """The cloud itself: for its logs and addresses."""
    environment = {"PLANTED_SECRET": PLANTED}
    options = CloudOptions(port=0, builder_environment=environment, compile_cache=components.COMPILED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTED_SECRET", PLANTED)
        with Cloud(options) as cloud:
            yield cloud


@pytest.fixture(scope="session")
def cloud(running_cloud: Cloud) -> Client:
    """A client of the cloud."""
    return Client(running_cloud)


@pytest.fixture(scope="session")
def hello(cloud: Client) -> str:
    """Image of examples/hello, built through the API with the documented registry fields."""
    return cloud.image(hello_task(cloud))


@pytest.fixture(scope="session")
def counter(cloud: Client) -> str:
    """Image of examples/counter, which counts at ``/count``."""
    return cloud.image(cloud.drop("counter", "counter.zip", components.counter()))


_started: dict[str, str] = {}


def hello_task(cloud: Client) -> str:
    """Task of examples/hello, started once a session."""
    if "hello" not in _started:
        _started["hello"] = cloud.start(
            "app.py",
            (EXAMPLES / "hello" / "app.py").read_bytes(),
            app_name="my-function",
            registry_url=cloud.repository,
            username="AWS",
            password=cloud.ecr_password(),
        )
    return _started["hello"]
