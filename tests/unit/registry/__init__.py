"""Tests of `functions.registry`."""
