"""CodeBuild's StartBuild and StopBuild run builds here; every other operation stays ministack's.

ministack runs builds through docker only. It also forgets a project's ``logsConfig`` and ``queuedTimeoutInMinutes``.
"""

import contextvars
import copy
import json
import threading
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import quote

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import codebuild as service
from ministack.services.cloudformation import provisioners

from local.aws.codebuild import variables
from local.aws.codebuild.builds import Build, BuildQueue
from local.aws.codebuild.record import BuildRecord
from local.aws.codebuild.runner import BuildRunner, ServiceRole
from local.aws.iam.roles import DeniedError
from local.aws.seams import cloudformation
from local.aws.seams.iam import Access
from local.aws.settings import Settings

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

STOP_SECONDS: Final = 10.0
"""How long StopBuild waits for the build's processes to be gone before it answers."""
KEPT_PROJECT_FIELDS: Final = ("logsConfig", "queuedTimeoutInMinutes", "concurrentBuildLimit", "cache", "vpcConfig")


class Builds:
    """Every build that this process has started, by id."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._access = access
        self.queue = BuildQueue(settings.concurrent_builds)
        self._settings = settings
        self._builds: dict[str, Build] = {}

    def start(self, request: Json) -> Response:
        """Answer StartBuild (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html)."""
        name = str(request.get("projectName") or "").rpartition("project/")[2]
        if name not in service._projects:
            return cast(
                Response, error_response_json("ResourceNotFoundException", f"Project cannot be found: {name}", 400)
            )
        try:
            project = _overridden(copy.deepcopy(service._projects[name]), request)
        except ValueError as error:
            return cast(Response, error_response_json("InvalidInputException", str(error), 400))
        build_id = service._build_id(name)
        initial = service._make_build_record(project, build_id, None)
        initial["logs"] = _logs(project, build_id)
        initial["queuedTimeoutInMinutes"] = project.get("queuedTimeoutInMinutes") or 480
        try:
            role = self._role(project, initial)
        except DeniedError as error:
            return cast(Response, error_response_json("InvalidInputException", str(error), 400))
        # Worker threads find the account and the region of this request in a copy of its context.
        context = contextvars.copy_context()
        record = BuildRecord(initial, lambda build: context.copy().run(service._builds.__setitem__, build_id, build))
        build = Build(
            record,
            BuildRunner(self._settings, project, record, service._log_sink(initial), role),
            timeout=60.0 * int(project.get("timeoutInMinutes") or 60),
            queued_timeout=60.0 * int(initial["queuedTimeoutInMinutes"]),
            spawn=lambda work: _thread(context.copy(), work, build_id),
        )
        self._builds[build_id] = build
        build.finished.add_done_callback(lambda _: self._builds.pop(build_id, None))
        key = role.environment["AWS_ACCESS_KEY_ID"]
        build.finished.add_done_callback(lambda _: self._access.sessions.close(key))
        started = record.snapshot()
        self.queue.submit(build)
        return cast(Response, json_response({"build": started}))

    def _role(self, project: Json, build: Json) -> ServiceRole:
        """Credentials for one build, named after it as CodeBuild does. Raises `DeniedError`."""
        session = f"AWSCodeBuild-{build['id'].rpartition(':')[2]}"
        arn = project["serviceRole"]
        environment = self._access.sessions.environment(arn, session, "codebuild.amazonaws.com")
        place = f"{get_region()}:{get_account_id()}:log-group:{build['logs']['groupName']}"
        stream = f"arn:aws:logs:{place}:log-stream:{build['logs']['streamName']}"
        refusal = ""
        try:
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                self._access.calls.check(arn, session, action, stream)
        except DeniedError as error:
            refusal = (
                f"Service role {arn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for "
                f"build {build['arn']}. Error message: {error}"
            )
        return ServiceRole(environment, refusal)

    def stop(self, request: Json) -> Response:
        """StopBuild. Answers when no process of the build is left; stopping an ended build changes nothing."""
        build_id = str(request.get("id") or "").rpartition("build/")[2]
        if build_id not in service._builds:
            return cast(
                Response, error_response_json("ResourceNotFoundException", f"Build cannot be found: {build_id}", 400)
            )
        build = self._builds.get(build_id)
        if build is not None:
            self.queue.stop(build)
            build.finished.result(STOP_SECONDS)
        return cast(Response, json_response({"build": self.ended(build_id)}))

    def get(self, build_id: str) -> Build | None:
        """Return the build while it runs or waits; None when it has ended."""
        return self._builds.get(build_id)

    def ended(self, build_id: str) -> Json:
        """Return the record of a build that has ended."""
        return cast(Json, copy.deepcopy(service._builds[build_id]))


def install(settings: Settings, access: Access) -> Builds:
    """Replace StartBuild and StopBuild, and keep the project fields that ministack drops."""
    builds = Builds(settings, access)
    service._start_build = builds.start
    service._stop_build = builds.stop
    service._create_project = _keeping_fields(service._create_project)
    service._update_project = _keeping_fields(service._update_project)
    cloudformation.COMPLETIONS["AWS::CodeBuild::Project"] = _keep_template_fields
    return builds


def _keeping_fields(operation: Callable[[Json], Response]) -> Callable[[Json], Response]:
    def keep(request: Json) -> Response:
        response = operation(request)
        if response[0] < 400:
            service._projects[request["name"]] |= {k: request[k] for k in KEPT_PROJECT_FIELDS if k in request}
        return response

    return keep


def _keep_template_fields(project_name: str, properties: Json) -> None:
    """After CloudFormation made or changed a project."""
    api = provisioners._codebuild_cfn_to_api(properties)
    service._projects[project_name] |= {k: api[k] for k in KEPT_PROJECT_FIELDS if k in api}


def _overridden(project: Json, request: Json) -> Json:
    """Change the project to what this one build sees.

    Raises ValueError for an override that is not made here.
    """
    if unknown := set(request) - {"projectName", "environmentVariablesOverride"}:
        raise ValueError(f"StartBuild on this machine takes no {', '.join(sorted(unknown))}")
    environment = project.setdefault("environment", {})
    environment["environmentVariables"] = variables.override(
        environment.get("environmentVariables") or [], request.get("environmentVariablesOverride") or []
    )
    return project


def _logs(project: Json, build_id: str) -> Json:
    """Where the build's log goes, named as CodeBuild names it."""
    configured = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    build_uuid = build_id.rpartition(":")[2]
    prefix = configured.get("streamName")
    group = configured.get("groupName") or f"/aws/codebuild/{project['name']}"
    stream = f"{prefix}/{build_uuid}" if prefix else build_uuid
    return {"groupName": group, "streamName": stream, "deepLink": _console(group, stream)}


def _console(group: str, stream: str) -> str:
    """Address of a log stream in the console of the real cloud: it encodes names twice, with ``$`` for ``%``."""
    group, stream = (quote(quote(name, safe=""), safe="").replace("%", "$") for name in (group, stream))
    place = f"log-groups/log-group/{group}/log-events/{stream}"
    return f"https://console.aws.amazon.com/cloudwatch/home?region={get_region()}#logsV2:{place}"


def _thread(context: contextvars.Context, work: Callable[[], None], build_id: str) -> None:
    threading.Thread(target=context.run, args=(work,), name=f"build {build_id}", daemon=True).start()


def response_body(response: Response) -> Json:
    """Parse the JSON of a ministack response."""
    return cast(Json, json.loads(response[2]))
