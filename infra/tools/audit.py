"""``make audit``: ask the databases of advisories about every package of every lock.

    python -m infra.tools.audit --pip-audit PROGRAM [--strict] LOCK...

Python packages are looked up by pip-audit, those of npm by ``npm audit``. What a database says nothing about is named
in one line: silence is no clean bill. Exit status: 0 without findings, 1 with findings, 3 with ``--strict`` where
something could not be audited.
"""

import argparse
import functools
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.tools.locks import locked

NOT_AUDITED: Final = 3
_NPM_LOCK: Final = "package-lock.json"
_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of asking one database."""

    findings: tuple[str, ...] = ()
    """One line each."""
    not_audited: str | None = None
    """What could not be asked about, and why."""


def of_pip_audit(answer: "subprocess.CompletedProcess[str]", locks: Sequence[Path]) -> Audit:
    """Read what ``pip-audit --format json`` answered about ``locks``."""
    report = _object(answer.stdout)
    packages = report.get("dependencies")
    if packages is None:
        return Audit(not_audited=f"Python packages ({_last_line(answer.stderr)})")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    findings = tuple(
        f"{package['name']} {package['version']}: {advisory['id']}, {_fixed(advisory.get('fix_versions'))}: "
        f"{', '.join(_locks_with(package['name'], locks))}"
        for package in packages
        for advisory in package.get("vulns", ())
    )
    missing = f"{len(skipped)} of {len(packages)} Python packages (the database has no answer about them)"
    return Audit(findings, missing if skipped else None)


def of_npm_audit(answer: "subprocess.CompletedProcess[str]", lock: Path) -> Audit:
    """Read what ``npm audit --json`` answered about ``lock``."""
    report = _object(answer.stdout)
    vulnerable = report.get("vulnerabilities")
    if vulnerable is None:
        return Audit(not_audited=f"packages of {lock} ({report.get('message') or _last_line(answer.stderr)})")
    findings = (
        f"{name}: {_title(entry)}, {'a newer version' if entry.get('fixAvailable') else 'no fix yet'}: {lock}"
        for name, entry in sorted(vulnerable.items())
    )
    return Audit(tuple(findings))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no answer"


def _fixed(versions: Sequence[str] | None) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "no fix yet"


def _title(entry: dict[str, Any]) -> str:
    # `via` holds the advisories of this package itself, and the names of packages that it has them from.
    told = [via["title"] if isinstance(via, dict) else f"by {via}" for via in entry.get("via", ())]
    return "; ".join(told) or str(entry.get("severity", "vulnerable"))


def _locks_with(name: str, locks: Iterable[Path]) -> list[str]:
    return [str(lock) for lock in locks if name in _names(lock)]


@functools.cache
def _names(lock: Path) -> set[str]:
    return {requirement.name for requirement, _ in locked(lock.read_text("utf-8"))}


def _run(command: Sequence[str], folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a program; one that is missing, or that never ends, has answered nothing and says so on stderr."""
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        said = f"no answer in {_SECONDS} seconds"
    except OSError as error:
        said = f"{command[0]}: {error.strerror}"
    return subprocess.CompletedProcess(command, 1, "", said)


def _asked(pip_audit: str, locks: Sequence[Path]) -> list[Audit]:
    python = [lock for lock in locks if lock.name != _NPM_LOCK]
    audits = []
    if python:
        options = ["--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes"]
        named = [part for lock in python for part in ("--requirement", str(lock))]
        audits.append(of_pip_audit(_run([pip_audit, *options, *named]), python))
    for lock in locks:
        if lock.name == _NPM_LOCK:
            audits.append(of_npm_audit(_run(["npm", "audit", "--package-lock-only", "--json"], lock.parent), lock))
    return audits


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.tools.audit")
    parser.add_argument("--pip-audit", required=True, help="the program")
    parser.add_argument("--strict", action="store_true", help=f"exit with {NOT_AUDITED} if something is not audited")
    parser.add_argument("locks", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    audits = _asked(given.pip_audit, given.locks)
    lines = [finding for audit in audits for finding in audit.findings]
    status = 1 if lines else 0
    if missing := [audit.not_audited for audit in audits if audit.not_audited]:
        lines.append(f"Not audited: {'; '.join(missing)}")
        status = status or (NOT_AUDITED if given.strict else 0)
    sys.stdout.writelines(f"{line}\n" for line in lines or [f"No known vulnerability in {len(given.locks)} locks"])
    return status


if __name__ == "__main__":
    sys.exit(main())
