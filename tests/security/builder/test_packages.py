"""Packages that an app asks for, from a folder of wheels: what is installed, and what none of it can do."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from builder.packages import package_index
from builder.sandbox.processes import of_user

from functions.contracts.build_result import BuildResult
from functions.contracts.task import provenance_key, sbom_key
from tests.unit.builder.harness import FIRST_UID, HELLO, MAKE_COMPONENT, TASK, Cloud, manifest, open_folder, zipped
from tests.unit.builder.wheels import make_wheel

RAN = "import pathlib\npathlib.Path('/tmp/blue-faas-test-ran').write_text('x')\n"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of wheels as the operator's only index."""
    with open_folder() as folder:
        folder.chmod(0o755)
        for name in os.environ:
            if name.startswith("PIP_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        yield folder


def _build(
    cloud: Cloud, requirements: str, source: str | None = None, command: str = MAKE_COMPONENT, **files: str
) -> BuildResult:
    """Build an app that asks for packages; without ``source`` there is nothing in it to be type-checked."""
    content = {"spin.toml": manifest(command), "requirements.txt": requirements, **files}
    if source is not None:
        content["app.py"] = source
    cloud.submit("app.zip", zipped(content))
    result = cloud.build()
    assert result is not None
    return result


def _error(cloud: Cloud, requirements: str) -> str:
    result = _build(cloud, requirements)
    assert result.error is not None
    assert cloud.calls() == []
    assert str(cloud.folder) not in result.error
    return result.error


def test_packages_are_there_for_the_type_check_and_the_build(cloud: Cloud, index: Path) -> None:
    typed = {"shapes/__init__.py": "def area(side: int) -> int: return side\n", "shapes/py.typed": ""}
    make_wheel(index, "shapes", "2.1", typed, requires=["helper>=1", "other; sys_platform == 'linux'"])
    make_wheel(index, "helper")
    source = HELLO + "\nimport helper\nfrom shapes import area\nside: int = area(2)\n"
    list_all = 'ls "$VIRTUAL_ENV"/lib/*/site-packages; touch "$VIRTUAL_ENV/x" || true'
    result = _build(cloud, "shapes==2.*\n", source, f"{list_all}; {MAKE_COMPONENT}")
    assert result.outcome == "succeeded", result.error
    listed = {line.removeprefix("build | ") for line in cloud.log.splitlines() if line.startswith("build | ")}
    assert {"shapes", "helper.py", "spin_sdk"} <= listed
    assert "installed shapes 2.1" in cloud.log
    assert any("Permission denied" in line for line in listed)  # what is installed cannot be changed by the build
    assert result.durations["packages"] > 0
    parts = {part["name"]: part for part in cloud.document(sbom_key(TASK))["components"]}
    assert parts["shapes"]["purl"] == "pkg:pypi/shapes@2.1"
    dependencies = cloud.document(provenance_key(TASK))["predicate"]["buildDefinition"]["resolvedDependencies"]
    wheel = {"sha256": parts["helper"]["hashes"][0]["content"]}
    assert {"uri": "pkg:pypi/helper@1.0", "digest": wheel} in dependencies


def test_types_of_a_package_count_and_its_errors_do_not(cloud: Cloud, index: Path) -> None:
    broken = {"shapes/__init__.py": "x: int = ''\ndef area(side: int) -> int: return ''\n", "shapes/py.typed": ""}
    make_wheel(index, "shapes", files=broken)
    result = _build(cloud, "shapes", "from shapes import area\n\nside: int = area('2')\n")
    (finding,) = result.errors
    assert (finding.file, finding.line, finding.code) == ("app.py", 3, "arg-type")
    make_wheel(index, "untyped", files={"untyped.py": "def anything(x): return x\n"})
    assert _build(cloud, "untyped", "from untyped import anything\n\nanything(1, 2)\n").outcome == "succeeded"


def test_a_script_block_in_a_single_file(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "helper")
    block = '# /// script\n# dependencies = ["helper", "missing"]\n# ///\n'
    cloud.submit("my-app.py", block + "import helper\n" + HELLO)
    result = cloud.build()
    assert result is not None
    assert str(result.error).startswith("The app's packages cannot be installed: ")
    assert "missing was not found" in str(result.error)
    cloud.submit("my-app.py", block.replace(', "missing"', "") + "import helper\nimport nowhere\n" + HELLO)
    result = cloud.build()
    assert result is not None
    (finding,) = result.errors
    assert (finding.file, finding.line, finding.code) == ("my-app.py", 5, "import-not-found")
    assert "# /// script" in str(result.error)


def test_a_new_version_of_a_package_is_a_new_image(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "helper")
    first = _build(cloud, "helper")
    assert _build(cloud, "helper").image_url == first.image_url
    make_wheel(index, "helper", "1.1")
    second = _build(cloud, "helper")
    assert second.outcome == "succeeded"
    assert second.image_url != first.image_url


LINUX = "cp312-cp312-manylinux_2_17_x86_64"
FAST = "speedy/_fast.cpython-312-x86_64-linux-gnu.so"
NEEDED = {"speedy/__init__.py": "from speedy._fast import run\n", FAST: "\x7fELF"}
FASTER = {
    "speedy/__init__.py": "try:\n    from ._fast import run\nexcept ImportError:\n    from ._slow import run\n",
    "speedy/_slow.py": "def run() -> str: return 'slowly'\n",
    FAST: "\x7fELF",
    "speedy.libs/libz-1.so.1": "\x7fELF",
}


@pytest.mark.parametrize("requirements", ["speedy", "wrapper"])
def test_native_code_is_refused_by_name(cloud: Cloud, index: Path, requirements: str) -> None:
    make_wheel(index, "speedy", "3.2", NEEDED, tag=LINUX)
    make_wheel(index, "wrapper", requires=["speedy>=3"])
    error = _error(cloud, requirements)
    assert f"speedy needs native code (speedy-3.2-{LINUX}.whl is built for" in error
    assert "which speedy/__init__.py:1 imports" in error
    assert error.startswith("requirements.txt, line 1: " if requirements == "speedy" else "requirements.txt (needed by")


@pytest.mark.parametrize("requirements", ["speedy==3.2", "wrapper"])
def test_native_code_that_only_makes_a_package_faster_is_left_out(cloud: Cloud, index: Path, requirements: str) -> None:
    make_wheel(index, "speedy", "3.2", FASTER, tag=LINUX)
    make_wheel(index, "wrapper", requires=["speedy>=3"])
    listing = 'find "$VIRTUAL_ENV"/lib/*/site-packages/speedy*; '
    result = _build(cloud, requirements, HELLO + "import speedy\n", listing + MAKE_COMPONENT)
    assert result.outcome == "succeeded", result.error
    assert "speedy 3.2 is used without its native code" in cloud.log
    assert "_slow.py" in cloud.log
    assert ".so" not in cloud.log


def test_a_version_of_another_time_is_not_taken_in_silence(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "speedy", "1.9")
    make_wheel(index, "speedy", "2.4", NEEDED, tag=LINUX)
    make_wheel(index, "wrapper", requires=["speedy"])
    assert "Ask for exactly that" in _error(cloud, "speedy")
    assert "The newest that a component can use: speedy==1.9." in _error(cloud, "speedy>=1")
    assert "needs native code" in _error(cloud, "wrapper")
    assert _build(cloud, "speedy==1.9").outcome == "succeeded"
    assert _build(cloud, "speedy<2").outcome == "succeeded"


def test_a_slightly_older_version_is_said_in_the_log(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "speedy", "2.3")
    make_wheel(index, "speedy", "2.4", NEEDED, tag=LINUX)
    assert _build(cloud, "speedy").outcome == "succeeded"
    assert "speedy 2.4 needs native code: 2.3 is taken instead" in cloud.log


def test_the_newest_is_taken_where_it_is_only_faster_with_native_code(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "speedy", "1.9")
    make_wheel(index, "speedy", "2.4", FASTER, tag=LINUX)
    assert _build(cloud, "speedy").outcome == "succeeded"
    assert "installed speedy 2.4" in cloud.log


def test_a_wheel_for_another_webassembly_is_native_too(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "speedy", tag="cp312-cp312-pyodide_2024_0_wasm32")
    assert "requirements.txt, line 1: speedy needs native code" in _error(cloud, "speedy")


def test_a_package_with_both_kinds_of_wheels_is_pure(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "speedy", tag="cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(index, "speedy")
    assert _build(cloud, "speedy").outcome == "succeeded"


def test_native_code_in_a_wheel_that_denies_it(cloud: Cloud, index: Path) -> None:
    make_wheel(index, "liar", files={"liar/__init__.py": "", "liar/_fast.cpython-312-x86_64-linux-gnu.so": "\x7fELF"})
    assert "'liar/_fast.cpython-312-x86_64-linux-gnu.so' is native code" in _error(cloud, "liar")


def test_source_distributions_do_not_run(cloud: Cloud, index: Path) -> None:
    (index / "hostile-1.0.tar.gz").write_bytes(b"\x1f\x8b")
    error = _error(cloud, "hostile")
    assert error.startswith("requirements.txt, line 1: hostile has no wheel that a component can use")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1/evil-1.tar.gz", "file:///etc/evil-1-py3-none-any.whl", "git+https://127.0.0.1/e"]
)
def test_a_package_cannot_lead_elsewhere(cloud: Cloud, index: Path, url: str) -> None:
    make_wheel(index, "urly", requires=[f"evil @ {url}"])
    error = _error(cloud, "urly")
    assert error.startswith("A package that the app asks for needs 'evil' from a URL")
    assert url not in cloud.log


def test_nothing_of_a_package_runs_outside_the_sandboxes(cloud: Cloud, index: Path) -> None:
    files = dict.fromkeys(("hostile.py", "sitecustomize.py", "mypy.py", "hostile_plugin.py"), RAN)
    make_wheel(index, "hostile", files={**files, "hostile.pth": "import hostile\n", "tomli/__init__.py": RAN})
    result = _build(cloud, "hostile", HELLO + "import hostile\n")
    assert result.outcome == "succeeded", result.error
    assert not Path("/tmp/blue-faas-test-ran").exists()
    assert list(of_user(FIRST_UID)) == []


@pytest.mark.parametrize("name", ["../../../outside.py", "/tmp/blue-faas-test-outside"])
def test_a_wheel_that_leaves_its_folder(cloud: Cloud, index: Path, name: str) -> None:
    make_wheel(index, "leaver", files={"leaver.py": "", name: "x"})
    _build(cloud, "leaver")  # and sees that its work folder is left empty
    assert not Path("/tmp/blue-faas-test-outside").exists()


def _with_limits(cloud: Cloud, **limits: int) -> None:
    cloud.limits = cloud.limits.model_copy(update=limits)


@pytest.mark.parametrize(("most", "fits"), [(2, True), (1, False)])
def test_the_number_of_packages(cloud: Cloud, index: Path, most: int, *, fits: bool) -> None:
    make_wheel(index, "one", requires=["two"])
    make_wheel(index, "two")
    _with_limits(cloud, packages=most)
    assert ("needs 2 packages" not in str(_build(cloud, "one").error)) is fits


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_the_size_of_packages(cloud: Cloud, index: Path, spare: int, *, fits: bool) -> None:
    make_wheel(index, "large", files={"large.py": "#" * 100_000})
    _build(cloud, "large")
    size = 100_000
    # Beside the module: what the installer writes about it.
    _with_limits(cloud, packages_bytes=size + (10_000 if spare == 0 else spare))
    result = _build(cloud, "large")
    assert (result.outcome == "succeeded") is fits, result.error
    assert fits or "are larger than 99,999 bytes together" in str(result.error)


@pytest.mark.parametrize(
    ("requirements", "text"),
    [
        ("helper==9", "there is no version of helper==9"),
        ("helper\nhelper<1", "your requirements are unsatisfiable"),
        ("nowhere", "nowhere was not found"),
    ],
)
def test_what_cannot_be_had_is_said_in_words(cloud: Cloud, index: Path, requirements: str, text: str) -> None:
    make_wheel(index, "helper")
    error = _error(cloud, requirements)
    assert error.startswith("The app's packages cannot be installed: ")
    assert text in error
    assert "--no-build" not in error


def test_an_index_that_does_not_answer(cloud: Cloud, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:index-password@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    error = _error(cloud, "helper")
    assert error.startswith("The package index did not answer.")
    assert "index-password" not in cloud.log
    assert "127.0.0.1" not in cloud.log


def test_the_index_password_is_known_to_the_installer_alone(
    cloud: Cloud, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "helper")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://user:index-password@127.0.0.1:9/simple")
    look = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\\\0' '\\\\n'"
    assert _build(cloud, "helper", command=f"{look}; {MAKE_COMPONENT}").outcome == "succeeded"
    assert "index-password" not in cloud.log


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ({}, {}),
        ({"PIP_INDEX_URL": "https://i/simple"}, {"UV_DEFAULT_INDEX": "https://i/simple"}),
        ({"PIP_EXTRA_INDEX_URL": " https://a \n https://b "}, {"UV_INDEX": "https://a https://b"}),
        ({"PIP_FIND_LINKS": "https://a /nowhere /tmp"}, {"UV_FIND_LINKS": "https://a,/tmp"}),
        ({"PIP_CERT": "/c", "REQUESTS_CA_BUNDLE": "/d"}, {"SSL_CERT_FILE": "/c"}),
        ({"SSL_CERT_FILE": "/a", "PIP_CERT": "/c"}, {"SSL_CERT_FILE": "/a"}),
        ({"PIP_PROXY": "http://p", "NO_PROXY": "x"}, {"ALL_PROXY": "http://p", "NO_PROXY": "x"}),
        ({"AWS_SECRET_ACCESS_KEY": "x", "TASK_ID": "x", "UV_CACHE_DIR": "x", "PIP_TARGET": "x"}, {}),
    ],
)
def test_the_operators_settings_in_the_installers_words(operator: dict[str, str], expected: dict[str, str]) -> None:
    assert package_index.environment(operator) == expected


@pytest.mark.parametrize(("value", "expected"), [("1", ["--no-index"]), ("true", ["--no-index"]), ("0", []), ("", [])])
def test_no_index(value: str, expected: Sequence[str]) -> None:
    assert package_index.options({"PIP_NO_INDEX": value}) == expected
