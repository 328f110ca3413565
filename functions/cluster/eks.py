"""Find the EKS cluster and sign in to it with the function's own AWS identity."""

import base64
import functools
import time
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.cluster.client import Cluster
from functions.cluster.connection import Connection
from functions.cluster.deadline import Deadline
from functions.cluster.errors import AccessError
from functions.cluster.transport import Transport

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# The form of an EKS token, from kubernetes-sigs/aws-iam-authenticator, "API Authorization from Outside a Cluster".
_TOKEN_PREFIX: Final = "k8s-aws-v1."  # noqa: S105 - a marker, no secret
_CLUSTER_HEADER: Final = "x-k8s-aws-id"
_TOKEN_SECONDS: Final = 60
_RENEW_AFTER: Final = 45.0
"""Signing is local and takes about a millisecond: renew well before the signature's 60 s are over."""
_LOOK_UP_SECONDS: Final = 4.0


class TokenSource:
    """Bearer tokens for one cluster: presigned STS GetCallerIdentity URLs that name it in a signed header."""

    def __init__(self, cluster_name: str, region: str) -> None:
        self._cluster_name = cluster_name
        self._sts: STSClient = boto3.client("sts", region_name=region)
        # STS has no such parameter: remove it before validation, and add it as a header before signing.
        events = self._sts.meta.events
        events.register("provide-client-params.sts.GetCallerIdentity", _take_cluster_name)
        events.register("before-sign.sts.GetCallerIdentity", _add_cluster_header)
        self._token = ""
        self._signed_at = float("-inf")

    def token(self) -> str:
        """Return a token that is valid for at least fifteen more seconds."""
        if time.monotonic() - self._signed_at > _RENEW_AFTER:
            url = self._sts.generate_presigned_url(
                "get_caller_identity",
                Params={"ClusterName": self._cluster_name},
                ExpiresIn=_TOKEN_SECONDS,
                HttpMethod="GET",
            )
            self._token = _TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
            self._signed_at = time.monotonic()
        return self._token

    def renew(self) -> None:
        """Create a new token at the next call of `token`."""
        self._signed_at = float("-inf")


def connect(name: str, region: str, deadline: Deadline) -> Connection:
    """Ask EKS for the address and the certificate authority of the cluster.

    Raises
    ------
    AccessError
        EKS did not answer: the cluster does not exist, is still being created, or may not be described.
    """
    seconds = deadline.budget(_LOOK_UP_SECONDS, f"look up EKS cluster '{name}'")
    config = Config(connect_timeout=seconds / 2, read_timeout=seconds, retries={"total_max_attempts": 2})
    try:
        eks = boto3.client("eks", region_name=region, config=config)
        cluster = eks.describe_cluster(name=name)["cluster"]
        tokens = TokenSource(name, region)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise AccessError(f"EKS did not describe cluster '{name}' ({code})") from error
    except BotoCoreError as error:
        raise AccessError(f"EKS did not describe cluster '{name}' ({type(error).__name__})") from error
    authority = cluster.get("certificateAuthority", {}).get("data")
    endpoint = cluster.get("endpoint")
    if not authority or not endpoint:
        raise AccessError(f"EKS cluster '{name}' has no endpoint yet (status {cluster.get('status', 'unknown')})")
    return Connection(
        endpoint=endpoint.rstrip("/"),
        certificate_authority=base64.b64decode(authority).decode(),
        token=tokens.token,
        renew=tokens.renew,
    )


@functools.cache
def transport(cluster_name: str, region: str) -> Transport:
    """Return the way to the cluster, kept (with its connections) while the Lambda stays warm."""
    return Transport(functools.partial(connect, cluster_name, region))


def cluster_until(deadline: Deadline, cluster_name: str, region: str) -> Cluster:
    """Return an EKS cluster, for one request that ends by ``deadline``."""
    return Cluster(transport(cluster_name, region), deadline)


def _take_cluster_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_CLUSTER_HEADER] = params.pop("ClusterName")


def _add_cluster_header(request: Any, **_: Any) -> None:
    request.headers[_CLUSTER_HEADER] = request.context[_CLUSTER_HEADER]
