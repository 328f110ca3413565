"""What the page at ``/ui`` is told: how to call the API, and where its users sign in."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SignIn(BaseModel):
    """The issuer of tokens: authorization code with PKCE (RFC 6749, RFC 7636), a public client without a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="Issuer of the tokens; the claim `iss` of an ID token has to be this.")
    client_id: str = Field(description="Client that the issuer knows the page as.")
    authorization_endpoint: str = Field(description="Address that a user is sent to.")
    token_endpoint: str = Field(description="Address that exchanges a code for tokens.")
    scopes: list[str] = Field(description="Scopes that are asked for, `openid` among them.")


class PageConfig(BaseModel):
    """The answer of ``/ui/config.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access: Literal["open", "sign_in", "key"] = Field(
        description="open: requests carry nothing. sign_in: a token of the issuer. key: what the page's own address "
        "brought along in its fragment."
    )
    sign_in: SignIn | None = Field(default=None, description="The issuer; set if users sign in.")
    request_bytes: int = Field(description="Maximum size of a request's body in bytes.")
    deploys: bool = Field(description="Whether there is a cluster to deploy to.")
    workspace_id: str | None = Field(default=None, description="Workspace that the page begins with.")
    namespace: str | None = Field(default=None, description="Namespace that the page begins with.")
