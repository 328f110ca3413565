"""Packages that load their parts when these are asked for, in place of all at once.

The ``__init__`` of some packages imports every name that they export. Powertools' event handlers bring those of AppSync
and Bedrock that way, with `asyncio`; its data classes those of 40 services. What no handler asks for is not loaded at
all: neither by a cold start nor after SnapStart has restored one. Import statements are the same as with the whole
package (PEP 562).

What writes the documentation of boto3's methods is loaded when somebody reads it.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.event_handler.openapi.swagger_ui",
    "aws_lambda_powertools.utilities.data_classes",
    "wrapt",
)
"""Those of the bundles' packages that export much more than the handlers use."""
CALLED: Final = (
    "botocore/docs/__init__.py",
    "botocore/docs/docstring.py",
    "boto3/docs/__init__.py",
    "boto3/docs/docstring.py",
)
"""Modules that are always loaded, and import what is called only for `help` and the reference documentation."""

_INIT: Final = '''"""This package loads its parts on demand; written by infra/tools/on_demand.py."""

from importlib import import_module as _import_module

_EXPORTS = {exports!r}


def __getattr__(name):
    if name in _EXPORTS:
        module, attribute = _EXPORTS[name]
        value = globals()[name] = getattr(_import_module(module, __name__), attribute)
        return value
    if not name.startswith("_"):
        try:
            return _import_module(f"{{__name__}}.{{name}}")
        except ModuleNotFoundError as error:
            if error.name != f"{{__name__}}.{{name}}":
                raise
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}} in this bundle")
'''


_CALL: Final = """
def {name}(*arguments, **options):
    from {module} import {attribute} as called
    return called(*arguments, **options)
"""


class NotOnlyExportsError(Exception):
    """A module uses what it imports while it is loaded, so that it cannot load it later."""


def rewrite(folder: Path) -> None:
    """Rewrite `PACKAGES` and `CALLED` in a folder of installed packages.

    Raises
    ------
    NotOnlyExportsError
        A package has changed.
    """
    for package in PACKAGES:
        _rewrite(folder / package.replace(".", "/") / "__init__.py", on_demand)
    for name in CALLED:
        _rewrite(folder / name, on_call)


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    text = change(path.read_text(encoding="utf-8"))
    path.unlink()  # uv's cache has the same file: a hard link
    path.write_text(text, encoding="utf-8")


def on_demand(source: str) -> str:
    """Return the source of an ``__init__`` with the names of ``source``, which imports a part when it is asked for.

    Statements other than ``from … import …`` stay as they are.

    Raises
    ------
    NotOnlyExportsError
        One of these statements uses an imported name.
    """
    exports: dict[str, tuple[str, str]] = {}
    kept: list[ast.stmt] = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            exports |= {alias.asname or alias.name: (module, alias.name) for alias in statement.names}
        else:
            kept.append(statement)
    used = {node.id for statement in kept for node in ast.walk(statement) if isinstance(node, ast.Name)} & set(exports)
    if used or "*" in exports:
        raise NotOnlyExportsError(f"needed when the package is loaded: {', '.join(sorted(used)) or 'from … import *'}")
    return "\n".join([init(exports), *map(ast.unparse, kept), ""])


def on_call(source: str) -> str:
    """Return the source of a module that imports the functions and classes it calls when it calls them.

    What the module uses while it is loaded, as a base class for example, and constants, it imports as before.
    """
    tree = ast.parse(source)
    used = set(_used_at_once(tree))
    body: list[ast.stmt] = []
    for statement in tree.body:
        names = {alias.asname or alias.name: alias.name for alias in getattr(statement, "names", ())}
        if isinstance(statement, ast.ImportFrom) and not any(name in used or name.isupper() for name in names):
            module = "." * statement.level + (statement.module or "")
            for name, attribute in names.items():
                body += ast.parse(_CALL.format(name=name, module=module, attribute=attribute)).body
        else:
            body.append(statement)
    return "\n".join([*map(ast.unparse, body), ""])


def _used_at_once(node: ast.AST) -> Iterator[str]:
    """Yield the names that are read while a module is loaded: those outside of the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            for part in (*child.decorator_list, child.args):
                yield from _used_at_once(part)
        else:
            if isinstance(child, ast.Name):
                yield child.id
            yield from _used_at_once(child)


def init(exports: Mapping[str, tuple[str, str]]) -> str:
    """Return the source of an ``__init__`` that exports names on demand.

    Parameters
    ----------
    exports
        By name: the module, absolute or relative to the package, and its attribute.
    """
    return _INIT.format(exports=dict(exports))
