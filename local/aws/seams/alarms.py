"""Alarms: judged by dimensions and periods, and heard only where the topic's policy and its key let CloudWatch in.

ministack looks at a metric whatever its dimensions, at all periods as one, and never at what is missing; it delivers to
a topic whose policy, or whose key's policy, would refuse CloudWatch. Alarms are evaluated when a metric is put and when
somebody looks at them (DescribeAlarms); CloudWatch does so once a minute.

References: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""

import math
import operator
import time
from collections.abc import Mapping
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, kms, sns

from local.aws.seams import cloudformation

Alarm = dict[str, Any]

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
_OPERATORS: Final = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def install() -> None:
    """Replace the evaluation, and the way to a topic."""
    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._dispatch_alarm_actions = _heard(cloudwatch._dispatch_alarm_actions)
    describe = cloudwatch._describe_alarms

    def describe_alarms(*arguments: Any) -> Any:
        cloudwatch._evaluate_all_alarms()
        return describe(*arguments)

    cloudwatch._describe_alarms = describe_alarms
    cloudformation.COMPLETIONS["AWS::SNS::Topic"] = _keep_key


def evaluate(alarm: Alarm) -> None:
    """Set the state of an alarm by the latest periods of its metric, and tell of a change."""
    verdicts = [_is_breaching(alarm, points) for points in _periods(alarm)]
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known:
        return  # INSUFFICIENT_DATA, or as it was
    wanted = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    state = "ALARM" if sum(known) >= wanted else "OK"
    before = alarm["StateValue"]
    if state == before:
        return
    reason = f"Threshold Crossed: {sum(known)} of the last {len(verdicts)} datapoints were breaching"
    alarm |= {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)


def _periods(alarm: Alarm) -> list[list[Any]]:
    """Return the datapoints of the metric with exactly the alarm's dimensions, by period, the latest first."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    period, now = int(alarm["Period"]), time.time()
    found: list[list[Any]] = [[] for _ in range(int(alarm["EvaluationPeriods"]))]
    for point in points:
        age = math.floor((now - point["Timestamp"]) / period)
        if 0 <= age < len(found):
            found[age].append(point)
    return found


def _is_breaching(alarm: Alarm, points: list[Any]) -> bool | None:
    """Return what a period says; None when it says nothing."""
    if not points:
        return {"breaching": True, "notBreaching": False}.get(str(alarm.get("TreatMissingData")))
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return bool(_OPERATORS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"])))


def _heard(dispatch: Any) -> Any:
    def dispatch_alarm_actions(alarm: Alarm, before: str, after: str, reason: str) -> None:
        actions = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(after, "InsufficientDataActions")
        heard = []
        for topic in alarm.get(actions) or []:
            refusal = _refusal(alarm, str(topic))
            if refusal is None:
                heard.append(topic)
            else:
                summary = f"Failed to execute action {topic}. Received error: {refusal}"
                entry = {"AlarmName": alarm["AlarmName"], "AlarmType": "MetricAlarm", "HistoryItemType": "Action"}
                entry |= {"Timestamp": cloudwatch._ts_iso(time.time()), "HistorySummary": summary, "HistoryData": "{}"}
                cloudwatch._history_entries().append(entry)
        dispatch({**alarm, actions: heard}, before, after, reason)

    return dispatch_alarm_actions


def _refusal(alarm: Alarm, topic_arn: str) -> str | None:
    """Return why CloudWatch may not publish to a topic; None when it may."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return "the topic does not exist"
    attributes = topic["attributes"]
    if not _may(alarm, "sns:Publish", topic_arn, attributes.get("Policy") or ""):
        return "CloudWatch is not authorized to perform sns:Publish on the topic"
    key = str(attributes.get("KmsMasterKeyId") or "")
    if not key:
        return None
    # The policies of AWS's own keys admit CloudWatch nowhere.
    found: dict[str, Any] = {} if key.startswith("alias/aws/") else kms._resolve_key(key) or {}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not _may(alarm, action, str(found.get("Arn")), found.get("Policy") or ""):
            return f"CloudWatch is not authorized to perform {action} on the topic's key"
    return None


def _may(alarm: Alarm, action: str, resource: str, policy: str | Mapping[str, Any]) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourcearn": alarm["AlarmArn"], "aws:sourceaccount": get_account_id()},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context, service=CLOUDWATCH).decision == "Allow")


def _keep_key(topic_arn: str, properties: dict[str, Any]) -> None:
    """Keep which key encrypts a topic."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    topic["attributes"]["KmsMasterKeyId"] = str(properties.get("KmsMasterKeyId") or "")
