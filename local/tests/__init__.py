"""Tests of the one-machine cloud's parts."""
