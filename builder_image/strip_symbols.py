"""Cut off shared libraries what only debuggers and linkers read, as `strip` does, which the base does not have.

    python strip_symbols.py FOLDER

What a process loads of a file are its segments. Symbols, debug information and the table of sections come after the
last of them. Used by the Dockerfile.

Source: System V ABI, edition 4.1 with the 64-bit structures of elf.h (Elf64_Ehdr, Elf64_Phdr).
"""

import struct
import sys
from pathlib import Path
from typing import Final

_64_BIT_LITTLE_ENDIAN: Final = b"\x7fELF\x02\x01"
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")


def strip(library: Path) -> None:
    """Strip one file; one that is no 64-bit little-endian ELF file stays as it is."""
    content = library.read_bytes()
    if not content.startswith(_64_BIT_LITTLE_ENDIAN):
        return
    header = list(_HEADER.unpack_from(content))
    segments_at, segment_size, segments = header[5], header[9], header[10]
    end = segments_at + segment_size * segments
    for number in range(segments):
        segment = _SEGMENT.unpack_from(content, segments_at + number * segment_size)
        offset, size = segment[2], segment[5]
        end = max(end, offset + size)
    header[6] = header[12] = header[13] = 0  # e_shoff, e_shnum, e_shstrndx: there is no table of sections
    library.write_bytes(_HEADER.pack(*header) + content[_HEADER.size : end])


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).rglob("*.so")):
        if not path.is_symlink():
            strip(path)
