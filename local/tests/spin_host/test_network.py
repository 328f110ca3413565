"""Which addresses are this machine's."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.spin_host.network import is_of_this_machine


@given(st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_every_loopback_address(address: object) -> None:
    assert is_of_this_machine(str(address))
    assert is_of_this_machine(f"::ffff:{address}")


@pytest.mark.parametrize("address", ["::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1%lo"])
def test_addresses_that_mean_it_too(address: str) -> None:
    assert is_of_this_machine(address)


def test_the_address_of_an_interface() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no interface beside the loopback")
        assert is_of_this_machine(probe.getsockname()[0])


@pytest.mark.parametrize("address", ["192.0.2.1", "203.0.113.9", "2001:db8::1"])
def test_addresses_elsewhere(address: str) -> None:
    assert not is_of_this_machine(address)
