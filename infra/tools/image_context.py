"""The docker build context of the builder image: the files below, the SBOM, nothing else of the repository."""

import hashlib
import shutil
from pathlib import Path
from typing import Final

from infra.tools import image_sbom
from infra.tools.build_folder import BUILD, ROOT, put_in_place, scratch_for

_CONTENT: Final = (
    "builder_image",
    "functions/__init__.py",
    "functions/contracts",
    "functions/registry",
)


def image_context() -> Path:
    """Return the folder of the docker build context; it is built again only if a file has changed.

    Raises
    ------
    infra.tools.locks.PinError
        A part of the image is not pinned.
    """
    files = sorted(path for part in _CONTENT for path in _files(ROOT / part))
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    parts = image_sbom.text(ROOT, digest.hexdigest()[:16])
    digest.update(parts.encode())
    context = BUILD / "image" / digest.hexdigest()[:16]
    if not context.exists():
        scratch = scratch_for(context)
        for path in files:
            target = scratch / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (scratch / "builder_image" / image_sbom.NAME).write_text(parts, "utf-8")
        put_in_place(scratch, context)
    return context


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
