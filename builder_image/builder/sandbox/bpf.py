"""Programs for the kernel that say what becomes of a process's system calls (seccomp, classic BPF), piece by piece.

Sources of the numbers: linux/filter.h, linux/seccomp.h, linux/audit.h; those of calls: asm/unistd_64.h (x86) and
asm-generic/unistd.h (arm64).
"""

import errno
import struct
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Instruction: TypeAlias = tuple[int, int, int, int]
"""Code, how many instructions to skip when it is true and when it is false, operand."""

_INSTRUCTION: Final = struct.Struct("=HBBI")
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000  # SECCOMP_RET_ALLOW
_ERROR: Final = 0x00050000  # SECCOMP_RET_ERRNO
_KILL: Final = 0x00000000  # SECCOMP_RET_KILL_THREAD; KILL_PROCESS is not older than 4.14

# struct seccomp_data: nr, arch, instruction_pointer, args[6]; the low half of an argument comes first on both machines.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_FIRST_ARGUMENT: Final = 16

_X32: Final = 0x40000000
"""Numbers from here on are x86-64's second set of calls for the same things."""
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

NUMBERS: Final[Mapping[str, Mapping[str, int]]] = {
    "x86_64": {"socket": 41, "socketpair": 53, "clone": 56, "unshare": 272, "setns": 308, "clone3": 435}
    | {"add_key": 248, "request_key": 249, "keyctl": 250, "mount": 165, "umount2": 166, "pivot_root": 155}
    | {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
    | {"memfd_create": 319, "memfd_secret": 447, "shmget": 29},
    "aarch64": {"socket": 198, "socketpair": 199, "clone": 220, "unshare": 97, "setns": 268, "clone3": 435}
    | {"add_key": 217, "request_key": 218, "keyctl": 219, "mount": 40, "umount2": 39, "pivot_root": 41}
    | {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
    | {"memfd_create": 279, "memfd_secret": 447, "shmget": 194},
}
"""Machine to call to number."""


class UnknownMachineError(Exception):
    """There are no system call numbers for this machine here."""


def begin(machine: str) -> list[Instruction]:
    """Load the call's number; calls of another set than ``machine``'s own do not get past this.

    Raises
    ------
    UnknownMachineError
        ``machine`` is neither x86_64 nor aarch64.
    """
    if machine not in _ARCHITECTURES:
        raise UnknownMachineError(f"no system call filter for {machine}: builds run on x86_64 and aarch64")
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        # 32-bit calls have other numbers; nothing of a build is a 32-bit program.
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *refuse_from(_X32, errno.ENOSYS),
    ]


def refuse(number: int, error: int) -> list[Instruction]:
    """Answer call ``number`` with ``error``."""
    return [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | error)]


def refuse_from(number: int, error: int) -> list[Instruction]:
    """Answer every call whose number is at least ``number`` with ``error``."""
    return [(_AT_LEAST, 0, 1, number), (_RETURN, 0, 0, _ERROR | error)]


def refuse_unless_first_argument_is(number: int, value: int, error: int) -> list[Instruction]:
    """Answer call ``number`` with ``error`` unless its first argument is ``value``."""
    return _by_first_argument(number, (_EQUAL, 1, 0, value), error)


def refuse_when_first_argument_has(number: int, bits: int, error: int) -> list[Instruction]:
    """Answer call ``number`` with ``error`` when its first argument has any of ``bits``."""
    return _by_first_argument(number, (_ANY_BIT, 0, 1, bits), error)


def pack(instructions: Sequence[Instruction]) -> bytes:
    """Pack into an array of ``struct sock_filter``; what no instruction refuses is allowed."""
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in (*instructions, (_RETURN, 0, 0, _ALLOW)))


def _by_first_argument(number: int, good: Instruction, error: int) -> list[Instruction]:
    # Ends with an answer either way: the number is no longer loaded.
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        good,
        (_RETURN, 0, 0, _ERROR | error),
        (_RETURN, 0, 0, _ALLOW),
    ]
