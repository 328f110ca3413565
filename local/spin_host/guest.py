"""Runs one component for one request: a fresh instance each time, as Spin does, within time and memory limits."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import wasmtime
from wasmtime.component import ExportIndex, Linker, Variant

from local.spin_host.compile_cache import Compiled
from local.spin_host.engine import EpochClock, ticks
from local.spin_host.host import INTERFACES, binding, http_types
from local.spin_host.host.abi import GuestExit, GuestTimeout, RequestContext, set_current_context
from local.spin_host.host.services import Services
from local.spin_host.locked_app import AppError
from local.spin_host.messages import BODILESS, HttpRequest, HttpResponse, plain
from local.spin_host.wasmtime_fixes import HOST_FAILURE

_HANDLER: Final = "wasi:http/incoming-handler@0.2."
_TRAP: Final = "wasm trap: "
_TOO_LARGE: Final = "fuel allocated for hostcalls has been exhausted"
"""wasmtime 50's C API counts 48 units a byte of a list against 128 MiB a call, and has no function to raise that."""

_LOWEST_STATUS: Final = 200


@dataclass(frozen=True)
class Limits:
    """What one request may use."""

    seconds: float
    memory_bytes: int
    """Linear memory of the instance."""


class Guest:
    """A loaded component."""

    def __init__(self, name: str, clock: EpochClock, compiled: Compiled, services: Services, limits: Limits) -> None:
        """Links the component and makes one instance to see that it can be made.

        Raises
        ------
        AppError
            It answers no HTTP requests in a way that Spin 3 knows, or cannot be instantiated.
        """
        self.name = name
        self._clock = clock
        component = compiled.component
        self._component = component
        self._services = services
        self._limits = limits
        self._handle = self._find_handler()
        self._linker: Linker = binding.link(clock.engine, component, INTERFACES, compiled.modules)
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
        """Answer by the component, or by the runtime itself when that has none: 504 past the time limit, else 500.

        A 500 is empty, as Spin's is; the reason is in the log.
        """
        started = time.monotonic()
        context = RequestContext(self._services, self._limits.seconds)
        before = set_current_context(context)
        try:
            with self._store() as store:
                failure = self._run(store, context, request)
        finally:
            context.close()
            set_current_context(before)
        answer = _answer(context, request.method, failure)
        if answer is not None and not answer.cut_off:
            return answer
        if answer is None:
            answer, reason = self._explain(context, failure)
        else:
            reason = "the function left its answer incomplete, and the connection was closed"
        elapsed = time.monotonic() - started
        lines = [f"{request.method} {request.path}: {reason} after {elapsed:.1f} s", *([failure] if failure else [])]
        with suppress(OSError):  # the log's reader may be gone; the caller still gets an answer
            print(*lines, sep="\n", file=sys.stderr, flush=True)
        return answer

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
        """Make the runtime's own answer, and the reason for the log."""
        stopped = context.stopped
        if _timed_out(context, failure):
            reason = f"the function did not answer within {self._limits.seconds:g} s"
            return plain(504, reason), reason
        if stopped is not None:
            reason = str(stopped)
        elif failure is not None:
            reason = f"the function crashed: {_trap(failure)}"
        elif context.response is None:
            reason = "the function returned without an answer"
        elif isinstance(context.response.payload, Variant):
            reason = f"the function answered with the error {context.response.payload.tag}"
        else:
            reason = "the function answered with a status below 200"
        return HttpResponse(500), reason


def _timed_out(context: RequestContext, failure: str | None) -> bool:
    return isinstance(context.stopped, GuestTimeout) or (failure is not None and "wasm trap: interrupt" in failure)


def _answer(context: RequestContext, method: str, failure: str | None) -> HttpResponse | None:
    """Return the guest's answer as Spin would have sent it; None when Spin would answer by itself.

    A body that a returning guest did not finish, or that is shorter than its ``content-length``, ends the connection
    without an answer. After a trap, what was written is the body.
    """
    outgoing = context.response.payload if context.response is not None else None
    if not isinstance(outgoing, http_types.OutgoingResponse) or outgoing.status < _LOWEST_STATUS:
        return None
    if not outgoing.complete():
        if _ended_here(context, failure):
            return None
        if failure is None:
            return HttpResponse(outgoing.status, cut_off=True)
    return _within_length(outgoing.message(), method)


def _ended_here(context: RequestContext, failure: str | None) -> bool:
    """Whether a limit of this machine ended the guest."""
    by_host = context.stopped is not None and not isinstance(context.stopped, GuestExit)
    return by_host or _timed_out(context, failure)


def _within_length(answer: HttpResponse, method: str) -> HttpResponse:
    """Cut the answer's body to what its ``content-length`` says."""
    if answer.has_unreadable_length():
        return HttpResponse(500)
    length = answer.content_length()
    if length is None or method == "HEAD":
        return answer
    if len(answer.body) < length and answer.status not in BODILESS:
        return replace(answer, cut_off=True)
    return replace(answer, body=answer.body[:length])


def _trap(failure: str) -> str:
    if HOST_FAILURE in failure:
        return "the runtime failed inside one of its calls; see the log"
    if _TOO_LARGE in failure:
        return (
            "it passed more than 2.7 MB in one call (a key-value value, say), which this machine's runtime does not "
            "carry; Spin does"
        )
    _, found, rest = failure.partition(_TRAP)
    return rest.splitlines()[0] if found and rest else _last_line(failure)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("0: ") if lines else "no reason given"
