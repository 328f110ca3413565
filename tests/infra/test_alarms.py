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
        told = text(alarm["AlarmDescription"])
        assert f"What to do: docs/operations.md#{name.lower()}. " in told
        assert told.endswith("#dashboards/dashboard/BlueFaas")
        assert len(told) < 1024


def test_every_function_and_every_queue_is_watched(template: dict[str, Any]) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        for dimension in alarm["Dimensions"]:
            watched.setdefault(alarm["MetricName"], set()).add(text(dimension["Value"]))
    functions = {f"<{name}>" for name in resources(template, "AWS::Lambda::Function")}
    queues = {f"<{name}.QueueName>" for name in resources(template, "AWS::SQS::Queue")}
    assert watched["Errors"] == watched["Throttles"] == functions
    assert watched["ApproximateNumberOfMessagesVisible"] == queues


def test_every_table_is_watched(template: dict[str, Any]) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        if alarm["Namespace"] == "AWS/DynamoDB":
            (dimension,) = alarm["Dimensions"]
            watched.setdefault(alarm["MetricName"], set()).add(text(dimension["Value"]))
    tables = {f"<{name}>" for name in resources(template, "AWS::DynamoDB::Table")}
    assert watched == {"ReadThrottleEvents": tables, "WriteThrottleEvents": tables}


def test_silence_of_the_reconciler_is_an_alarm_of_its_own(template: dict[str, Any]) -> None:
    missing = {
        alarm["AlarmName"]: alarm["TreatMissingData"]
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
    }
    assert [name for name, treated in missing.items() if treated != "notBreaching"] == ["BlueFaas-ReconcilerSilent"]
    assert missing["BlueFaas-ReconcilerSilent"] == "breaching"


def test_every_alarm_may_publish_to_its_topic(template: dict[str, Any]) -> None:
    """The topic's policy and its key's have to let CloudWatch in: a policy of ours takes the place of SNS's own."""
    alarms = resources(template, "AWS::CloudWatch::Alarm").values()
    topics = {text(action) for alarm in alarms for action in alarm["AlarmActions"] + alarm["OKActions"]}
    assert topics
    for topic in topics:
        policies = [
            policy["PolicyDocument"]
            for policy in resources(template, "AWS::SNS::TopicPolicy").values()
            if topic in map(text, policy["Topics"])
        ]
        (grant,) = [granted for policy in policies for granted in granted_to_cloudwatch(policy)]
        assert (grant["Action"], text(grant["Resource"])) == ("sns:Publish", topic)
        key = (
            text(resources(template, "AWS::SNS::Topic")[topic.strip("<>")]["KmsMasterKeyId"]).strip("<>").split(".")[0]
        )
        (grant,) = granted_to_cloudwatch(resources(template, "AWS::KMS::Key")[key]["KeyPolicy"])
        assert set(grant["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


def granted_to_cloudwatch(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements that let the service act for this account's alarms, and for nobody else's."""
    statements = [
        statement
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"].get("Service") == "cloudwatch.amazonaws.com"
    ]
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert all(statement["Condition"] == ours for statement in statements)
    return statements


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
        ("UploadWithoutTask", "ingest"),
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
