"""Puts the host interfaces into a wasmtime linker: between wasmtime's values and the objects of `abi`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wasmtime import Engine, Module, StoreContext, WasmtimeError
from wasmtime.component import Component, Linker, Record, ResourceAny, ResourceType, Variant

from local.spin_host.host.abi import (
    GuestStopped,
    HostFunction,
    Interface,
    RequestContext,
    current_context,
)


def link(
    engine: Engine, component: Component, interfaces: Iterable[Interface], modules: Mapping[str, Module]
) -> Linker:
    """Make a linker that can instantiate ``component``.

    What the component imports and no interface offers becomes a trap when called: a component may import far more than
    it uses, as every Python one does. ``modules`` are core modules that it imports by name.
    """
    linker = Linker(engine)
    linker.allow_shadowing = True
    with linker.root() as root:
        for name, module in modules.items():
            root.add_module(name, module)
        for interface in interfaces:
            with root.add_instance(interface.name) as instance:
                for name, kind in interface.resources.items():
                    instance.add_resource(name, ResourceType.host(kind.type_id), _drop)
                for name, function in interface.functions.items():
                    instance.add_func(name, _adapt(function))
    linker.define_unknown_imports_as_traps(component)
    return linker


def _drop(_store: StoreContext, handle: int) -> None:
    current_context().drop(handle)


def _adapt(function: HostFunction) -> Callable[..., Any]:
    def call(store: StoreContext, *arguments: Any) -> Any:
        context = current_context()
        try:
            return function(context, *[_lift(context, store, argument) for argument in arguments])
        except GuestStopped as stopped:
            context.stopped = stopped
            raise WasmtimeError(str(stopped) or "stopped by the host") from None

    return call


def _lift(context: RequestContext, store: StoreContext, value: Any) -> Any:
    """Replace the resource handles anywhere inside ``value`` by the objects they stand for."""
    if isinstance(value, ResourceAny):
        owned = value.owned
        handle = value.to_host(store).rep
        return context.take(handle) if owned else context.resource(handle)
    if isinstance(value, Variant):
        return Variant(value.tag, _lift(context, store, value.payload))
    if isinstance(value, list):
        return [_lift(context, store, item) for item in value]
    if isinstance(value, tuple):
        return tuple(_lift(context, store, item) for item in value)
    if isinstance(value, Record):
        for name, item in vars(value).items():
            setattr(value, name, _lift(context, store, item))
    return value
