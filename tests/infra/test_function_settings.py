"""Each function's environment has exactly what its settings class reads, under the names of cdk.json."""

import json
from typing import Any

import pytest

from functions.api.settings import BuildApiSettings, IngestSettings
from functions.cluster.settings import DeploySettings
from functions.contracts.settings import EnvironmentSettings
from functions.models.exposure import ExposeSettings
from functions.tasks.settings import EndSettings, ReconcilerSettings, SlotSettings
from functions.tasks.signer import SignerSettings
from infra.settings import Settings
from tests.infra.conftest import ANOTHER, OTHER, synthesis
from tests.infra.reading import resources

OF_EVERY_FUNCTION = {
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
    "AWS_RETRY_MODE",
    "AWS_MAX_ATTEMPTS",
}
SETTINGS: dict[str, type[EnvironmentSettings]] = {
    "builds": BuildApiSettings,
    "ingest": IngestSettings,
    "record_result": EndSettings,
    "wait_for_slot": SlotSettings,
    "close_task": EndSettings,
    "reconcile": ReconcilerSettings,
    "sign_image": SignerSettings,
    "deploy": DeploySettings,
    "health": EnvironmentSettings,
}
OF_LAMBDA_ITSELF = {"AWS_REGION"}
WITHOUT_CLUSTER: dict[str, object] = {"blue-faas.kubernetes": "null"}
CHANGED: list[dict[str, object]] = [
    {},
    {**OTHER},
    WITHOUT_CLUSTER,
    ANOTHER,
]


def environments(**changed: object) -> dict[str, dict[str, Any]]:
    """Module of each handler, and its function's environment variables."""
    functions = resources(synthesis(**changed).template, "AWS::Lambda::Function").values()
    return {
        function["Handler"].split(".")[-2]: function["Environment"]["Variables"]
        for function in functions
        if function["Handler"].startswith("functions.handlers.")
    }


@pytest.mark.parametrize("changed", CHANGED)
@pytest.mark.parametrize("module", SETTINGS)
def test_a_function_gets_what_it_reads_and_nothing_else(module: str, changed: dict[str, object]) -> None:
    environment = environments(**changed)
    if module not in environment:
        assert (module, changed) == ("deploy", WITHOUT_CLUSTER)
        return
    found = environment[module].keys() - OF_EVERY_FUNCTION
    read = {name: required for name, required in SETTINGS[module].variables().items() if name not in OF_LAMBDA_ITSELF}
    assert {name for name, required in read.items() if required} <= found <= read.keys()


def test_every_function_is_looked_at() -> None:
    assert environments().keys() == SETTINGS.keys()


def test_every_optional_variable_is_set_by_some_setting() -> None:
    for module, settings in SETTINGS.items():
        given = OF_LAMBDA_ITSELF.union(*(environments(**changed).get(module, {}) for changed in CHANGED))
        assert settings.variables().keys() <= given


def test_the_deploy_function_reads_how_apps_are_exposed_as_it_was_set() -> None:
    given = ExposeSettings.model_validate_json(environments(**OTHER)["deploy"]["KUBERNETES_EXPOSE"])
    assert given == ExposeSettings.model_validate(OTHER["blue-faas.kubernetes.expose"])


@pytest.mark.parametrize("module", SETTINGS)
def test_values_of_cdk_json_keep_their_names(module: str) -> None:
    """``limits.upload_bytes`` is LIMITS_UPLOAD_BYTES: whoever knows one name knows the other."""
    names = {
        f"{section}_{name}".upper(): value
        for section, values in Settings.from_file({}).model_dump(mode="json").items()
        if isinstance(values, dict)
        for name, value in values.items()
    }
    sections = tuple(f"{name}_".upper() for name, field in Settings.model_fields.items() if name != "storage")
    variables = environments()[module]
    for name, value in variables.items():
        if name.startswith(sections):
            assert value == (names[name] if isinstance(names[name], str) else json.dumps(names[name]))
