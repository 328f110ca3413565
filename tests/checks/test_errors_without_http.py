"""Below the API, errors are the domain's own: their HTTP status is in one table of functions/api."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cluster", "tasks", "models", "registry", "contracts")
HTTP = ("http", "aws_lambda_powertools.event_handler")
KUBERNETES_STATUSES = Path("functions/cluster/responses.py")
"""Reads the statuses that a Kubernetes API server answers with."""


def imports(path: Path) -> set[str]:
    """Modules that a file imports, and the names that it takes from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def takes_http(path: Path) -> bool:
    """Whether a file imports HTTP statuses or Powertools' HTTP errors."""
    return any(name == module or name.startswith(f"{module}.") for name in imports(path) for module in HTTP)


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_below_the_api_knows_http_statuses(room: str) -> None:
    files = sorted((ROOT / "functions" / room).rglob("*.py"))
    assert files
    found = {path.relative_to(ROOT) for path in files if takes_http(path)}
    assert found <= {KUBERNETES_STATUSES}


def test_a_planted_status_is_found(tmp_path: Path) -> None:
    for text in (
        "from http import HTTPStatus",
        "import http",
        "from aws_lambda_powertools.event_handler import Response",
    ):
        planted = tmp_path / "planted.py"
        planted.write_text(text)
        assert takes_http(planted)
