"""``wasi:http/outgoing-handler@0.2.0`` and the outgoing half of ``wasi:http/types``: requests that a guest sends.

A request leaves when its body is finished, on a thread of its own, so that a guest may have several under way and wait
for any of them. Where it may go is decided by `local.spin_host.outbound`.
"""

import re
import threading
from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import (
    GuestStopped,
    HostFunction,
    Interface,
    RequestContext,
    Resource,
    err,
    none,
    ok,
    option,
    record,
    some,
    unwrap,
)
from local.spin_host.host.http_fields import Fields, types, visible
from local.spin_host.host.http_types import IncomingBody, OutgoingBody, method_name
from local.spin_host.host.io import Pollable
from local.spin_host.messages import HttpRequest, HttpResponse
from local.spin_host.network import OutboundFailure

_NANOSECONDS: Final = 10**9
_PATH_AND_QUERY: Final = re.compile(
    r"""[!$-;=@-_a-z|~"{}\x7f-\U0010ffff]*(?:\?[!$-;=?-~\x7f-\U0010ffff]*)?(?:#.*)?""", re.DOTALL
)


class OutgoingRequest(Resource):
    """A request being made. Unset parts are absent, as in WIT."""

    def __init__(self, headers: Fields) -> None:
        self.headers = headers
        self.parts: dict[str, Variant] = {
            "method": Variant("get"),
            "path-with-query": none(),
            "scheme": none(),
            "authority": none(),
        }
        self.body: SentBody | None = None

    def message(self) -> HttpRequest:
        """Return the request as it goes out."""
        scheme = unwrap(self.parts["scheme"])
        return HttpRequest(
            method=method_name(self.parts["method"]),
            target=unwrap(self.parts["path-with-query"]) or "/",
            authority=unwrap(self.parts["authority"]) or "",
            headers=visible(self.headers.entries),
            body=bytes(self.body.data) if self.body else b"",
            scheme="https" if scheme is None else str(scheme.payload or scheme.tag).lower(),
        )


class SentBody(OutgoingBody):
    """The body of an outgoing request: finishing it sets the request off."""

    future: "FutureIncomingResponse | None" = None

    def finish(self) -> None:
        """End the body, and with it begin the request."""
        super().finish()
        if self.future is not None:
            self.future.start()

    def close(self) -> None:
        """Fail a request whose body was never finished."""
        if not self.finished and self.future is not None:
            self.future.settle(OutboundFailure("HTTP-protocol-error"))


class IncomingResponse(Resource):
    """What came back."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.consumed = False


class RequestOptions(Resource):
    """Timeouts that the guest asks for, in nanoseconds."""

    def __init__(self) -> None:
        self.timeouts: dict[str, Variant] = {}

    def seconds(self) -> float | None:
        """Return the shortest timeout asked for."""
        asked = [value for value in map(unwrap, self.timeouts.values()) if value is not None]
        return min(asked) / _NANOSECONDS if asked else None


class FutureIncomingResponse(Resource):
    """A request under way."""

    def __init__(self, context: RequestContext, request: OutgoingRequest, timeout: float | None) -> None:
        self._context = context
        self._request = request
        self._timeout = timeout
        self._outcome: HttpResponse | OutboundFailure | GuestStopped | None = None
        self._taken = False
        if request.body is None or request.body.finished:
            self.start()
        else:
            request.body.future = self

    def start(self) -> None:
        """Send the request on a thread of its own."""
        threading.Thread(target=self._run, name="outgoing-request", daemon=True).start()

    def settle(self, outcome: HttpResponse | OutboundFailure | GuestStopped) -> None:
        """End the request."""
        with self._context.changed:
            self._outcome = outcome
            self._context.changed.notify_all()

    def done(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    def get(self) -> Variant:
        """``option<result<result<incoming-response, error-code>>>``; the outer error means it was already taken."""
        if self._outcome is None:
            return none()
        if self._taken:
            return some(err())
        self._taken = True
        if isinstance(self._outcome, GuestStopped):
            raise self._outcome
        if isinstance(self._outcome, OutboundFailure):
            return some(ok(err(_error_code(self._outcome))))
        return some(ok(ok(self._context.own(IncomingResponse(self._outcome)))))

    def _run(self) -> None:
        seconds = max(self._context.remaining(), 0.001)
        if self._timeout is not None:
            seconds = min(seconds, self._timeout)
        try:
            self.settle(self._context.services.outbound.send(self._request.message(), seconds))
        except (OutboundFailure, GuestStopped) as failure:
            self.settle(failure)
        except Exception as failure:  # the guest must get an answer whatever went wrong
            self.settle(OutboundFailure("internal-error", f"{type(failure).__name__}"))


def _error_code(failure: OutboundFailure) -> Variant:
    if failure.code == "internal-error":
        return Variant(failure.code, option(failure.detail))
    if failure.code == "HTTP-response-body-size":
        return Variant(failure.code, none())
    if failure.code == "DNS-error":  # wasmtime-wasi-http, `dns_error`
        return Variant(failure.code, record(rcode=some("address not available"), info_code=some(0)))
    return Variant(failure.code)


def _handle(context: RequestContext, request: OutgoingRequest, options: Variant) -> Variant:
    asked: RequestOptions | None = unwrap(options)
    return ok(context.own(FutureIncomingResponse(context, request, asked.seconds() if asked else None)))


def _request_body(context: RequestContext, request: OutgoingRequest) -> Variant:
    if request.body is not None:
        return err()
    request.body = SentBody()
    return ok(context.own(request.body))


def _is_well_formed(value: Variant) -> bool:
    """Whether a ``path-with-query`` is one for the crate ``http`` 1, `PathAndQuery`; none is."""
    text = unwrap(value)
    return text is None or _PATH_AND_QUERY.fullmatch(text) is not None


def _consume(context: RequestContext, incoming: IncomingResponse) -> Variant:
    if incoming.consumed:
        return err()
    incoming.consumed = True
    return ok(context.own(IncomingBody(incoming.response.body)))


def _part(name: str) -> dict[str, HostFunction]:
    def put(_context: RequestContext, request: OutgoingRequest, value: Variant) -> Variant:
        if name == "path-with-query" and not _is_well_formed(value):
            return err()
        request.parts[name] = value
        return ok()

    return {
        f"[method]outgoing-request.{name}": lambda _, request: request.parts[name],
        f"[method]outgoing-request.set-{name}": put,
    }


def _timeout(name: str) -> dict[str, HostFunction]:
    def put(_context: RequestContext, options: RequestOptions, value: Variant) -> Variant:
        options.timeouts[name] = value
        return ok()

    return {
        f"[method]request-options.{name}-timeout": lambda _, options: options.timeouts.get(name, none()),
        f"[method]request-options.set-{name}-timeout": put,
    }


types.resources.update(
    {
        "outgoing-request": OutgoingRequest,
        "request-options": RequestOptions,
        "incoming-response": IncomingResponse,
        "future-incoming-response": FutureIncomingResponse,
    }
)
types.functions.update(
    {
        "[constructor]outgoing-request": lambda context, headers: context.own(OutgoingRequest(headers)),
        "[method]outgoing-request.headers": lambda context, request: context.own(
            Fields(list(request.headers.entries), mutable=False)
        ),
        "[method]outgoing-request.body": _request_body,
        "[constructor]request-options": lambda context: context.own(RequestOptions()),
        "[method]incoming-response.status": lambda _, incoming: incoming.response.status,
        "[method]incoming-response.headers": lambda context, incoming: context.own(
            Fields(visible(incoming.response.headers), mutable=False)
        ),
        "[method]incoming-response.consume": _consume,
        "[method]future-incoming-response.subscribe": lambda context, future: context.own(Pollable(future.done)),
        "[method]future-incoming-response.get": lambda _, future: future.get(),
    }
)
for _name in ("method", "path-with-query", "scheme", "authority"):
    types.functions.update(_part(_name))
for _name in ("connect", "first-byte", "between-bytes"):
    types.functions.update(_timeout(_name))

INTERFACES: Final = (types, Interface("wasi:http/outgoing-handler@0.2.0", functions={"handle": _handle}))
