"""How host functions are written: plain Python functions over plain objects, collected per WIT interface.

A host function takes the `RequestContext` of the request that called it, then its WIT parameters: resources arrive as
the `Resource` objects they stand for. It answers in wasmtime's terms, built with `ok`, `err`, `some`, `none`, `record`
and `RequestContext.own`. `local.spin_host.host.binding` puts the interfaces into a linker.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from wasmtime.component import Record, ResourceHost, Variant

if TYPE_CHECKING:
    from local.spin_host.host.services import Services

HostFunction = Callable[..., Any]
_type_ids: Iterator[int] = itertools.count(1)


class GuestStopped(Exception):  # noqa: N818  # an outcome of the guest, not an error of the host
    """The guest must not go on; the message says why, in words fit for the client."""


class GuestTimeout(GuestStopped):
    """The request's time is up."""


class GuestExit(GuestStopped):
    """The guest called ``exit``."""


class Resource:
    """A host object that the guest holds by handle.

    Direct subclasses are WIT resource types of their own; their subclasses are variants of that type.
    """

    type_id: ClassVar[int] = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Resource in cls.__bases__:
            cls.type_id = next(_type_ids)

    def close(self) -> None:
        """Release what it holds: the guest dropped its handle, or the request ended."""


@dataclass(frozen=True)
class Interface:
    """One WIT interface as the host implements it."""

    name: str
    """Full name with version, such as ``wasi:io/streams@0.2.0``."""
    resources: dict[str, type[Resource]] = field(default_factory=dict)
    functions: dict[str, HostFunction] = field(default_factory=dict)
    """By WIT name: ``[method]store.get`` for methods."""


class RequestContext:
    """What one request's guest sees of the host: its resources, its deadline, its services."""

    def __init__(self, services: "Services", seconds: float) -> None:
        self.services = services
        self.deadline = time.monotonic() + seconds
        self.changed = threading.Condition()
        """Held while something that a guest may wait for changes; notified afterwards."""
        self.response: Variant | None = None
        """What ``response-outparam.set`` was given (`local.spin_host.host.http_types`)."""
        self.stopped: GuestStopped | None = None
        self._resources: dict[int, Resource] = {}
        self._next = itertools.count(1)

    def own(self, resource: Resource) -> ResourceHost:
        """Hand ``resource`` to the guest."""
        handle = next(self._next)
        self._resources[handle] = resource
        return ResourceHost.own(handle, type(resource).type_id)

    def resource(self, handle: int) -> Resource:
        """Look up the object behind a handle that the guest lent."""
        return self._resources[handle]

    def take(self, handle: int) -> Resource:
        """Take the object behind a handle that the guest gave away."""
        return self._resources.pop(handle)

    def drop(self, handle: int) -> None:
        """Release what is behind a handle that the guest dropped."""
        resource = self._resources.pop(handle, None)
        if resource is not None:
            resource.close()

    def close(self) -> None:
        """Release whatever the guest still holds when the request is over."""
        for handle in list(self._resources):
            self.drop(handle)

    def remaining(self) -> float:
        """Seconds until the deadline, negative after it."""
        return self.deadline - time.monotonic()

    def wait_for(self, ready: Callable[[], bool], wake_at: float | None = None) -> None:
        """Block until ``ready()``, checked at every change and at ``wake_at`` (`time.monotonic` seconds).

        Raises
        ------
        GuestTimeout
            The request's deadline came first.
        """
        with self.changed:
            while not ready():
                pause = self.remaining()
                if pause <= 0:
                    raise GuestTimeout
                if wake_at is not None:
                    pause = min(pause, max(wake_at - time.monotonic(), 0.0))
                self.changed.wait(pause)


_thread = threading.local()


def current_context() -> RequestContext:
    """Return the request that this thread is running a guest for."""
    context: RequestContext = _thread.context
    return context


def set_current_context(context: RequestContext | None) -> RequestContext | None:
    """Make ``context`` this thread's request; returns the one before it."""
    before: RequestContext | None = getattr(_thread, "context", None)
    _thread.context = context
    return before


def ok(value: Any = None) -> Variant:
    """Return a ``result`` that succeeded."""
    return Variant("ok", value)


def err(value: Any = None) -> Variant:
    """Return a ``result`` that failed."""
    return Variant("err", value)


def some(value: Any) -> Variant:
    """``option`` with a value."""
    return Variant("some", value)


def none() -> Variant:
    """``option`` without one."""
    return Variant("none")


def option(value: Any) -> Variant:
    """``option`` of a Python value where None means absent."""
    return none() if value is None else some(value)


def unwrap(value: Variant) -> Any:
    """Return the Python value of an ``option``: None when absent."""
    return value.payload if value.tag == "some" else None


def record(**fields: Any) -> Record:
    """Make a WIT record; WIT's ``data-type`` is spelled ``data_type``."""
    result = Record()
    for name, value in fields.items():
        setattr(result, name.replace("_", "-"), value)
    return result
