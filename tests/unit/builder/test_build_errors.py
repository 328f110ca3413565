"""What an uploader is told of a failed build. The outputs are componentize-py 0.17.2's own, cut in their long parts."""

from pathlib import Path

import pytest
from builder.compile.build_errors import describe
from builder.sandbox.output import Output
from builder.sandbox.run import Outcome
from builder.source.manifest import Manifest
from builder.source.upload import App

FOLDER = Path("/work/build-1/build/app")
SPIN = "Error: Build command for component app failed with status Exited(1)\n"
TOOL = """\
Traceback (most recent call last):
  File "/opt/toolchain/bin/componentize-py", line 10, in <module>
    sys.exit(script())
             ^^^^^^^^
AssertionError: """
STACK = """

Stack backtrace:
   0: anyhow::error::<impl anyhow::Error>::msg
   1: anyhow::__private::format_err
  20: __libc_start_call_main
             at ./csu/../sysdeps/nptl/libc_start_call_main.h:58:16
  22: _start
"""
EXIT = """usage: app PORT


Caused by:
    0: error while executing at wasm backtrace:
           0: 0x2275c - wit-component:adapter:wasi_snapshot_preview1!wasi::cli::exit::exit
           1: 0x20e7c - wit-component:adapter:wasi_snapshot_preview1!proc_exit
       note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more debugging information
    1: Exited with i32 exit status 1
"""
HOST_CALL = """

Caused by:
    0: error while executing at wasm backtrace:
           0: 0x1c02bd9 - wit-component:shim!indirect-fermyon:spin/variables@2.0.0-get
           1: 0x1be994c - libcomponentize_py_bindings.so!fermyon:spin/variables@2.0.0#get-import
    1: called trapping stub: fermyon:spin/variables@2.0.0
"""
PANIC = """
thread '<unnamed>' panicked at runtime/src/lib.rs:628:24:
called `Option::unwrap()` on a `None` value
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


Caused by:
    0: error while executing at wasm backtrace:
           0: 0x1b383da - libc.so!abort
    1: wasm trap: wasm `unreachable` instruction executed
"""

APP = """\
import helper
from spin_sdk import variables
from spin_sdk.http import send as call

NAME = variables.get("name")


class IncomingHandler:
    def handle_request(self, request):
        return call(request)
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "spin.toml").write_text(
        'spin_manifest_version = 2\n[application]\nname = "a"\n[component.app]\nsource = "app.wasm"\n'
        '[component.app.build]\ncommand = "componentize-py -w spin-http componentize app -p src -o app.wasm"\n'
    )
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "helper.py").write_text("raise ValueError('x')\n")
    return App(tmp_path, Manifest.read(tmp_path, 10), {"app.py": "my-app.py"})


def told(app: App, output: str) -> str:
    """The text, without what every text of a failed build must be without."""
    taken = Output(lambda _: None, 1_000_000)
    taken.feed(output.encode())
    text = describe(Outcome(1, None, taken), FOLDER, app)
    for noise in ("0x", "Stack backtrace", "anyhow", "/0/", "/opt/", "/work/", 'componentize-py"', "sys.exit(script"):
        assert noise not in text
    assert text.startswith("Build failed: ")
    return text.removeprefix("Build failed: ")


def test_an_exception_is_told_with_the_lines_that_led_to_it(app: App) -> None:
    guest = (
        'Traceback (most recent call last):\n  File "/0/app.py", line 1, in <module>\n    import helper\n'
        "  File \"/0/helper.py\", line 1, in <module>\n    raise ValueError('x')\nValueError: x\n"
    )
    assert told(app, f"{TOOL}{guest}\n\nCaused by:\n    ValueError: x{STACK}{SPIN}") == (
        "src/helper.py:1: ValueError: x (while the app is imported)\n  my-app.py:1: import helper\n"
        "  src/helper.py:1: raise ValueError('x')"
    )


def test_a_syntax_error_of_a_module(app: App) -> None:
    guest = "  File \"/0/helper.py\", line 1\n    x = [\n        ^\nSyntaxError: '[' was never closed\n"
    assert told(app, f"{TOOL}{guest}\n\nCaused by:\n    SyntaxError{STACK}{SPIN}").startswith(
        "src/helper.py:1: SyntaxError: '[' was never closed"
    )


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("zlib", "'requests' cannot be used in a component. WebAssembly's Python has no compression modules. For HTTP"),
        ("_ssl", "WebAssembly's Python has no TLS. For HTTP requests use spin_sdk.http.send."),
        ("_sqlite3", "spin_sdk.sqlite"),
        ("fcntl", "does not have this module"),
        ("spin_sdk.wit.imports.sqlite", "--import-interface-name fermyon:spin/sqlite@2.0.0=sqlite"),
    ],
)
def test_a_package_that_needs_what_a_component_lacks(app: App, module: str, says: str) -> None:
    guest = (
        'Traceback (most recent call last):\n  File "/0/app.py", line 1, in <module>\n    import requests\n'
        '  File "/1/requests/__init__.py", line 43, in <module>\n    import urllib3\n'
        '  File "/1/urllib3/response.py", line 9, in <module>\n    import zlib\n'
        f"ModuleNotFoundError: No module named '{module}'\n"
    )
    text = told(app, f"{TOOL}{guest}\n\nCaused by:\n    x{STACK}{SPIN}")
    assert text.startswith(f"my-app.py:1: ModuleNotFoundError: No module named '{module}'")
    assert "  urllib3/response.py:9: import zlib" in text
    assert says in text


def test_an_environment_variable_at_import(app: App) -> None:
    guest = (
        'Traceback (most recent call last):\n  File "/0/app.py", line 5, in <module>\n    NAME = os.environ["TOKEN"]\n'
        "  File \"<frozen os>\", line 685, in __getitem__\nKeyError: 'TOKEN'\n"
    )
    text = told(app, f"{TOOL}{guest}\n\nCaused by:\n    x{STACK}{SPIN}")
    assert "KeyError: 'TOKEN' (while the app is imported)" in text
    assert "Read variables in handle_request" in text


@pytest.mark.parametrize(("module", "says"), [("slugify", "script block"), ("requests", "use spin_sdk.http.send")])
def test_a_module_that_nobody_has_named(app: App, module: str, says: str) -> None:
    guest = (
        f'Traceback (most recent call last):\n  File "/0/app.py", line 1, in <module>\n    import {module}\n'
        f"ModuleNotFoundError: No module named '{module}'\n"
    )
    text = told(app, f"{TOOL}{guest}\n\nCaused by:\n    x{STACK}{SPIN}")
    assert text.startswith(f"my-app.py:1: ModuleNotFoundError: No module named '{module}'")
    assert says in text


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        ("RuntimeError: can't start new thread", "no threads"),
        ("OSError: [Errno 58] wasi does not support processes.", "no processes"),
        ("socket.gaierror: [Errno -4] Non-recoverable error", "spin_sdk.http.send"),
        ("ValueError", "ValueError (while"),
    ],
)
def test_what_only_a_component_raises(app: App, raised: str, says: str) -> None:
    guest = f'Traceback (most recent call last):\n  File "/0/app.py", line 5, in <module>\n    x()\n{raised}\n'
    assert says in told(app, f"{TOOL}{guest}\n\nCaused by:\n    x{STACK}{SPIN}")


@pytest.mark.parametrize(("trap", "what"), [(HOST_CALL, "calls Spin (variables)"), (PANIC, "such as a call")])
def test_a_call_of_spin_at_import(app: App, trap: str, what: str) -> None:
    text = told(app, f"{TOOL}{trap}{STACK}{SPIN}")
    assert text.startswith("my-app.py:5: the app ")
    assert what in text
    assert text.endswith("move the call into handle_request.")


def test_an_app_that_ends_the_process(app: App) -> None:
    text = told(app, f"{TOOL}{EXIT}{STACK}{SPIN}")
    assert text.startswith("the app ends the process while it is imported.")
    assert text.endswith("\n  usage: app PORT")


@pytest.mark.parametrize(
    "said",
    [
        "error: externally-managed-environment",
        "ERROR: No matching distribution found for flask",
        "npm error code EAI_AGAIN",
        "curl: (6) Could not resolve host: example.com",
    ],
)
def test_a_tool_that_wants_the_network(app: App, said: str) -> None:
    text = told(app, f"{said}\n{SPIN}")
    assert said in text
    assert "Builds have no network. Name Python packages in requirements.txt" in text


def test_any_other_tool_is_told_by_its_last_lines(app: App) -> None:
    output = f"{FOLDER}/main.rs:3: expected ';'\n{SPIN}"
    assert told(app, output) == (
        "Build command for component app failed with status Exited(1)\nmain.rs:3: expected ';'"
    )


@pytest.mark.parametrize("path", ["/0/../../../etc/passwd", "/etc/passwd", "/0/spin_sdk/http/__init__.py"])
def test_a_forged_traceback_leads_nowhere(app: App, path: str) -> None:
    output = f'Traceback (most recent call last):\n  File "{path}", line 1, in <module>\n    x\nValueError: x\n{SPIN}'
    taken = Output(lambda _: None, 1_000_000)
    taken.feed(output.encode())
    assert describe(Outcome(1, None, taken), FOLDER, app).startswith("Build failed: Build command for")
