"""All settings of the service, typed. Their values are in cdk.json under ``context.blue-faas``, and nowhere else.

One value can be changed for one run with the CDK's own ``-c``: ``cdk deploy -c blue-faas.authorizer=jwt``.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from functions.models.deploy import Namespace
from functions.models.exposure import ExposeSettings
from functions.models.principals import Principal
from functions.tasks.slot_pools import MOST_SLOTS
from infra import resource_names

if TYPE_CHECKING:
    from constructs import Construct

CONTEXT_KEY: Final = "blue-faas"
CDK_JSON: Final = Path(__file__).resolve().parent.parent / "cdk.json"
_ENDPOINT: Final = r"^(https://[^/]+)?/[^/]"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Storage(_Strict):
    """Buckets, tables, the stack's own image repository."""

    code_bucket_name: str | None = Field(
        default=None, description="Bucket for sources and components; null lets AWS name it."
    )
    repository_name: str | None = Field(
        default=None, description="ECR repository for builds that name no registry; null lets AWS name it."
    )
    upload_retention_days: int = Field(ge=1, description="Days that objects under uploads/ are kept.")
    artifact_retention_days: int = Field(ge=1, description="Days that sources and components are kept.")
    task_retention_days: int = Field(ge=1, description="Days that task rows are kept.")
    image_retention_days: int | None = Field(
        default=None, ge=1, description="Days that images are kept which were never deployed; null keeps every image."
    )

    @model_validator(mode="after")
    def _images_outlive_their_tasks(self) -> Self:
        if self.image_retention_days is not None and self.image_retention_days < self.task_retention_days:
            raise ValueError(
                "image_retention_days is below task_retention_days: a task would name an image that is gone"
            )
        return self


class Jwt(_Strict):
    """The issuer of tokens, for the authorizer ``jwt``."""

    issuer: str = Field(pattern=r"^https://")
    audience: list[str] = Field(min_length=1)
    workspaces_claim: str = Field(
        default="workspaces", min_length=1, description="Claim that lists the caller's workspaces; others are 404."
    )


class SignIn(_Strict):
    """Where users of the page sign in: authorization code with PKCE, as a public client."""

    client_id: str = Field(min_length=1, description="Client that the issuer knows the page as.")
    authorization_endpoint: str = Field(
        pattern=_ENDPOINT, description="Where users sign in: https://…, or a path of the API's own host."
    )
    token_endpoint: str = Field(pattern=_ENDPOINT, description="Where a code is exchanged for tokens; likewise.")
    scopes: list[str] = Field(default=["openid"], description="Scopes that are asked for.")

    @field_validator("scopes")
    @classmethod
    def _ask_for_an_id_token(cls, scopes: list[str]) -> list[str]:
        if "openid" not in scopes:
            raise ValueError("ui.sign_in.scopes lacks openid: the page tells by the ID token whose answer it got")
        return scopes


class Ui(_Strict):
    """The page at ``/ui``."""

    sign_in: SignIn | None = Field(default=None, description="The issuer, for the authorizer jwt.")


class Vpc(_Strict):
    """The network of the deploy function, for a cluster with a private endpoint."""

    vpc_id: str = Field(pattern=r"^vpc-")
    subnet_ids: list[str] = Field(min_length=1)
    security_group_id: str = Field(pattern=r"^sg-")


class Kubernetes(_Strict):
    """The EKS cluster that functions are deployed to, and the defaults of a deployment."""

    cluster_name: str
    access_group: str = Field(description="Kubernetes group that the deploy function's role is mapped to.")
    vpc: Vpc | None = None
    executor_spot: str = Field(description="SpinAppExecutor for use_spot=true.")
    executor_on_demand: str = Field(description="SpinAppExecutor for use_spot=false.")
    min_replicas: int = Field(ge=1)
    max_replicas: int = Field(ge=1)
    target_cpu: int = Field(ge=1, le=100, description="Percent of the CPU request at which the HPA scales.")
    default_replicas: int = Field(ge=1)
    default_cpu_request: str
    default_memory_request: str
    require_signature: bool = Field(
        description="Whether images of the stack's own repository need a signature by its key; others need none."
    )
    dashboards: list[Namespace] = Field(
        default=[],
        description="Namespaces that get a CloudWatch dashboard of their functions.",
    )
    expose: ExposeSettings | None = Field(
        default=None, description="How apps are reached from outside the cluster; null: they are not."
    )


class Fleet(_Strict):
    """Build machines that stand ready, and are paid for as long as they are there."""

    base_capacity: int = Field(ge=1, description="Machines, and so builds that begin at once.")
    overflow: Literal["ON_DEMAND", "QUEUE"] = Field(
        default="ON_DEMAND", description="Where builds go when all are taken: to a machine made for them, or to wait."
    )


class Builds(_Strict):
    """Builds in CodeBuild."""

    compute: Literal["SMALL", "MEDIUM", "LARGE", "X2_LARGE"] = Field(description="Of on-demand and fleet alike.")
    fleet: Fleet | None = Field(default=None, description="null: each build gets a machine made for it.")
    timeout_minutes: int = Field(ge=5, le=480, description="CodeBuild's own minimum is 5.")
    queued_minutes: int = Field(
        ge=5, le=480, description="In CodeBuild's queue, where a build with its slot waits only if a machine is late."
    )
    waiting_minutes: int = Field(ge=5, le=1440, description="Longest that a build waits for its turn.")
    fast_lane: bool = Field(
        description="Make Python components from a base that is compiled once; false: by componentize-py alone."
    )
    concurrency: int = Field(
        ge=1,
        le=MOST_SLOTS,
        description="Build slots: builds at once, of all workspaces. No more than CodeBuild's quota, or a fleet has.",
    )


class Limits(_Strict):
    """Limits on requests and on each workspace."""

    request_bytes: int = Field(
        le=4_700_000,
        description="Body of one API request. Lambda takes 6,291,456 bytes of event, in which the body is base64.",
    )
    upload_bytes: int = Field(
        ge=1,
        le=209_715_200,
        description="File of one presigned upload, which goes to S3 itself. What a builder unpacks is limited too.",
    )
    upload_minutes: int = Field(
        ge=1,
        le=60,
        description="Time in which a presigned upload may begin. URLs end with the function's session anyway.",
    )
    running_builds: int = Field(ge=1, le=1000, description="Tasks of one workspace that have not ended.")
    kept_tasks: int = Field(ge=1, description="Tasks of one workspace that are kept.")
    waiting_requests: int = Field(
        ge=1, description="Requests of one workspace that wait for news at the same time, at one function."
    )
    all_waiting_requests: int = Field(
        ge=1,
        le=1000,
        description="Requests of all workspaces that wait at the same time, at one function. What the function has of "
        "concurrent executions beyond that is left for requests that do not wait.",
    )


class Concurrency(_Strict):
    """Concurrent executions of each function: at most so many, and so many that no other function can take.

    Lambda keeps 100 executions of the account for functions that reserve none, and refuses what would leave fewer:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """

    builds: int = Field(ge=1)
    deploy: int = Field(ge=1)
    health: int = Field(ge=1)
    ingest: int = Field(ge=1)
    record_result: int = Field(ge=1)
    wait_for_slot: int = Field(ge=1)
    sign_image: int = Field(ge=1)
    close_task: int = Field(ge=1)
    reconcile: int = Field(ge=1)

    @property
    def total(self) -> int:
        """Executions that all functions reserve together."""
        return sum(self.model_dump().values())

    def of(self, module: str) -> int:
        """Return the concurrent executions of the function whose handler is ``module``."""
        reserved: int = getattr(self, module)
        return reserved


class AuthorizerError(ValueError):
    """cdk.json asks for an API without an authorizer, which only the command line may do."""


class Alarms(_Strict):
    """Thresholds of the alarms, and the recipient of their messages."""

    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$", description="null: subscribe by hand.")
    runbook_url: str | None = Field(
        default=None,
        pattern=r"^https://\S+$",
        description="Where docs/operations.md can be read; null: in the repository.",
    )
    failed_tasks: int = Field(ge=1, description="Failed tasks in 15 minutes, uploaders' mistakes included.")
    unexpected_failures: int = Field(ge=1, description="Tasks in 15 minutes that failed by no fault of their source.")
    latency_seconds: float = Field(gt=0, description="95th percentile of build-and-push and deploy.")


class Settings(_Strict):
    """All settings."""

    stack_name: str = Field(
        max_length=resource_names.LONGEST_STACK_NAME,
        description="Names of functions begin with it, and have 64 characters at most.",
    )
    stage: Literal["dev", "prod"] = Field(
        default="prod", description="What becomes of state when the stack is deleted: dev removes it, prod keeps it."
    )
    termination_protection: bool = Field(
        default=False,
        description="Whether the stack refuses to be deleted, even when its creation failed.",
    )
    tags: dict[str, str] = Field(default={}, description="Tags of every resource, beside `service` and `stage`.")
    authorizer: Literal["iam", "jwt", "none"] = Field(description="Who may call the API; none is for one machine only.")
    jwt: Jwt | None = None
    ui: Ui | None = Field(default=None, description="The page at /ui; null does not serve it.")
    tenancy: Literal["policy", "open"] = Field(
        description="policy: callers may use the workspaces that administrators give them. open: everybody may use "
        "every workspace."
    )
    administrators: list[Principal] = Field(description="Principals that may write the policy of workspaces.")
    storage: Storage
    registry_allow_list: list[str] = Field(description="re.fullmatch patterns of host/repository to push to and run.")
    kubernetes: Kubernetes | None = Field(default=None, description="null: builds only, there is no cluster.")
    builds: Builds
    limits: Limits
    concurrency: Concurrency | None = Field(
        description="null: no function reserves anything, and each can take all that the account has."
    )
    alarms: Alarms

    @model_validator(mode="after")
    def _jwt_is_complete(self) -> Self:
        if self.authorizer == "jwt" and self.jwt is None:
            raise ValueError('authorizer "jwt" needs "jwt": {"issuer": ..., "audience": [...]}')
        return self

    @model_validator(mode="after")
    def _page_can_call(self) -> Self:
        if self.ui is not None and self.authorizer == "iam":
            raise ValueError("ui: a browser cannot sign requests for authorizer 'iam'; `blue ui` serves the page there")
        if self.ui is not None and (self.ui.sign_in is None) is (self.authorizer == "jwt"):
            raise ValueError(
                "ui.sign_in says where users get the tokens of authorizer 'jwt': it needs it, others cannot"
            )
        return self

    @model_validator(mode="after")
    def _tenancy_knows_callers(self) -> Self:
        if self.tenancy == "policy" and self.authorizer == "none":
            raise ValueError(
                "tenancy 'policy' needs an authorizer: without one nobody knows whose a request is. Where everybody "
                f"may use every workspace, ask for it by name: -c {CONTEXT_KEY}.tenancy=open"
            )
        return self

    @field_validator("administrators", mode="before")
    @classmethod
    def _of_the_command_line(cls, value: object) -> object:
        return value.split(",") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _limits_fit_together(self) -> Self:
        if self.limits.running_builds > self.limits.kept_tasks:
            raise ValueError("limits.running_builds is over limits.kept_tasks: running tasks are kept ones")
        if self.limits.waiting_requests > self.limits.all_waiting_requests:
            raise ValueError("limits.waiting_requests is over limits.all_waiting_requests")
        if self.concurrency is not None:
            for name in ("builds", "deploy"):
                if self.limits.all_waiting_requests >= self.concurrency.of(name):
                    raise ValueError(
                        f"limits.all_waiting_requests is not below concurrency.{name}: requests that do not wait would "
                        "find no place"
                    )
        return self

    @classmethod
    def of(cls, scope: "Construct") -> Self:
        """Read the settings from the CDK context, changed by ``-c blue-faas.<path>=<value>``.

        Raises
        ------
        pydantic.ValidationError
            Names the setting that is missing, unknown or of the wrong type.
        AuthorizerError
            The file itself asks for no authorizer.
        """
        return cls._from_context(scope.node.get_all_context())

    @classmethod
    def from_file(cls, changed: Mapping[str, object]) -> Self:
        """Read the settings from cdk.json without the CDK, changed by ``blue-faas.<path>`` as in `of`."""
        return cls._from_context({**json.loads(CDK_JSON.read_text(encoding="utf-8"))["context"], **changed})

    def variables(self, *names: str) -> dict[str, str]:
        """Return settings as environment variables: ``limits.upload_bytes`` becomes LIMITS_UPLOAD_BYTES."""
        variables = {}
        for name in names:
            value = functools.reduce(getattr, name.split("."), self)
            variables[name.replace(".", "_").upper()] = value if isinstance(value, str) else json.dumps(value)
        return variables

    @classmethod
    def _from_context(cls, context: Mapping[str, Any]) -> Self:
        values: dict[str, Any] = dict(context[CONTEXT_KEY])
        if values.get("authorizer") == "none":
            raise AuthorizerError(
                f'cdk.json sets "authorizer": "none", which lets anybody in. Where that is meant, ask for it by name: '
                f"cdk synth -c {CONTEXT_KEY}.authorizer=none"
            )
        for key, value in context.items():
            if key.startswith(f"{CONTEXT_KEY}."):
                _set(values, key.removeprefix(f"{CONTEXT_KEY}.").split("."), value)
        return cls.model_validate(values)


def _set(values: dict[str, Any], path: list[str], value: Any) -> None:
    name, *rest = path
    if rest:
        values[name] = dict(values.get(name) or {})
        _set(values[name], rest, value)
    else:
        # The command line has texts only. No setting has the text "null" as a value.
        values[name] = None if value == "null" else value
