"""The operator's admission as a webhook server over TLS, with the admission code of the one-machine cloud.

The real operator registers the same four webhooks (spin-operator v0.6.1, ``config/webhook/manifests.yaml``).
"""

import base64
import copy
import json
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import jsonpatch
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.kubernetes.api import ApiError, ServerThread, Store
from local.kubernetes.api.admission import EXECUTOR_KEY, GROUP, admit, mutate
from local.kubernetes.api.store import Key
from local.kubernetes.certificates import ServerCertificate, make_certificate
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.resources import SPIN_APP_EXECUTORS, Json, Resource

_REGISTRATION: Final = "admissionregistration.k8s.io"
_MUTATING: Final = Resource(
    _REGISTRATION, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", namespaced=False
)
_VALIDATING: Final = Resource(
    _REGISTRATION, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", namespaced=False
)
_KINDS: Final = {"spinapps": "spinapp", "spinappexecutors": "spinappexecutor"}
_MANAGER: Final = "conformance"
# The API server writes these words itself before what a webhook says.
_DENIED: Final = re.compile(r'^admission webhook "[^"]+" denied the request: ')


class AdmissionWebhook:
    """The webhook server in a thread, registered with the API server while it runs; a context manager."""

    def __init__(self, api: HttpApi, folder: Path) -> None:
        self._api = api
        self._certificate = make_certificate(folder, "127.0.0.1")
        routes = [Route("/mutate/{plural}", self._mutate, methods=["POST"])]
        routes.append(Route("/validate/{plural}", self._validate, methods=["POST"]))
        app = Starlette(routes=routes)
        files = self._certificate
        self._server = ServerThread(app, cert_file=files.certificate, key_file=files.key)

    def __enter__(self) -> Self:
        self._server.start()
        for resource, body in registrations(self._server.url, self._certificate):
            self._api.apply(resource, None, body, _MANAGER)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.stop()

    async def _mutate(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._review, await request.json(), mutate))

    async def _validate(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._review, await request.json(), admit))

    def _review(self, review: Json, rule: Any) -> Json:
        asked = review["request"]
        before = asked["object"]
        after = copy.deepcopy(before)
        # A new object has its namespace only in the request.
        after.setdefault("metadata", {}).setdefault("namespace", asked["namespace"])
        answer: Json = {"uid": asked["uid"], "allowed": True}
        try:
            rule((GROUP, asked["resource"]["resource"]), after, self._executors())
        except ApiError as error:
            status = {**error.status(), "message": _DENIED.sub("", error.message)}
            answer |= {"allowed": False, "status": status}
        else:
            if before["metadata"].get("namespace") is None:
                del after["metadata"]["namespace"]
            patch = jsonpatch.make_patch(before, after)
            if patch:
                answer |= {
                    "patchType": "JSONPatch",
                    "patch": base64.b64encode(json.dumps(patch.patch).encode()).decode(),
                }
        return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}

    def _executors(self) -> Store:
        """Return what the rules look up: the executors that are there now."""
        store = Store()
        for executor in self._api.list(SPIN_APP_EXECUTORS)["items"]:
            metadata = executor["metadata"]
            store.put(Key(*EXECUTOR_KEY, metadata["namespace"], metadata["name"]), executor)
        return store


def registrations(url: str, certificate: ServerCertificate) -> list[tuple[Resource, Json]]:
    """Both webhook configurations, each with a webhook for SpinApps and one for executors."""
    bundle = base64.b64encode(certificate.ca_pem).decode()

    def webhooks(verb: str) -> list[Json]:
        return [
            {
                "name": f"{verb[0]}{kind}.kb.io",
                "clientConfig": {"url": f"{url}/{verb}/{plural}", "caBundle": bundle},
                "rules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": ["v1alpha1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [plural],
                    }
                ],
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
            for plural, kind in _KINDS.items()
        ]

    return [
        (_MUTATING, {"metadata": {"name": "spin-operator-mutating"}, "webhooks": webhooks("mutate")}),
        (_VALIDATING, {"metadata": {"name": "spin-operator-validating"}, "webhooks": webhooks("validate")}),
    ]
