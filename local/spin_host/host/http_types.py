"""The incoming half of ``wasi:http/types@0.2.0``: the request that a guest answers, bodies, and its answer.

Bodies are whole: a guest's response leaves once its handler has returned.
"""

from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import GuestStopped, RequestContext, Resource, err, none, ok, option, some
from local.spin_host.host.http_fields import Fields, visible
from local.spin_host.host.http_interface import types
from local.spin_host.host.io import BytesInput, OutputStream, Pollable
from local.spin_host.messages import HttpRequest, HttpResponse

BODY_BYTES: Final = 64 << 20
"""Most that a guest may write into one body; it is held in this process's memory."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def method_variant(method: str) -> Variant:
    """A method's name as WIT's ``method``. Case matters, as in HTTP: ``get`` is another method."""
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
        """The body is complete."""
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
        """The answer as it goes out."""
        return HttpResponse(self.status, list(self.headers.entries), bytes(self.body.data) if self.body else b"")


class ResponseOutparam(Resource):
    """Where the guest puts its answer."""


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


@types.function("http-error-code")
def _http_error_code(_context: RequestContext, _error: Resource) -> Variant:
    return none()


@types.function("[method]incoming-request.method")
def _request_method(_context: RequestContext, incoming: IncomingRequest) -> Variant:
    return method_variant(incoming.request.method)


@types.function("[method]incoming-request.path-with-query")
def _request_target(_context: RequestContext, incoming: IncomingRequest) -> Variant:
    return some(incoming.request.target)


@types.function("[method]incoming-request.scheme")
def _request_scheme(_context: RequestContext, incoming: IncomingRequest) -> Variant:
    return some(Variant(incoming.request.scheme.upper()))


@types.function("[method]incoming-request.authority")
def _request_authority(_context: RequestContext, incoming: IncomingRequest) -> Variant:
    return option(incoming.request.authority or None)


@types.function("[method]incoming-request.headers")
def _request_headers(context: RequestContext, incoming: IncomingRequest) -> object:
    return context.own(Fields(visible(incoming.request.headers), mutable=False))


@types.function("[method]incoming-request.consume")
def _request_consume(context: RequestContext, incoming: IncomingRequest) -> Variant:
    if incoming.consumed:
        return err()
    incoming.consumed = True
    return ok(context.own(IncomingBody(incoming.request.body)))


@types.function("[method]incoming-body.stream")
def _body_stream(context: RequestContext, body: IncomingBody) -> Variant:
    if body.taken:
        return err()
    body.taken = True
    return ok(context.own(BytesInput(body.data)))


@types.function("[static]incoming-body.finish")
def _body_finish(context: RequestContext, _body: IncomingBody) -> object:
    return context.own(FutureTrailers())


@types.function("[method]future-trailers.subscribe")
def _trailers_subscribe(context: RequestContext, _trailers: FutureTrailers) -> object:
    return context.own(Pollable())


@types.function("[method]future-trailers.get")
def _trailers_get(_context: RequestContext, _trailers: FutureTrailers) -> Variant:
    return some(ok(ok(none())))


@types.function("[constructor]outgoing-response")
def _response_new(context: RequestContext, headers: Fields) -> object:
    return context.own(OutgoingResponse(headers))


@types.function("[method]outgoing-response.status-code")
def _response_status(_context: RequestContext, response: OutgoingResponse) -> int:
    return response.status


@types.function("[method]outgoing-response.set-status-code")
def _response_set_status(_context: RequestContext, response: OutgoingResponse, status: int) -> Variant:
    if not 100 <= status <= 999:
        return err()
    response.status = status
    return ok()


@types.function("[method]outgoing-response.headers")
def _response_headers(context: RequestContext, response: OutgoingResponse) -> object:
    return context.own(Fields(list(response.headers.entries), mutable=False))


@types.function("[method]outgoing-response.body")
def _response_body(context: RequestContext, response: OutgoingResponse) -> Variant:
    if response.body is not None:
        return err()
    response.body = OutgoingBody()
    return ok(context.own(response.body))


@types.function("[method]outgoing-body.write")
def _body_write(context: RequestContext, body: OutgoingBody) -> Variant:
    if body.opened:
        return err()
    body.opened = True
    return ok(context.own(OutputStream(body.write)))


@types.function("[static]outgoing-body.finish")
def _outgoing_finish(_context: RequestContext, body: OutgoingBody, _trailers: Variant) -> Variant:
    body.finish()
    return ok()


@types.function("[static]response-outparam.set")
def _outparam_set(context: RequestContext, _outparam: ResponseOutparam, response: Variant) -> None:
    context.response = response
