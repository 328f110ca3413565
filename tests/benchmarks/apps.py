"""The apps whose builds are measured, each as it is uploaded and as it lies in a folder of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bench.sources import COMPONENTIZE, HELLO, never_built
from tests.support.client import spin_toml, zipped

MODULES: Final = 30
PACKAGES: Final = ("attrs==25.3.0", "Markdown==3.7", "tomlkit==0.13.2")
"""In Python alone, and needing no others."""
INSTALLED: Final = "packages"
"""Folder that the packages of a folder are in, where a person has installed them."""
_HANDLER: Final = """\
class IncomingHandler(http.IncomingHandler):
    def handle_request(self, request: http.Request) -> http.Response:
        return http.Response(200, {"content-type": "text/plain"}, answer().encode())
"""
_MODULE: Final = '''\
"""Orders of branch {number}."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Line{number}:
    """One line of an order."""

    name: str
    price: Decimal
    count: int = 1

    def total(self) -> Decimal:
        return self.price * self.count


@dataclass
class Order{number}:
    """Lines, and what they cost together."""

    lines: list[Line{number}] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, price: str, count: int = 1) -> None:
        self.lines.append(Line{number}(name, Decimal(price), count))

    def total(self) -> Decimal:
        return sum((line.total() for line in self.lines), Decimal(0))


def example() -> Order{number}:
    order = Order{number}()
    order.add("tea", "{number}.50", 2)
    order.notes["branch"] = "{number}"
    return order
'''
_PACKAGES_SOURCE: Final = f"""\
import attrs
import markdown
import tomlkit
from spin_sdk import http


@attrs.define
class Page:
    title: str
    text: str

    def html(self) -> str:
        return markdown.markdown(f"# {{self.title}}\\n\\n{{self.text}}")


def answer() -> str:
    settings = tomlkit.parse('title = "Hello"')
    return Page(str(settings["title"]), "*there*").html()


{_HANDLER}"""


@dataclass(frozen=True, slots=True)
class App:
    """Files by path, ``app.py`` among them, and packages."""

    name: str
    files: Mapping[str, bytes]
    packages: tuple[str, ...] = ()

    def never_built(self) -> "App":
        """Return it with a line in ``app.py`` that it has not had: the same one would not be built again."""
        line = never_built().removeprefix(HELLO.read_bytes())
        return replace(self, files={**self.files, "app.py": self.files["app.py"] + line})

    def upload(self) -> tuple[str, bytes]:
        """Return name and content of what is uploaded."""
        if len(self.files) == 1 and not self.packages:
            return "app.py", self.files["app.py"]
        requirements = {"requirements.txt": "\n".join(self.packages).encode()} if self.packages else {}
        return "app.zip", zipped(**{**self.files, **requirements, "spin.toml": spin_toml(COMPONENTIZE)})

    def folder(self) -> dict[str, bytes]:
        """Return the files of a folder in which the tools are typed."""
        path = f" -p . -p {INSTALLED}" if self.packages else ""
        command = COMPONENTIZE.replace(" componentize ", f" componentize{path} ")
        return {**self.files, "spin.toml": spin_toml(command)}


def hello() -> App:
    """Return the smallest one."""
    return App("hello", {"app.py": HELLO.read_bytes()})


def thirty_modules() -> App:
    """Return one whose handler imports a package of 30 modules, some 1,200 lines."""
    numbers = range(MODULES)
    modules = {f"branches/branch_{number}.py": _MODULE.format(number=number).encode() for number in numbers}
    names = "\n".join(f"from branches import branch_{number}" for number in numbers)
    totals = ", ".join(f"branch_{number}.example().total()" for number in numbers)
    source = (
        f"{names}\nfrom spin_sdk import http\n\n\ndef answer() -> str:\n    return str(sum([{totals}]))\n\n\n{_HANDLER}"
    )
    return App("30 modules", {"app.py": source.encode(), "branches/__init__.py": b"", **modules})


def three_packages() -> App:
    """Return one that uses three packages of the index."""
    return App("three packages", {"app.py": _PACKAGES_SOURCE.encode()}, PACKAGES)
