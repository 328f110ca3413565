"""Each fuzz target takes what it begins from, and refuses what once hurt a parser."""

import contextlib

import pytest

from fuzz.targets import TARGETS, Target

HURT = {
    "nothing": b"",
    "nul": b"\0" * 1000,
    "no text": bytes(range(256)) * 4,
    "surrogates": "\ud800".encode("utf-8", "surrogatepass"),
    "digits": b"x = " + b"9" * 5000,
    "digits in json": b'{"revision": ' + b"9" * 5000 + b"}",
    "dotted keys": b"a" + b".a" * 20_000 + b" = 1",
    "nested arrays": b"x = " + b"[" * 100_000,
    "nested json": b'{"a":' * 20_000,
    "nested tables": b"x = " + b"{a=" * 20_000,
    "blanks": b"a" + b" " * 60_000 + b"b",
    "quotes": b'form-data; a="' + b";" * 8000,
    "pieces": b"form-data; name*; name*1; filename*; filename*0=a; boundary*=; boundary*1=b",
    "brackets": b"a; " + b"(" * 20_000,
    "stars": b"a" * 200 + b"\n" + b"*a" * 100 + b"b\n",
    "braces": b"a\n" + b"{a,b}" * 40,
    "parts": b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 20_000,
    "script block": b"# /// script\n" + b"#\n" * 50_000,
    "accents": "\u0344".encode() * 30_000,
    "a class": b"class " + b"(" * 5000,
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_seeds_are_taken(target: Target) -> None:
    assert target.seeds
    for seed in target.seeds:
        target.run(seed)


@pytest.mark.parametrize("hurt", HURT.values(), ids=list(HURT))
@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if not target.sandboxed])
def test_what_is_made_to_hurt_is_taken_or_refused(name: str, hurt: bytes) -> None:
    target = TARGETS[name]
    with contextlib.suppress(*target.refusals):
        target.run(hurt)
