"""Put an executable named ``spin`` into a folder: the builder finds it on PATH as it would find the real one."""

import shlex
from pathlib import Path

from local.spin_cli.cli import VERSION


def install_wrapper(
    bin_dir: str | Path, python: str | Path, repo_root: str | Path, mirrors_file: str | Path | None
) -> Path:
    """Write ``bin_dir/spin`` and return its path.

    The script changes nothing in the environment, which build commands inherit, and starts Python isolated (``-I``):
    neither the working directory, nor PYTHONPATH, nor a user's site-packages can put a module of their own in its way.

    Parameters
    ----------
    bin_dir
        Made if missing.
    python
        Interpreter with httpx installed.
    repo_root
        Folder that holds the ``local`` package.
    mirrors_file
        Registry host to base URL, see `local.oci.mirrors`; None for none.
    """
    entry = Path(repo_root).resolve() / "local" / "spin_cli" / "__main__.py"
    # Not resolved: a virtual environment's python is a link, and following it would leave the environment.
    command = [str(Path(python).absolute()), "-I", str(entry)]
    if mirrors_file is not None:
        command += ["--mirrors", str(Path(mirrors_file).absolute())]
    script = Path(bin_dir) / "spin"
    script.parent.mkdir(parents=True, exist_ok=True)
    # Each build asks for the version: a shell says it sooner than an interpreter starts.
    version = f'if [ "$*" = --version ]; then echo {shlex.quote(VERSION)}; exit; fi'
    script.write_text(f'#!/bin/sh\n{version}\nexec {shlex.join(command)} "$@"\n', "utf-8")
    script.chmod(0o755)
    return script
