"""What the HTTP APIs share: bodies in, errors out, who calls, and what a caller may name."""
