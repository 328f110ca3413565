"""The type check: which files belong to the app, mypy on them, and its findings in words."""
