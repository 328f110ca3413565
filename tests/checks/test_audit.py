"""`make audit`: findings fail, and what no database answers about is said."""

import json
import sys
from pathlib import Path

import pytest

from infra.tools import audit

ROOT = Path(__file__).resolve().parents[2]
FOUND = {
    "dependencies": [
        {"name": "idna", "version": "3.20", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.21"], "aliases": []}]},
        {"name": "jmespath", "version": "1.1.0", "vulns": []},
    ],
    "fixes": [],
}
CLEAN = {"dependencies": [{"name": "idna", "version": "3.20", "vulns": []}], "fixes": []}
UNKNOWN = {"dependencies": [{"name": "idna", "skip_reason": "Dependency not found and could not be audited: idna"}]}
NPM_FOUND = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "aws-cdk": {"severity": "high", "via": [{"title": "It runs what it reads"}], "fixAvailable": True},
        "promptly": {"severity": "low", "via": ["read"], "fixAvailable": False},
    },
}
NPM_CLEAN = {"auditReportVersion": 2, "vulnerabilities": {}}
NPM_REFUSED = {"message": "405 Method Not Allowed", "statusCode": 405, "error": {"summary": "", "detail": ""}}


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two locks, in the folder that the audit runs in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text(f"idna==3.20 \\\n    --hash=sha256:{'0' * 64}\n    # via requests\n")
    (tmp_path / "package-lock.json").write_text("{}")
    return ["requirements.txt", "package-lock.json"]


def answering(folder: Path, name: str, answer: object, status: int) -> str:
    """Make a program that answers what the real one would."""
    program = folder / name
    text = answer if isinstance(answer, str) else json.dumps(answer)
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({text!r})\nsys.exit({status})\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("python", "npm", "strict", "status", "said"),
    [
        (CLEAN, NPM_CLEAN, False, 0, ["No known vulnerability in 2 locks"]),
        (CLEAN, NPM_CLEAN, True, 0, ["No known vulnerability in 2 locks"]),
        (FOUND, NPM_CLEAN, False, 1, ["idna 3.20: PYSEC-1, fixed in 3.21: requirements.txt"]),
        (
            CLEAN,
            NPM_FOUND,
            False,
            1,
            [
                "aws-cdk: It runs what it reads, a newer version: package-lock.json",
                "promptly: by read, no fix yet: package-lock.json",
            ],
        ),
        (
            UNKNOWN,
            NPM_REFUSED,
            False,
            0,
            [
                "Not audited: 1 of 1 Python packages (the database has no answer about them); "
                "packages of package-lock.json (405 Method Not Allowed)"
            ],
        ),
        ("", "", False, 0, ["Not audited: Python packages (no answer); packages of package-lock.json (no answer)"]),
        (UNKNOWN, NPM_CLEAN, True, 3, ["Not audited: 1 of 1 Python packages (the database has no answer about them)"]),
        (
            FOUND,
            NPM_REFUSED,
            True,
            1,
            [
                "idna 3.20: PYSEC-1, fixed in 3.21: requirements.txt",
                "Not audited: packages of package-lock.json (405 Method Not Allowed)",
            ],
        ),
    ],
)
def test_an_audit(
    locks: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    python: object,
    npm: object,
    strict: bool,
    status: int,
    said: list[str],
) -> None:
    program = answering(tmp_path, "pip-audit", python, 1)
    answering(tmp_path, "npm", npm, 1)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert audit.main(["--pip-audit", program, *(["--strict"] if strict else []), *locks]) == status
    assert capsys.readouterr().out.splitlines() == said


def test_programs_that_are_missing_or_never_end_are_told_in_one_line(
    locks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(audit, "_SECONDS", 0.1)
    assert audit.main(["--pip-audit", str(program), "--strict", *locks]) == audit.NOT_AUDITED
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        "Not audited: Python packages (no answer in 0.1 seconds); "
        "packages of package-lock.json (npm: No such file or directory)"
    )


def test_every_lock_is_audited() -> None:
    asked = (ROOT / "Makefile").read_text()
    assert "$(if $(STRICT),--strict) $(LOCKS)" in asked
    assert "LOCKS := $(foreach entry,$(LOCKED),$(lastword $(subst =, ,$(entry)))) package-lock.json" in asked
