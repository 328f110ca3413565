"""Calls under roles: what the policies allow goes through, everything else is refused in AWS's words."""

import base64
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.assembly import deploy_assembly
from local.tests.aws.builds import Json, finish, log, make_project, start
from local.tests.aws.conftest import Cloud, make_role, policy
from local.tests.aws.stack import STACK
from local.tests.aws.test_step_functions import build_state, ended, execute

REGION, ACCOUNT = "ap-northeast-2", "123456789012"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"

Client = Callable[[str], Any]


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Json:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def client_with(cloud: Cloud, access_key: str, secret_key: str, token: str | None = None) -> Client:
    """Makes boto3 clients with these keys."""
    return lambda service: boto3.client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def session(cloud: Cloud, *statements: Json, **options: Any) -> Client:
    """Makes clients under a role of its own with these statements; ``Policy`` is the session's."""
    name = f"role-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test", **options)["Credentials"]
    return client_with(cloud, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error.get("Message", "")


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> str:
    name = f"bucket-{uuid.uuid4()}"
    cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


@pytest.mark.parametrize("key", ["test", ACCOUNT, "AKIAMADEUPMADEUPMADE", "known"])
@pytest.mark.parametrize("service", ["s3", "dynamodb", "sqs", "ecr", "cloudformation", "lambda", "eks", "sts"])
def test_a_made_up_signature_is_worth_nothing(cloud: Cloud, key: str, service: str) -> None:
    known = cloud.credentials.access_key_id if key == "known" else key
    client = client_with(cloud, known, "test")(service)
    calls: dict[str, Callable[[], Any]] = {
        "s3": lambda: client.list_buckets(),
        "dynamodb": lambda: client.list_tables(),
        "sqs": lambda: client.list_queues(),
        "ecr": lambda: client.get_authorization_token(),
        "cloudformation": lambda: client.describe_stacks(),
        "lambda": lambda: client.list_functions(),
        "eks": lambda: client.list_clusters(),
        "sts": lambda: client.get_caller_identity(),
    }
    code, _ = refusal(calls[service])
    assert code in {
        *("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidAccessKeyId", "UnrecognizedClientException"),
        *("InvalidClientTokenId", "SignatureDoesNotMatchException"),
    }


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/some-bucket/key", "/?X-Amz-Signature=x", "/v2/x/manifests/y", "/v2/_catalog", "/health"),
        *("/_ministack/config", "/_ministack/reset", "/_aws/lambda-url/x/", "/_aws/execute-api/abc/$default/"),
        "/restapis/x/y/_user_request_/",
    ],
)
def test_nobody_comes_in_without_a_signature(cloud: Cloud, path: str) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert httpx.request(method, cloud.endpoint + path).status_code in (400, 401, 403)


@pytest.mark.parametrize("host", ["abc.execute-api.localhost", "evil.example", "bucket.s3.amazonaws.com"])
def test_other_names_of_this_machine_are_not_served(cloud: Cloud, host: str) -> None:
    assert httpx.get(f"{cloud.endpoint}/_ministack/health", headers={"Host": host}).status_code == 403


def test_one_denied_call_of_each_service(cloud: Cloud, bucket: str, outputs: dict[str, str]) -> None:
    of = session(cloud)
    who = f"User: {of('sts').get_caller_identity()['Arn']} is not authorized to perform: "
    group = {"logGroupName": outputs["BuildLogs"], "logStreamName": "s"}
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{outputs['Key']}"
    machine = outputs["Machine"]
    denied: list[tuple[str, str, str, Callable[[], Any]]] = [
        ("dynamodb", "Scan", f"{TABLE}/t", lambda: of("dynamodb").scan(TableName="t")),
        ("kms", "Encrypt", key, lambda: of("kms").encrypt(KeyId=outputs["Key"], Plaintext=b"x")),
        ("logs", "GetLogEvents", "log-stream:s", lambda: of("logs").get_log_events(**group)),
        ("states", "StartExecution", machine, lambda: of("stepfunctions").start_execution(stateMachineArn=machine)),
        ("codebuild", "StartBuild", "", lambda: of("codebuild").start_build(projectName=outputs["Project"])),
        ("ecr", "GetAuthorizationToken", "*", lambda: of("ecr").get_authorization_token()),
        ("ecr", "DescribeImages", "repository/app", lambda: of("ecr").describe_images(repositoryName="app")),
        ("eks", "DescribeCluster", "cluster/c", lambda: of("eks").describe_cluster(name="c")),
        ("lambda", "InvokeFunction", "", lambda: of("lambda").invoke(FunctionName=outputs["Echo"])),
        ("events", "PutEvents", "", lambda: of("events").put_events(Entries=[{"Source": "a", "Detail": "{}"}])),
    ]
    for service, operation, resource, call in denied:
        code, message = refusal(call)
        assert code == "AccessDeniedException", service
        assert message.startswith(f"{who}{service}:{operation} on resource: ")
        assert resource in message
        assert message.endswith(f"because no identity-based policy allows the {service}:{operation} action")
    for code, call in (
        ("AccessDenied", lambda: of("s3").list_objects_v2(Bucket=bucket)),
        ("AccessDenied", lambda: of("s3").put_object(Bucket=bucket, Key="k", Body=b"")),
        ("AccessDenied", lambda: of("cloudformation").describe_stacks(StackName="x")),
        ("AccessDenied", lambda: of("iam").list_users()),
        ("AuthorizationError", lambda: of("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:t", Message="m")),
    ):
        assert refusal(call)[0] == code


def test_what_no_action_is_known_for_is_refused(cloud: Cloud) -> None:
    of = session(cloud, allow("*"))
    assert of("dynamodb").list_tables()["TableNames"] is not None
    answer = refusal(lambda: of("lambda").get_account_settings())
    assert answer[0] == "AccessDeniedException"


def test_objects_prefixes_and_versions(cloud: Cloud, bucket: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    listing = {"Condition": {"StringLike": {"s3:prefix": ["mine/*"]}}}
    s3 = session(
        cloud,
        allow(["s3:PutObject", "s3:GetObject"], f"{arn}/mine/*"),
        allow("s3:ListBucket", arn, **listing),
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"{arn}/mine/not/*"},
    )("s3")
    s3.put_object(Bucket=bucket, Key="mine/a", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket=bucket, Prefix="mine/")["KeyCount"] == 1
    for call in (
        lambda: s3.put_object(Bucket=bucket, Key="others/a", Body=b""),
        lambda: s3.put_object(Bucket=bucket, Key="mine/not/a", Body=b""),
        lambda: s3.copy_object(Bucket=bucket, Key="mine/b", CopySource=f"{bucket}/others/a"),
        lambda: s3.get_object(Bucket=bucket, Key="mine/a", VersionId="1"),
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix="others/"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}]}),
    ):
        assert refusal(call)[0] == "AccessDenied"


def test_deleting_versions_is_a_right_of_its_own(cloud: Cloud) -> None:
    s3, name = cloud.client("s3"), f"bucket-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=name, Key="a", Body=b"x")["VersionId"]
    batch = {"Objects": [{"Key": "a", "VersionId": version}]}
    without = session(cloud, allow("s3:DeleteObject"))("s3")
    assert refusal(lambda: without.delete_objects(Bucket=name, Delete=batch))[0] == "AccessDenied"
    able = session(cloud, allow("s3:DeleteObjectVersion"))("s3")
    assert [each["Key"] for each in able.delete_objects(Bucket=name, Delete=batch)["Deleted"]] == ["a"]


def test_a_presigned_url_is_worth_what_its_signer_may(cloud: Cloud, bucket: str) -> None:
    s3 = session(cloud, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/mine/*"))("s3")
    for key, status in (("mine/signed", 200), ("others/signed", 403)):
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        assert httpx.put(url, content=b"x").status_code == status


@pytest.mark.parametrize(
    ("condition", "works"),
    [
        ({"StringEquals": {"kms:EncryptionContext:task_id": "1"}}, True),
        ({"StringEquals": {"kms:EncryptionContext:task_id": "2"}}, False),
        ({"Null": {"kms:EncryptionContext:other": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::x"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:*::*:*role*"}}, True),
    ],
)
def test_conditions(cloud: Cloud, outputs: dict[str, str], condition: Json, works: bool) -> None:
    kms = session(cloud, allow("kms:Encrypt", Condition=condition))("kms")

    def encrypt() -> Any:
        return kms.encrypt(KeyId=outputs["Key"], Plaintext=b"x", EncryptionContext={"task_id": "1"})

    if works:
        assert encrypt()["CiphertextBlob"]
    else:
        assert refusal(encrypt)[0] == "AccessDeniedException"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        {"StringNotEquals": {"kms:ViaService": "x"}},
        {"StringResembles": {"aws:userid": "x"}},
    ],
)
def test_a_condition_that_is_not_known_is_an_error(
    cloud: Cloud, outputs: dict[str, str], condition: Json, effect: str
) -> None:
    statement = {"Effect": effect, "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}
    kms = session(cloud, allow("kms:Encrypt"), statement)("kms")
    if effect == "Allow":  # the statement without a condition comes first, and decides
        kms = session(cloud, statement)("kms")
    code, message = refusal(lambda: kms.encrypt(KeyId=outputs["Key"], Plaintext=b"x"))
    assert code == "InternalFailure"
    assert "A policy asked about kms:Encrypt has the condition" in message


def test_items_by_their_partition_key(cloud: Cloud) -> None:
    name = f"leading-{uuid.uuid4()}"
    cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "of", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("of", "id")],
        BillingMode="PAY_PER_REQUEST",
    )
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}, "Null": {"dynamodb:LeadingKeys": "false"}}
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": own}
    of = session(cloud, statement)("dynamodb")
    key = {"of": {"S": "a"}, "id": {"S": "a"}}
    of.put_item(TableName=name, Item=key)
    of.update_item(TableName=name, Key=key)
    assert of.get_item(TableName=name, Key=key)["Item"] == key
    other = {**key, "of": {"S": "b"}}
    assert refusal(lambda: of.put_item(TableName=name, Item=other))[0] == "AccessDeniedException"
    assert refusal(lambda: of.update_item(TableName=name, Key=other))[0] == "AccessDeniedException"
    assert refusal(lambda: of.get_item(TableName=name, Key=other))[0] == "AccessDeniedException"


def test_a_session_may_do_what_role_and_session_policy_allow(cloud: Cloud, bucket: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    narrowed = policy(allow("s3:*", f"{arn}/one/*"), allow("dynamodb:*"))
    of = session(cloud, allow(["s3:PutObject", "s3:GetObject"], f"{arn}/*"), Policy=narrowed)
    of("s3").put_object(Bucket=bucket, Key="one/a", Body=b"x")
    assert refusal(lambda: of("s3").put_object(Bucket=bucket, Key="two/a", Body=b"x"))[0] == "AccessDenied"
    assert refusal(lambda: of("s3").delete_object(Bucket=bucket, Key="one/a"))[0] == "AccessDenied"
    assert refusal(lambda: of("dynamodb").list_tables())[0] == "AccessDeniedException"


def test_a_role_that_assumes_another_needs_to_be_allowed_by_both(cloud: Cloud) -> None:
    first = make_role(cloud, "codebuild")
    of = session(cloud, allow("sts:AssumeRole", "arn:aws:iam::*:role/nothing"))
    code, message = refusal(lambda: of("sts").assume_role(RoleArn=first, RoleSessionName="test"))
    assert (code, "sts:AssumeRole" in message) == ("AccessDenied", True)
    of = session(cloud, allow("sts:AssumeRole"))
    assert refusal(lambda: of("sts").assume_role(RoleArn=first, RoleSessionName="test"))[0] == "AccessDenied"


def test_a_session_needs_its_token(cloud: Cloud) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    other = f"role-{uuid.uuid4()}"
    arn = cloud.client("iam").create_role(RoleName=other, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    for token in (None, "made up"):
        sts = client_with(cloud, given["AccessKeyId"], given["SecretAccessKey"], token)("sts")
        assert refusal(sts.get_caller_identity)[0] in ("InvalidClientTokenId", "InvalidToken")


def test_a_role_is_passed_on_only_by_who_may(cloud: Cloud) -> None:
    role = make_role(cloud, "states")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    request = {"name": f"m-{uuid.uuid4()}", "roleArn": role, "definition": definition}
    without = session(cloud, allow("states:*"))("stepfunctions")
    code, message = refusal(lambda: without.create_state_machine(**request))
    assert (code, f"perform: iam:PassRole on resource: {role}" in message) == ("AccessDeniedException", True)
    to_states = {"Condition": {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}}
    of = session(cloud, allow("states:*"), allow("iam:PassRole", role, **to_states))
    assert of("stepfunctions").create_state_machine(**request)["stateMachineArn"]


def test_a_bucket_policy_denies_what_the_role_allows(cloud: Cloud) -> None:
    s3, name = cloud.client("s3"), f"bucket-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    of = session(cloud, allow("s3:*"))("s3")
    of.put_object(Bucket=name, Key="a", Body=b"")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=policy(deny))
    assert refusal(lambda: of.put_object(Bucket=name, Key="a", Body=b""))[0] == "AccessDenied"


def test_a_table_and_its_index_are_two_resources(cloud: Cloud) -> None:
    name = f"table-{uuid.uuid4()}"
    attributes = [{"AttributeName": a, "AttributeType": "S"} for a in ("pk", "at")]
    keys = [{"AttributeName": "at", "KeyType": "HASH"}]
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[{"IndexName": "byTime", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}],
    )
    dynamodb = session(cloud, allow("dynamodb:Query", f"{TABLE}/{name}/index/byTime"))("dynamodb")
    query = {"TableName": name, "ExpressionAttributeValues": {":x": {"S": "x"}}}
    at = {"KeyConditionExpression": "#a = :x", "ExpressionAttributeNames": {"#a": "at"}, "IndexName": "byTime"}
    assert dynamodb.query(**query, **at)["Count"] == 0
    pk = {"KeyConditionExpression": "pk = :x"}
    assert refusal(lambda: dynamodb.query(**query, **pk))[0] == "AccessDeniedException"


def test_the_registry_asks_for_the_rights_of_who_asked_for_the_password(cloud: Cloud) -> None:
    name = f"repository-{uuid.uuid4()}"
    cloud.client("ecr").create_repository(repositoryName=name)

    def status(method: str, path: str, *actions: str) -> int:
        of = session(cloud, allow(["ecr:GetAuthorizationToken", *actions]))
        token = of("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        password = base64.b64decode(token).decode().partition(":")[2]
        url = f"{cloud.endpoint}/v2/{name}/{path}"
        return httpx.request(method, url, auth=("AWS", password), content=b"{}").status_code

    assert status("PUT", "manifests/v1") == 403
    assert status("PUT", "manifests/v1", "ecr:BatchGetImage") == 403
    assert status("PUT", "manifests/v1", "ecr:PutImage") == 403
    assert status("PUT", "manifests/v1", "ecr:BatchCheckLayerAvailability") == 403
    assert status("PUT", "manifests/v1", "ecr:BatchCheckLayerAvailability", "ecr:PutImage") == 201
    assert status("GET", "manifests/v1", "ecr:PutImage") == 403
    assert status("GET", "manifests/v1", "ecr:BatchGetImage") == 200
    assert status("POST", "blobs/uploads/", "ecr:BatchGetImage") == 403
    assert status("POST", "blobs/uploads/", "ecr:InitiateLayerUpload") == 202


def test_a_state_machine_does_what_its_role_allows(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["true"]}})
    arn = execute(cloud, {"Build": build_state(project)}, role=make_role(cloud, "states", "dynamodb:*"))
    execution = ended(cloud, arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "CodeBuild.AWSCodeBuildException")
    assert "is not authorized to perform: codebuild:StartBuild on resource: " in execution["cause"]


def test_a_build_is_logged_under_its_role(cloud: Cloud) -> None:
    phases = {"build": {"commands": ["echo done"]}}
    build = finish(cloud, start(cloud, make_project(cloud, phases, role=make_role(cloud, "codebuild"))))
    assert build["buildStatus"] == "FAILED"
    context = next(p for p in build["phases"] if p.get("phaseStatus") == "FAILED")["contexts"][0]
    assert context["statusCode"] == "ACCESS_DENIED"
    assert "is not authorized to perform: logs:CreateLogStream on resource: " in context["message"]
    build = finish(cloud, start(cloud, make_project(cloud, phases)))
    assert "done" in log(cloud, build)


def test_the_credentials_of_a_build_end_with_it(cloud: Cloud) -> None:
    told = "echo keys $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN"
    build = finish(cloud, start(cloud, make_project(cloud, {"build": {"commands": [told]}})))
    (line,) = (line for line in log(cloud, build) if line.startswith("keys ASIA"))
    sts = client_with(cloud, *line.split()[1:])("sts")
    assert refusal(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_statement_that_is_taken_out_of_a_template_is_missed(cloud: Cloud, assembly: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(assembly, tmp_path / "changed")
    file = changed / "Probe.template.json"
    template = json.loads(file.read_text())
    document = template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    document["Statement"] = [each for each in document["Statement"] if "dynamodb:PutItem" not in each["Action"]]
    file.write_text(json.dumps(template))
    manifest = json.loads((changed / "manifest.json").read_text())
    manifest["artifacts"][STACK]["properties"]["stackName"] = "WithoutTable"
    (changed / "manifest.json").write_text(json.dumps(manifest))
    cloud.client("s3").delete_object(Bucket=f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}", Key="probe-template.json")
    outputs = deploy_assembly(changed, STACK, cloud.endpoint, cloud.credentials)
    states = cloud.client("stepfunctions")
    name = str(uuid.uuid4())
    request = {"stateMachineArn": outputs["Machine"], "name": name, "input": json.dumps({"id": name})}
    execution = ended(cloud, states.start_execution(**request)["executionArn"])
    assert execution["status"] == "FAILED"
    assert "is not authorized to perform: dynamodb:UpdateItem on resource: " in execution["cause"]
