"""Lambda code: one file per handler, what they share beside them. Start at builds.py, where a request comes in."""
