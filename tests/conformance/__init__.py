"""The runner and the report of `make conformance`."""
