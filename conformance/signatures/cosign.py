"""The real cosign: built from the Go module proxy, pinned in ``binaries/``; and how it is called."""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from conformance import go_programs
from local.cloud.places import BUILD

MODULE: Final = Path(__file__).parent / "binaries"
_MODULE_NAME: Final = "github.com/sigstore/cosign/v3"


def find(environment: Mapping[str, str]) -> tuple[Path, str]:
    """Return the program, built if need be, and its version.

    Raises
    ------
    go_programs.MissingError
        It has to be built, and there is no Go, or the build fails.
    """
    version = go_programs.required(MODULE, _MODULE_NAME)
    program = BUILD / "signatures" / version / "cosign"
    if not program.is_file():
        go = go_programs.go_of(environment, "cosign")
        print(f"Building {program} (once; some ten minutes on two cores)", flush=True)
        command = go_programs.build_command(go, f"{_MODULE_NAME}/cmd/cosign", program)
        go_programs.build(MODULE, command, program, environment)
    return program, version


@dataclass(frozen=True, slots=True)
class Cosign:
    """cosign, with a login of one registry of this machine. It tells no log and asks none."""

    program: Path
    folder: Path
    """Home, for keys and the login."""

    @classmethod
    def logged_in(cls, program: Path, folder: Path, host: str, password: str) -> Self:
        """Make it, with a login of the registry ``host`` where docker keeps its own."""
        pair = base64.b64encode(f"AWS:{password}".encode()).decode()
        config = folder / ".docker" / "config.json"
        config.parent.mkdir(mode=0o700)
        config.write_text(json.dumps({"auths": {host: {"auth": pair}}}), "utf-8")
        return cls(program, folder)

    def run(self, command: str, *options: str, image: str) -> "subprocess.CompletedProcess[str]":
        """Run a command about an image."""
        return self._run(command, "--allow-http-registry", *options, image)

    def verifies(self, command: str, *options: str, key: Path, image: str) -> bool:
        """Whether a command that verifies an image by a public key succeeds."""
        answer = self.run(command, "--key", str(key), "--insecure-ignore-tlog", *options, image=image)
        return answer.returncode == 0

    def make_key(self) -> tuple[Path, Path]:
        """Make a key pair that the product knows nothing of; answers private and public key."""
        prefix = self.folder / "other"
        self._run("generate-key-pair", "--output-key-prefix", str(prefix)).check_returncode()
        return prefix.with_suffix(".key"), prefix.with_suffix(".pub")

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        # The password of keys that it makes: they are gone when the part is over.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COSIGN_PASSWORD": "-"}
        command = [str(self.program), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
