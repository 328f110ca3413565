"""The part with the real cosign: where it comes from, and how it logs in."""

import json
from pathlib import Path

import pytest

from conformance import go_programs
from conformance.go_programs import MissingError
from conformance.report import NOT_RUN
from conformance.signatures import cosign
from conformance.signatures.__main__ import main


def test_a_machine_without_go_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cosign, "BUILD", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main() == NOT_RUN
    assert capsys.readouterr().out == "Not run: Missing: Go on PATH, to build cosign\n"


def test_a_built_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosign, "BUILD", tmp_path)
    version = go_programs.required(cosign.MODULE, "github.com/sigstore/cosign/v3")
    program = tmp_path / "signatures" / version / "cosign"
    program.parent.mkdir(parents=True)
    program.touch()
    assert cosign.find({"PATH": ""}) == (program, version)
    assert f"github.com/sigstore/cosign/v3 {version} h1:" in (cosign.MODULE / "go.sum").read_text()


def test_what_is_not_pinned_is_not_built() -> None:
    with pytest.raises(MissingError, match=r"binaries/go\.mod does not require example\.com/none"):
        go_programs.required(cosign.MODULE, "example.com/none")


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "bin" / "program"
    command = ["sh", "-c", 'echo half > "$1"; exit 1', "sh", str(target)]
    with pytest.raises(MissingError, match="program could not be built"):
        go_programs.build(tmp_path, command, target, {"PATH": "/usr/bin:/bin"})
    assert not target.exists()


def test_the_password_is_in_a_file_and_not_in_a_command(tmp_path: Path) -> None:
    program = cosign.Cosign.logged_in(Path("/bin/echo"), tmp_path, "127.0.0.1:1", "secret")
    said = program.run("verify", "--key", "k", image="127.0.0.1:1/a@sha256:0").stdout
    assert said == "verify --allow-http-registry --key k 127.0.0.1:1/a@sha256:0\n"
    assert json.loads((tmp_path / ".docker" / "config.json").read_text()) == {
        "auths": {"127.0.0.1:1": {"auth": "QVdTOnNlY3JldA=="}}
    }
