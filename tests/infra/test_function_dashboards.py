"""The dashboards of namespaces: each app of the namespace, found by the names under which its metrics are sent."""

import json
import re
from typing import Any

import pytest

from functions.contracts.function_metrics import CALLS, DURATION, METRIC_NAMESPACE, SERVER_ERRORS, MeasuredApp
from infra.settings import Settings
from tests.infra.conftest import OTHER, synthesis
from tests.infra.reading import resources, text

SEARCH = re.compile(
    r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>[^\"]+)\" (?P<where>.+)', '(?P<stat>\w+)', 300\)"
)


def dashboards(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = resources(template, "AWS::CloudWatch::Dashboard").values()
    return {each["DashboardName"]: json.loads(text(each["DashboardBody"])) for each in found}


def test_there_is_one_for_each_namespace_that_is_named(template: dict[str, Any]) -> None:
    assert set(dashboards(template)) == {"BlueFaas"}
    assert set(dashboards(synthesis(**OTHER).template)) == {"BlueFaas", "BlueFaas-team-a", "BlueFaas-team-b"}


def test_it_searches_what_is_sent_of_the_namespace_in_this_cluster() -> None:
    shown = dashboards(synthesis(**OTHER).template)["BlueFaas-team-a"]
    metrics = [widget["properties"]["metrics"] for widget in shown["widgets"]]
    searches = [SEARCH.fullmatch(metric[0]["expression"]) for (metric,) in metrics]
    found = {(search["name"], search["stat"]): search for search in searches if search is not None}
    assert len(found) == len(metrics)
    of_app = MeasuredApp("blue-faas", "team-a", "")
    for (name, stat), wanted in {
        (DURATION, "SampleCount"): of_app.dimensions(),
        (DURATION, "p99"): of_app.dimensions(),
        (CALLS, "Sum"): of_app.dimensions(SERVER_ERRORS),
    }.items():
        search = found[name, stat]
        assert re.findall(r'"([^"]+)"', search["schema"]) == [METRIC_NAMESPACE, *wanted]
        assert dict(re.findall(r'"([^"]+)"="([^"]+)"', search["where"])) == {k: v for k, v in wanted.items() if v}


@pytest.mark.parametrize("namespace", ["Team", "-a", "a" * 64, "a b"])
def test_what_is_no_namespace_stops_the_synthesis(namespace: str) -> None:
    with pytest.raises(ValueError, match="dashboards"):
        Settings.from_file({"blue-faas.kubernetes.dashboards": [namespace]})
