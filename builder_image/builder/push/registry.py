"""Login and push with the Spin CLI, as the builder: with a home of its own that is gone afterwards."""

import base64
import json
import os
import re
import subprocess
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from builder.errors import BuildError, PlatformError
from builder.log import BuildLog, printable
from builder.toolchain import Toolchain
from functions.contracts.image_reference import registry_host

_DIGEST: Final = re.compile(r"^Pushed with digest (sha256:[0-9a-f]{64})\s*$", re.MULTILINE)
_PLAIN_HTTP: Final = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]+)?")
_CREATED: Final = "org.opencontainers.image.created=1970-01-01T00:00:00Z"
"""Always the same time, where Spin would write the push's: an image's digest then depends on its content alone."""
_NO_CHALLENGE: Final = "WWW-Authenticate"
_FORWARDED_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_MOST_CHARACTERS: Final = 1500
_HIDDEN: Final = "********"
_SHORTEST_HIDDEN: Final = 6
"""Characters. A shorter password stands in ordinary words; hiding it there would tell it."""
# ECR: TAG_INVALID "… already exists in the repository and cannot be overwritten because the repository is immutable";
# Harbor, Artifact Registry, Quay: their own words for the same.
_IMMUTABLE: Final = re.compile(r"immutab|cannot be overwritten|already exists", re.IGNORECASE)
_STATUS: Final = re.compile(r"\b(401|403|404)\b")
_ADVICE: Final = {
    "401": "The registry does not accept this user and password: check both (a password of ECR is valid for 12 hours).",
    "403": "The user may not push there: allow it in the registry.",
    "404": "The repository does not exist: create it, or correct registry_url.",
}


@dataclass(frozen=True, slots=True)
class Login:
    """User and password for one registry. The password never shows in a ``repr``."""

    username: str
    password: str = field(repr=False)
    of_the_platform: bool = False
    """The build role's own, which no uploader can do anything about."""

    @property
    def forms(self) -> list[str]:
        """How the password may turn up in a text: as it is, in a URL, in a Basic header."""
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return [form for form in (pair, self.password, urllib.parse.quote(self.password, safe="")) if form]


class Registry:
    """One image repository, reached through the Spin CLI. Use as a context manager."""

    def __init__(
        self,
        repository: str,
        login: Login | None,
        toolchain: Toolchain,
        home: Path,
        seconds: float,
        log: BuildLog,
        digest_of: Callable[[str], str | None],
    ) -> None:
        self._digest_of = digest_of
        self._repository = repository
        self._login = login
        self._spin = toolchain.spin
        self._home = home
        self._seconds = seconds
        self._log = log
        self._environment = {
            "PATH": f"{Path(toolchain.spin).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "LANG": "C.UTF-8",
            **{name: os.environ[name] for name in _FORWARDED_VARIABLES if name in os.environ},
        }

    @property
    def host(self) -> str:
        """The registry: ``host[:port]``."""
        return registry_host(self._repository)

    def push(self, manifest: Path, tag: str) -> str | None:
        """Push the app of ``manifest`` as ``tag``; its digest, or None when the registry did not say it.

        What a tag names is always the same (`builder.source.identity`): an image that is there already is the outcome.
        The stack's own repository is asked before the push, others tell by refusing to overwrite it.

        Raises
        ------
        BuildError
            The registry refused the login or the push, or did not answer: its own words, without the password. A
            `PlatformError` where the build role was refused.
        """
        reference = f"{self._repository}:{tag}"
        self._home.mkdir(mode=0o700)
        if self._login is not None and self._login.of_the_platform:
            if earlier := self._digest_of(reference):
                return self._is_there(reference, earlier)
            self._keep(self._login)
        elif self._login is not None:
            self._log_in(self._login)
        command = ["registry", "push", "--from", str(manifest), "--annotation", _CREATED, reference]
        if _PLAIN_HTTP.fullmatch(self.host):
            command.append("--insecure")
        answer = self._run(command, f"The push to '{self._repository}'")
        if answer.returncode:
            # Without the folder of the copy that was pushed: it is a path of this machine.
            said = self._said(answer).replace(f"{manifest.parent}/", "")
            if _IMMUTABLE.search(said) and (earlier := self._digest_of(reference)):
                return self._is_there(reference, earlier)
            raise self._refusal(f"The push to '{self._repository}' failed: {said}", said)
        digest = _DIGEST.search(answer.stdout)
        return digest[1] if digest else None

    def _is_there(self, reference: str, digest: str) -> str:
        self._log.line(f"{reference} is there already, from an earlier build of the same source")
        return digest

    def _keep(self, login: Login) -> None:
        """Do what `spin registry login` does for a registry that asks for Basic, as ECR does: it checks nothing.

        Source: Spin 3.6.3, crates/oci/src/auth.rs.
        """
        pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        path = self._home / "fermyon" / "registry-auth.json"
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        path.write_text(json.dumps({"auths": {self.host: pair}}), "utf-8")

    def _log_in(self, login: Login) -> None:
        answer = self._run(
            ["registry", "login", f"--username={login.username}", "--password-stdin", self.host],
            f"The login to registry '{self.host}'",
            login.password,
        )
        if answer.returncode:
            said = self._said(answer)
            text = f"The login to registry '{self.host}' as '{login.username}' failed: {said}"
            if _NO_CHALLENGE in said:
                raise BuildError(
                    f"{text} The registry does not ask for a login over HTTPS, which `spin registry login` needs."
                )
            raise self._refusal(text, said)

    def _refusal(self, text: str, said: str) -> BuildError:
        if self._login is not None and self._login.of_the_platform:
            return PlatformError(f"{text} Try again; if it persists, tell the platform team.")
        status = _STATUS.search(said)
        advice = _ADVICE[status[1]] if status else "Check that the repository exists and that the user may push to it."
        return BuildError(f"{text} {advice}")

    def _run(self, arguments: list[str], what: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        # In the empty home: nothing that was uploaded lies where the CLI or its interpreter might look for a file.
        try:
            answer = subprocess.run(
                [self._spin, *arguments],
                env=self._environment,
                cwd=self._home,
                input=stdin,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(f"{what} took longer than {self._seconds:g} seconds. Please try again.") from None
        for line in (answer.stdout + answer.stderr).splitlines():
            self._log.line(self._without_secret(line), source="spin")
        return answer

    def _said(self, answer: "subprocess.CompletedProcess[str]") -> str:
        # "Error: X", a blank line, "Caused by:", indented causes (spin v3.6.3, src/bin/spin.rs:83-95).
        lines = [line.strip() for line in self._without_secret(printable(answer.stderr or answer.stdout)).splitlines()]
        parts = [re.sub(r"^(?:Error:|[0-9]+:)\s*", "", line) for line in lines if line and line != "Caused by:"]
        text = ": ".join(part.rstrip(":") for part in parts) or f"status {answer.returncode}"
        text = text[:_MOST_CHARACTERS]
        return text if text.endswith((".", "!", "?")) else f"{text}."

    def _without_secret(self, text: str) -> str:
        if self._login is None:
            return text
        if len(self._login.password) < _SHORTEST_HIDDEN:
            return "(left out: the password is too short to be hidden in a text)"
        for secret in self._login.forms:
            text = text.replace(secret, _HIDDEN)
        return text
