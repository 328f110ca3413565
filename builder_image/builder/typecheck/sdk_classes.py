"""What a Python source makes of the Spin SDK's classes: read from its syntax tree, nothing of it is run.

Runs inside the sandbox (see `mypy_runner`): a source may be made to crash whoever parses it. Standard library only.
"""

import ast
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

HANDLER = "IncomingHandler"
_DYNAMIC = {"setattr", "exec", "eval", "globals", "locals", "vars", "__import__", "import_module"}
"""Functions that can bind a name which no statement shows."""
_CLAUSE = re.compile(r"(?:else|elif|except|finally)\b|[)\]}]")
"""Begins a line in the first column that goes on with the statement before it."""


@dataclass
class Bindings:
    """Where a module's names come from, after the statements until now: dotted origins, "" for what is its own."""

    origins: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    def copy(self) -> "Bindings":
        """Independent of this one."""
        return Bindings(dict(self.origins), list(self.stars))

    def origin(self, node: ast.expr) -> str:
        """Where the value of ``a`` or ``a.b.c`` comes from."""
        if isinstance(node, ast.Name):
            # A name that nothing else binds may come from any star; the SDK's is the one that counts here.
            star = max(self.stars, key=is_sdk, default="")
            return self.origins.get(node.id, star and f"{star}.{node.id}")
        if isinstance(node, ast.Attribute):
            inner = self.origin(node.value)
            return f"{inner}.{node.attr}" if inner else ""
        return ""

    def add(self, statement: ast.stmt) -> None:
        """Bind what a simple statement binds."""
        match statement:
            case ast.ImportFrom():
                self._add_names_of(statement)
            case ast.Import():
                for alias in statement.names:
                    first = alias.name.partition(".")[0]
                    self.origins[alias.asname or first] = alias.name if alias.asname else first
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.origins[name] = self.origin(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.origins[name] = self.origin(value)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                self.origins[statement.name] = ""
            case _:
                names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
                self.origins |= {name.id: "" for name in names if not isinstance(name.ctx, ast.Load)}

    def _add_names_of(self, statement: ast.ImportFrom) -> None:
        module = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(module)
            else:
                self.origins[alias.asname or alias.name] = f"{module}.{alias.name}"

    def join(self, branches: list["Bindings"]) -> None:
        """Become what holds after one of several branches: what any of them has of the SDK counts as that."""
        self.origins, self.stars = {}, []
        for branch in branches:
            self.stars += [star for star in branch.stars if star not in self.stars]
            for name, origin in branch.origins.items():
                if not is_sdk(self.origins.get(name, "")):
                    self.origins[name] = origin


Visit = Callable[[ast.ClassDef, Bindings], None]


def follow(statements: Iterable[ast.stmt], bindings: Bindings, visit: Visit) -> None:
    """Take statements in the order in which they run; ``visit`` sees each class before it is bound."""
    for statement in statements:
        match statement:
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
                _branches([statement.body, statement.orelse], bindings, visit)
            case ast.Try() | ast.TryStar():
                handlers = [handler.body for handler in statement.handlers]
                _branches([statement.body + statement.orelse, *handlers], bindings, visit)
                follow(statement.finalbody, bindings, visit)
            case ast.With() | ast.AsyncWith():
                follow(statement.body, bindings, visit)
            case ast.Match():
                _branches([case.body for case in statement.cases], bindings, visit)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                follow(statement.body, bindings.copy(), visit)
                bindings.add(statement)
            case ast.ClassDef():
                visit(statement, bindings)
                bindings.add(statement)
            case _:
                bindings.add(statement)


def _branches(bodies: list[list[ast.stmt]], bindings: Bindings, visit: Visit) -> None:
    ends = []
    for body in bodies:
        branch = bindings.copy()
        follow(body, branch, visit)
        ends.append(branch)
    bindings.join(ends)


def is_sdk(origin: str) -> bool:
    """Whether this is, or is in, the Spin SDK."""
    return origin == "spin_sdk" or origin.startswith("spin_sdk.")


def idioms(path: str) -> list[tuple[str, int, int]]:
    """Classes that take the name of an import of the SDK and derive from it, as every Spin 3 Python app has one.

    Each is its name and the lines between which mypy may call it a redefinition.
    """
    found: list[tuple[str, int, int]] = []

    def visit(statement: ast.ClassDef, bindings: Bindings) -> None:
        was = bindings.origin(ast.Name(statement.name, ast.Load()))
        kind = was.rpartition(".")[2]
        bases = map(bindings.origin, statement.bases)
        if is_sdk(was) and any(is_sdk(base) and base.rpartition(".")[2] == kind for base in bases):
            first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
            found.append((statement.name, first, statement.lineno))

    try:
        with tokenize.open(path) as file:
            follow(top_level(file.read()), Bindings(), visit)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return found


@dataclass(frozen=True)
class HandlerFault:
    """What keeps a source from answering requests, and in which line; line 0 where no line shows it."""

    kind: str
    line: int
    shown: str


def missing_handler(path: str) -> HandlerFault | None:
    """None for a source that makes or imports a class IncomingHandler of its own, or may do so in a way unseen."""
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read())
        return None if any(map(_may_bind, ast.walk(tree))) else _missing(tree)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None  # mypy says what is wrong with it, or it is for a later Python than this one


def _may_bind(node: ast.AST) -> bool:
    """Whether this binds the handler's name, other than by an import, or may do so unseen."""
    match node:
        case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=name):
            return name == HANDLER
        case ast.FunctionDef(name=name):
            return name in {HANDLER, "__getattr__"}
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _DYNAMIC
        case ast.Global(names=names):
            return HANDLER in names
    return False


def _missing(tree: ast.Module) -> HandlerFault | None:
    bindings = Bindings()
    misnamed: list[HandlerFault] = []

    def visit(statement: ast.ClassDef, at: Bindings) -> None:
        kinds = (_kind_of_handler(at.origin(base)) for base in statement.bases)
        misnamed.extend(HandlerFault(kind, statement.lineno, statement.name) for kind in kinds if kind is not None)

    follow(tree.body, bindings, visit)
    if not is_sdk(bindings.origins.get(HANDLER, "spin_sdk")):
        return None
    if any(not is_sdk(star) for star in bindings.stars):
        return None
    if misnamed:
        return misnamed[0]
    return next(_lambda_handlers(tree), HandlerFault("nothing", 0, ""))


def _kind_of_handler(base: str) -> str | None:
    """Which of the SDK's handlers a class derives from, by the origin of its base."""
    if is_sdk(base) and base.endswith(f".{HANDLER}"):
        return "name"
    return "sdk4" if base == "spin_sdk.http.Handler" else None


def _lambda_handlers(tree: ast.Module) -> Iterator[HandlerFault]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in statement.args.args]
            if names[:2] == ["event", "context"] or statement.name == "lambda_handler":
                yield HandlerFault("lambda", statement.lineno, f"{statement.name}({', '.join(names)})")


def top_level(source: str) -> list[ast.stmt]:
    """Statements of a module; without those that only a later Python than this one can read."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        pass
    statements: list[ast.stmt] = []
    for start, lines in _chunks(source.splitlines()):
        for text in ("\n".join(lines), f"{lines[0]}\n    pass"):  # all of it, or just its first line
            try:
                found = ast.parse("\n" * start + text).body
            except SyntaxError:
                continue
            statements += found
            break
    return statements


def _chunks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Lines from one that starts in the first column to the next: a statement, as people write them."""
    chunks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines):
        starts = bool(line) and (line[0].isidentifier() or line[0] == "@") and not _CLAUSE.match(line)
        # A decorator goes with what it decorates.
        if starts and not (chunks and chunks[-1][1][-1].startswith("@")):
            chunks.append((number, [line]))
        elif chunks:
            chunks[-1][1].append(line)
    return chunks
