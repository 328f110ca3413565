"""Command lines that the lane takes, and that it leaves to componentize-py."""

from pathlib import Path

import pytest
from fast_lane.request import DeclinedError, Request, read

STANDARD = Request("app", (".",), Path("app.wasm"), quiet=False)


@pytest.mark.parametrize(
    "line",
    [
        "-w spin-http componentize app -o app.wasm",
        "-wspin-http componentize app -oapp.wasm",
        "-w=spin-http componentize -o=app.wasm app",
        "--world spin-http componentize app --output app.wasm",
        "--world=spin-http componentize --output=app.wasm app",
        "-w spin-http componentize -p . app -o app.wasm",
        "-w spin-http componentize app --python-path=. -o app.wasm",
    ],
)
def test_usual_variations(line: str) -> None:
    assert read(line.split()) == STANDARD


def test_defaults_and_quiet() -> None:
    assert read(["-q", "-w", "spin-http", "componentize", "pkg.main"]) == Request(
        "pkg.main", (".",), Path("index.wasm"), quiet=True
    )


def test_folders_keep_their_order() -> None:
    assert read(["-w", "spin-http", "componentize", "-p", "src", "-p", "lib", "app"]).python_path == ("src", "lib")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--help",
        "--version",
        "componentize app",
        "-w spin-redis componentize app",
        "-w spin-http bindings out",
        "-w spin-http -w spin-http componentize app",
        "-d wit -w spin-http componentize app",
        "-w spin-http --features x componentize app",
        "-w spin-http --import-interface-name a=b componentize app",
        "-w spin-http componentize",
        "-w spin-http componentize app other",
        "-w spin-http componentize app -s",
        "-w spin-http componentize app -m a=b",
        "-w spin-http componentize app -o",
        "-w spin-http componentize app -o a -o b",
        "-w spin-http componentize app -w spin-http",
        "-w spin-http componentize ./app.py",
        "-w spin-http componentize spin_http",
        "-w spin-http componentize -- app",
        "componentize -w spin-http app",
    ],
)
def test_everything_else_is_left_alone(line: str) -> None:
    with pytest.raises(DeclinedError):
        read(line.split())
