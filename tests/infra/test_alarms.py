"""Alarms: each has an entry in the operator's page, and reaches somebody."""

import json
import re
from typing import Any

from tests.infra.conftest import OTHER, ROOT, synthesis
from tests.infra.reading import resources, text

OPERATIONS = ROOT / "docs" / "operations.md"


def alarm_names(template: dict[str, Any]) -> set[str]:
    """Names without the stack's; of alarms that are made for each function or queue, the common part."""
    alarms = resources(template, "AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix("BlueFaas-").partition("-")[0] for alarm in alarms}


def test_every_alarm_is_explained_and_nothing_else_is(template: dict[str, Any]) -> None:
    explained = re.findall(r"^### (\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(alarm_names(template))


def test_every_alarm_goes_to_the_topic_and_says_where_to_read_on(template: dict[str, Any]) -> None:
    (topic,) = resources(template, "AWS::SNS::Topic")
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]
        name = alarm["AlarmName"].removeprefix("BlueFaas-").partition("-")[0]
        assert alarm["AlarmDescription"].endswith(f"docs/operations.md, {name}.")


def test_every_function_and_every_queue_is_watched(template: dict[str, Any]) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        for dimension in alarm["Dimensions"]:
            watched.setdefault(alarm["MetricName"], set()).add(text(dimension["Value"]))
    functions = {f"<{name}>" for name in resources(template, "AWS::Lambda::Function")}
    queues = {f"<{name}.QueueName>" for name in resources(template, "AWS::SQS::Queue")}
    assert watched["Errors"] == watched["Throttles"] == functions
    assert watched["ApproximateNumberOfMessagesVisible"] == queues


def test_silence_of_the_reconciler_is_an_alarm_of_its_own(template: dict[str, Any]) -> None:
    missing = {
        alarm["AlarmName"]: alarm["TreatMissingData"]
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
    }
    assert [name for name, treated in missing.items() if treated != "notBreaching"] == ["BlueFaas-ReconcilerSilent"]
    assert missing["BlueFaas-ReconcilerSilent"] == "breaching"


def test_cloudwatch_may_use_the_topics_key(template: dict[str, Any]) -> None:
    (topic,) = resources(template, "AWS::SNS::Topic").values()
    key = text(topic["KmsMasterKeyId"]).strip("<>").split(".")[0]
    policy = resources(template, "AWS::KMS::Key")[key]["KeyPolicy"]["Statement"]
    (grant,) = [s for s in policy if s["Principal"].get("Service") == "cloudwatch.amazonaws.com"]
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} == set(grant["Action"])


def test_own_metrics_are_those_that_the_functions_write(template: dict[str, Any]) -> None:
    namespaces = {
        function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for function in resources(template, "AWS::Lambda::Function").values()
    }
    own = {
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] in namespaces
    }
    assert own == {
        ("TaskFailed", "tasks"),
        ("TaskFailedUnexpectedly", "tasks"),
        ("StuckTasks", "reconcile"),
        ("ReconcileFailures", "reconcile"),
        ("OpenTasks", "reconcile"),
    }


def test_the_dashboard_shows_what_alarms_watch(template: dict[str, Any]) -> None:
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    body = json.loads(text(dashboard["DashboardBody"]))
    shown = json.dumps(body)
    for metric in {alarm["MetricName"] for alarm in resources(template, "AWS::CloudWatch::Alarm").values()}:
        assert f'"{metric}"' in shown
    assert "BuildStepTime" in shown


def test_mail_is_sent_where_the_settings_say() -> None:
    (subscription,) = resources(synthesis(**OTHER).template, "AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operators@example.com")
