"""What a handler without annotations answers, as its syntax tree shows it: mypy takes any value for a Response there.

Runs inside the sandbox, as `sdk_classes` does. Standard library only.
"""

import ast
import tokenize
from collections.abc import Iterator

from builder.typecheck.sdk_classes import HANDLER, HandlerFault

_METHOD = "handle_request"
_METHODS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FUNCTIONS = (*_METHODS, ast.Lambda, ast.ClassDef)
"""What has returns of its own."""
_VALUES: dict[type[ast.expr], str] = {
    ast.JoinedStr: "text",
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
    ast.List: "a list",
    ast.ListComp: "a list",
    ast.Tuple: "a tuple",
    ast.Set: "a set",
    ast.SetComp: "a set",
}
_CONSTANTS: dict[type, str] = {str: "text", bytes: "bytes", bool: "a boolean", int: "a number", float: "a number"}


def unfit_answer(path: str) -> HandlerFault | None:
    """Return the first ``return`` of the handler that is no Response for certain; None where nothing is certain."""
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read())
        return next(_faults(tree), None)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None  # `sdk_classes.missing_handler` says why


def _faults(tree: ast.Module) -> Iterator[HandlerFault]:
    for statement in tree.body:
        method = _unannotated(statement) if isinstance(statement, ast.ClassDef) else None
        if isinstance(method, ast.AsyncFunctionDef):
            yield HandlerFault("async", method.lineno, "")
        elif method is not None:
            yield from _faults_of(method)


def _unannotated(handler: ast.ClassDef) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the method that Spin calls, where mypy knows nothing of its answer: without an annotation.

    A class that defines `handle` calls the method itself, and decorators may make something else of it.
    """
    methods = {each.name: each for each in handler.body if isinstance(each, _METHODS)}
    method = methods.get(_METHOD)
    if handler.name != HANDLER or "handle" in methods or method is None:
        return None
    return None if method.decorator_list or method.returns is not None else method


def _faults_of(method: ast.FunctionDef) -> Iterator[HandlerFault]:
    own = list(_own_nodes(method))
    for node in own:
        if isinstance(node, ast.Return) and (value := _not_a_response(node.value)):
            yield HandlerFault("answer", node.lineno, value)
    if not any(isinstance(node, ast.Return | ast.Raise | ast.Yield | ast.YieldFrom | ast.While) for node in own):
        yield HandlerFault("answer", method.lineno, "nothing")


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a function and not in a function within."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, _FUNCTIONS):
            yield node
            yield from _own_nodes(node)


def _not_a_response(value: ast.expr | None) -> str | None:
    """Return what a value is that cannot be a Response; None for what may be one."""
    if value is None:
        return "nothing"
    if isinstance(value, ast.Constant):
        return "nothing" if value.value is None else _CONSTANTS.get(type(value.value))
    return _VALUES.get(type(value))
