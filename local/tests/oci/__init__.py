"""Tests of the OCI client and of the gate, against the real ministack."""
