"""How a component's core instances are wired: which export of which instance each import is.

Reads the flat components that wit-component's linker makes: core modules, core instances, aliases of their exports, and
lowered host functions. Nested components, types and component-level instances are passed over.

Source: component-model, design/mvp/Binary.md.
"""

from dataclasses import dataclass
from typing import Final

from fast_lane.binary import COMPONENT, HEADER, ComponentId, CoreModule, FormatError, Reader, sections

_CORE_SORT: Final = 0x00
_INSTANCE_SORT: Final = 0x12
_ALIAS_INSTANCE: Final = 0x00
_ALIAS_CORE_INSTANCE: Final = 0x01
_LIFT: Final = 0
_LOWER: Final = 1
_RESOURCE_OPERATIONS: Final = (2, 3, 4)
"""Canonical operations resource.new, resource.drop, resource.rep."""
_OPTIONS_WITH_INDEX: Final = {3, 4, 5, 7}
"""Canonical options memory, realloc, post-return, callback."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an import comes from: an instance's export, or the host when ``instance`` is None."""

    instance: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Instance:
    """An instantiated core module; ``arguments`` maps names of its imports to core instances."""

    module: int
    arguments: dict[str, int]


_Exports = dict[str, tuple[int, int]]
"""Of an instance made of other instances' exports: name to (kind, index in that kind's space)."""


class Component:
    """The wiring of one component.

    Raises
    ------
    FormatError
        It is no component, or has something in it that the linker of componentize-py 0.17.2 does not write.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        if bytes(data[:HEADER]) != COMPONENT:
            raise FormatError("no component")
        self.data = data
        self.modules: list[CoreModule] = []
        self._all: list[Instance | _Exports] = []
        self._spaces: dict[int, list[Source]] = {0: [], 1: [], 2: [], 3: []}
        for found in sections(data, HEADER, len(data)):
            reader = Reader(data, found.body)
            if found.id == ComponentId.CORE_MODULE:
                self.modules.append(CoreModule(data, found.body, found.end))
            elif found.id == ComponentId.CORE_INSTANCE:
                self._read_instances(reader)
            elif found.id == ComponentId.ALIAS:
                self._read_aliases(reader)
            elif found.id == ComponentId.CANON:
                self._read_canonical(reader)

    @property
    def instances(self) -> dict[int, Instance]:
        """The instantiated modules by their index, in the order of instantiation."""
        return {index: entry for index, entry in enumerate(self._all) if isinstance(entry, Instance)}

    def source(self, instance: int, name: str) -> Source:
        """Where an instance's export was defined, through all instances that pass it on."""
        while True:
            entry = self._all[instance]
            if isinstance(entry, Instance):
                return Source(instance, name)
            kind, index = entry[name]
            found = self._spaces[kind][index]
            if found.instance is None:
                return found
            instance, name = found.instance, found.name

    def _read_instances(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            if reader.byte() == 0:
                module, arguments = reader.unsigned(), {}
                for _ in range(reader.unsigned()):
                    name = reader.name()
                    if reader.byte() != _INSTANCE_SORT:
                        raise FormatError("an argument of a core instance is no instance")
                    arguments[name] = reader.unsigned()
                self._all.append(Instance(module, arguments))
            else:
                exports = {}
                for _ in range(reader.unsigned()):
                    name = reader.name()
                    exports[name] = (reader.byte(), reader.unsigned())
                self._all.append(exports)

    def _read_aliases(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            sort = reader.byte()
            core_sort = reader.byte() if sort == _CORE_SORT else None
            target = reader.byte()
            if target in (_ALIAS_INSTANCE, _ALIAS_CORE_INSTANCE):
                instance, name = reader.unsigned(), reader.name()
                if target == _ALIAS_CORE_INSTANCE and core_sort in self._spaces:
                    self._spaces[core_sort].append(Source(instance, name))
            else:
                reader.unsigned()
                reader.unsigned()

    def _read_canonical(self, reader: Reader) -> None:
        functions = self._spaces[0]
        for _ in range(reader.unsigned()):
            operation = reader.byte()
            if operation == _LIFT:
                _read_lifted_or_lowered(reader)
                reader.unsigned()  # the function's type
            elif operation == _LOWER:
                functions.append(Source(None, f"function {_read_lifted_or_lowered(reader)}"))
            elif operation in _RESOURCE_OPERATIONS:
                functions.append(Source(None, f"resource {reader.unsigned()}"))
            else:
                raise FormatError(f"canonical operation {operation:#x}")


def _read_lifted_or_lowered(reader: Reader) -> int:
    """Index of the function; its options are passed over."""
    if reader.byte() != 0:
        raise FormatError("unknown canonical function")
    function = reader.unsigned()
    for _ in range(reader.unsigned()):
        if reader.byte() in _OPTIONS_WITH_INDEX:
            reader.unsigned()
    return function
