"""One function per verb: from a request that may be made to its HTTP answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from local.kubernetes.api import printing
from local.kubernetes.api.binding import bind
from local.kubernetes.api.bodies import JsonResponse, read_body, wants_table
from local.kubernetes.api.decoding import WriteOptions
from local.kubernetes.api.deletion import DeleteOptions
from local.kubernetes.api.errors import ApiError, bad_request, expired, go_value, method_not_allowed
from local.kubernetes.api.objects import Objects
from local.kubernetes.api.requests import Target, write_options
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.selectors import parse_field_selector, parse_label_selector
from local.kubernetes.api.store import Key, Object
from local.kubernetes.api.watch import Matcher, Watches

_TRUE = ("1", "true", "True")
_WHOLE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class LogOptions:
    """Query of a pod's ``log``: which container, and how much of it."""

    container: str | None = None
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: str | None = None
    """RFC 3339 in UTC, whole seconds: all that a kubelet looks at."""
    limit_bytes: int | None = None


LogSource = Callable[[Object, LogOptions], "str | AsyncIterator[bytes]"]
"""The kubelet's part of ``kubectl logs``: from a Pod to its log, whole or as a stream of bytes. It raises ApiError 400
while the container has not started."""


class Handlers:
    """The verbs on resources."""

    def __init__(self, objects: Objects, watches: Watches, logs: LogSource | None) -> None:
        self._objects = objects
        self._store = objects.store
        self._watches = watches
        self._logs = logs

    async def handle(self, request: Request, target: Target) -> Response:
        """Answer a request for a resource. Raises ApiError."""
        match target.verb:
            case "get":
                return self._get(request, target)
            case "list":
                return self._list(request, target)
            case "watch":
                return self._watch(request, target)
        return self._write(request, target, await read_body(request))

    # ---- reading

    def _get(self, request: Request, target: Target) -> Response:
        resource = target.resource
        obj = self._objects.get(resource, target.scope, target.name)
        if target.subresource == "log":
            return self._log(request, obj)
        table = _table_for(request, resource)
        return JsonResponse(table([obj], _version_of(obj), True) if table else obj)

    def _log(self, request: Request, pod: Object) -> Response:
        query = request.query_params
        if self._logs is None:
            raise bad_request("this server runs without a kubelet: there are no logs")

        def number(name: str) -> int | None:
            value = query.get(name)
            if value is not None and not value.isdecimal():
                raise bad_request(f'{name}: invalid value "{value}": must be a number that is not negative')
            return None if value is None else int(value)

        since_time = query.get("sinceTime")
        if since_time is not None and not _WHOLE_SECONDS.fullmatch(since_time):
            raise bad_request(
                f'sinceTime: invalid value "{since_time}": must be a time in UTC, like 2026-01-02T03:04:05Z'
            )
        if since_time is not None and "sinceSeconds" in query:
            raise bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")
        options = LogOptions(
            container=query.get("container"),
            follow=query.get("follow") in _TRUE,
            previous=query.get("previous") in _TRUE,
            timestamps=query.get("timestamps") in _TRUE,
            tail_lines=number("tailLines"),
            since_seconds=number("sinceSeconds"),
            since_time=since_time,
            limit_bytes=number("limitBytes"),
        )
        found = self._logs(pod, options)
        if isinstance(found, str):
            return PlainTextResponse(found)
        return StreamingResponse(found, media_type="text/plain")

    def _list(self, request: Request, target: Target) -> Response:
        query, resource = request.query_params, target.resource
        matches = _matcher(target, query)
        with self._store.lock:
            version = str(self._store.version)
            found = [item for item in self._store.select(resource.key, target.namespace) if matches(*item)]
        metadata: Object = {"resourceVersion": version}
        if query.get("continue"):
            start, version = self._continued(query["continue"])
            metadata["resourceVersion"] = version
            found = [item for item in found if [item[0].namespace, item[0].name] > start]
        limit = query.get("limit") or "0"
        if not limit.removeprefix("-").isdecimal():
            raise bad_request(f"strconv.ParseInt: parsing {go_value(limit)}: invalid syntax")
        if 0 < int(limit) < len(found):
            last = found[int(limit) - 1][0]
            metadata["remainingItemCount"] = len(found) - int(limit)
            metadata["continue"] = _token(version, last)
            found = found[: int(limit)]
        objects = [obj for _, obj in found]
        table = _table_for(request, resource)
        return JsonResponse(table(objects, metadata, True) if table else _as_list(resource, metadata, objects))

    def _continued(self, token: str) -> tuple[list[str], str]:
        """Where a list goes on, and the version it began at."""
        try:
            version, *start = json.loads(base64.urlsafe_b64decode(token))
            number = int(version)
        except (ValueError, TypeError):
            raise bad_request("continue key is not valid") from None
        if number < self._store.oldest_version:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a new "
                "list without the continue parameter."
            )
        return start, version

    def _watch(self, request: Request, target: Target) -> Response:
        query = dict(request.query_params)
        for name, code in (("resourceVersion", 500), ("timeoutSeconds", 400)):
            if not query.get(name, "0").strip().isdecimal() and query.get(name):
                shown = go_value(query[name])
                why = f"{name}: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: invalid syntax"
                raise ApiError(code, "" if code == 500 else "BadRequest", why)
        table = _table_for(request, target.resource)

        def show(obj: Object, first: bool) -> Any:
            return table([obj], _version_of(obj), first) if table else obj

        lines = self._watches.stream(self._store, target.resource, _matcher(target, query), show, query)
        return StreamingResponse(lines, media_type="application/json")

    # ---- writing

    def _write(self, request: Request, target: Target, body: Any) -> Response:
        query, resource = dict(request.query_params), target.resource
        agent, media_type = request.headers.get("user-agent", ""), request.headers.get("content-type", "")
        match target.verb:
            case "create":
                return self._create(target, write_options("create", query, agent), body)
            case "patch" if target.name:
                patch_type = media_type.split(";")[0].strip()
                options = write_options("patch", query, agent, patch_type)
                where = (resource, target.scope, target.name)
                obj, created = self._objects.patch(*where, patch_type, body, options, target.subresource)
                return _written(obj, 201 if created else 200, options.warnings)
            case "delete" if not target.subresource:
                return self._delete(target, DeleteOptions.parse(query, body))
        raise method_not_allowed()

    def _create(self, target: Target, options: WriteOptions, body: Any) -> Response:
        resource = target.resource
        if target.subresource == "binding":
            bind(self._objects, resource, target.namespace, target.name, body, options)
            return JsonResponse(_success(), 201)
        if (
            # The handler of custom resources does not look whether a name stands in the path.
            (target.name and resource.namespaced and not resource.custom)
            or target.subresource
            or (resource.namespaced and not target.namespace)
        ):
            raise method_not_allowed()
        return _written(self._objects.create(resource, target.scope, body, options), 201, options.warnings)

    def _delete(self, target: Target, options: DeleteOptions) -> Response:
        resource = target.resource
        obj, gone = self._objects.delete(resource, target.scope, target.name, options)
        if gone and resource.key not in _RETURN_DELETED:
            details = {
                "name": target.name,
                "group": resource.group,
                "kind": resource.plural,
                "uid": obj["metadata"]["uid"],
            }
            return JsonResponse(_success({key: value for key, value in details.items() if value}))
        return JsonResponse(obj)


# Kinds whose storage gives back the deleted object; all others answer with a Status.
_RETURN_DELETED = {("", "pods"), ("", "services"), ("", "serviceaccounts"), ("", "resourcequotas")}


def _matcher(target: Target, query: Mapping[str, str]) -> Matcher:
    """Return what a list or watch selects, by namespace, name, labels and fields. Raises ApiError 400."""
    labels = parse_label_selector(query.get("labelSelector"))
    fields = parse_field_selector(query.get("fieldSelector"), target.resource.selectable)

    def matches(key: Key, obj: Object) -> bool:
        if (target.scope and key.namespace != target.scope) or (target.name and key.name != target.name):
            return False
        return labels(obj["metadata"].get("labels") or {}) and fields(obj)

    return matches


def _table_for(request: Request, resource: Resource) -> Callable[[list[Object], Object, bool], Object] | None:
    """Return what makes the Table that a request asks for, of objects, metadata, with or without headers; or None."""
    columns = printing.columns_of(resource)
    whole = request.query_params.get("includeObject") == "Object"
    if not columns or not wants_table(request):
        return None
    return lambda objects, metadata, headers: printing.table(columns, objects, metadata, headers=headers, whole=whole)


def _version_of(obj: Object) -> Object:
    return {"resourceVersion": obj["metadata"]["resourceVersion"]}


def _as_list(resource: Resource, metadata: Object, objects: list[Object]) -> Object:
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "items": objects,
    }


def _token(version: str, last: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, last.namespace, last.name]).encode()).decode()


def _success(details: Object | None = None) -> Object:
    body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return body | ({"details": details} if details else {})


def _written(obj: Object, code: int, warnings: list[str]) -> Response:
    response = JsonResponse(obj, code)
    for warning in warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{quoted}"')
    return response
