"""The Kubernetes API server of the one-machine cloud.

Speaks the part of the Kubernetes API that kubectl and the official clients need to run SpinApps: built-in kinds and
custom resources, patches, server-side apply, watches, admission, RBAC. A request goes

    server.py (uvicorn) > app.py (who, may they) > handlers.py (verb) > objects.py (rules) > store.py (state, events)
"""

from local.kubernetes.api.app import create_app
from local.kubernetes.api.authentication import EksTokenAuthenticator, StaticTokenAuthenticator, User
from local.kubernetes.api.authorization import RbacAuthorizer
from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.handlers import LogOptions
from local.kubernetes.api.server import ServerThread
from local.kubernetes.api.store import Store

__all__ = [
    "ApiError",
    "EksTokenAuthenticator",
    "LogOptions",
    "RbacAuthorizer",
    "ServerThread",
    "StaticTokenAuthenticator",
    "Store",
    "User",
    "create_app",
]
