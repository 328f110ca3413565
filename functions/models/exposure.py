"""The way to an app from outside the cluster: what a request names, and what the installation offers."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.contracts.spelling import Spelling
from functions.models.requests import RequestModel

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_LAST_LABEL: Final = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
"""No address: 10.0.0.1 is spelled like a name, and no Ingress takes it."""
LONGEST_HOST: Final = 253
"""Characters, as in Kubernetes (RFC 1123 subdomain)."""

HostName = Annotated[
    str,
    Spelling(
        rf"(?:{_LABEL}\.)+{_LAST_LABEL}",
        LONGEST_HOST,
        "use lower-case letters, digits and '-' in parts of at most 63 characters, each starting and ending with a "
        "letter or digit, the last one starting with a letter, and '.' between them",
        "my-function.apps.example.com",
    ),
]
Domain = Annotated[
    str,
    Spelling(
        rf"(?:{_LABEL}\.)*{_LAST_LABEL}", LONGEST_HOST, "a domain, without a dot at either end", "apps.example.com"
    ),
]
RouteKind = Literal["Ingress", "HTTPRoute"]


class Expose(RequestModel):
    """The host name under which an app answers from outside the cluster."""

    model_config = ConfigDict(strict=True)

    host: HostName | None = Field(
        default=None,
        description="Host name, under a domain of the installation. Without it, or with null, the app is not reachable "
        "from outside (any more).",
        examples=["my-function.apps.example.com"],
    )


class Gateway(BaseModel):
    """The Gateway that HTTPRoutes are attached to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str
    name: str
    section: str | None = Field(default=None, description="Name of the one listener; null: all that fit the host.")


class ExposeSettings(BaseModel):
    """How apps are reached from outside: setting ``kubernetes.expose`` of cdk.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: RouteKind = Field(description="Object that is made for each app that is exposed.")
    domains: list[Domain] = Field(min_length=1, description="Host names have to be below one of these.")
    ingress_class: str | None = Field(default=None, description="Of an Ingress; null: the cluster's default class.")
    tls_secret: str | None = Field(
        default=None, description="Of an Ingress: Secret with the certificate, in each namespace; null: none is named."
    )
    gateway: Gateway | None = Field(default=None, description="Of an HTTPRoute, which needs one.")
    annotations: Mapping[str, str] = Field(default={}, description="Annotations of each object, for its controller.")
    scheme: Literal["https", "http"] = Field(default="https", description="Of the URLs that the API shows.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "HTTPRoute" and self.gateway is None:
            raise ValueError('kind HTTPRoute needs "gateway": {"namespace": …, "name": …}')
        foreign = ("ingress_class", "tls_secret") if self.kind == "HTTPRoute" else ("gateway",)
        for name in foreign:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} is not of kind {self.kind}")
        return self

    def covers(self, host: str) -> bool:
        """Return whether a host name is below one of the domains."""
        return any(host.endswith(f".{domain}") for domain in self.domains)

    def url(self, host: str) -> str:
        """Return the address of an app."""
        return f"{self.scheme}://{host}/"
