"""The control plane's programs: ready ones of a folder, or built from the Go module proxy, pinned in ``binaries/``.

The variable KUBEBUILDER_ASSETS is the one that envtest's users set
(https://book.kubebuilder.io/reference/envtest.html).
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.cloud.places import BUILD

MODULE: Final = Path(__file__).parent / "binaries"
"""The Go module that pins everything that is built."""
BUILT: Final = BUILD / "control-plane" / "bin"
ASSETS: Final = "KUBEBUILDER_ASSETS"

_PACKAGES: Final = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
_VERSION_VARIABLES: Final = "k8s.io/component-base/version"
_PARALLEL: Final = 2
"""Packages compiled at a time: the large ones take up to a gigabyte of memory each."""


class MissingError(Exception):
    """Something that this part needs is not on the machine. The message is one line that names it."""


def find(environment: Mapping[str, str]) -> dict[str, Path]:
    """Return the path of each program, having built those that no folder has.

    Raises
    ------
    MissingError
        A program has to be built and there is no Go, KUBEBUILDER_ASSETS is no folder, or the build fails.
    """
    assets = environment.get(ASSETS)
    if assets and not Path(assets).is_dir():
        raise MissingError(f"{ASSETS} is {assets}, which is not a folder: unset it, and the programs are built")
    folder = BUILT / _pinned_versions()
    programs = {
        name: Path(assets, name) if assets and Path(assets, name).is_file() else folder / name for name in _PACKAGES
    }
    missing = [name for name, path in programs.items() if not path.is_file()]
    if missing:
        _build(missing, folder, environment)
    return programs


def version_of(program: Path) -> str:
    """Return the version that a program says it is."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.\d+\.\d+\S*", shown)
    return found[0] if found else shown.strip()


def build_command(go: str, name: str, folder: Path) -> list[str]:
    """Write the command line that builds one program into ``folder``; to be run in `MODULE`."""
    flags = "-s -w"
    if name != "etcd":  # which has its version in its source; Kubernetes gets it from its own build scripts
        version = _required("k8s.io/kubernetes")
        major, minor, _ = version.removeprefix("v").split(".", 2)
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        flags += "".join(f" -X {_VERSION_VARIABLES}.{variable}={value}" for variable, value in values.items())
    options = ["-mod=readonly", "-trimpath", "-p", str(_PARALLEL), "-ldflags", flags]
    return [go, "build", *options, "-o", str(folder / name), _PACKAGES[name]]


def _build(names: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    go = shutil.which("go", path=environment.get("PATH"))
    if go is None:
        raise MissingError(
            f"Missing: Go on PATH, to build {', '.join(names)} (or {ASSETS}=folder that has them; https://go.dev/dl)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"Building {name} into {folder} (once; all three take some ten minutes on two cores)", flush=True)
        draft = folder / f".{name}"  # a build that is cut off leaves nothing that looks finished
        command = build_command(go, name, folder)
        command[command.index(str(folder / name))] = str(draft)
        if subprocess.run(command, cwd=MODULE, env={**environment, "CGO_ENABLED": "0"}, check=False).returncode:
            raise MissingError(f"{name} could not be built: see go's lines above (does `go env GOPROXY` name a proxy?)")
        draft.replace(folder / name)


def _pinned_versions() -> str:
    return f"kubernetes-{_required('k8s.io/kubernetes')}-etcd-{_required('go.etcd.io/etcd/server/v3')}"


def _required(module: str) -> str:
    found = re.search(rf"^\t{re.escape(module)} (v\S+)", (MODULE / "go.mod").read_text("utf-8"), flags=re.MULTILINE)
    if found is None:
        raise MissingError(f"{MODULE.name}/go.mod does not require {module}")
    return found[1]
