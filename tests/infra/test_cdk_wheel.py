"""The construct as a wheel: an app that has the wheel alone synthesizes what this repository does."""

import compileall
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from infra.tools import cdk_wheel
from infra.tools.build_folder import ROOT
from tests.infra.reading import resources, text

(EXAMPLE,) = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "cdk.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
ALONE = """
import contextlib

for ours in ("functions", "infra"):
    with contextlib.suppress(ModuleNotFoundError):
        __import__(ours)
        raise SystemExit(f"{ours} can be imported: this is not the wheel alone")
"""
BESIDE = """
BlueFaas(cdk.Stack(app, "BlueFaas"), "Default", settings=Settings.from_file({})).export()
for refused in (
    lambda: faas.function("build"),
    lambda: BlueFaas(stack, "Second", settings=Settings.from_file({})),
):
    try:
        refused()
    except ValueError as error:
        print(error)
app.synth()
"""


@dataclass(frozen=True)
class Synthesis:
    """The cloud assembly of an app, and what it printed."""

    folder: Path
    printed: str

    def template(self, stack: str) -> dict[str, Any]:
        """The template of a stack."""
        template: dict[str, Any] = json.loads((self.folder / f"{stack}.template.json").read_text("utf-8"))
        return template


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make cdk` builds it."""
    return cdk_wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def synthesis(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What the app of docs/cdk.md synthesizes, with the wheel alone and without any feature flag of the CDK."""
    folder = tmp_path_factory.mktemp("platform")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # As pip does with everything that it installs.
    compileall.compile_dir(site / "blue_faas" / "packed", quiet=2)
    assert list(site.rglob("__pycache__"))
    assert EXAMPLE.endswith("app.synth()\n")
    (folder / "app.py").write_text(ALONE + EXAMPLE.removesuffix("app.synth()\n") + BESIDE)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "CDK_OUTDIR": str(folder / "cdk.out")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Synthesis(folder / "cdk.out", done.stdout)


def test_the_template_is_that_of_this_repository(synthesis: Synthesis, template: dict[str, Any]) -> None:
    """With the identities of bundles and builder image; an app's own flag joins the statements of policies or not."""
    theirs = synthesis.template("BlueFaas")
    assert theirs["Outputs"] == template["Outputs"]
    assert theirs["Resources"].keys() == template["Resources"].keys()
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Policy":
            assert theirs["Resources"][name] == resource


def test_another_stack_has_its_own_names_and_settings(synthesis: Synthesis, template: dict[str, Any]) -> None:
    theirs = synthesis.template("Functions")
    functions = resources(theirs, "AWS::Lambda::Function").values()
    (deploy,) = (function for function in functions if function["FunctionName"] == "Functions-deploy")
    assert deploy["Environment"]["Variables"]["KUBERNETES_CLUSTER_NAME"] == "platform"
    alarms = {alarm["AlarmName"] for alarm in resources(theirs, "AWS::CloudWatch::Alarm").values()}
    assert {"Functions-Undelivered-Ingest", "Functions-LambdaErrors-builds"} < alarms
    assert all(name.startswith("BlueFaas") for name in theirs["Outputs"])
    assert len(theirs["Outputs"]) == len(template["Outputs"])


def test_a_role_may_be_let_in(synthesis: Synthesis) -> None:
    policies = resources(synthesis.template("Functions"), "AWS::IAM::Policy")
    (policy,) = (policy for name, policy in policies.items() if name.startswith("PipelineDefault"))
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert text(statement["Resource"]).endswith("/*/*/api/v1/*")


def test_what_cannot_be_is_refused(synthesis: Synthesis) -> None:
    assert "no function has the handler 'build'; there are builds, close_task" in synthesis.printed
    assert "Functions/Second would have the names of Functions/BlueFaas" in synthesis.printed


def test_what_is_deployed_beside_the_template_is_in_the_assembly(synthesis: Synthesis) -> None:
    assets = json.loads((synthesis.folder / "BlueFaas.assets.json").read_text("utf-8"))
    paths = [asset["source"]["path"] for asset in assets["files"].values()]
    bundles = [path for path in paths if path.endswith(".zip")]
    assert len(bundles) == 2
    for bundle in bundles:
        with zipfile.ZipFile(synthesis.folder / bundle) as archive:
            assert "functions/handlers/builds.py" in archive.namelist()
            assert archive.getinfo("functions/handlers/builds.py").external_attr >> 16 & 0o777 == 0o644
    (image,) = assets["dockerImages"].values()
    context = synthesis.folder / image["source"]["directory"]
    assert (context / image["source"]["dockerFile"]).is_file()
    assert list(context.rglob("__pycache__")) == []


def test_the_wheel_has_one_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read("blue_faas_cdk-0.1.0.dist-info/METADATA").decode()
    assert {name.partition("/")[0] for name in names} == {"blue_faas", "blue_faas_cdk-0.1.0.dist-info"}
    required = [Requirement(line.partition(": ")[2]) for line in metadata.splitlines() if "Requires-Dist" in line]
    assert {each.name for each in required} == {"aws-cdk-lib", "constructs", "pydantic", "pyyaml"}
    assert all({part.operator for part in each.specifier} == {">=", "<"} for each in required)


@pytest.mark.parametrize(
    ("source", "into"),
    [
        ("from infra import nag\n", "from blue_faas.infra import nag\n"),
        ("from functions.a.b import (\n    c,\n)\n", "from blue_faas.functions.a.b import (\n    c,\n)\n"),
        ("def f() -> None:\n    from infra.x import y\n", "def f() -> None:\n    from blue_faas.infra.x import y\n"),
        ("가 = 1; from infra.x import y  # from infra\n", "가 = 1; from blue_faas.infra.x import y  # from infra\n"),
        ("from infrastructure import x\nimport json\n", "from infrastructure import x\nimport json\n"),
        ('X = "from infra import y"\nY = f"functions.handlers.{X}"\n',) * 2,
    ],
)
def test_imports_are_moved_and_nothing_else(source: str, into: str) -> None:
    assert cdk_wheel.moved(source) == into


def test_an_import_that_binds_a_name_of_ours_is_refused() -> None:
    with pytest.raises(cdk_wheel.UnreadableImportError, match=r"line 1: write `from … import …` for functions\.x"):
        cdk_wheel.moved("import functions.x\n")
