"""Packs a Lambda asset for this machine: the asset without the packages that pip installed into it.

Those packages were installed for Lambda's platform (arm64, Python 3.13), their compiled parts do not load here. The
emulator runs functions under its own interpreter, which has the same packages at the same pins.
"""

import csv
import io
import zipfile
from pathlib import Path
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest time a ZIP can hold: one for all entries, so that equal files make equal archives."""


def transform_asset(folder: Path) -> bytes:
    """ZIP of ``folder`` as Lambda takes it, without installed packages and compiled Python files."""
    left_out = installed_files(folder)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if not path.is_file() or name in left_out or _is_metadata(name) or "__pycache__" in name.parts:
                continue
            entry = zipfile.ZipInfo(name.as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def installed_files(folder: Path) -> set[Path]:
    """Files in ``folder`` that an installed package owns: what ``*.dist-info/RECORD`` lists, relative to ``folder``.

    The format of RECORD: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    found: set[Path] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        rows = csv.reader(record.read_text(encoding="utf-8").splitlines())
        found |= {Path(row[0]) for row in rows if row and not row[0].startswith(("/", ".."))}
    return found


def _is_metadata(name: Path) -> bool:
    """Files beside RECORD that pip adds without listing them (and, in ``bin``, nothing: RECORD lists those)."""
    return name.parts[0].endswith(".dist-info")
