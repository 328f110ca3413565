"""``wasi:http/types@0.2.0``, filled by `http_fields`, `http_types` and `http_outgoing`: one WIT interface that is too
large for one file."""

from local.spin_host.host.abi import Interface

types = Interface("wasi:http/types@0.2.0")
