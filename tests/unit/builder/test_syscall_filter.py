"""The filter on system calls as bytes; what the kernel makes of it is in tests/security/builder."""

import pytest
from builder.sandbox import bpf
from builder.sandbox.syscall_filter import program


@pytest.mark.parametrize("network", [True, False])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_program_the_kernel_takes(machine: str, network: bool) -> None:
    content = program(network=network, machine=machine)
    assert len(content) % 8 == 0
    assert len(content) // 8 <= 4096  # BPF_MAXINSNS


def test_a_machine_whose_numbers_are_not_known_runs_nothing() -> None:
    with pytest.raises(bpf.UnknownMachineError, match="no system call filter for riscv64"):
        program(network=False, machine="riscv64")


def test_only_a_step_with_a_network_may_open_sockets() -> None:
    assert len(program(network=True)) < len(program(network=False))
