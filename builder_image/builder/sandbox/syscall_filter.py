"""Which system calls the commands of a sandboxed step may not make.

A filter needs no capability and is handed on to whatever the step starts; from Linux 4.8 on no tracer gets round it.
What a step may not do is answered with an error number, as a kernel without the feature would.
"""

import errno
import platform
import socket
from typing import Final

from builder.sandbox import bpf

NEW_NAMESPACES: Final = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h). NEWTIME is not clone's to give."""

_REFUSED: Final = {
    "unshare": errno.EPERM,
    "setns": errno.EPERM,
    # Its flags are out of a filter's sight; the C library falls back to clone.
    "clone3": errno.ENOSYS,
    # A user's keys outlive its processes.
    **dict.fromkeys(("add_key", "request_key", "keyctl"), errno.EPERM),
    # Memory that belongs to no process and to no file that has a name: nobody could count it.
    **dict.fromkeys(("memfd_create", "memfd_secret", "shmget"), errno.ENOSYS),
    # It would open sockets out of a filter's sight.
    **dict.fromkeys(("io_uring_setup", "io_uring_enter", "io_uring_register"), errno.ENOSYS),
}


def program(*, network: bool, machine: str = platform.machine()) -> bytes:
    """Assemble the filter, as the kernel takes it.

    No namespaces (user namespaces among them), no keyrings, no memory that belongs to no process, no io_uring; without
    ``network`` no sockets but those of one machine (AF_UNIX): then no address can be reached, whatever interfaces the
    container has.

    Raises
    ------
    bpf.UnknownMachineError
        ``machine`` is neither x86_64 nor aarch64: no step must run on it.
    """
    instructions = bpf.begin(machine)
    numbers = bpf.NUMBERS[machine]
    for name, error in _REFUSED.items():
        instructions += bpf.refuse(numbers[name], error)
    if not network:
        for name in ("socket", "socketpair"):
            instructions += bpf.refuse_unless_first_argument_is(numbers[name], socket.AF_UNIX, errno.EAFNOSUPPORT)
    instructions += bpf.refuse_when_first_argument_has(numbers["clone"], NEW_NAMESPACES, errno.EPERM)
    return bpf.pack(instructions)
