"""Measurements and models of the whole: what is not a test, since it takes minutes or depends on the machine."""
