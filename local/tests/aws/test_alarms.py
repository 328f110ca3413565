"""Every alarm of the product rings from its cause, is heard by a subscriber, and does not ring just below its limit.

The alarms, their topic, its policy and its key are those of the synthesized template. What functions write into their
logs is written by the product's own code (`tests.support.alarm_causes`); what services count has the dimensions that
their documentation names. An alarm without a case here fails.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pytest

from local.cloud.assembly import assembly
from local.tests.aws.conftest import ROOT, Cloud, eventually
from tests.support.operators import subscribed, told

Json = dict[str, Any]
KEPT: Final = {"AWS::CloudWatch::Alarm", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::KMS::Key"}
STACK: Final = "BlueFaas"

OF_SERVICES: Final[Mapping[str, list[set[str]]]] = {
    "AWS/Lambda": [{"FunctionName"}],
    "AWS/SQS": [{"QueueName"}],
    "AWS/States": [{"StateMachineArn"}],
    "AWS/CodeBuild": [{"ProjectName"}],
    "AWS/DynamoDB": [{"TableName"}],
    "AWS/ApiGateway": [{"ApiId"}, {"ApiId", "Stage", "Method", "Resource"}],
}
"""Dimensions that services give their metrics, as each service's guide lists them."""


@dataclass(frozen=True)
class Case:
    """How an alarm rings: by lines of a cause, or by values that a service counts."""

    cause: str = ""
    """One of `tests.support.alarm_causes`; without one a service counts."""
    times: int = 1
    """Lines, or the value, in each period; one less does not ring."""
    over: int = 0
    """By how much a value has to be over the limit, for a percentile that another value is below."""


CASES: Final[Mapping[str, Case]] = {
    "FailedTasks": Case("a task that failed by its source", times=50),
    "UnexpectedFailures": Case("a build that left no report", times=3),
    "UploadsWithoutTask": Case("an upload that lies in no workspace's folder"),
    "StuckTasks": Case("an execution that runs for too long"),
    "ReconcileFailures": Case("a task that cannot be read"),
    "TimedOutExecutions": Case(),
    "ThrottledExecutions": Case(),
    "BuildQueue": Case(times=15 * 60),
    "LambdaErrors": Case(),
    "LambdaThrottles": Case(),
    "Undelivered": Case(),
    "ApiErrors": Case(times=5),
    "ApiLatency": Case(times=10_000, over=1),
    "TableReadThrottles": Case(),
    "TableWriteThrottles": Case(),
}
"""Kind of alarm to case. ReconcilerSilent, which rings when nothing happens, has a test of its own."""


def template() -> Json:
    """The part of the product's template that tells operators; of what it watches the names alone are there."""
    synthesized = json.loads((assembly(cluster=True) / f"{STACK}.template.json").read_text())
    kept = {name: each for name, each in synthesized["Resources"].items() if each["Type"] in KEPT}
    kept = {name: each for name, each in kept.items() if each["Type"] != "AWS::KMS::Key" or name.startswith("Alarms")}
    return {"Resources": {name: _named(each, set(kept)) for name, each in kept.items()}}


def _named(value: Any, there: set[str]) -> Any:
    """Replace references to resources that are not there by their names."""
    if isinstance(value, list):
        return [_named(each, there) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"} and not value["Ref"].startswith("AWS::"):
        return value if value["Ref"] in there else value["Ref"]
    if set(value) == {"Fn::GetAtt"}:
        name, attribute = value["Fn::GetAtt"]
        return value if name in there else f"{name}.{attribute}"
    return {key: _named(each, there) for key, each in value.items() if key not in ("DependsOn", "Metadata")}


@dataclass
class Operators:
    """The deployed alarms, and somebody who listens."""

    cloud: Cloud
    alarms: list[Json]
    topic: str
    queue: str
    lines: Mapping[str, list[str]]
    _heard: list[Json] = field(default_factory=list)

    def write(self, lines: list[str]) -> None:
        """Have a function write lines into its log."""
        logs, place = self.cloud.client("logs"), {"logGroupName": "a-function", "logStreamName": "a-worker"}
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
        logs.put_log_events(**place, logEvents=events)

    def state(self, name: str) -> str:
        """State of an alarm, evaluated now."""
        (alarm,) = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def heard(self, name: str, state: str) -> bool:
        """Whether the subscriber has been told that an alarm came into a state."""
        self._heard += told(self.cloud.client("sqs"), self.queue)
        return any((each["AlarmName"], each["NewStateValue"]) == (name, state) for each in self._heard)


@pytest.fixture(scope="module")
def operators(cloud: Cloud) -> Iterator[Operators]:
    """Somebody who listens to the alarms of the product."""
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template()))
    eventually(lambda: _status(cloudformation) == "CREATE_COMPLETE")
    alarms = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (topic,) = {action for alarm in alarms for action in alarm["AlarmActions"]}
    cloud.client("logs").create_log_group(logGroupName="a-function")
    cloud.client("logs").create_log_stream(logGroupName="a-function", logStreamName="a-worker")
    written = subprocess.run(
        [sys.executable, "-m", "tests.support.alarm_causes"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with subscribed(cloud.client("sqs"), cloud.client("sns"), topic, "operators") as url:
        yield Operators(cloud, alarms, topic, url, json.loads(written.stdout.splitlines()[-1]))
    cloudformation.delete_stack(StackName=STACK)
    eventually(lambda: _status(cloudformation) is None)


def _status(cloudformation: Any) -> str | None:
    stacks = cloudformation.describe_stacks()["Stacks"]
    found = [each["StackStatus"] for each in stacks if each["StackName"] == STACK]
    assert not any("FAILED" in status or "ROLLBACK" in status for status in found), found
    return found[0] if found else None


def kind(alarm: Json) -> str:
    """The part of an alarm's name that all of its kind have."""
    return str(alarm["AlarmName"]).removeprefix(f"{STACK}-").partition("-")[0]


def happens(operators: Operators, alarm: Json, case: Case, times: int, ages: Iterable[int]) -> None:
    """Let it happen so often in periods that ended so many periods ago."""
    for age in ages:
        at = time.time() - (age + 0.5) * alarm["Period"]
        if times and case.cause:
            lines = [line for line in operators.lines[case.cause] if f'"{alarm["MetricName"]}"' in line]
            assert lines, "the product writes no such metric"
            operators.write([_moved(line, at) for line in lines] * times)
        elif times:
            names = {each["Name"] for each in alarm["Dimensions"]}
            assert names in OF_SERVICES[alarm["Namespace"]], "no service counts by these"
            datum = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Timestamp": at}
            put = operators.cloud.client("cloudwatch").put_metric_data
            put(Namespace=alarm["Namespace"], MetricData=[{**datum, "Value": float(times)}])


def _moved(line: str, at: float) -> str:
    entry = json.loads(line)
    entry["_aws"]["Timestamp"] = int(at * 1000)
    return json.dumps(entry)


def test_every_alarm_of_the_product_has_a_case(operators: Operators) -> None:
    assert {kind(alarm) for alarm in operators.alarms} == {*CASES, "ReconcilerSilent"}


def test_silence_of_the_reconciler_rings_and_a_run_ends_it(operators: Operators) -> None:
    name = f"{STACK}-ReconcilerSilent"
    runs = [line for line in operators.lines["a run of the reconciler"] if '"OpenTasks"' in line]
    operators.write([_moved(line, time.time() - 20 * 60) for line in runs])
    # It has rung since the stack was made, before anybody listened.
    reset = {"AlarmName": name, "StateValue": "INSUFFICIENT_DATA", "StateReason": "to be heard"}
    operators.cloud.client("cloudwatch").set_alarm_state(**reset)
    assert operators.state(name) == "ALARM"
    eventually(lambda: operators.heard(name, "ALARM"))
    operators.write([_moved(line, time.time()) for line in runs])
    assert operators.state(name) == "OK"
    eventually(lambda: operators.heard(name, "OK"))


def test_each_rings_from_its_cause_and_is_heard_and_not_below_its_limit(operators: Operators) -> None:
    for alarm in operators.alarms:
        if kind(alarm) == "ReconcilerSilent":
            continue
        name, case = alarm["AlarmName"], CASES[kind(alarm)]
        latest, *earlier = range(alarm["EvaluationPeriods"])
        happens(operators, alarm, case, case.times - 1, (latest, *earlier))
        assert operators.state(name) == "OK", f"{name} rings below its limit"
        # What is added to a period that has one too few; of a percentile, what lifts it over the limit.
        more = 1 if alarm.get("Statistic") == "Sum" else case.times + case.over
        happens(operators, alarm, case, more, earlier)
        assert operators.state(name) == "OK", f"{name} rings before its last period"
        assert not operators.heard(name, "ALARM")
        happens(operators, alarm, case, more, (latest,))
        assert operators.state(name) == "ALARM", f"{name} does not ring"
        eventually(partial(operators.heard, name, "ALARM"))


def _without(statements: list[Json], service: str) -> str:
    kept = [each for each in statements if each["Principal"] != {"Service": service}]
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


@pytest.mark.parametrize("closed", ["topic", "key"])
def test_a_topic_that_does_not_let_cloudwatch_in_is_not_heard(operators: Operators, closed: str) -> None:
    """What the tests above would not have noticed, had the stand-in no eye for it."""
    sns, kms = operators.cloud.client("sns"), operators.cloud.client("kms")
    attributes = sns.get_topic_attributes(TopicArn=operators.topic)["Attributes"]
    key, policy = attributes["KmsMasterKeyId"], attributes["Policy"]
    key_policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    def set_topic(text: str) -> None:
        sns.set_topic_attributes(TopicArn=operators.topic, AttributeName="Policy", AttributeValue=text)

    def set_key(text: str) -> None:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)

    setters: dict[str, tuple[Callable[[str], None], str]] = {"topic": (set_topic, policy), "key": (set_key, key_policy)}
    put, before = setters[closed]
    put(_without(json.loads(before)["Statement"], "cloudwatch.amazonaws.com"))
    try:
        name, told = f"closed-{closed}", operators.cloud.client("cloudwatch")
        alarm: Json = {"Namespace": "Own", "MetricName": name, "Statistic": "Sum", "Period": 60}
        alarm |= {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
        told.put_metric_alarm(AlarmName=name, AlarmActions=[operators.topic], **alarm)
        told.put_metric_data(Namespace="Own", MetricData=[{"MetricName": name, "Value": 1}])
        assert operators.state(name) == "ALARM"
        assert not operators.heard(name, "ALARM")
        history = told.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
        assert "not authorized" in history[0]["HistorySummary"]
        told.delete_alarms(AlarmNames=[name])
    finally:
        put(before)
