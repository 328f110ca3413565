"""Runs one component for one request: a fresh instance each time, as Spin does, within time and memory limits."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import wasmtime
from wasmtime.component import Component, ExportIndex, Linker, Variant

from local.functions.engine import EpochClock, ticks
from local.functions.host import INTERFACES, binding, http_types
from local.functions.host.abi import GuestExit, GuestTimeout, RequestContext, set_current_context
from local.functions.host.services import Services
from local.functions.locked_app import AppError
from local.functions.messages import HttpRequest, HttpResponse, plain
from local.functions.wasmtime_fixes import HOST_FAILURE

_HANDLER: Final = "wasi:http/incoming-handler@0.2."
_TRAP: Final = "wasm trap: "


@dataclass(frozen=True)
class Limits:
    """What one request may use."""

    seconds: float
    memory_bytes: int
    """Linear memory of the instance."""


class Guest:
    """A loaded component."""

    def __init__(self, name: str, clock: EpochClock, component: Component, services: Services, limits: Limits) -> None:
        """Links the component and makes one instance to see that it can be made.

        Raises:
            AppError: it answers no HTTP requests in a way that Spin 3 knows, or cannot be instantiated.
        """
        self.name = name
        self._clock = clock
        self._component = component
        self._services = services
        self._limits = limits
        self._handle = self._find_handler()
        self._linker: Linker = binding.link(clock.engine, component, INTERFACES)
        context = RequestContext(services, limits.seconds)
        before = set_current_context(context)
        try:
            with self._store() as store:
                self._linker.instantiate(store, component)
        except wasmtime.WasmtimeError as error:
            raise AppError(f"component {name} cannot be instantiated: {_last_line(str(error))}") from None
        finally:
            set_current_context(before)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The component's answer, or the runtime's own when there is none: 504 past the time limit, else 500."""
        started = time.monotonic()
        context = RequestContext(self._services, self._limits.seconds)
        before = set_current_context(context)
        try:
            with self._store() as store:
                failure = self._run(store, context, request)
        finally:
            context.close()
            set_current_context(before)
        answer = _answer(context, failure)
        if answer is not None:
            return answer
        response, reason = self._explain(context, failure)
        elapsed = time.monotonic() - started
        lines = [f"{request.method} {request.path}: {reason} after {elapsed:.1f} s", *([failure] if failure else [])]
        with suppress(OSError):  # the log's reader may be gone; the caller still gets an answer
            print(*lines, sep="\n", file=sys.stderr, flush=True)
        return response

    def _run(self, store: wasmtime.Store, context: RequestContext, request: HttpRequest) -> str | None:
        """Call the handler; returns wasmtime's account of a trap."""
        try:
            instance = self._linker.instantiate(store, self._component)
            function = instance.get_func(store, self._handle)
            if function is None:
                raise AppError(f"component {self.name} lost its handler")
            incoming = context.own(http_types.IncomingRequest(request))
            function(store, incoming, context.own(http_types.ResponseOutparam()))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            return str(error)
        return None

    @contextmanager
    def _store(self) -> Iterator[wasmtime.Store]:
        with self._clock.running(), wasmtime.Store(self._clock.engine) as store:
            store.set_limits(memory_size=self._limits.memory_bytes)
            store.set_epoch_deadline(ticks(self._limits.seconds))
            yield store

    def _find_handler(self) -> ExportIndex:
        for export in self._component.type.exports(self._clock.engine):
            if export.startswith(_HANDLER):
                interface = self._component.get_export_index(export)
                handle = self._component.get_export_index("handle", interface)
                if handle is not None:
                    return handle
        raise AppError(
            f"component {self.name} has no wasi:http/incoming-handler@0.2, which Spin 3 calls: build it with "
            "spin-sdk 3.4.1 and componentize-py 0.17.2 (spin-sdk 4 and later make components for Spin 4)"
        )

    def _explain(self, context: RequestContext, failure: str | None) -> tuple[HttpResponse, str]:
        """The runtime's own answer, and the reason for the log."""
        stopped = context.stopped
        if isinstance(stopped, GuestTimeout) or (failure is not None and "wasm trap: interrupt" in failure):
            reason = f"the function did not answer within {self._limits.seconds:g} s"
            return plain(504, reason), reason
        if stopped is not None:
            reason = str(stopped)
        elif failure is not None:
            reason = f"the function crashed: {_trap(failure)}"
        elif context.response is not None and isinstance(context.response.payload, Variant):
            reason = f"the function answered with the error {context.response.payload.tag}"
        else:
            reason = "the function returned without an answer"
        return plain(500, reason), reason


def _answer(context: RequestContext, failure: str | None) -> HttpResponse | None:
    """The guest's answer, if all of it is there; one completed before a trap counts, as it would have left in Spin."""
    outgoing = context.response.payload if context.response is not None else None
    if not isinstance(outgoing, http_types.OutgoingResponse):
        return None
    left = failure is None or isinstance(context.stopped, GuestExit)
    return outgoing.message() if outgoing.complete() or left else None


def _trap(failure: str) -> str:
    if HOST_FAILURE in failure:
        return "the runtime failed inside one of its calls; see the log"
    _, found, rest = failure.partition(_TRAP)
    return rest.splitlines()[0] if found and rest else _last_line(failure)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("0: ") if lines else "no reason given"
