"""The HTTP API: one route for each operation, and the same 404 for everything else."""

import json
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.build_pipeline import BuildPipeline
from infra.lambda_function import ServiceFunction
from infra.log_groups import vended_log_group
from infra.nag import accept
from infra.page import page_config
from infra.settings import Settings
from infra.storage import Storage
from infra.submission import grant_submit, submission_environment
from infra.tenancy import Tenancy

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "sourceIp": "$context.identity.sourceIp",
    "error": "$context.integrationErrorMessage",
}

_CALLER = {"iam": "$context.identity.userArn", "jwt": "$context.authorizer.claims.sub"}
"""The caller in access logs, by authorizer (API Gateway guide, "Logging variables" of HTTP APIs)."""

ROUTES_WITH_LATENCY: Final = ("POST /api/v1/build-and-push", "POST /api/v1/deploy")
"""Routes whose latency is measured: callers wait for their work. GET of a task may wait on purpose (``?wait=``)."""
_RATE: Final = 100
_BURST: Final = 200
"""Requests per second, and requests at once, of all callers together."""

OPEN = ("/", "/health", "/openapi.json", "/docs")
"""Paths without an authorizer: a browser cannot sign a request for the documentation, which contains no secrets."""
PAGE = ("/ui", "/ui/{file+}")
"""Paths of the page, open as well where it is served: its files are the same for everybody."""


class Api(Construct):
    """``http_api``, in front of the functions for builds and deploys."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: Storage,
        tenancy: Tenancy,
        pipeline: BuildPipeline,
        build_logs: logs.ILogGroup,
        deploy: lambda_.IFunction | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._routes: dict[str, list[apigateway.HttpRoute]] = {}
        state_machine_arn = pipeline.state_machine.state_machine_arn
        self.builds = ServiceFunction(
            self,
            "Builds",
            module="builds",
            description="Build API: takes sources in, tells where tasks are",
            environment={
                **submission_environment(settings, storage, state_machine_arn),
                "BUILD_LOG_GROUP": build_logs.log_group_name,
                "CREDENTIALS_KEY_ID": storage.credentials_key.key_arn,
                **({"DEPLOY_FUNCTION": deploy.function_arn} if deploy is not None else {}),
                "PAGE": page_config(settings),
                **tenancy.environment(),
                **settings.variables(
                    "administrators",
                    "authorizer",
                    "registry_allow_list",
                    "builds.concurrency",
                    "limits.request_bytes",
                    "limits.upload_bytes",
                    "limits.upload_minutes",
                    "limits.waiting_requests",
                    "limits.all_waiting_requests",
                ),
            },
            timeout=cdk.Duration.seconds(28),
            memory_mb=1024,
        )
        self.health = ServiceFunction(
            self,
            "Health",
            module="health",
            description="Answers GET /health, however busy the other functions are",
            environment={},
            timeout=cdk.Duration.seconds(10),
        )
        self.http_api = apigateway.HttpApi(
            self,
            "HttpApi",
            description="Blue FaaS: a Python file in, a running WebAssembly function out",
            create_default_stage=False,
            default_authorizer=_authorizer(settings),
        )
        if settings.authorizer == "none":
            accept(self, "Asked for by name, for one machine (infra/settings.py).", "AwsSolutions-APIG4")
        self.stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=_RATE, burst_limit=_BURST),
        )
        self._log_access(settings.authorizer)
        grant_submit(self.builds, storage, state_machine_arn)
        tenancy.grant_administration(self.builds)
        storage.credentials_key.grant(self.builds, "kms:Encrypt")
        storage.grant_objects(self.builds, "build-sources/*", "s3:GetObject")
        # Presigned uploads are signed with this function's role.
        storage.grant_objects(self.builds, "uploads-staged/*", "s3:PutObject")
        self._grant_removal(storage, pipeline)
        # The group's ARN ends in ":*", which stands for its streams: each build has its own.
        build_logs.grant(self.builds, "logs:GetLogEvents")
        post, get, delete = apigateway.HttpMethod.POST, apigateway.HttpMethod.GET, apigateway.HttpMethod.DELETE
        self._route(get, "/api/v1/workspaces", self.builds)
        self._route(get, "/api/v1/admin/workspaces", self.builds)
        self._route(get, "/api/v1/admin/workspaces/{workspace_id}", self.builds)
        self._route(apigateway.HttpMethod.PUT, "/api/v1/admin/workspaces/{workspace_id}", self.builds)
        self._route(delete, "/api/v1/admin/workspaces/{workspace_id}", self.builds)
        self._route(post, "/api/v1/build-and-push", self.builds)
        self._route(post, "/api/v1/uploads", self.builds)
        self._route(get, "/api/v1/workspaces/{workspace_id}/tasks", self.builds)
        self._route(get, "/api/v1/tasks/{task_id}", self.builds)
        self._route(delete, "/api/v1/tasks/{task_id}", self.builds)
        self._route(get, "/api/v1/tasks/{task_id}/logs", self.builds)
        if deploy is not None:
            deploy.grant_invoke(self.builds)
            self._route(post, "/api/v1/deploy", deploy)
            self._route(get, "/api/v1/apps", deploy)
            self._route(get, "/api/v1/apps/{namespace}/{app_name}", deploy)
            self._route(delete, "/api/v1/apps/{namespace}/{app_name}", deploy)
            self._route(get, "/api/v1/apps/{namespace}/{app_name}/revisions", deploy)
            self._route(get, "/api/v1/apps/{namespace}/{app_name}/logs", deploy)
            self._route(get, "/api/v1/apps/{namespace}/{app_name}/metrics", deploy)
            self._route(post, "/api/v1/apps/{namespace}/{app_name}/rollback", deploy)
        self._measure_routes()
        for path in (*OPEN, *(PAGE if settings.ui is not None else ())):
            function = self.health if path == "/health" else self.builds
            for route in self._route(get, path, function, authorizer=apigateway.HttpNoneAuthorizer()):
                accept(route, "Health, documentation and the page tell no secrets.", "AwsSolutions-APIG4")
        # Unknown paths get the API's own form of error, not API Gateway's.
        self.http_api.add_routes(
            path="/{proxy+}",
            methods=[apigateway.HttpMethod.ANY],
            integration=integrations.HttpLambdaIntegration("Unknown", self.builds),
        )

    def _grant_removal(self, storage: Storage, pipeline: BuildPipeline) -> None:
        """Let the API delete a task: stop its execution, and delete its objects and its row."""
        task_objects = ("build-sources/*", "build-artifacts/*", "uploads-staged/*")
        for prefix in task_objects:
            storage.grant_objects(self.builds, prefix, "s3:DeleteObjectVersion")
        storage.grant_listing(self.builds, "s3:ListBucketVersions", *task_objects)
        storage.grant_task_access(self.builds, "dynamodb:DeleteItem")
        pipeline.grant_executions(self.builds, "states:StopExecution")

    def _route(
        self,
        method: apigateway.HttpMethod,
        path: str,
        function: lambda_.IFunction,
        authorizer: apigateway.IHttpRouteAuthorizer | None = None,
    ) -> list[apigateway.HttpRoute]:
        made = self.http_api.add_routes(
            path=path,
            methods=[method],
            integration=integrations.HttpLambdaIntegration(f"{method.value} {path}", function),
            authorizer=authorizer,
        )
        self._routes[f"{method.value} {path}"] = made
        return made

    def _measure_routes(self) -> None:
        """Switch on metrics by route if an alarm reads them: each route has six, billed as custom metrics."""
        self.measured_routes = [route for route in ROUTES_WITH_LATENCY if route in self._routes]
        stage = self._cfn_stage()
        stage.route_settings = {
            route: {"DetailedMetricsEnabled": True, "ThrottlingRateLimit": _RATE, "ThrottlingBurstLimit": _BURST}
            for route in self.measured_routes
        }
        for route in self.measured_routes:
            self.stage.node.add_dependency(*self._routes[route])  # API Gateway refuses settings of routes it lacks

    def _cfn_stage(self) -> apigateway.CfnStage:
        stage = self.stage.node.default_child
        assert isinstance(stage, apigateway.CfnStage)  # noqa: S101  # narrows the type; the L2 always has this child
        return stage

    def _log_access(self, authorizer: str) -> None:
        self.log_group = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=vended_log_group(self, "api"),
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        caller = {"caller": _CALLER[authorizer]} if authorizer in _CALLER else {}
        self._cfn_stage().access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=self.log_group.log_group_arn, format=json.dumps({**_ACCESS_LOG, **caller})
        )


def _authorizer(settings: Settings) -> apigateway.IHttpRouteAuthorizer:
    if settings.authorizer == "iam":
        return authorizers.HttpIamAuthorizer()
    if settings.authorizer == "jwt" and settings.jwt is not None:
        return authorizers.HttpJwtAuthorizer("Jwt", settings.jwt.issuer, jwt_audience=settings.jwt.audience)
    return apigateway.HttpNoneAuthorizer()
