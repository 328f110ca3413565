"""What a deploy takes and answers. Field names, defaults and order are the published contract.

Which fields a request mentions matters as much as their values: defaults are for new apps, and an update changes only
what is mentioned (`DeployRequest.mentions`).
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from functions.contracts.names import ImageRepository
from functions.models.quantity import amount, memory_quantity, positive_quantity
from functions.models.requests import RequestModel
from functions.models.spelling import Spelling

LONGEST_APP_NAME: Final = 52
"""The operator labels pods ``core.spinkube.dev/app.NAME.status``, and the name of a label holds 63 characters."""
MOST_REPLICAS: Final = 100
MOST_VARIABLES: Final = 100
LARGEST_VARIABLES: Final = 32_768
"""Characters of all variables' texts together: history keeps them (`functions.cluster.history`)."""
LONGEST_IMAGE: Final = 512

_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY: Final[TypeAdapter[str]] = TypeAdapter(ImageRepository)

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(?:\.{_LABEL})*"


def image_repository(image: str) -> str:
    """``host[:port]/path`` of an image reference, without tag and digest."""
    named, _, _ = image.partition("@")
    head, colon, tag = named.rpartition(":")
    return head if colon and "/" not in tag else named


def _check_image(image: str) -> str:
    repository = image_repository(image)
    try:
        _REPOSITORY.validate_python(repository)
    except ValidationError:
        raise ValueError("expected host/repository:tag in lower case, with the registry's host, no https://") from None
    named, at, digest = image.partition("@")
    tag = named[len(repository) + 1 :]
    if named != repository and not _TAG.fullmatch(tag):
        raise ValueError("the tag must be 1 to 128 of letters, digits, '_', '.' and '-', not starting with '.' or '-'")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError("the digest must be sha256: and 64 hexadecimal digits")
    if not tag and not at:
        raise ValueError("say which version: host/repository:tag, or host/repository@sha256:…")
    return image


_DNS_WORDS: Final = "use lower-case letters, digits and '-', starting and ending with a letter or digit"

Namespace = Annotated[str, Spelling(_LABEL, 63, _DNS_WORDS)]
AppName = Annotated[
    str,
    Spelling(
        r"[a-z](?:[-a-z0-9]*[a-z0-9])?",
        LONGEST_APP_NAME,
        "use lower-case letters, digits and '-', starting with a letter and ending with a letter or digit",
    ),
]
ImageReference = Annotated[str, StringConstraints(max_length=LONGEST_IMAGE), AfterValidator(_check_image)]
LabelValue = Annotated[
    str,
    Spelling(
        r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?",
        63,
        "use letters, digits, '-', '_' and '.', starting and ending with a letter or digit (a Kubernetes label value)",
    ),
]
ObjectName = Annotated[str, Spelling(_SUBDOMAIN, 253, f"{_DNS_WORDS}; '.' between such parts")]
SecretEntry = Annotated[str, Spelling(r"[-._a-zA-Z0-9]+", 253, "use letters, digits, '-', '_' and '.'")]
Quantity = Annotated[str, StringConstraints(max_length=32), AfterValidator(positive_quantity)]
Memory = Annotated[Quantity, AfterValidator(memory_quantity)]
Replicas = Annotated[int, Field(ge=1, le=MOST_REPLICAS)]
# Spin's own rule for the name of an application variable.
VariableName = Annotated[
    str,
    Spelling(
        r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*",
        128,
        "use lower-case words of letters and digits, each starting with a letter, with '_' between them",
    ),
]
VariableText = Annotated[str, StringConstraints(max_length=4096)]


class SecretKey(BaseModel):
    """One entry of a Kubernetes Secret in the app's namespace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: ObjectName
    key: SecretEntry


class DeployOptions(RequestModel):
    """Where and how to run an image: a deploy without the image, as a build's ``deploy`` block says it.

    A field that is ``null`` or ``""`` counts as left out.
    """

    model_config = ConfigDict(strict=True)

    namespace: Namespace = Field(description="Kubernetes namespace; it must exist.")
    function_id: LabelValue | None = Field(default=None, description="Label function_id of the pods.")
    app_name: AppName | None = Field(
        default=None, description="SpinApp to update, or to create where there is none. Left out: a generated name."
    )
    enable_autoscaling: bool = Field(default=True, description="Scale with a HorizontalPodAutoscaler.")
    replicas: Replicas | None = Field(default=None, description="Fixed number of replicas, with autoscaling off.")
    use_spot: bool = Field(default=True, description="Prefer spot instances.")
    service_account: ObjectName | None = Field(default=None, description="ServiceAccount of the pods.")
    cpu_limit: Quantity | None = Field(default=None, description='CPU limit, for example "500m".')
    memory_limit: Memory | None = Field(default=None, description='Memory limit, for example "128Mi".')
    cpu_request: Quantity | None = Field(default=None, description="CPU set aside; autoscaling measures against it.")
    memory_request: Memory | None = Field(default=None, description="Memory set aside.")
    min_replicas: Replicas | None = Field(default=None, description="Least replicas, with autoscaling on.")
    max_replicas: Replicas | None = Field(default=None, description="Most replicas, with autoscaling on.")
    target_cpu: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="CPU use to keep, in percent of the CPU request, with autoscaling on."
    )
    variables: dict[VariableName, VariableText | SecretKey | None] | None = Field(
        default=None,
        max_length=MOST_VARIABLES,
        description="Spin application variables by name: a text, an entry of a Secret, or null to take one away.",
    )
    image_pull_secret: ObjectName | None = Field(default=None, description="Secret with the registry's credentials.")
    runtime_config: ObjectName | None = Field(
        default=None,
        description="Secret with Spin's runtime configuration, in the key runtime-config.toml. It is not checked: "
        "without it the app runs with Spin's defaults, and nothing says so.",
    )
    wait: bool = Field(default=False, description="Answer when the new version serves, or after about 20 seconds.")

    def mentions(self, field: str) -> bool:
        """Whether the request itself says something about ``field``, rather than leaving it as it is."""
        return field in self.model_fields_set

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Only what the request alone decides; the rest is checked against the app it meets (functions.cluster).
        if self.mentions("enable_autoscaling"):
            check_scaling(self, autoscaling=self.enable_autoscaling)
        if self.min_replicas and self.max_replicas and self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} is over max_replicas {self.max_replicas}")
        for kind, request, limit in (
            ("cpu", self.cpu_request, self.cpu_limit),
            ("memory", self.memory_request, self.memory_limit),
        ):
            if request and limit and amount(request) > amount(limit):
                raise ValueError(f"{kind}_request {request} is over {kind}_limit {limit}")
        texts = [value for value in (self.variables or {}).values() if isinstance(value, str)]
        if sum(map(len, texts)) > LARGEST_VARIABLES:
            raise ValueError(f"the variables' texts together exceed {LARGEST_VARIABLES:,} characters")
        return self


class DeployRequest(DeployOptions):
    """What to run, where and how."""

    image_ref: ImageReference = Field(description="Image to run, as the build's image_url: host/repository:tag.")


def check_scaling(request: DeployOptions, *, autoscaling: bool) -> None:
    """Whether the fields about replicas fit an app with autoscaling on or off.

    Raises
    ------
    ValueError
        A field says how many replicas in the way that does not apply.
    """
    if autoscaling and request.replicas is not None:
        raise ValueError("replicas with autoscaling on: send enable_autoscaling false, or leave replicas out")
    if not autoscaling:
        for field in ("min_replicas", "max_replicas", "target_cpu"):
            if request.mentions(field):
                raise ValueError(f"{field} with autoscaling off: send enable_autoscaling true, or leave {field} out")


class Rollout(BaseModel):
    """How far the new version has come, when the request said ``wait``."""

    status: Literal["complete", "progressing", "failing"]
    message: str | None = Field(default=None, description="What holds it up.")


class DeployResponse(BaseModel):
    """The app as it stands after the deploy. The first eight fields are the published ones, in their order."""

    app_name: str
    namespace: str
    service_name: str = Field(description="Service of the app, of the same name.")
    service_status: Literal["found", "pending"] = Field(description="pending: the operator has not made it yet.")
    endpoint: str = Field(description="DNS name inside the cluster.")
    enable_autoscaling: bool
    use_spot: bool
    error: str | None = Field(default=None, description="Why the app does not come up, if it is known.")
    image: str = Field(description="Image as it was asked for.")
    digest: str | None = Field(description="Digest that the image was deployed by; null when it is not known.")
    image_checked: bool = Field(description="Whether the registry was asked, and has the image.")
    image_unchecked_reason: str | None = Field(default=None, description="Why it was not.")
    revision: int = Field(description="Number of this deploy in the app's history.")
    ready_replicas: int = Field(description="Replicas that serve, of whatever version.")
    rollout: Rollout | None = Field(default=None, description="Set when the request said wait.")
