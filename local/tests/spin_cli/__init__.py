"""Tests of the stand-in for the ``spin`` CLI, which they run as the builder does: as an executable of that name."""
