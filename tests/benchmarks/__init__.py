"""Measurements to be run by hand; none is part of the tests."""

import local  # noqa: F401 - makes the packages of builder_image/ importable
