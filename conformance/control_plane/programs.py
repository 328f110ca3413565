"""The control plane's programs: ready ones of a folder, or built from the Go module proxy, pinned in ``binaries/``.

The variable KUBEBUILDER_ASSETS is the one that envtest's users set
(https://book.kubebuilder.io/reference/envtest.html).
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from conformance import go_programs
from conformance.go_programs import MissingError
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
        version = go_programs.required(MODULE, "k8s.io/kubernetes")
        major, minor, _ = version.removeprefix("v").split(".", 2)
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        flags += "".join(f" -X {_VERSION_VARIABLES}.{variable}={value}" for variable, value in values.items())
    return go_programs.build_command(go, _PACKAGES[name], folder / name, flags)


def _build(names: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    wanted = f"{', '.join(names)} (or {ASSETS}=folder that has them; https://go.dev/dl)"
    go = go_programs.go_of(environment, wanted)
    for name in names:
        print(f"Building {name} into {folder} (once; all three take some ten minutes on two cores)", flush=True)
        go_programs.build(MODULE, build_command(go, name, folder), folder / name, environment)


def _pinned_versions() -> str:
    kubernetes, etcd = (go_programs.required(MODULE, name) for name in ("k8s.io/kubernetes", _PACKAGES["etcd"]))
    return f"kubernetes-{kubernetes}-etcd-{etcd}"
