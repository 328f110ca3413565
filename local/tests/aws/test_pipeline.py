"""The probe stack, whose parts work together as the product's do: API, uploads, pipeline, events."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.aws.gate import FRONT_HEADER
from local.tests.aws.builds import Json
from local.tests.aws.conftest import Cloud, eventually

Outputs = dict[str, str]


def api(cloud: Cloud, outputs: Outputs) -> httpx.Client:
    """A client of the stack's HTTP API."""
    url = f"{cloud.endpoint}/_aws/execute-api/{outputs['ApiId']}/$default"
    return httpx.Client(base_url=url, timeout=30, headers={FRONT_HEADER.decode(): cloud.credentials.front_secret})


def kept(cloud: Cloud, outputs: Outputs, source: str, name: str) -> Json:
    """The event that the Keep function was called with."""
    key = {"pk": {"S": source}, "sk": {"S": name}}
    table = cloud.client("dynamodb")
    item = eventually(lambda: table.get_item(TableName=outputs["Table"], Key=key).get("Item"))
    event: Json = json.loads(item["event"]["S"])
    return event


def test_http_api_calls_the_alias_with_payload_2(cloud: Cloud, outputs: Outputs) -> None:
    with api(cloud, outputs) as client:
        answer = client.get("/api/v1/tasks/abc", params={"workspace": "한글", "x": ["1", "2"]}).json()
        event = answer["event"]
        assert (event["version"], event["routeKey"]) == ("2.0", "GET /api/v1/tasks/{task_id}")
        assert event["pathParameters"] == {"task_id": "abc"}
        assert event["queryStringParameters"] == {"workspace": "한글", "x": "1,2"}
        assert event["requestContext"]["accountId"] == "123456789012"
        assert answer["arn"].endswith(f":{outputs['Echo']}:1")
        other = client.delete("/anything/else").json()["event"]
        assert (other["routeKey"], other["rawPath"]) == ("ANY /{proxy+}", "/anything/else")
        upload = client.post("/upload", files={"file": ("한.py", b"\x00\xff")}).json()["event"]
        assert upload["isBase64Encoded"] is True
        text = client.post("/json", json={"a": 1}).json()["event"]
        assert (text["isBase64Encoded"], json.loads(text["body"])) == (False, {"a": 1})


@pytest.mark.parametrize("how", ["put", "presigned put"])
def test_an_upload_reaches_the_function_with_its_version(cloud: Cloud, outputs: Outputs, how: str) -> None:
    s3 = cloud.client("s3")
    key = f"uploads/ws/app/{uuid.uuid4()} 한 글+.py"
    where = {"Bucket": outputs["Bucket"], "Key": key}
    if how == "put":
        s3.put_object(**where, Body=b"body")
    else:
        url = s3.generate_presigned_url("put_object", Params=where)
        assert httpx.put(url, content=b"body").status_code == 200
        assert httpx.put(url[:-1] + ("0" if url[-1] != "0" else "1"), content=b"x").status_code == 403
    detail = kept(cloud, outputs, "aws.s3", key)["detail"]
    assert detail["bucket"] == {"name": outputs["Bucket"]}
    assert detail["object"]["size"] == 4
    assert s3.head_object(**where)["VersionId"] == detail["object"]["version-id"]


def test_an_event_whose_function_failed_comes_again_as_it_was(cloud: Cloud, outputs: Outputs) -> None:
    """What takes uploads in has to bear that: here as on AWS it gets the same event, not another one."""
    key = f"uploads/ws/app/fails-first-{uuid.uuid4()}.py"
    cloud.client("s3").put_object(Bucket=outputs["Bucket"], Key=key, Body=b"body")
    assert kept(cloud, outputs, "aws.s3", key)["detail"]["object"]["key"] == key
    first = {"pk": {"S": "first try of aws.s3"}, "sk": {"S": key}}
    assert "Item" in cloud.client("dynamodb").get_item(TableName=outputs["Table"], Key=first)


def run(cloud: Cloud, outputs: Outputs, **machine_input: Any) -> Json:
    """Run the pipeline for a new pending row; returns the ended execution."""
    task = str(uuid.uuid4())
    row = {"pk": {"S": "task"}, "sk": {"S": task}, "status": {"S": "pending"}}
    cloud.client("dynamodb").put_item(TableName=outputs["Table"], Item=row)
    states = cloud.client("stepfunctions")
    content = {"id": task, "status": 0, "payload": {"outcome": "succeeded"}, **machine_input}
    arn = states.start_execution(stateMachineArn=outputs["Machine"], name=task, input=json.dumps(content))[
        "executionArn"
    ]
    eventually(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    execution: Json = states.describe_execution(executionArn=arn)
    return execution


def test_pipeline_succeeds(cloud: Cloud, outputs: Outputs) -> None:
    execution = run(cloud, outputs)
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert output["build"] == "SUCCEEDED"
    assert output["payload"] == {"seen": {"outcome": "succeeded"}, "account": "123456789012"}
    row = cloud.client("dynamodb").get_item(
        TableName=outputs["Table"], Key={"pk": {"S": "task"}, "sk": {"S": execution["name"]}}
    )["Item"]
    assert row["status"] == {"S": "building"}
    groups = cloud.client("logs").describe_log_streams(logGroupName=outputs["BuildLogs"])["logStreams"]
    assert groups


def test_a_task_that_had_ended_is_skipped(cloud: Cloud, outputs: Outputs) -> None:
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=outputs["Machine"], input='{"id": "no such row"}')["executionArn"]
    eventually(lambda: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")


@pytest.mark.parametrize(
    ("machine_input", "error"),
    [({"status": 3}, "States.TaskFailed"), ({"payload": {"fail": "on purpose"}}, "on purpose")],
)
def test_failures_reach_the_function_as_events(cloud: Cloud, outputs: Outputs, machine_input: Json, error: str) -> None:
    execution = run(cloud, outputs, **machine_input)
    assert (execution["status"], execution["error"]) == ("FAILED", "BuildFailed")
    assert error in execution["cause"]
    detail = kept(cloud, outputs, "aws.states", execution["name"])["detail"]
    assert detail["status"] == "FAILED"
    assert json.loads(detail["input"])["id"] == execution["name"]
    assert detail["cause"] == execution["cause"]


def test_what_the_template_says_is_kept(cloud: Cloud, outputs: Outputs) -> None:
    ttl = cloud.client("dynamodb").describe_time_to_live(TableName=outputs["Table"])["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    build = cloud.client("codebuild").start_build(projectName=outputs["Project"])["build"]
    assert (build["timeoutInMinutes"], build["queuedTimeoutInMinutes"]) == (15, 30)
    assert build["logs"]["groupName"] == outputs["BuildLogs"]
    function = cloud.client("lambda").get_function_configuration(FunctionName=outputs["Echo"])
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    entry = cloud.client("eks").describe_access_entry(clusterName="blue-faas-local", principalArn=outputs["Role"])[
        "accessEntry"
    ]
    assert entry["kubernetesGroups"] == ["blue-faas:deployer"]


def test_the_log_of_an_invocation_is_complete(cloud: Cloud, outputs: Outputs) -> None:
    path = f"/{uuid.uuid4()}"
    cloud.client("lambda").invoke(FunctionName=outputs["Echo"], Payload=json.dumps({"rawPath": path}))
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=outputs["EchoLogs"])["logStreams"]
    where = {"logGroupName": outputs["EchoLogs"], "startFromHead": True}
    read = [logs.get_log_events(logStreamName=stream["logStreamName"], **where)["events"] for stream in streams]
    lines = [event["message"] for events in read for event in events]
    begin = lines.index(f"echo of {path}")
    assert lines[begin - 1].startswith("START RequestId: ")
    assert lines[begin + 1] == "second line"
    assert lines[begin + 2].startswith("END RequestId: ")


def test_a_secret_is_bound_to_its_encryption_context(cloud: Cloud, outputs: Outputs) -> None:
    kms = cloud.client("kms")
    encrypted = kms.encrypt(KeyId=outputs["Key"], Plaintext=b"secret", EncryptionContext={"task_id": "1"})
    blob = encrypted["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"task_id": "1"})["Plaintext"] == b"secret"
    for context in ({"task_id": "2"}, {}):
        with pytest.raises(kms.exceptions.InvalidCiphertextException):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_more_requests_than_workers_wait_for_their_turn(cloud: Cloud, outputs: Outputs) -> None:
    with api(cloud, outputs) as client, ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda n: client.get(f"/api/v1/tasks/{n}").status_code, range(16)))
    assert codes == [200] * 16
