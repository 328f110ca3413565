"""What every test relies on, as in tests/: no deadlines, AWS models read once, little to collect."""

from tests.conftest import pytest_collection_finish  # noqa: F401  # pytest calls it
