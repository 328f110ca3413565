"""Make the base of a toolchain, once: about 30 seconds of one processor.

componentize-py builds a component from `guest.blue_faas_base`; its core modules are taken apart and compiled, CPython's
library gets its bytecode. Run by who sets up the machine, as the owner of the toolchain.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import wasmtime

from fast_lane import snapshot
from fast_lane.binary import (
    HEADER,
    I32,
    ComponentId,
    CoreModule,
    Export,
    FormatError,
    Id,
    Import,
    Kind,
    export_section,
    import_section,
    section,
    sections,
)
from fast_lane.component import Component
from fast_lane.guards import FILES, WASI
from fast_lane.installation import APP, Base, Installation, tree_digest
from fast_lane.machine import FUNCTIONS, HOST, Machine, Mount, instance_name, new_engine
from fast_lane.time_limit import time_limit

GUEST: Final = Path(__file__).with_name("guest")
SDK: Final = "spin_sdk"

_ADAPTER: Final = ("wit-component:shim", "wit-component:fixups", "wit-component:adapter:wasi_snapshot_preview1")
"""Modules of a component that serve WASI preview 1 to the others: wasmtime's own does it here."""
_SECONDS: Final = 300
_COMPILE: Final = """
import compileall, py_compile, re
seldom = re.compile("^/python/(ensurepip|idlelib|pydoc_data|tkinter|turtledemo)/")
for folder in {folders!r}:
    compileall.compile_dir(folder, rx=seldom, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""
"""Seldom imported is what needs a screen, a terminal or pip: it is compiled when an app does, and takes no room."""
_LOADED: Final = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


class BaseError(Exception):
    """The base cannot be made; one line that says why."""


def make(installation: Installation) -> None:
    """Make the base and put it into the toolchain's lane.

    Raises
    ------
    BaseError
        A step failed.
    NotMadeError
        The toolchain is not the one that the lane is made for.
    """
    key = installation.key()
    shutil.rmtree(installation.base, ignore_errors=True)
    (installation.base / "code").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        content = _componentize(installation, Path(folder))
    try:
        _take_apart(installation, key, content)
    except FormatError as error:
        raise BaseError(f"componentize-py wrote a component of another shape: {error}") from None


def _componentize(installation: Installation, folder: Path) -> bytes:
    app = folder / "app"
    shutil.copytree(GUEST, app)
    path = f"{installation.toolchain / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(installation.real), "-w", "spin-http", "componentize", APP, "-o", "../base.wasm"],
        cwd=app,
        env={"VIRTUAL_ENV": str(installation.toolchain), "PATH": path, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BaseError(f"componentize-py failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    shutil.copytree(app / "library", installation.library)
    return (folder / "base.wasm").read_bytes()


def _take_apart(installation: Installation, key: str, content: bytes) -> None:
    engine = new_engine(platform.machine())
    component = Component(content)
    machinery = _machinery(component)
    memory, *libraries = machinery
    global_values: list[tuple[int, str, int]] = []
    for index, module in machinery.items():
        hidden = list(_hidden_globals(module))
        global_values += [(index, name, initial) for name, initial in _mutable_globals(module, hidden)]
        linked = _linked(component, index, module, hidden)
        (installation.compiled(f"{index}.cwasm")).write_bytes(wasmtime.Module(engine, linked).serialize())
    for name in FILES:
        source = Path(__file__).with_name(name).with_suffix(".wat").read_text("utf-8")
        installation.compiled(name).write_bytes(wasmtime.Module(engine, source).serialize())
    # Its memory is the one thing that each app has for itself: with the base's it would be three times as large.
    template = snapshot.component(_without_debug_information(content), memoryview(b""), 0)
    installation.component.write_bytes(b"".join(template))
    packages = installation.site_packages
    base = Base(
        key=key,
        modules=tuple((index, f"{index}.cwasm") for index in machinery),
        memory=memory,
        functions=_functions({index: machinery[index] for index in libraries}),
        globals=tuple(global_values),
        loaded=(),
        site_packages=str(packages),
        sdk=tree_digest(packages / SDK),
    )
    loaded = _with_bytecode(installation, base, engine)
    installation.save(Base(**{**{name: getattr(base, name) for name in Base.__slots__}, "loaded": loaded}))


def _machinery(component: Component) -> dict[int, CoreModule]:
    """Instances and their modules, without the adapter's; the one that defines the memory comes first."""
    modules = {index: component.modules[instance.module] for index, instance in component.instances.items()}
    machinery = {index: module for index, module in modules.items() if module.name not in _ADAPTER}
    if len(modules) - len(machinery) != len(_ADAPTER):
        raise FormatError("the adapter for WASI preview 1 is not made of the expected modules")
    if machinery[next(iter(machinery))] is not component.modules[0]:
        raise FormatError("the first module does not come first")
    return machinery


def _mutable_globals(module: CoreModule, hidden: Sequence[Export]) -> Iterator[tuple[str, int]]:
    """Names and initial values of a module's own globals that can change."""
    values = {value.index: value for value in module.globals()}
    for entry in [*hidden, *(export for export in module.exports() if export.kind == Kind.GLOBAL)]:
        value = values.get(entry.index)
        if value is None or not value.mutable:
            continue
        if value.type != I32 or value.initial is None:
            raise FormatError("a mutable global is no plain number")
        yield entry.name, value.initial


def _functions(libraries: Mapping[int, CoreModule]) -> dict[str, int]:
    """Find the first instance that exports each of `FUNCTIONS`."""
    found: dict[str, int] = {}
    for index, module in libraries.items():
        for export in module.exports():
            if export.kind == Kind.FUNCTION and export.name in FUNCTIONS:
                found.setdefault(export.name, index)
    if missing := set(FUNCTIONS) - found.keys():
        raise FormatError(f"no library exports {', '.join(sorted(missing))}")
    return found


def _hidden_globals(module: CoreModule) -> Iterator[Export]:
    """Make exports for mutable globals that have none: their values have to be looked at."""
    exported = {entry.index for entry in module.exports() if entry.kind == Kind.GLOBAL}
    for entry in module.globals():
        if entry.mutable and entry.index not in exported:
            yield Export(f"hidden-{entry.index}", Kind.GLOBAL, entry.index)


def _linked(component: Component, index: int, module: CoreModule, hidden: list[Export]) -> bytes:
    """Rewrite a module for `machine`: imports are named after the instance that they come from; only code is kept."""
    imports = module.imports()
    exports = [*module.exports(), *hidden]
    takes_memory = any(entry.kind == Kind.MEMORY for entry in imports)
    if takes_memory and any(entry.module == WASI for entry in imports):
        exports.append(Export("memory", Kind.MEMORY, 0))  # wasmtime's WASI looks for the memory of who calls it
    renamed = import_section([_renamed(component, index, entry) for entry in imports])
    parts = [bytes(module.data[module.start : module.start + HEADER])]
    placed = not exports
    for found in module.sections:
        if not placed and found.id not in (Id.CUSTOM, Id.EXPORT) and found.id > Id.EXPORT:
            parts.append(export_section(exports))
            placed = True
        if found.id == Id.IMPORT:
            parts.append(renamed)
        elif found.id == Id.EXPORT:
            parts.append(export_section(exports))
            placed = True
        elif found.id != Id.CUSTOM:
            parts.append(module.bytes_of(found))
    if not placed:
        parts.append(export_section(exports))
    return b"".join(parts)


def _renamed(component: Component, index: int, entry: Import) -> Import:
    instances = component.instances
    if entry.module == WASI:
        # Some that the adapter has for its neighbours (adapter_open_badfd, ...) are in no host's WASI: they trap.
        return entry
    source = component.source(instances[index].arguments[entry.module], entry.name)
    if source.instance is None or component.modules[instances[source.instance].module].name in _ADAPTER:
        return Import(HOST, f"{entry.module}#{entry.name}", entry.kind, entry.description)
    return Import(instance_name(source.instance), source.name, entry.kind, entry.description)


def _without_debug_information(content: bytes) -> bytes:
    """Leave out DWARF, which is half of a component's bytes and which Spin does not read. Names of functions stay."""
    parts = [content[:HEADER]]
    for found in sections(content, HEADER, len(content)):
        if found.id != ComponentId.CORE_MODULE:
            parts.append(content[found.start : found.end])
            continue
        module = CoreModule(content, found.body, found.end)
        debug = {entry.start for name, entry in module.custom() if name.startswith(".debug")}
        kept = [module.bytes_of(entry) for entry in module.sections if entry.start not in debug]
        parts.append(section(ComponentId.CORE_MODULE, content[module.start : module.start + HEADER] + b"".join(kept)))
    return b"".join(parts)


def _with_bytecode(installation: Installation, base: Base, engine: wasmtime.Engine) -> tuple[str, ...]:
    """Compile the library and the SDK with the Python that runs them; answer which modules the base has loaded."""
    library = installation.library
    mounts = [
        Mount(library / "python", "python", writable=True),
        Mount(library / "bundled", "bundled", writable=True),
        Mount(Path(base.site_packages), "1", writable=True),
        Mount(library / "wit", f"1/{SDK}/wit", writable=True),
    ]
    machine = Machine(installation, base, engine, mounts, guarded=False)
    with time_limit(_SECONDS, "no fast lane: the base takes too long to start"), machine.running():
        if not machine.run(_LOADED):
            raise BaseError("the base does not run")
        loaded = tuple(machine.stdout.content.decode().split())
        machine.run(_COMPILE.format(folders=["/python", "/bundled", f"/1/{SDK}"]))
    return loaded
