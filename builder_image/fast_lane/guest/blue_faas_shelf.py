"""Modules that the base has loaded, put away until an import asks for them.

To the app it looks as if each were loaded when it is imported: only then it is in ``sys.modules``, with what it imports
itself, in the order in which it would have imported it. What nobody asks for is let go at the end.

`watch` notes who imports whom while the base is made, `fill` puts away, `clear` ends it.
"""

import builtins
import sys

_OWN = ("blue_faas_base", "blue_faas_shelf")
_LOADED = frozenset(sys.modules) - set(_OWN)
"""What CPython loads before it runs an app's first line."""
_FOLDERS = frozenset(sys.path_importer_cache)
"""Folders that it has looked into by then."""
_PRELOADED = "spin_sdk.http"
"""Every app imports it, and with it asyncio: half of what there is to load."""

_ModuleSpec = type(sys.__spec__)

_shelf = {}
"""Name to module."""
_imports = {}
"""Name to the names that the module imports while it is loaded; None for what componentize-py's runtime imports."""
_aliases = {}
"""Name to the names under which the module puts something into ``sys.modules`` without an import."""
_finders = {}
"""Folder to its finder, for folders that are looked into when a module of the shelf is imported."""
_watched = []
"""Module, name and value of everything that the runtime has taken out of modules."""
_import = builtins.__import__


class ReplacedError(Exception):
    """The app has put something of its own in the place of what the runtime has taken already."""


def watch() -> None:
    """Load what is worth it, and note all imports from here on."""
    builtins.__import__ = _noted_import
    __import__(_PRELOADED)
    _imports.pop(None, None)  # of this module, not of the runtime


def fill() -> None:
    """Put everything away that CPython has not loaded by itself."""
    builtins.__import__ = _import
    _move(sys.modules, _LOADED, _shelf)
    _move(sys.path_importer_cache, _FOLDERS, _finders)
    imported = {name for names in _imports.values() for name in names}
    for name in _shelf:
        if name not in imported and name not in _OWN:
            _aliases.setdefault(name.rpartition(".")[0], []).append(name)
    for name in _imports.get(None, ()):
        module = sys.modules.get(name) or _shelf[name]
        _watched.extend((module, key, value) for key, value in vars(module).items() if not _is_module(value))
    for name, module in _shelf.items():
        _leave_package(name, module)
    sys.meta_path.insert(0, Shelf)


def _move(source: dict, staying: frozenset, target: dict) -> None:
    """Move what is not to stay, in its order."""
    for key in list(source):
        if key not in staying:
            target[key] = source.pop(key)


def _leave_package(name: str, module: object) -> None:
    """Take a module out of its package, where its import had put it."""
    package, _, child = name.rpartition(".")
    parent = _shelf.get(package) or sys.modules.get(package)
    if parent is not None and vars(parent).get(child) is module:
        delattr(parent, child)


def hide() -> None:
    """Put this module and its neighbour away again, after the lane has asked for them."""
    for name in _OWN:
        if name in sys.modules:
            _shelf[name] = sys.modules.pop(name)


def clear() -> None:
    """Load what the runtime needs, and forget the rest.

    Raises
    ------
    ReplacedError
        componentize-py would take the app's own version of something.
    """
    for name in _imports.get(None, ()):
        __import__(name)
    sys.meta_path.remove(Shelf)
    if any(vars(module).get(key) is not value for module, key, value in _watched if key != "__spec__"):
        raise ReplacedError
    _watched.clear()
    hide()
    for content in (_shelf, _imports, _aliases, _finders):
        content.clear()


class Shelf:
    """Finder and loader of what was put away."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> object:
        """Answer for what is on the shelf."""
        return _ModuleSpec(name, Shelf) if name in _shelf else None

    @staticmethod
    def create_module(spec: _ModuleSpec) -> object:
        """Take the module as it was loaded, with its own spec."""
        module = _shelf.pop(spec.name)
        spec.loader_state = module.__spec__
        return module

    @staticmethod
    def exec_module(module: object) -> None:
        """Do what loading the module does to the interpreter: look into its folder, import what it imports."""
        spec = module.__spec__
        module.__spec__ = spec.loader_state
        package = sys.modules.get(spec.name.rpartition(".")[0])
        for folder in getattr(package, "__path__", ()):
            if folder in _finders:
                sys.path_importer_cache.setdefault(folder, _finders[folder])
        for name in _aliases.get(spec.name, ()):
            sys.modules[name] = _shelf.pop(name)
        for name in _imports.get(spec.name, ()):
            if name not in sys.modules:
                __import__(name)


def _is_module(value: object) -> bool:
    return type(value) is type(sys)


def _noted_import(
    name: str, globals: dict | None = None, locals: dict | None = None, fromlist: tuple = (), level: int = 0
) -> object:
    importer = _executing()
    result = _import(name, globals, locals, fromlist, level)
    full = _absolute(name, globals, level)
    noted = _imports.setdefault(importer, [])
    for found in (full, *(f"{full}.{item}" for item in fromlist or ())):
        if found in sys.modules and found not in _LOADED and found not in noted:
            noted.append(found)
    return result


def _executing() -> str | None:
    """Name the module whose body runs: the last that has begun to load and has not ended."""
    for name, module in reversed(list(sys.modules.items())):
        spec = getattr(module, "__spec__", None)
        if getattr(spec, "_initializing", False):
            return None if name in _OWN else name
    return None


def _absolute(name: str, globals: dict, level: int) -> str:
    if not level:
        return name
    package = globals.get("__package__") or globals["__name__"]
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base
