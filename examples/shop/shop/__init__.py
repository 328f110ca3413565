"""The shop's own modules."""
