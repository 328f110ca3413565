"""Measurements to be run by hand; none is part of the tests."""
