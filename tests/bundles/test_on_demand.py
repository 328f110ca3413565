"""Packages that load their parts on demand: the same names as before, and nothing loaded before one is asked for."""

import http
import importlib
import json
import string
import subprocess
import sys
import types
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.tools.bundles import DEPLOY_BUNDLE
from infra.tools.on_demand import PACKAGES, NotOnlyExportsError, on_call, on_demand

_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True).map("x_{}".format)

_ASK = """
import importlib, sys
sys.path.append(sys.argv[1])
package = importlib.import_module(sys.argv[2])
parts = [name for name in sys.modules if name.startswith(sys.argv[2] + ".")]
print(*sorted(name for name in package.__all__ if getattr(package, name) is not None))
print(*parts)
"""


def in_the_bundle(code: str, *arguments: str) -> str:
    command = [sys.executable, "-I", "-S", "-c", code, str(DEPLOY_BUNDLE.build_for_this_interpreter()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_the_names_of_the_whole_one(package: str) -> None:
    names, _ = in_the_bundle(_ASK, package).splitlines()
    whole = importlib.import_module(package)
    assert names.split() == sorted(name for name in whole.__all__ if getattr(whole, name) is not None)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_loads_nothing_before_it_is_asked(package: str) -> None:
    _, parts = in_the_bundle(_ASK, package).splitlines()
    assert parts.split() == []


def test_a_submodule_is_found_as_an_attribute() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import aws_lambda_powertools.event_handler as handlers\n"
        "print(handlers.content_types.APPLICATION_JSON)\n"
        "try:\n    handlers.nothing\nexcept AttributeError as error:\n    print(error)\n"
    )
    kind, error = in_the_bundle(code).splitlines()
    assert kind == "application/json"
    assert error == "module 'aws_lambda_powertools.event_handler' has no attribute 'nothing' in this bundle"


def test_the_documentation_of_a_call_can_be_read() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import boto3\n"
        "s3 = boto3.client('s3', 'ap-northeast-2', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "assert 'botocore.docs.method' not in sys.modules\n"
        "print(str(type(s3).get_object.__doc__)[:4000])\n"
    )
    assert "Retrieves an object from Amazon S3" in in_the_bundle(code)


def test_what_a_module_calls_is_imported_by_the_call() -> None:
    source = (
        "from json import loads, dumps as write\nfrom string import Template\nfrom http import HTTPStatus as LIMIT\n"
        "class Mine(Template): ...\ndef read(text): return loads(text), write(LIMIT)\n"
    )
    module: dict[str, Any] = {"__name__": "made"}
    exec(on_call(source), module)  # noqa: S102  # the source under test
    assert module["loads"] is not json.loads
    assert (module["Template"], module["LIMIT"]) == (string.Template, http.HTTPStatus)
    with mock.patch("json.dumps", lambda value: value.__name__):
        assert module["read"]("[1]") == ([1], "HTTPStatus")


@given(exports=st.dictionaries(_NAMES, st.integers(), min_size=1, max_size=4))
def test_values_are_those_of_the_parts(exports: dict[str, int]) -> None:
    part = types.ModuleType("made.part")
    vars(part).update(exports)
    made = types.ModuleType("made")
    source = "".join(f"from .part import {name} as {name}_here\n" for name in exports) + "kept = 1\n"
    with mock.patch.dict(sys.modules, {"made": made, "made.part": part}):
        exec(on_demand(source), vars(made))  # noqa: S102  # the source under test
        assert set(vars(made)) & {f"{name}_here" for name in exports} == set()
        assert [getattr(made, f"{name}_here") for name in exports] == list(exports.values())
        assert made.kept == 1


@pytest.mark.parametrize(
    "source", ["from .a import b\nc = b\n", "from a import *\n", "from a import b\nclass C(b): ...\n"]
)
def test_a_package_that_uses_what_it_imports_is_refused(source: str) -> None:
    with pytest.raises(NotOnlyExportsError):
        on_demand(source)
