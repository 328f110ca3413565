"""The incoming half of ``wasi:http/types@0.2.0``: the request that a guest answers, bodies, and its answer.

Bodies are whole: a guest's response leaves once its handler has returned.
"""

from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import GuestStopped, RequestContext, Resource, err, none, ok, option, some
from local.spin_host.host.http_fields import Fields, types, visible
from local.spin_host.host.io import BytesInput, OutputStream, Pollable
from local.spin_host.messages import HttpRequest, HttpResponse

BODY_BYTES: Final = 64 << 20
"""Most that a guest may write into one body; it is held in this process's memory."""

_LOWEST_STATUS, _HIGHEST_STATUS = 100, 999
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def method_variant(method: str) -> Variant:
    """Write a method's name as WIT's ``method``. Case matters, as in HTTP: ``get`` is another method."""
    return Variant(method.lower()) if method in _METHODS else Variant("other", method)


def method_name(method: Variant) -> str:
    """WIT's ``method`` as the name on the wire."""
    return str(method.payload) if method.tag == "other" else method.tag.upper()


class IncomingBody(Resource):
    """A body for the guest to read, once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.taken = False


class IncomingRequest(Resource):
    """The request to answer."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.consumed = False


class FutureTrailers(Resource):
    """Trailers after a body: none ever come, since bodies are whole."""


class OutgoingBody(Resource):
    """A body that the guest writes."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.finished = False
        self.opened = False

    def write(self, chunk: bytes) -> None:
        """Take one more chunk."""
        if len(self.data) + len(chunk) > BODY_BYTES:
            raise GuestStopped(f"the function wrote a body of more than {BODY_BYTES >> 20} MB")
        self.data += chunk

    def finish(self) -> None:
        """Take note that the body is complete."""
        self.finished = True


class OutgoingResponse(Resource):
    """The answer being made."""

    def __init__(self, headers: Fields) -> None:
        self.status = 200
        self.headers = headers
        self.body: OutgoingBody | None = None

    def complete(self) -> bool:
        """Whether nothing of the answer is missing."""
        return self.body is None or self.body.finished

    def message(self) -> HttpResponse:
        """Return the answer as it goes out."""
        return HttpResponse(self.status, list(self.headers.entries), bytes(self.body.data) if self.body else b"")


class ResponseOutparam(Resource):
    """Where the guest puts its answer."""


def _consume(context: RequestContext, incoming: IncomingRequest) -> Variant:
    if incoming.consumed:
        return err()
    incoming.consumed = True
    return ok(context.own(IncomingBody(incoming.request.body)))


def _stream(context: RequestContext, body: IncomingBody) -> Variant:
    if body.taken:
        return err()
    body.taken = True
    return ok(context.own(BytesInput(body.data)))


def _set_status(_context: RequestContext, response: OutgoingResponse, status: int) -> Variant:
    if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
        return err()
    response.status = status
    return ok()


def _response_body(context: RequestContext, response: OutgoingResponse) -> Variant:
    if response.body is not None:
        return err()
    response.body = OutgoingBody()
    return ok(context.own(response.body))


def _write(context: RequestContext, body: OutgoingBody) -> Variant:
    if body.opened:
        return err()
    body.opened = True
    return ok(context.own(OutputStream(body.write)))


def _set_response(context: RequestContext, _outparam: ResponseOutparam, response: Variant) -> None:
    context.response = response


types.resources.update(
    {
        "incoming-request": IncomingRequest,
        "incoming-body": IncomingBody,
        "future-trailers": FutureTrailers,
        "outgoing-body": OutgoingBody,
        "outgoing-response": OutgoingResponse,
        "response-outparam": ResponseOutparam,
    }
)
types.functions.update(
    {
        "http-error-code": lambda _, _error: none(),
        "[method]incoming-request.method": lambda _, incoming: method_variant(incoming.request.method),
        "[method]incoming-request.path-with-query": lambda _, incoming: some(incoming.request.target),
        "[method]incoming-request.scheme": lambda _, incoming: some(Variant(incoming.request.scheme.upper())),
        "[method]incoming-request.authority": lambda _, incoming: option(incoming.request.authority or None),
        "[method]incoming-request.headers": lambda context, incoming: context.own(
            Fields(visible(incoming.request.headers), mutable=False)
        ),
        "[method]incoming-request.consume": _consume,
        "[method]incoming-body.stream": _stream,
        "[static]incoming-body.finish": lambda context, _body: context.own(FutureTrailers()),
        "[method]future-trailers.subscribe": lambda context, _trailers: context.own(Pollable()),
        "[method]future-trailers.get": lambda _, _trailers: some(ok(ok(none()))),
        "[constructor]outgoing-response": lambda context, headers: context.own(OutgoingResponse(headers)),
        "[method]outgoing-response.status-code": lambda _, response: response.status,
        "[method]outgoing-response.set-status-code": _set_status,
        "[method]outgoing-response.headers": lambda context, response: context.own(
            Fields(list(response.headers.entries), mutable=False)
        ),
        "[method]outgoing-response.body": _response_body,
        "[method]outgoing-body.write": _write,
        "[static]outgoing-body.finish": lambda _, body, _trailers: ok(body.finish()),
        "[static]response-outparam.set": _set_response,
    }
)
