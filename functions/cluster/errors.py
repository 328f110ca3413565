"""What can go wrong in a deploy, by what one can do about it.

::

    RefusedError                the request, by our own rules
      ImageNotAllowedError, ImageNotSignedError, MissingError, AppStateError, UnfitRequestError, ImageNotProvenError,
      ImageNotKeptError
    ClusterError                a call of the Kubernetes API, or of CloudWatch
      UnauthorizedError, ForbiddenError (NamespaceClosedError), AccessError, MetricsAccessError
      PolicyError, NamespaceEndingError, InvalidError, AdmissionDownError
      NotFoundError (NamespaceNotFoundError), AlreadyExistsError, ConflictError
      TooManyRequestsError, ServerFailedError, UnreachableError, CutOffError, TooSlowError
      IncompleteError           what is written, and what is not

The client raises a `ClusterError` and nothing else; the flow catches the few it can handle;
`functions.api.cluster_errors` turns the rest into HTTP answers, and alone knows their statuses. Messages carry the
server's own words, cut to a readable size: an API server repeats the whole refused object in some of them.
"""

from typing import Final

_LONGEST_MESSAGE: Final = 500


class RefusedError(Exception):
    """The request cannot be carried out as it is. The message is a sentence for the caller: what is wrong, what to do.

    Raised for our own rules, as one of the classes below; never by a call of the Kubernetes API.
    """


class ImageNotAllowedError(RefusedError):
    """The allow-list has no pattern for the image's registry."""


class ImageNotSignedError(RefusedError):
    """The image has no signature by this installation's key."""


class MissingError(RefusedError):
    """The app, or the revision of it, that the request is about does not exist."""


class AppStateError(RefusedError):
    """The app, or what has its name, is in a state that this request does not go with."""


class UnfitRequestError(RefusedError):
    """The request does not fit together, or names something that is not there."""


class ImageNotProvenError(RefusedError):
    """The image's registry could not be asked which workspace made the image, or whether it is signed."""


class ImageNotKeptError(RefusedError):
    """The image's registry could not be told to keep the image, which it would remove one day."""


class ClusterError(Exception):
    """A failure of a call to the Kubernetes API or to CloudWatch. The message says what was done and what came back."""


class UnauthorizedError(ClusterError):
    """401: the API server does not know our token."""


class ForbiddenError(ClusterError):
    """403: the API server knows us and RBAC says no."""


class NamespaceClosedError(ForbiddenError):
    """403: RBAC has not opened ``namespace`` to us."""

    def __init__(self, message: str, namespace: str) -> None:
        super().__init__(message)
        self.namespace = namespace


class PolicyError(ClusterError):
    """403 that is not about us: a resource quota."""


class NamespaceEndingError(ClusterError):
    """403: the namespace is being deleted."""


class AdmissionDownError(ClusterError):
    """500: an admission webhook, SpinKube's for example, does not answer. Nothing was written."""


class NotFoundError(ClusterError):
    """404. ``resource`` is the plural that is missing, or empty when the API server does not serve the kind at all."""

    def __init__(self, message: str, resource: str = "") -> None:
        super().__init__(message)
        self.resource = resource


class NamespaceNotFoundError(NotFoundError):
    """404: there is no such namespace. The message is the published answer."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"Namespace '{namespace}' not found", "namespaces")


class AlreadyExistsError(ClusterError):
    """409 to a create."""


class ConflictError(ClusterError):
    """409 to a write: the object has changed since it was read."""


class InvalidError(ClusterError):
    """400 or 422: the schema, a webhook or admission refused the object."""


class TooManyRequestsError(ClusterError):
    """429: the API server, or CloudWatch, sheds load. ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerFailedError(ClusterError):
    """5xx, or an answer that is not Kubernetes' JSON. A write may or may not have happened."""


class UnreachableError(ClusterError):
    """No connection: nothing was sent, so anything may be tried again."""


class CutOffError(ClusterError):
    """The connection broke after the request was sent. A write may or may not have happened."""


class TooSlowError(ClusterError):
    """No answer in time. A write may or may not have happened."""


class AccessError(ClusterError):
    """AWS did not tell us how to reach the cluster."""


class MetricsAccessError(ClusterError):
    """CloudWatch does not let us read metrics."""


class IncompleteError(ClusterError):
    """The SpinApp is written, what goes with it is not: ``reason`` says why, the message how to go on."""

    def __init__(self, message: str, reason: ClusterError) -> None:
        super().__init__(message)
        self.reason = reason


OUTCOME_UNKNOWN: Final = (ServerFailedError, CutOffError)
"""After these a write is looked for before it is repeated (not after `TooSlowError`: no time is left for that)."""


def shorten(text: str) -> str:
    """``text`` on one line, at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"
