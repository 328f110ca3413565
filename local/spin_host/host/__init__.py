"""The host side of a Spin component's imports, one file per WIT family.

`INTERFACES` has all of them; `binding.link` puts them into a linker. Versions are those that spin-sdk 3.4.1 and
componentize-py 0.17.2 make components for: WASI 0.2.0 and Spin 2.0.0/3.0.0/4.0.0 interfaces.
"""

from typing import Final

from local.spin_host.host import filesystem, http_outgoing, io, key_value, sqlite, system, unavailable, variables
from local.spin_host.host.abi import Interface

INTERFACES: Final[tuple[Interface, ...]] = (
    *io.INTERFACES,
    *system.INTERFACES,
    *filesystem.INTERFACES,
    *http_outgoing.INTERFACES,
    *key_value.INTERFACES,
    *sqlite.INTERFACES,
    *variables.INTERFACES,
    *unavailable.INTERFACES,
)
