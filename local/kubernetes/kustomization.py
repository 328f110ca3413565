"""Read a kustomization without kustomize: as much of it as ``cluster/base``, ``tenant`` and ``metrics`` use.

That much is ``resources``: files, and folders that are kustomizations themselves. Of a component it is patches that add
fields. Anything else in the file is refused: an object that came out otherwise than by ``kubectl apply -k`` would be
worse than none.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from collections.abc import Iterable
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


def patch(objects: Iterable[Json], component: Path) -> None:
    """Add to the objects what a component's patches add to objects of their kind; its own resources are left out.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is not YAML, or a patch does more than add fields to a kind.
    """
    path = component / _FILE
    (kustomization,) = _documents(path)
    for entry in kustomization.get("patches") or []:
        operations = yaml.safe_load(entry["patch"])
        if set(entry["target"]) != {"kind"} or any(operation["op"] != "add" for operation in operations):
            raise ValueError(f"{path}: a patch that does more than add fields to a kind is not understood here")
        for body in objects:
            if body["kind"] == entry["target"]["kind"]:
                _add(body, operations)


def _add(body: Json, operations: list[Json]) -> None:
    for operation in operations:
        *parents, name = operation["path"].strip("/").split("/")
        place = body
        for parent in parents:
            place = place[parent]
        place[name] = operation["value"]


def _documents(path: Path) -> list[Json]:
    try:
        return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML: {error}") from error
