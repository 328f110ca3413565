"""Starting: what makes an application unservable, and how it says so."""

import io
import json
import socket
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.spin_host.cli import main
from local.tests.spin_host.pods import Pulled, Serve, start

Pull = Callable[[], Pulled]


def refused(app: Path, tmp_path: Path, cache: Path) -> str:
    """The reason that the command gives for not serving ``app``; it runs in this process."""
    arguments = ["--app", str(app), "--state-dir", str(tmp_path / "state"), "--cache-dir", str(cache)]
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        assert main(arguments) == 1
    assert output.getvalue() == ""
    assert errors.getvalue().startswith("cannot serve the application: ")
    return errors.getvalue()


def test_no_locked_app(tmp_path: Path, cache: Path) -> None:
    process = start(tmp_path, tmp_path / "state", cache)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors == refused(tmp_path, tmp_path, cache)
    assert "spin.json" in errors


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spin_lock_version": 7}, "spin_lock_version"),
        ({"must_understand": ["time_travel"]}, "time_travel"),
        ({"components": [{"id": "main"}]}, "components.0.source"),
        ({"variables": {"token": {}}}, "token"),
    ],
)
def test_a_locked_app_that_cannot_be_understood(
    pull: Pull, tmp_path: Path, cache: Path, change: dict[str, Any], reason: str
) -> None:
    app = pull().add("main", "/...").write()
    locked = json.loads((app / "spin.json").read_text())
    (app / "spin.json").write_text(json.dumps(locked | change))
    assert reason in refused(app, tmp_path, cache)


@pytest.mark.parametrize(
    ("route", "metadata", "fields", "reason"),
    [
        ("/a/.../b", {}, {}, "may only stand at the end"),
        ({"private": False}, {}, {}, "private"),
        ("/", {"allowed_outbound_hosts": ["example.com"]}, {}, '"example.com" does not contain a scheme'),
        ("/", {"allowed_outbound_hosts": ["http://{{ nowhere }}"]}, {}, "'nowhere' is not declared"),
        ("/", {"databases": ["other"]}, {}, "- Component main uses database 'other'"),
        ("/", {"key_value_stores": ["cache"]}, {}, 'unknown key_value_stores label "cache" for component "main"'),
        ("/", {}, {"config": {"a": "{{ nosuch }}"}}, 'invalid variable template: unknown variable "nosuch"'),
        ("/", {}, {"config": {"a": "{{ nosuch"}}, "unmatched '{{' in template"),
        ("/", {"databases": ["../../up"]}, {}, "databases.0"),
        ("/", {"key_value_stores": [""]}, {}, "key_value_stores.0"),
        ("/", {}, {"files": [{"path": "../up", "inline": ""}]}, "'../up'"),
        ("/", {}, {"files": [{"path": "x", "digest": f"sha256:{'0' * 64}"}]}, "is not in the pulled image"),
        ("/", {}, {"source": {"digest": f"sha256:{'0' * 64}"}}, "is not in the pulled image"),
    ],
)
def test_a_component_that_cannot_be_loaded(
    pull: Pull, tmp_path: Path, cache: Path, route: Any, metadata: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    pulled = pull().add("main", route, metadata)
    pulled.components[0] |= fields
    assert reason in refused(pulled.write(), tmp_path, cache)


def test_an_unknown_component_and_a_foreign_executor(pull: Pull, tmp_path: Path, cache: Path) -> None:
    pulled = pull().add("main", "/...")
    pulled.trigger("other", component="absent", route="/other")
    assert "no component 'absent'" in refused(pulled.write(), tmp_path, cache)
    pulled.triggers[-1]["trigger_config"] = {"component": "main", "route": "/w", "executor": {"type": "wagi"}}
    assert "'wagi'" in refused(pulled.write(), tmp_path, cache)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"component": "main", "rout": "/b"}, "unknown field `rout`"),
        ({"component": "main", "route": "/b", "executor": "http"}, 'invalid type: string "http"'),
        ({"route": "/b", "static_response": {"body": 5}}, "invalid type: integer `5`"),
    ],
)
def test_a_trigger_that_spin_would_not_take(
    pull: Pull, tmp_path: Path, cache: Path, config: dict[str, Any], reason: str
) -> None:
    pulled = pull().add("main", "/...")
    pulled.trigger("other", **config)
    assert f"trigger other: {reason}" in refused(pulled.write(), tmp_path, cache)


@pytest.mark.parametrize(
    ("wasm", "reason"),
    [(b"\0asm\x0d\0\1\0", "incoming-handler"), (b"not wasm", "not a WebAssembly component")],
)
def test_wasm_that_answers_no_http(pull: Pull, tmp_path: Path, cache: Path, wasm: bytes, reason: str) -> None:
    pulled = pull().add("main", "/...")
    pulled.components[0]["source"] = {"digest": pulled.blob(wasm)}
    assert reason in refused(pulled.write(), tmp_path, cache)


def test_a_damaged_layer(pull: Pull, tmp_path: Path, cache: Path) -> None:
    pulled = pull().add("main", "/...")
    digest = f"sha256:{'ab' * 32}"
    (pulled.folder / "blobs" / "sha256" / ("ab" * 32)).write_bytes(b"\0asm\x0d\0\1\0")
    pulled.components[0]["source"] = {"digest": digest}
    assert "does not have the digest" in refused(pulled.write(), tmp_path, cache)


def test_a_cache_that_others_may_write_to(sample: Path, tmp_path: Path) -> None:
    loose = tmp_path / "cache"
    loose.mkdir()
    loose.chmod(0o777)
    assert "written by others" in refused(sample, tmp_path, loose)


def test_a_port_in_use(sample: Path, serve: Serve, tmp_path: Path, cache: Path) -> None:
    port = serve(sample).url.rpartition(":")[2]
    process = start(sample, tmp_path / "state", cache, "--port", port)
    assert "cannot listen on" in process.communicate(timeout=30)[1]
    assert process.returncode == 1


def test_state_and_cache_are_private(sample: Path, serve: Serve, cache: Path, tmp_path: Path) -> None:
    pod = serve(sample)
    pod.client.put("/kv", params={"key": "a"}, content=b"b")
    pod.client.post("/sql", content="SELECT 1")
    for folder in (tmp_path / "state", cache):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []


def test_only_this_machine_can_reach_it(sample: Path, serve: Serve) -> None:
    port = int(serve(sample).url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):  # what listens on every address answers at this one too
        socket.create_connection(("127.0.0.2", port))


def test_output_survives_a_reader_that_left(sample: Path, cache: Path, tmp_path: Path) -> None:
    with start(sample, tmp_path / "state", cache) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        process.stdout.close()
        assert httpx.get(f"{url}/print").status_code == 200
        process.terminate()
        assert process.wait(20) == 0
