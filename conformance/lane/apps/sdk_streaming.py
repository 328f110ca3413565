"""As the SDK's example of streaming: the handler of wasi:http itself, which sends a body back part by part."""

import asyncio

from spin_sdk.http import poll_loop
from spin_sdk.http.poll_loop import PollLoop, Sink, Stream
from spin_sdk.wit import exports
from spin_sdk.wit.imports.types import Fields, IncomingRequest, OutgoingResponse, ResponseOutparam
from spin_sdk.wit.types import Ok


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        loop = PollLoop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(_echo(request, response_out))


async def _echo(request: IncomingRequest, response_out: ResponseOutparam) -> None:
    response = OutgoingResponse(Fields.from_list([("x-kind", b"stream")]))
    response_body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    stream, sink = Stream(request.consume()), Sink(response_body)
    while (part := await stream.next()) is not None:
        await sink.send(part[::-1])
    sink.close()


_ = poll_loop
