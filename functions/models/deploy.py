"""Requests and responses of a deploy. Field names, defaults and order are the published contract.

Which fields a request mentions matters as much as their values: defaults are for new apps, and an update changes only
what is mentioned (`DeployRequest.mentions`).
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from functions.contracts.image_reference import REFERENCE, check_reference
from functions.contracts.names import WorkspaceId
from functions.contracts.spelling import NameSpelling, Spelling, published
from functions.models import quantity
from functions.models.exposure import Expose
from functions.models.quantity import amount, memory_quantity
from functions.models.requests import RequestModel

LONGEST_APP_NAME: Final = 52
"""The operator labels pods ``core.spinkube.dev/app.NAME.status``, and the name of a label holds 63 characters."""
MOST_REPLICAS: Final = 100
MOST_VARIABLES: Final = 100
LARGEST_VARIABLES: Final = 32_768
"""Characters of all variables' texts together: history keeps them (`functions.cluster.history`)."""
LONGEST_IMAGE: Final = 512

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(?:\.{_LABEL})*"


_DNS_WORDS: Final = "use lower-case letters, digits and '-', starting and ending with a letter or digit"

Namespace = Annotated[str, NameSpelling(_LABEL, 63, f"{_DNS_WORDS}, 63 characters at most", "default")]
KUBERNETES_APP_NAME: Final = NameSpelling(
    r"[a-z](?:[-a-z0-9]*[a-z0-9])?",
    LONGEST_APP_NAME,
    "use lower-case letters, digits and '-', starting with a letter and ending with a letter or digit",
    "my-function",
)
KubernetesAppName = Annotated[str, KUBERNETES_APP_NAME]
FullImageReference = Annotated[
    str,
    StringConstraints(max_length=LONGEST_IMAGE),
    AfterValidator(check_reference),
    published(REFERENCE, "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app:a1b2c3d4"),
]
LabelValue = Annotated[
    str,
    Spelling(
        r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?",
        63,
        "use letters, digits, '-', '_' and '.', starting and ending with a letter or digit (a Kubernetes label value)",
        "fn-my-function-001",
    ),
]
ObjectName = Annotated[str, Spelling(_SUBDOMAIN, 253, f"{_DNS_WORDS}; '.' between such parts", "my-object")]
SecretEntry = Annotated[str, Spelling(r"[-._a-zA-Z0-9]+", 253, "use letters, digits, '-', '_' and '.'", "password")]
_QUANTITY_WORDS: Final = "write a Kubernetes quantity above zero, for example 500m, 0.5, 128Mi"
Cpu = Annotated[str, Spelling(quantity.POSITIVE, quantity.LONGEST, _QUANTITY_WORDS, "500m")]
Memory = Annotated[
    str, Spelling(quantity.POSITIVE, quantity.LONGEST, _QUANTITY_WORDS, "128Mi"), AfterValidator(memory_quantity)
]
Replicas = Annotated[int, Field(ge=1, le=MOST_REPLICAS)]
# Spin's own rule for the name of an application variable.
VariableName = Annotated[
    str,
    Spelling(
        r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*",
        128,
        "use lower-case words of letters and digits, each starting with a letter, with '_' between them",
        "greeting",
    ),
]
VariableText = Annotated[str, StringConstraints(max_length=4096)]


class SecretKey(RequestModel):
    """A reference to one entry of a Kubernetes Secret in the app's namespace."""

    secret: ObjectName = Field(description="Name of the Secret.", examples=["database"])
    key: SecretEntry = Field(description="Key of the entry in the Secret.")


_TEXT: Final = TypeAdapter(VariableText)


def _variable(value: Any) -> VariableText | SecretKey | None:
    """Hold a value to the one kind that it can be; a union's errors would be those of every kind."""
    if value is None or isinstance(value, SecretKey):
        return value
    return SecretKey.model_validate(value) if isinstance(value, dict) else _TEXT.validate_python(value, strict=True)


Variable = Annotated[
    VariableText | SecretKey | None,
    BeforeValidator(_variable),
]


class DeployOptions(RequestModel):
    """Options of a deploy: where and how to run the image.

    A field that is ``null`` or ``""`` counts as absent. For a new app an absent field means its default; an update
    changes only the fields that are present.
    """

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"namespace": "default", "app_name": "my-function"}]}
    )

    namespace: Namespace = Field(
        description="Kubernetes namespace of the app: the place in the cluster where it runs. It must exist."
    )
    function_id: LabelValue | None = Field(
        default=None, description="Value of the label `function_id` on the app's pods. Default: no label."
    )
    app_name: KubernetesAppName | None = Field(
        default=None,
        description="Name of the app to update, or to create if it does not exist. Default: create an app with a "
        "generated name.",
    )
    enable_autoscaling: bool = Field(
        default=True, description="Whether a HorizontalPodAutoscaler sets the number of replicas. Default: true."
    )
    replicas: Replicas | None = Field(
        default=None,
        description="Number of replicas; only allowed if autoscaling is off. "
        "Default: set by the platform (1 as shipped).",
        examples=[2],
    )
    use_spot: bool = Field(
        default=True, description="Whether the app prefers spot instances to on-demand instances. Default: true."
    )
    service_account: ObjectName | None = Field(
        default=None,
        description="ServiceAccount of the app's pods. It must exist. Default: the namespace's default ServiceAccount.",
        examples=["my-service-account"],
    )
    cpu_limit: Cpu | None = Field(default=None, description="CPU limit of each pod. Default: no limit.")
    memory_limit: Memory | None = Field(
        default=None, description="Memory limit of each pod, at least 1Mi. Default: no limit.", examples=["256Mi"]
    )
    cpu_request: Cpu | None = Field(
        default=None,
        description="CPU reserved for each pod. The autoscaler's target is a percentage of this value. "
        "Default: set by the platform (100m as shipped).",
        examples=["100m"],
    )
    memory_request: Memory | None = Field(
        default=None,
        description="Memory reserved for each pod, at least 1Mi. Default: set by the platform (128Mi as shipped).",
    )
    min_replicas: Replicas | None = Field(
        default=None,
        description="Lower limit for the number of replicas; only allowed if autoscaling is on. "
        "Default: set by the platform (1 as shipped).",
        examples=[1],
    )
    max_replicas: Replicas | None = Field(
        default=None,
        description="Upper limit for the number of replicas; only allowed if autoscaling is on. "
        "Default: set by the platform (10 as shipped).",
        examples=[10],
    )
    target_cpu: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None,
        description="Target CPU utilization in percent of the CPU request; only allowed if autoscaling is on. "
        "Default: set by the platform (50 as shipped).",
        examples=[50],
    )
    variables: dict[VariableName, Variable] | None = Field(
        default=None,
        max_length=MOST_VARIABLES,
        description="Spin application variables by name. A value is a text, a reference to an entry of a Secret, or "
        "null to remove the variable.",
        examples=[{"greeting": "hello", "db_password": {"secret": "database", "key": "password"}}],
    )
    image_pull_secret: ObjectName | None = Field(
        default=None,
        description="Secret with the credentials with which the nodes pull the image. Default: none.",
        examples=["registry"],
    )
    runtime_config: ObjectName | None = Field(
        default=None,
        description="Secret with Spin's runtime configuration in the key `runtime-config.toml`. The service does not "
        "check that the Secret exists: without it the app runs with Spin's defaults. Default: none.",
        examples=["stores"],
    )
    expose: Expose | None = Field(
        default=None,
        description="Way to the app from outside the cluster, if the installation offers one. Default: none for a new "
        "app.",
        examples=[{"host": "my-function.apps.example.com"}],
    )
    wait: bool = Field(
        default=False,
        description="Wait until the new version accepts requests, for about 20 seconds at most, before answering. "
        "Default: false.",
    )

    def mentions(self, field: str) -> bool:
        """Return whether the request names ``field``, rather than leaving it as it is."""
        return field in self.model_fields_set

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Only what the request alone decides; the rest is checked against the app it meets (functions.cluster).
        if self.mentions("enable_autoscaling"):
            check_scaling(self, autoscaling=self.enable_autoscaling)
        if self.min_replicas and self.max_replicas and self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} exceeds max_replicas {self.max_replicas}")
        for kind, request, limit in (
            ("cpu", self.cpu_request, self.cpu_limit),
            ("memory", self.memory_request, self.memory_limit),
        ):
            if request and limit and amount(request) > amount(limit):
                raise ValueError(f"{kind}_request {request} exceeds {kind}_limit {limit}")
        texts = [value for value in (self.variables or {}).values() if isinstance(value, str)]
        if sum(map(len, texts)) > LARGEST_VARIABLES:
            raise ValueError(f"the variables' texts together exceed {LARGEST_VARIABLES:,} characters")
        return self


class DeployRequest(DeployOptions):
    """A deploy: the image to run, and where and how to run it.

    A field that is ``null`` or ``""`` counts as absent. For a new app an absent field means its default; an update
    changes only the fields that are present.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace": "default",
                    "image_ref": "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app:a1b2c3d4",
                    "app_name": "my-function",
                    "wait": True,
                }
            ]
        }
    )

    image_ref: FullImageReference = Field(
        description="Reference of the image to run, with the registry's host: host/repository:tag, or with a digest "
        "host/repository@sha256:…. The name without tag and digest has at most 255 characters. The `image_url` of a "
        "build is one.",
    )
    workspace_id: WorkspaceId | None = Field(
        default=None,
        description="Workspace that the app belongs to. Default: the caller's only workspace that may deploy to the "
        "namespace.",
    )


def check_scaling(request: DeployOptions, *, autoscaling: bool) -> None:
    """Check that the fields about replicas fit an app with autoscaling on or off.

    Raises
    ------
    ValueError
        The request names a field that applies only to the other case.
    """
    if autoscaling and request.replicas is not None:
        raise ValueError("replicas needs autoscaling off: send enable_autoscaling false, or leave replicas out")
    if not autoscaling:
        for field in ("min_replicas", "max_replicas", "target_cpu"):
            if request.mentions(field):
                raise ValueError(f"{field} needs autoscaling on: send enable_autoscaling true, or leave {field} out")


class Rollout(BaseModel):
    """The progress of a new version."""

    status: Literal["complete", "progressing", "failing"] = Field(
        description="complete: all replicas run the new version. progressing: the rollout has not ended. failing: the "
        "new version cannot start."
    )
    message: str | None = Field(default=None, description="Reason why the rollout is not complete.")


class DeployResponse(BaseModel):
    """The app after a deploy."""

    # The first eight fields are the published ones, in their order.
    app_name: str = Field(
        description="Name of the app; also the name of its SpinApp, Deployment and Service.", examples=["my-function"]
    )
    namespace: str = Field(description="Kubernetes namespace of the app.", examples=["default"])
    service_name: str = Field(description="Name of the app's Service.", examples=["my-function"])
    service_status: Literal["found", "pending"] = Field(
        description="Whether the Service exists; pending if the operator has not created it yet."
    )
    endpoint: str = Field(
        description="DNS name of the app's Service inside the cluster.",
        examples=["my-function.default.svc.cluster.local"],
    )
    enable_autoscaling: bool = Field(
        description="Whether a HorizontalPodAutoscaler sets the number of replicas.", examples=[True]
    )
    use_spot: bool = Field(description="Whether the app prefers spot instances.", examples=[True])
    error: str | None = Field(
        default=None, description="Reason why the new version does not start; only known if the request had `wait`."
    )
    image: str = Field(
        description="Image reference as the request named it.",
        examples=["123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app:a1b2c3d4"],
    )
    digest: str | None = Field(
        description="Digest of the deployed image; null if the image is not pinned to one.",
        examples=["sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
    )
    image_checked: bool = Field(description="Whether the registry confirmed that it has the image.", examples=[True])
    image_unchecked_reason: str | None = Field(
        default=None, description="Reason why the registry could not be asked; null if `image_checked` is true."
    )
    revision: int = Field(description="Number of the revision that this deploy created.", examples=[1])
    ready_replicas: int = Field(description="Number of replicas that accept requests, of any version.", examples=[1])
    url: str | None = Field(
        default=None,
        description="Address of the app from outside the cluster; null if it is not exposed.",
        examples=["https://my-function.apps.example.com/"],
    )
    rollout: Rollout | None = Field(
        default=None, description="Progress of the new version; null unless the request had `wait`."
    )
