"""Read a kustomization without kustomize: as much of it as ``cluster/base`` and ``cluster/tenant`` use.

That much is ``resources``: files, and folders that are kustomizations themselves. Anything else in the file is refused:
an object that came out otherwise than by ``kubectl apply -k`` would be worse than none.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from pathlib import Path
from typing import Final

import yaml

from local.kubernetes.machinery.resources import Json

_FILE: Final = "kustomization.yaml"
_UNDERSTOOD: Final = {"apiVersion", "kind", "resources"}


def build(folder: Path) -> list[Json]:
    """Make the objects of a kustomization, in the order in which it names them.

    Raises
    ------
    OSError
        A file cannot be read.
    ValueError
        A file is not YAML, or the kustomization does more than list resources.
    """
    path = folder / _FILE
    objects: list[Json] = []
    (kustomization,) = _documents(path)
    if more := sorted(set(kustomization) - _UNDERSTOOD):
        raise ValueError(f"{path}: {', '.join(more)} is not understood here; apply it with kubectl apply -k")
    for entry in kustomization.get("resources") or []:
        target = folder / entry
        objects += build(target) if target.is_dir() else _documents(target)
    return objects


def _documents(path: Path) -> list[Json]:
    try:
        return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML: {error}") from error
