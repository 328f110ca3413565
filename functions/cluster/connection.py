"""Where a cluster's API server is, how to sign in to it, and which certificate it must show."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from functions.cluster.errors import AccessError


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is and how to sign in to it."""

    endpoint: str
    certificate_authority: str
    """PEM; the only authority trusted for this server."""
    token: Callable[[], str]
    """Bearer token, fresh enough for one call."""
    renew: Callable[[], None]
    """Makes the next `token` a new one."""

    def tls_context(self) -> ssl.SSLContext:
        """Check chain and host name against the cluster's own authority, and not the form of its certificates.

        Since Python 3.13 the default refuses an authority without key identifiers (``VERIFY_X509_STRICT``, RFC 5280).
        EKS clusters that were made before Kubernetes 1.17 have such a one; upgrades do not renew it.

        Raises
        ------
        AccessError
            The authority is none.
        """
        try:
            context = ssl.create_default_context(cadata=self.certificate_authority)
        except ssl.SSLError as error:
            raise AccessError("EKS named no readable certificate authority for the cluster") from error
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context
