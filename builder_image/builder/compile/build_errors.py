"""Say why a build failed: the line of the uploader's file, what happened there, what to do.

A tool's last lines are shown only where nothing better is known, without what no uploader reads: WebAssembly frames,
the tool's own stack, paths of this machine.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from builder.compile import python_traceback
from builder.compile.missing_modules import advice_for_exception, advice_for_module
from builder.compile.python_traceback import Frame, Raised
from builder.log import printable
from builder.sandbox.run import Outcome
from builder.source.upload import App

_TAIL_LINES: Final = 20
_TAIL_CHARACTERS: Final = 4000
_LONGEST_TEXT: Final = 1000
_MOST_PLACES: Final = 8
_MOST_SOURCE_BYTES: Final = 1024 * 1024
_SPIN_ERROR: Final = re.compile(r"^Error: (.*)$", re.MULTILINE)
_MODULE: Final = re.compile(r"No module named '([^']+)'")
_TRAPPED: Final = "error while executing at wasm backtrace"
_EXITED: Final = "Exited with i32 exit status"
_HOST_CALL: Final = re.compile(r"indirect-(?:fermyon|spin|wasi|wasmtime)[\w-]*:[\w/-]+?/([\w-]+)@")
_NOISE: Final = re.compile(
    r"^\s*[0-9]+: (?:0x[0-9a-f]+ - |\S*::|<unknown>|_?Py|__libc|_start|wasmtime)"
    r"|^\s+at \S+:[0-9]+"
    r"|^(?:Stack backtrace|Caused by):$"
    r"|WASMTIME_BACKTRACE_DETAILS"
    r'|^\s*File "[^"]*/bin/componentize-py"'
    r"|^\s*(?:sys\.exit\(script\(\)\)|\^+)$"
)
_PANIC: Final = re.compile(r"^thread '.*' panicked at |^called `Option::unwrap|^note: run with `RUST_BACKTRACE")
_NETWORK: Final = re.compile(
    r"externally-managed-environment|No matching distribution found|NewConnectionError|name resolution"
    r"|Could not resolve host|ENOTFOUND|EAI_AGAIN|getaddrinfo|Network is unreachable|dns error"
    r"|Failed to establish a new connection|Temporary failure resolving|failed to (?:fetch|download)",
    re.IGNORECASE,
)
_NO_NETWORK: Final = (
    "Builds have no network. Name Python packages in requirements.txt: the builder installs them before the build. "
    "What another tool would fetch, put into the .zip."
)
_VARIABLES: Final = (
    "The app is imported while it is built, where no variable is set. Read variables in handle_request, with "
    "spin_sdk.variables; a deploy sets them (`variables`)."
)


def describe(outcome: Outcome, folder: Path, app: App) -> str:
    """Say why a build failed, for the uploader.

    Parameters
    ----------
    outcome
        How `spin build` ended.
    folder
        Where it ran: taken out of every text.
    """
    output = printable(outcome.output.tail).replace(f"{folder}/", "").replace(str(folder), ".")
    if outcome.failure is not None:
        return _with_tail(f"Build failed: the build {outcome.failure}", output)
    if raised := python_traceback.find(output, app):
        return f"Build failed: {_of_exception(raised)}"
    if _TRAPPED in output:
        return f"Build failed: {_of_trap(output, app)}"
    errors = _SPIN_ERROR.findall(output)
    summary = errors[-1] if errors else f"`spin build` ended with status {outcome.exit_code}"
    # Before the tool's own words, which tell what to do on another machine.
    advice = f"\n{_NO_NETWORK}" if _NETWORK.search(output) else ""
    return _with_tail(f"Build failed: {summary}{advice}", output.replace(f"Error: {summary}", ""))


def _of_exception(raised: Raised) -> str:
    own = [frame for frame in raised.frames if frame.in_app]
    place = own[-1].place if own else raised.frames[-1].place
    said = raised.said if len(raised.said) <= _LONGEST_TEXT else f"{raised.said[:_LONGEST_TEXT]}…"
    lines = [f"{place}: {said} (while the app is imported)"]
    shown = raised.frames[-_MOST_PLACES:]
    lines += [f"  {frame.place}: {frame.source[:200]}" for frame in shown if frame.source]
    foreign = [frame.path.partition("/")[0].removesuffix(".py") for frame in raised.frames if not frame.in_app]
    if (advice := _advice(raised, own, frozenset(foreign))) is not None:
        lines.append(f"'{foreign[0]}' cannot be used in a component. {advice}" if foreign else advice)
    return "\n".join(lines)


def _advice(raised: Raised, own: Sequence[Frame], packages: frozenset[str]) -> str | None:
    """Say what to do about an exception; None where its own text says all."""
    if raised.kind == "ModuleNotFoundError" and (module := _MODULE.match(raised.text)) is not None:
        return advice_for_module(module[1], packages)
    if raised.kind == "KeyError" and own and "environ" in own[-1].source:
        return _VARIABLES
    return advice_for_exception(raised.kind, raised.text)


def _of_trap(output: str, app: App) -> str:
    """Explain a stop inside WebAssembly that Python knows nothing of: the process ended, or Spin was called."""
    if "proc_exit" in output and _EXITED in output:
        return (
            "the app ends the process while it is imported. Call sys.exit only under "
            f'`if __name__ == "__main__":`.{_printed(output)}'
        )
    call = _HOST_CALL.search(output)
    what = f"calls Spin ({call[1]})" if call else "does something that only a running function may do, such as a call"
    place = next(_calls_at_import(app), None)
    return (
        f"{place + ': ' if place else ''}the app {what} while it is imported. Spin answers only while a request is "
        f"handled: move the call into handle_request.{_printed(output)}"
    )


def _printed(output: str) -> str:
    """Quote what the app itself printed before it stopped: componentize-py shows it as the text of its exception."""
    text = output.rpartition("AssertionError:")[2].partition("\nCaused by:")[0]
    lines = [line for line in text.splitlines() if line.strip() and not _PANIC.search(line)]
    return "".join(f"\n  {line.strip()[:200]}" for line in lines[-_TAIL_LINES:])


def _calls_at_import(app: App) -> Iterator[str]:
    """Find calls of names that come from spin_sdk, outside of functions: ``path:line`` of each."""
    for component in app.manifest.components:
        for path in sorted((app.folder / component.workdir).glob("*.py")):
            if path.is_symlink() or path.stat().st_size > _MOST_SOURCE_BYTES:
                continue
            try:
                module = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            relative = str(path.relative_to(app.folder))
            for line in _lines_of_calls(module):
                yield f"{app.shown_as.get(relative, relative)}:{line}"


def _lines_of_calls(module: ast.Module) -> Iterator[int]:
    names: set[str] = set()
    pending: list[ast.AST] = list(module.body[::-1])
    while pending:
        node = pending.pop()
        names |= _imported_of_sdk(node)
        if isinstance(node, ast.Call) and _root(node) in names:
            yield node.lineno
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += list(ast.iter_child_nodes(node))[::-1]


def _imported_of_sdk(node: ast.AST) -> set[str]:
    """Names that an import of the SDK binds."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "spin_sdk":
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names if "spin_sdk" in alias.name}
    return set()


def _root(node: ast.AST) -> str | None:
    """Return ``a`` of ``a.b(c).d()``; None where it begins with something else than a name."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else None


def _with_tail(text: str, output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip() and not _NOISE.search(line)]
    tail = "\n".join(lines[-_TAIL_LINES:])[-_TAIL_CHARACTERS:]
    return f"{text}\n{tail}" if tail else text
