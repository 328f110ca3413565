"""Which Kubernetes API servers a test meets: the stand-in, and a real kube-apiserver where `make conformance` runs one.

A fixture named ``server`` takes `SERVERS` as its parameters. A test whose real answer differs, or that looks inside the
stand-in, says so with ``@pytest.mark.stand_in_only("reason")``: docs/conformance.md lists it with that reason.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "BLUE_FAAS_CONTROL_PLANE"
"""Environment variable: the file that says where the real server is."""
STAND_IN: Final = "stand-in"
REAL: Final = "kube-apiserver"
MARK: Final = "stand_in_only"
DIFFERS: Final = "differs: "
"""How the reason of a test that is not run against the real server begins."""


@dataclass(frozen=True)
class RealServer:
    """A real kube-apiserver with the operator's CRDs and webhooks, and tokens for it."""

    url: str
    ca_file: Path
    administrator: str = field(repr=False)
    deployer: str = field(repr=False)
    """Token of a user in the group ``blue-faas-deployer`` and in no other."""


def real_server() -> RealServer | None:
    """The real server of this run, if there is one."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    found = json.loads(Path(path).read_text("utf-8"))
    return RealServer(found["url"], Path(found["ca_file"]), found["administrator"], found["deployer"])


SERVERS: Final = [STAND_IN, *([REAL] if real_server() else [])]


def skip_where_different(request: pytest.FixtureRequest) -> None:
    """Skip a marked test on the real server, with its reason."""
    mark = request.node.get_closest_marker(MARK)
    callspec = getattr(request.node, "callspec", None)
    if mark is not None and callspec is not None and callspec.params.get("server") == REAL:
        pytest.skip(DIFFERS + mark.args[0])
