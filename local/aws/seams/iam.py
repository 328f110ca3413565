"""Every call is made by somebody, and judged by that caller's policies: ministack's IAM without its back doors.

ministack (with AUTH=true) takes its account's number, ``test`` and its own key for the root user without looking at the
signature, lets through what it finds no action for, and derives the keys of functions from their names. Here the only
one who may do everything is the operator, whose key is made for this run.
"""

import contextvars
import functools
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ministack import app as service
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import _request_account_id
from ministack.services import dynamodb, iam, lambda_svc

from local.aws.credentials import RunCredentials
from local.aws.iam import requests
from local.aws.iam.conditions import check_condition
from local.aws.iam.decisions import Decisions
from local.aws.iam.roles import RoleCalls, RoleSessions
from local.aws.settings import OPERATOR, Settings

_denied: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("denied", default=None)
"""Action and resource that were asked about last."""
_request: contextvars.ContextVar[Any] = contextvars.ContextVar("signed_request", default=None)
NODE: Final = "node"
_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What AmazonEC2ContainerRegistryReadOnly lets a node do with images."""


class Access:
    """What other seams need of it: roles' sessions, and judgement of what services do under roles."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.sessions = RoleSessions()
        self.calls = RoleCalls(self.decisions)


def install(settings: Settings, credentials: RunCredentials) -> Access:
    """Make the operator, close the back doors."""
    access = Access(Decisions(settings.decisions_file, every=settings.keeps_every_decision))
    make_operator(settings, credentials)
    iam_evaluator.is_root_access_key = lambda key: not key  # the services' own calls have none, requests always do
    _judge_conditions_strictly()
    _enforce_on_whole_requests(access)
    _name_the_resource()
    _refuse_what_has_no_action()
    _give_functions_their_role(access)
    return access


def make_operator(settings: Settings, credentials: RunCredentials) -> None:
    """Make the IAM user with this run's key; the key of an earlier run, whose state was kept, is no longer good."""
    _make_user(settings, OPERATOR, credentials.access_key_id, credentials.secret_access_key, ["*"])


def make_node(settings: Settings) -> str:
    """Make the cluster's node, which may pull images as an EKS node's role may; answer its access key."""
    key = "AKIA" + secrets.token_hex(8).upper()
    _make_user(settings, NODE, key, secrets.token_hex(20), _PULL)
    return key


def _make_user(settings: Settings, name: str, key: str, secret: str, actions: Sequence[str]) -> None:
    token = _request_account_id.set(settings.account)
    try:
        for old in [old for old, record in iam._access_keys.items() if record["UserName"] == name]:
            del iam._access_keys[old]
        iam._users.pop(name, None)
        iam._create_user({"UserName": [name]})
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        iam._user_inline_policies[name] = {"own": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
        iam._access_keys[key] = {
            "UserName": name,
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "Status": "Active",
            "CreateDate": iam._now(),
        }
    finally:
        _request_account_id.reset(token)


def _judge_conditions_strictly() -> None:
    met = iam_evaluator._conditions_met

    def conditions_met(conditions: Mapping[str, Any], asked: Any) -> bool:
        for operator, keys in conditions.items():
            for key in keys:
                check_condition(operator, key, asked.action)
        return bool(met(conditions, asked))

    iam_evaluator._conditions_met = conditions_met
    # A policy is text, and evaluated at every call.
    iam_evaluator.parse_policy_document = _parsed_once(iam_evaluator.parse_policy_document)


def _parsed_once(parse: Any) -> Any:
    cached = functools.lru_cache(maxsize=512)(parse)

    def parse_policy_document(document: Any) -> Any:
        return cached(document if isinstance(document, str) else json.dumps(document, sort_keys=True))

    return parse_policy_document


def _partition_key(table: str) -> str | None:
    found = dynamodb._tables.get(table.rpartition("/")[2])
    return None if found is None else str(found["pk_name"])


def _enforce_on_whole_requests(access: Access) -> None:
    judge = iam_evaluator.enforce

    def enforce(
        key: str,
        action: str,
        of_service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if iam_evaluator._anonymous.get():  # ministack would let it read and write every bucket
            return iam_evaluator.AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")
        signed = _request.get()
        request = requests.parsed(action, signed.body) if signed is not None else {}
        if action == "s3:DeleteObject" and signed is not None and resource_arn in _deleted_versions(signed):
            action = "s3:DeleteObjectVersion"
        resource = requests.resource_of(action, resource_arn, request)
        context = {**(service_context or {}), **requests.context_of(action, request, _partition_key)}
        refused = judge(key, action, of_service, region, resource, context)
        _denied.set((action, resource))
        if refused is not None:
            return refused
        for role, passed_to in requests.passed_roles(action, request):
            refused = judge(key, "iam:PassRole", "iam", region, role, {"iam:passedtoservice": passed_to})
            if refused is not None:
                _denied.set(("iam:PassRole", role))
                return refused
        _take_down(access.decisions, key, action, resource)
        return None

    pin = iam_evaluator.pin_signed_body

    def pin_signed_body(body: bytes) -> None:
        pin(body)
        # Looked at by every check of the request; ministack forgets it after the first.
        _request.set(iam_evaluator._signed_request.get())

    iam_evaluator.enforce = enforce
    service.pin_signed_body = pin_signed_body


def _deleted_versions(signed: Any) -> set[str]:
    """Objects of which a DeleteObjects request names versions: ministack asks for s3:DeleteObject for the first."""
    if signed.method != "POST":
        return set()
    bucket = signed.raw_path.split("/")[1]
    targets = iam_actions._s3_batch_delete_targets(bucket, signed.body)
    return {arn for arn, version in targets if version}


def _name_the_resource() -> None:
    """In a denial, as AWS does; ministack does so for some services only."""
    respond = iam_actions.access_denied_response

    def access_denied_response(of_service: str, action: str, principal: str, request_id: str, **options: Any) -> Any:
        if (denied := _denied.get()) is not None and not options.get("error_code"):
            action, options["resource_arn"] = denied
            if not options.get("message") and not options.get("resource_policy_arn"):
                explicit = bool(options.get("explicit_deny"))
                options["message"] = iam_actions.identity_denial_message(action, principal, denied[1], explicit)
        return respond(of_service, action, principal, request_id, **options)

    iam_actions.access_denied_response = access_denied_response


def _take_down(decisions: Decisions, key: str, action: str, resource: str) -> None:
    session = iam_evaluator.resolve_caller_identity(key) or {}
    arn = str(session.get("userArn", ""))
    if ":assumed-role/" in arn:
        decisions.allowed(arn.split("/")[1], action, resource)


def _refuse_what_has_no_action() -> None:
    authenticate = service._authenticate_only

    def authenticate_only(of_service: str, headers: Any, query: Any, request_id: str) -> Any:
        failure = authenticate(of_service, headers, query, request_id)
        if failure:
            return failure
        caller = iam_evaluator.resolve_caller_identity(service.extract_access_key_id(headers, query)) or {}
        arn = str(caller.get("userArn", ""))
        if arn.endswith(f":user/{OPERATOR}"):
            return None
        return iam_actions.access_denied_response(of_service, f"{of_service}:Unknown", arn, request_id, headers=headers)

    service._authenticate_only = authenticate_only


def _give_functions_their_role(access: Access) -> None:
    def execution_credentials(config: Mapping[str, Any]) -> dict[str, str]:
        account, _ = lambda_runtime._account_region_from_function_config(config)
        token = _request_account_id.set(account)
        try:
            return access.sessions.environment(
                str(config["Role"]), str(config["FunctionName"]), "lambda.amazonaws.com", str(config["FunctionArn"])
            )
        finally:
            _request_account_id.reset(token)

    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials
