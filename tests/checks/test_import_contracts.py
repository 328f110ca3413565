"""Each import contract fails when an import that it forbids is planted: a contract that cannot fail holds nothing."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDER = "builder_image/builder/source/names.py"
COMMAND_LINE = "The command line takes of the product its models, its contracts and its page"
LAYERS = "The Lambda code is layered, from handlers down to contracts"
PACKAGES = (
    "functions",
    "infra",
    "local",
    "bench",
    "builder_image/builder",
    "builder_image/fast_lane",
    "cli/src/blue_faas_cli",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code that the contracts are about."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def broken(tree: Path) -> set[str]:
    """Names of the contracts that do not hold."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": f"{tree}:{tree / 'builder_image'}:{tree / 'cli' / 'src'}"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return {line.partition("BROKEN")[0].strip() for line in done.stdout.splitlines() if "BROKEN" in line}


@pytest.mark.parametrize(
    ("file", "planted", "contract"),
    [
        ("functions/api/http.py", "local.cloud.places", "The product never imports the one-machine cloud"),
        ("functions/api/http.py", "bench.page", "The product never imports the one-machine cloud"),
        (BUILDER, "infra.settings", "Lambda code and the builder do not know how they are deployed"),
        (BUILDER, "functions.tasks.store", "The builder imports of the Lambda code only what its image carries"),
        (BUILDER, "functions.api.http", "The builder imports of the Lambda code only what its image carries"),
        ("functions/contracts/names.py", "functions.api.http", "What the builder's image carries stands alone"),
        ("functions/registry/outcomes.py", "functions.tasks.store", "What the builder's image carries stands alone"),
        ("cli/src/blue_faas_cli/config.py", "functions.api.http", COMMAND_LINE),
        ("cli/src/blue_faas_cli/config.py", "local.cloud.places", COMMAND_LINE),
        ("functions/models/requests.py", "blue_faas_cli.problems", "Nothing imports the command line"),
        ("local/cloud/demo.py", "blue_faas_cli.api", "Nothing imports the command line"),
        ("functions/tasks/paging.py", "functions.api.http", LAYERS),
        ("functions/models/requests.py", "functions.cluster.client", LAYERS),
        ("functions/models/principals.py", "functions.tenancy.access", LAYERS),
        ("functions/tenancy/policies.py", "functions.tasks.store", LAYERS),
        ("functions/cluster/bounds.py", "functions.tasks.store", LAYERS),
        ("functions/aws.py", "functions.contracts.names", LAYERS),
        ("functions/ui/files.py", "functions.contracts.names", LAYERS),
        ("functions/ui/headers.py", "functions.models.page", LAYERS),
        (
            "builder_image/fast_lane/__init__.py",
            "builder.source.names",
            "The fast lane stands alone, in the toolchain of every build",
        ),
    ],
)
def test_a_planted_import_breaks_its_contract(tree: Path, file: str, planted: str, contract: str) -> None:
    path = tree / file
    content = path.read_text()
    path.write_text(f"{content}\nimport {planted}\n")
    try:
        assert contract in broken(tree)
    finally:
        path.write_text(content)


def test_every_contract_is_shown_to_fail() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (planted,) = (mark for mark in test_a_planted_import_breaks_its_contract.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]  # pytest puts the marks there
    assert {contract["name"] for contract in contracts} == {contract for _, _, contract in planted.args[1]}


@pytest.mark.parametrize("room", ["tasks", "cluster", "models", "registry", "contracts"])
def test_nothing_below_the_api_answers_requests(room: str) -> None:
    """Domain errors have no HTTP status: import-linter sees other packages as a whole, so this looks by itself."""
    modules = list((ROOT / "functions" / room).rglob("*.py"))
    assert modules
    for module in modules:
        found = {name for node in ast.walk(ast.parse(module.read_text("utf-8"))) for name in _imported(node)}
        assert not {name for name in found if name.startswith("aws_lambda_powertools.event_handler")}, module


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [str(node.module)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
