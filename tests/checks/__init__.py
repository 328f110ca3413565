"""The repository's own checks."""
